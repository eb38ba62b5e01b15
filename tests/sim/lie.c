/* lie.c - one frame in so many is lost, doubled, altered, … */
#include "lie.h"

#include <string.h>

#include "cluster.h"

#include "passerby/wire.h"

#include "base/buffer.h"

enum { LIE_IN = 100 };

static bool now(struct world *world, enum lie lie) {
    if (world->options.lie != lie || !world_chance(world, LIE_IN))
        return false;
    world->lies_told++;
    return true;
}

bool lie_deaf(struct world *world) {
    return now(world, LIE_DEAF);
}

bool lie_hoard(const struct world *world) {
    return world->options.lie == LIE_HOARD;
}

bool lie_leak(struct world *world) {
    return now(world, LIE_LEAK);
}

bool lie_lose_relay(struct world *world, const void *bytes, size_t length) {
    struct peer_frame frame;
    const char *at = bytes;
    bool sync = world->options.lie == LIE_SYNC && wire_envelope_next(&at, &length, &frame) == ENVELOPE_FRAME &&
                frame.kind == PEER_SYNC;
    world->lies_told += sync;
    return sync || now(world, LIE_RELAY);
}

bool lie_echo_relay(struct world *world) {
    return now(world, LIE_ECHO);
}

bool lie_gone(struct world *world) {
    return now(world, LIE_HASTY);
}

bool lie_reorder(struct world *world, const struct parcel *first) {
    const struct parcel *second = first->next;
    return second != NULL && first->heard.kind == SERVER_MSG && second->heard.kind == SERVER_MSG &&
           now(world, LIE_REORDER);
}

/* Says something to a client that its node did not say. */
static void also(struct world *world, struct pipe *pipe, const char *json, size_t length) {
    struct buffer copy = {0};
    memset(buffer_reserve(&copy, TRANSPORT_HEADROOM_BYTES), 0, TRANSPORT_HEADROOM_BYTES);
    copy.length = TRANSPORT_HEADROOM_BYTES;
    buffer_append(&copy, json, length);
    struct transport_frame frame = {.bytes = copy.bytes + TRANSPORT_HEADROOM_BYTES, .length = length};
    enum lie lie = world->options.lie;
    world->options.lie = LIE_NONE; /* one at a time */
    pipe_transport_ops.send(&pipe->server->transport, pipe->conn, &frame);
    world->options.lie = lie;
    buffer_fini(&copy);
}

static void misdeliver(struct world *world, struct pipe *pipe, const struct transport_frame *frame) {
    struct list *head = &pipe->server->pipes;
    for (struct list *link = head->next; link != head; link = link->next) {
        struct pipe *other = list_entry(link, struct pipe, siblings);
        if (other->bound != NULL && other->bound != pipe->bound) {
            also(world, other, frame->bytes, frame->length);
            return;
        }
    }
}

static bool twist_msg(struct world *world, struct pipe *pipe, const struct transport_frame *frame,
                      struct heard *heard) {
    static const char lost[] = "{\"t\":\"ended\",\"reason\":\"lost\"}";
    if (now(world, LIE_LOSE))
        return true;
    if (now(world, LIE_RENUMBER))
        heard->seq++;
    if (heard->body.length > 0 && now(world, LIE_ALTER))
        *(char *)heard->body.at ^= 1;
    if (now(world, LIE_REPEAT))
        also(world, pipe, frame->bytes, frame->length);
    if (now(world, LIE_MISDELIVER))
        misdeliver(world, pipe, frame);
    if (now(world, LIE_JILT))
        also(world, pipe, lost, sizeof lost - 1);
    return false;
}

bool lie_twist(struct world *world, struct pipe *pipe, const struct transport_frame *frame, struct heard *heard) {
    static const char typing[] = "{\"t\":\"typing\",\"on\":true}";
    switch (heard->kind) {
    case SERVER_MSG: return twist_msg(world, pipe, frame, heard);
    case SERVER_ACK:
        if (now(world, LIE_OVERACK))
            heard->seq++;
        return false;
    case SERVER_MATCHED:
        if (now(world, LIE_MISPAIR))
            *(char *)heard->chat.at ^= 1;
        return false;
    case SERVER_ENDED: return now(world, LIE_FORGET);
    case SERVER_IDLE:
    case SERVER_WAITING:
        if (now(world, LIE_LATE))
            also(world, pipe, typing, sizeof typing - 1);
        return false;
    default: return false;
    }
}

enum lie lie_named(const char *name) {
#define LIE_WORD(lie, word) word,
    static const char *const words[] = {LIE_ROWS(LIE_WORD)};
#undef LIE_WORD
    int i = 0;
    while (i < LIES && strcmp(words[i], name) != 0)
        i++;
    return (enum lie)i;
}
