/* redis_inbox.c - what arrives on a node's channels becomes events.
 *
 * Fails: anybody who may publish can publish anything: what can't be read, or is for another node, is counted,
 *        logged once in a while, and dropped. A kind that is not ours comes from another version, is counted, logged once,
 *        and ignored. */
#include "redis_priv.h"

#include <inttypes.h>

#include "redis_codec.h"

enum { LENGTH_BYTES = 4, GARBAGE_LOGGED_EVERY = 1000 };

/* Takes one record for an event of ours. */
typedef void record_fn(struct redis_reader *reader, struct broker_event *event);

static void offered(struct redis_reader *reader, struct broker_event *event) {
    event->kind = BROKER_OFFERED;
    event->to = redis_take_address(reader);
    event->offered.attempt = redis_take_u32(reader);
    uint64_t since_us = redis_take_u64(reader);
    event->offered.seeker = redis_take_ticket(reader);
    event->offered.seeker.since_ms = (int64_t)(since_us / 1000);
    event->chat = event->offered.seeker.chat;
}

static void confirmed(struct redis_reader *reader, struct broker_event *event) {
    struct party party[2];
    event->kind = BROKER_CONFIRMED;
    event->chat = redis_take_chat(reader);
    event->match.attempt = redis_take_u32(reader);
    party[SIDE_SEEKER] = redis_take_party(reader);
    party[SIDE_CANDIDATE] = redis_take_party(reader);
    event->match.peer = redis_take_ticket(reader);
    event->match.peer.who = party[SIDE_CANDIDATE];
    event->match.fence = party[SIDE_SEEKER].fence;
    event->to = party[SIDE_SEEKER].at;
}

/* What is behind a record that can't be read can't be either. */
static bool records(struct redis_broker *self, const char *bytes, size_t length, char kind, record_fn *take) {
    struct redis_reader reader = {.at = bytes, .left = length};
    do {
        struct broker_event event = {0};
        reader.bad |= redis_take_letter(&reader) != kind;
        take(&reader, &event);
        if (reader.bad || event.to.boot != self->boot)
            return false;
        redis_post(self, &event);
    } while (reader.left > 0);
    return true;
}

static bool frames(struct redis_broker *self, const char *bytes, size_t length) {
    struct broker_event event = {.kind = BROKER_RELAYED, .to.boot = self->boot};
    while (length > 0) {
        const uint8_t *prefix = (const uint8_t *)bytes;
        if (length < LENGTH_BYTES)
            return false;
        size_t frame = prefix[0] | (size_t)prefix[1] << 8 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 24;
        if (frame > length - LENGTH_BYTES)
            return false;
        event.relayed.bytes = bytes + LENGTH_BYTES;
        event.relayed.length = frame;
        redis_post(self, &event);
        bytes += LENGTH_BYTES + frame;
        length -= LENGTH_BYTES + frame;
    }
    return true;
}

static void discard(struct redis_broker *self) {
    if (self->stats.garbage++ % GARBAGE_LOGGED_EVERY == 0)
        log_line(self->log, LOG_LEVEL_WARNING, "somebody publishes garbage to this node's channels",
                 "messages=%" PRIu64, self->stats.garbage);
}

static void ignore(struct redis_broker *self, char kind) {
    if (self->stats.unknown++ == 0)
        log_line(self->log, LOG_LEVEL_INFO, "something of another version came to this node's channels", "kind=%u",
                 (unsigned)(unsigned char)kind);
}

void redis_take_message(struct redis_broker *self, const char *bytes, size_t length) {
    bool good = length > 0;
    switch (good ? (enum redis_message)bytes[0] : MESSAGE_PROBE) {
    case MESSAGE_OFFER: good = records(self, bytes, length, MESSAGE_OFFER, offered); break;
    case MESSAGE_CONFIRM: good = records(self, bytes, length, MESSAGE_CONFIRM, confirmed); break;
    case MESSAGE_FRAMES: good = frames(self, bytes + 1, length - 1); break;
    case MESSAGE_PROBE: break;
    default: ignore(self, bytes[0]);
    }
    if (!good)
        discard(self);
}

void redis_hear(void *context, const char *bytes, size_t length) {
    struct redis_broker *self = context;
    self->stats.heard++;
    redis_take_message(self, bytes, length);
}
