/* inbox.h - events on their way to one node: a queue that owns them, and the bytes they carry. */
#ifndef BROKER_INBOX_H
#define BROKER_INBOX_H

#include "passerby/broker.h"

/* One event. Whoever has it frees it with free(). */
struct letter {
    struct letter *next;
    struct broker_event event;
    char bytes[]; /* of a RELAYED event */
};

/* Zero-initialised is empty. The owner calls inbox_fini(). Not thread-safe. */
struct inbox {
    struct letter *first;
    struct letter *last;
};

/* Copies the event, and the bytes of a RELAYED one. */
struct letter *letter_new(const struct broker_event *event)
    __attribute__((malloc, returns_nonnull, warn_unused_result));

void inbox_fini(struct inbox *inbox);

static inline bool inbox_empty(const struct inbox *inbox) {
    return inbox->first == NULL;
}

/* Appends the letter, and takes it over. */
void inbox_post(struct inbox *inbox, struct letter *letter);
/* Moves all letters to the end of another inbox, in O(1). */
void inbox_move(struct inbox *inbox, struct inbox *to);
/* Hands the first letter to the caller; NULL = empty. */
struct letter *inbox_take(struct inbox *inbox) __attribute__((warn_unused_result));

#endif
