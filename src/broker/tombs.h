/* tombs.h - the ids of chats that are no more, and how each ended: all are remembered equally long, at 24 bytes each and 4 for the
 * table that finds them (twice that after growing). Not thread-safe. */
#ifndef BROKER_TOMBS_H
#define BROKER_TOMBS_H

#include "passerby/types.h"

enum { TOMB_PLACES = (1 << 29) - 1 };

struct tomb {
    struct chat_id id;
    uint32_t at_ms;     /* the lower half of the clock */
    uint32_t next : 29; /* 1-based place of another one in the same bucket; 0 = none */
    uint32_t cause : 2; /* enum end_cause */
    uint32_t side : 1;  /* enum side */
};

/* tombs_init() makes an empty one. The owner calls tombs_fini(). */
struct tombs {
    int32_t life_ms;
    uint32_t most;
    struct tomb *ring; /* the oldest at `first` */
    uint32_t *buckets; /* 1-based places; 0 = empty */
    uint32_t capacity; /* of each of the two; a power of two, or 0 */
    uint32_t first;
    uint32_t count;
};

/* Remembers for life_ms, and no more than `most` (half of TOMB_PLACES): beyond, the oldest are forgotten. */
void tombs_init(struct tombs *tombs, int32_t life_ms, uint32_t most);
void tombs_fini(struct tombs *tombs);
/* `id` is not among them; times never go back. */
void tombs_add(struct tombs *tombs, struct chat_id id, struct tombstone how, int64_t now_ms);
/* False if it is not known; else says how it ended. */
bool tombs_find(const struct tombs *tombs, struct chat_id id, struct tombstone *how)
    __attribute__((warn_unused_result));
/* Forgets those that have had their time. */
void tombs_expire(struct tombs *tombs, int64_t now_ms);

#endif
