/* outbox.h - the frames that wait to be written to one connection. Pure. */
#ifndef NET_OUTBOX_H
#define NET_OUTBOX_H

#include "passerby/transport.h"

enum {
    OUTBOX_FRAME_OVERHEAD = 64, /* what a queued frame counts for besides its bytes */
};

struct outbox_frame {
    struct outbox_frame *next;
    uint64_t tag;
    size_t length;
    bool report;
    bool given; /* it was given to lws, and waits for the kernel to take all of it; its place is kept for its tag */
    char room[];
};

/* Zero-initialised is empty. The owner calls outbox_fini(). */
struct outbox {
    struct outbox_frame *first;
    struct outbox_frame *last;
    size_t bytes; /* counted, overhead included */
};

enum outbox_put { OUTBOX_QUEUED, OUTBOX_DROPPED, OUTBOX_FULL };

void outbox_fini(struct outbox *outbox);

static inline bool outbox_empty(const struct outbox *outbox) {
    return outbox->first == NULL;
}

/* Where the frame's bytes are; TRANSPORT_HEADROOM_BYTES before them may be written to. */
static inline char *outbox_bytes(struct outbox_frame *frame) {
    return frame->room + TRANSPORT_HEADROOM_BYTES;
}

/* Copies the frame into the queue by its tag rule. FULL, and nothing queued, if the queue would count more than `most`
 * bytes. */
enum outbox_put outbox_put(struct outbox *outbox, const struct transport_frame *frame, size_t most)
    __attribute__((warn_unused_result));

/* Queues a frame that was given to lws already. */
void outbox_put_given(struct outbox *outbox, const struct transport_frame *frame);

/* Removes the first frame; it is the caller's to free(). NULL if there is none. */
struct outbox_frame *outbox_take(struct outbox *outbox);

#endif
