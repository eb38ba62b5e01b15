/* core.h - the rules: sessions, pairing, delivery, limits. Pure: no I/O, no clock, no randomness.
 *
 * One core belongs to one node and is used from that node's thread alone. */
#ifndef PASSERBY_CORE_H
#define PASSERBY_CORE_H

#include "passerby/event.h"

/* A token bucket: `per_second` on average, `burst` at once. per_second == 0: no limit. */
struct rate {
    uint32_t per_second;
    uint32_t burst;
};

struct core_options {
    uint64_t boot; /* this node's boot id, never 0 */
    uint32_t max_body_bytes;
    uint32_t max_frame_bytes;
    uint32_t window; /* messages in flight per direction, 1 to 64 */
    uint32_t grace_ms;
    uint32_t prefer_ms;
    struct rate message_rate; /* over it: the connection is read later */
    struct rate find_rate;    /* `find` and `resume`; over it: refused */
};

struct core;

/* What has to be done, in this order. Good until the next core_step(). */
struct actions {
    const struct action *list;
    size_t count;
};

/* How things stand, for metrics. */
struct core_gauges {
    uint64_t sessions;
    uint64_t waiting;
    uint64_t chatting; /* sessions in a chat, those away included */
    uint64_t away;
};

/* Heap; options are copied. */
struct core *core_new(const struct core_options *options);
void core_free(struct core *core);

struct actions core_step(struct core *core, const struct event *event);

/* When the next EVENT_TICK is due, on the clock of event.now_ms; INT64_MAX = never. A time in the past means at
 * once. */
int64_t core_deadline(const struct core *core);

struct core_gauges core_gauges(const struct core *core);

#endif
