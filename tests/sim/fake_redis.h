/* fake_redis.h - a Redis for simulated clusters: carries commands out in the order in which they arrive, publishes,
 * and fails.
 *
 * Flow:  a node's letter → its link → fake_redis_take() → the scripts of fake_store.c → an answer down the same link,
 *        and what is published down the subscriber links of others. Each link has its own delay, so answers and
 *        messages overtake each other.
 * Fails: as fake_redis_…() below says; outage.c decides when. */
#ifndef SIM_FAKE_REDIS_H
#define SIM_FAKE_REDIS_H

#include "fake_link.h"

/* Subscriptions whose node is gone, while Redis does not know yet: they count as receivers. */
struct fake_ghost {
    uint64_t boot;
    int64_t until_us;
    bool data; /* of the data inbox, else of the control inbox */
};

enum { FAKE_GHOSTS = 32 };

struct fake_redis {
    struct world *world;
    struct fake_store *store;
    struct fake_store *replica; /* what a failover goes back to */
    int64_t replica_us;         /* when it was taken */
    int64_t lag_us;             /* how old it may get */
    struct list links;
    struct list brokers;
    struct fake_ghost ghosts[FAKE_GHOSTS];
    int64_t busy_until_us; /* answers nobody before then */
    int64_t down_until_us; /* takes no connections before then */
    bool sharded;          /* data travels by a Redis of its own */
    struct map lost_ends;  /* chat.high → itself: ENDs that never arrived */
    uint32_t up_count;     /* nodes that are joined by it */
    int64_t deaf_since_us; /* since when there is none */
    int64_t deaf_us;       /* how long there was none, but for the present time */
};

struct fake_redis *fake_redis_new(struct world *world, bool sharded);
void fake_redis_free(struct fake_redis *redis);

/* The clock of Redis, in microseconds of Unix time; monotonic here. */
int64_t fake_redis_now_us(const struct fake_redis *redis);

/* How long there was no node at all that could hear others: nobody could come back, and no grace should have run. */
int64_t fake_redis_deaf_us(const struct fake_redis *redis);
/* One more node is up; one less is. */
void fake_redis_joined(struct fake_redis *redis);
void fake_redis_parted(struct fake_redis *redis);

/* A letter has arrived. Takes it. */
void fake_redis_take(struct fake_redis *redis, struct fake_link *link, struct fake_letter *letter);
/* A letter never will. */
void fake_redis_miss(struct fake_redis *redis, const struct fake_letter *letter);
/* The node behind that subscription is gone, and Redis will know when? */
void fake_redis_haunt(struct fake_redis *redis, uint64_t boot, bool data, int64_t until_us);

/* Everything is forgotten; connections stay. */
void fake_redis_flush(struct fake_redis *redis);
/* Down until then, and empty. */
void fake_redis_restart(struct fake_redis *redis, int64_t until_us);
/* Down until then, and back at an earlier state. */
void fake_redis_fail_over(struct fake_redis *redis, int64_t until_us);

#endif
