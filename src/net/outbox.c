/* outbox.c - the frames that wait to be written to one connection. */
#include "outbox.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void outbox_fini(struct outbox *outbox) {
    struct outbox_frame *frame;
    while ((frame = outbox_take(outbox)) != NULL)
        free(frame);
}

static struct outbox_frame *frame_new(const struct transport_frame *from, bool given) {
    size_t length = given ? 0 : from->length;
    struct outbox_frame *frame = memory_resize(NULL, sizeof *frame + TRANSPORT_HEADROOM_BYTES + length, 1);
    *frame = (struct outbox_frame){.tag = from->tag, .length = length, .report = from->report, .given = given};
    if (length > 0)
        memcpy(outbox_bytes(frame), from->bytes, length);
    return frame;
}

static size_t counted(size_t length) {
    return length + OUTBOX_FRAME_OVERHEAD;
}

/* The link that points to the queued frame with that tag, or NULL. One that was given to lws counts only if asked for.
 * */
static struct outbox_frame **find(struct outbox *outbox, uint64_t tag, bool given_too) {
    for (struct outbox_frame **link = &outbox->first; *link != NULL; link = &(*link)->next)
        if ((*link)->tag == tag && (given_too || !(*link)->given))
            return link;
    return NULL;
}

static void append(struct outbox *outbox, struct outbox_frame *frame) {
    if (outbox->last == NULL)
        outbox->first = frame;
    else
        outbox->last->next = frame;
    outbox->last = frame;
    outbox->bytes += counted(frame->length);
}

static void replace(struct outbox *outbox, struct outbox_frame **link, struct outbox_frame *frame) {
    struct outbox_frame *old = *link;
    frame->next = old->next;
    frame->report |= old->report;
    *link = frame;
    if (outbox->last == old)
        outbox->last = frame;
    outbox->bytes += counted(frame->length) - counted(old->length);
    free(old);
}

enum outbox_put outbox_put(struct outbox *outbox, const struct transport_frame *frame, size_t most) {
    if (frame->rule == TAG_FRESH && !outbox_empty(outbox))
        return OUTBOX_DROPPED;
    if (frame->rule == TAG_KEEP && find(outbox, frame->tag, true) != NULL)
        return OUTBOX_DROPPED;
    struct outbox_frame **same = frame->rule == TAG_REPLACE ? find(outbox, frame->tag, false) : NULL;
    size_t freed = same != NULL ? counted((*same)->length) : 0;
    if (outbox->bytes - freed + counted(frame->length) > most)
        return OUTBOX_FULL;
    struct outbox_frame *copy = frame_new(frame, false);
    if (same != NULL)
        replace(outbox, same, copy);
    else
        append(outbox, copy);
    return OUTBOX_QUEUED;
}

void outbox_put_given(struct outbox *outbox, const struct transport_frame *frame) {
    append(outbox, frame_new(frame, true));
}

struct outbox_frame *outbox_take(struct outbox *outbox) {
    struct outbox_frame *frame = outbox->first;
    if (frame == NULL)
        return NULL;
    outbox->first = frame->next;
    if (outbox->first == NULL)
        outbox->last = NULL;
    outbox->bytes -= counted(frame->length);
    frame->next = NULL;
    return frame;
}
