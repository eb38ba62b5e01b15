/* redis_link.h - a connection to a Redis that is made again whenever it breaks.
 *
 * Nothing is kept for a Redis that can't be reached: the caller is told, and decides. */
#ifndef BROKER_REDIS_LINK_H
#define BROKER_REDIS_LINK_H

#include "redis_greeting.h"
#include "redis_target.h"
#include "redis_wire.h"

enum {
    REDIS_LINK_TICK_MS = 250,
    REDIS_LINK_STALLED_TICKS = 12, /* 3 s without an answer to something: it is not there any more */
    REDIS_LINK_RETRY_LEAST_MS = 50,
    REDIS_LINK_RETRY_MOST_MS = 5000,
    REDIS_LINK_NAME_CHARS = 48,
};

struct redis_link_options {
    uv_loop_t *loop;
    struct redis_target *target;                   /* borrowed; outlives the link */
    const char *name;                              /* of this link, for the log and CLIENT LIST; a word. Borrowed */
    uint64_t boot;                                 /* the node's, for CLIENT LIST; seeds the jitter */
    const char *channels[REDIS_GREETING_CHANNELS]; /* what to subscribe to; NULL: this link sends commands. Borrowed */
    void *context;
    void (*on_up)(void *context);   /* it can be used: greeted, subscribed */
    void (*on_down)(void *context); /* it can't any more; its commands have been answered with NULL */
    void (*on_message)(void *context, const char *bytes, size_t length); /* of a subscriber */
};

struct redis_link;

/* Begins to connect, and never stops trying until redis_link_close(). No callback comes before the loop turns. */
struct redis_link *redis_link_new(const struct redis_link_options *options);

/* No callback comes after the return, but answers of NULL for what was not answered, before it. The memory is freed by
 * the loop, which must turn once more; a look-up of a host name that is under way keeps the loop busy until it is over.
 * Not from within a callback. */
void redis_link_close(struct redis_link *link);

bool redis_link_up(const struct redis_link *link);

/* The owner has found it fit for use: the next attempt comes soon. */
void redis_link_praise(struct redis_link *link);

/* Sends a command (copied). Returns false, and never calls `fn`, if the link is not up; else `fn` is called exactly
 * once. `lengths` may be NULL for words that end with a NUL. */
bool redis_link_send(struct redis_link *link, redis_reply_fn *fn, void *context, int argc, const char *const argv[],
                     const size_t lengths[]) __attribute__((warn_unused_result));

/* Breaks the connection and makes a new one, because of an error answer; because what is sent to a subscriber isn't
 * heard. */
void redis_link_reset(struct redis_link *link, const char *error);
void redis_link_deaf(struct redis_link *link);

/* Once every REDIS_LINK_TICK_MS; at the end of each turn of the loop: writes the turn's commands in one go (0.5 µs a
 * PUBLISH instead of 17). */
void redis_link_tick(struct redis_link *link);
void redis_link_flush(struct redis_link *link);

/* Writes everything now, waiting for at most `timeout_ms`: a last word before redis_link_close(). */
void redis_link_drain(struct redis_link *link, int timeout_ms);

/* How many commands have not been answered yet. */
size_t redis_link_unanswered(const struct redis_link *link);

#endif
