/* tombs.c - a ring in the order of their ends, as they all live equally long, and a hash table of chains into it.
 *
 * Owns: both. They double when they are full, and halve when three quarters are empty, so that a storm leaves nothing behind. */
#include "tombs.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { LEAST = 64 };

/* Ids are random: any of their bits will do. */
static uint32_t *bucket_of(const struct tombs *tombs, struct chat_id id) {
    return &tombs->buckets[(id.high ^ id.low) & (tombs->capacity - 1)];
}

static struct tomb *nth(const struct tombs *tombs, uint32_t n) {
    return &tombs->ring[(tombs->first + n) & (tombs->capacity - 1)];
}

static void chain(struct tombs *tombs, struct tomb *tomb) {
    uint32_t *bucket = bucket_of(tombs, tomb->id);
    tomb->next = *bucket & TOMB_PLACES;
    *bucket = (uint32_t)(tomb - tombs->ring) + 1;
}

static void resize(struct tombs *tombs, uint32_t capacity) {
    struct tombs old = *tombs;
    tombs->ring = memory_resize(NULL, capacity, sizeof *tombs->ring);
    tombs->buckets = memory_zero(capacity, sizeof *tombs->buckets);
    tombs->capacity = capacity;
    tombs->first = 0;
    for (uint32_t i = 0; i < old.count; i++) {
        tombs->ring[i] = *nth(&old, i);
        chain(tombs, &tombs->ring[i]);
    }
    tombs_fini(&old);
}

/* The oldest is the last of its chain. */
static void forget_oldest(struct tombs *tombs) {
    const struct tomb *oldest = nth(tombs, 0);
    uint32_t place = tombs->first + 1;
    uint32_t *bucket = bucket_of(tombs, oldest->id);
    if (*bucket == place) {
        *bucket = 0;
    } else {
        struct tomb *before = &tombs->ring[*bucket - 1];
        while (before->next != place)
            before = &tombs->ring[before->next - 1];
        before->next = 0;
    }
    tombs->first = (tombs->first + 1) & (tombs->capacity - 1);
    tombs->count--;
}

void tombs_init(struct tombs *tombs, int32_t life_ms, uint32_t most) {
    *tombs = (struct tombs){.life_ms = life_ms, .most = most};
}

void tombs_fini(struct tombs *tombs) {
    free(tombs->ring);
    free(tombs->buckets);
}

void tombs_add(struct tombs *tombs, struct chat_id id, struct tombstone how, int64_t now_ms) {
    if (tombs->count == tombs->most)
        forget_oldest(tombs);
    if (tombs->count == tombs->capacity)
        resize(tombs, tombs->capacity == 0 ? LEAST : tombs->capacity * 2);
    struct tomb *tomb = nth(tombs, tombs->count++);
    *tomb = (struct tomb){.id = id, .at_ms = (uint32_t)now_ms, .cause = how.cause, .side = how.side};
    chain(tombs, tomb);
}

bool tombs_find(const struct tombs *tombs, struct chat_id id, struct tombstone *how) {
    uint32_t place = tombs->capacity == 0 ? 0 : *bucket_of(tombs, id);
    while (place != 0 && !chat_id_equal(tombs->ring[place - 1].id, id))
        place = tombs->ring[place - 1].next;
    if (place == 0)
        return false;
    *how = (struct tombstone){(enum end_cause)tombs->ring[place - 1].cause, (enum side)tombs->ring[place - 1].side};
    return true;
}

void tombs_expire(struct tombs *tombs, int64_t now_ms) {
    while (tombs->count > 0 && (int32_t)((uint32_t)now_ms - nth(tombs, 0)->at_ms) >= tombs->life_ms)
        forget_oldest(tombs);
    if (tombs->capacity > LEAST && tombs->count < tombs->capacity / 4)
        resize(tombs, tombs->capacity / 2);
}
