/* fake_link.c - letters on their way to Redis and back. */
#include "fake_link.h"

#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "fake_broker.h"
#include "fake_redis.h"

#include "base/memory.h"

enum { NOTICE_MAX_US = 300000 };

/* --- rows --------------------------------------------------------------------------------------------------------- */

struct fake_letter *fake_letter_new(enum fake_letter_kind kind, const void *bytes, size_t length) {
    struct fake_letter *letter = memory_zero(1, sizeof *letter + length);
    letter->kind = kind;
    letter->length = length;
    if (length > 0)
        memcpy(letter->bytes, bytes, length);
    return letter;
}

void fake_row_push(struct fake_row *row, struct fake_letter *letter) {
    letter->next = NULL;
    if (row->first == NULL)
        row->first = letter;
    else
        row->last->next = letter;
    row->last = letter;
    row->count++;
}

struct fake_letter *fake_row_take(struct fake_row *row) {
    struct fake_letter *letter = row->first;
    if (letter != NULL) {
        row->first = letter->next;
        row->count--;
    }
    return letter;
}

void fake_row_clear(struct fake_row *row) {
    for (struct fake_letter *letter; (letter = fake_row_take(row)) != NULL;)
        free(letter);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

struct fake_link *fake_link_open(struct fake_redis *redis, struct fake_broker *broker, enum fake_link_kind kind) {
    struct fake_link *link = memory_zero(1, sizeof *link);
    link->redis = redis;
    link->broker = broker;
    link->boot = broker->boot;
    link->server = broker->server->index;
    link->kind = kind;
    list_append(&redis->links, &link->siblings);
    source_init(&link->up_source, SOURCE_LINK_UP, link);
    source_init(&link->down_source, SOURCE_LINK_DOWN, link);
    source_init(&link->notice, SOURCE_LINK_NOTICE, link);
    return link;
}

void fake_link_free(struct fake_link *link) {
    struct world *world = link->redis->world;
    world_forget(world, &link->up_source);
    world_forget(world, &link->down_source);
    world_forget(world, &link->notice);
    list_remove(&link->siblings);
    fake_row_clear(&link->up);
    fake_row_clear(&link->down);
    free(link);
}

/* Until when nothing passes between the node and Redis. */
static int64_t stalled_until_us(const struct fake_link *link) {
    return link->redis->world->servers[link->server].cut_until_us;
}

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static void wake_up(struct fake_link *link) {
    struct fake_redis *redis = link->redis;
    if (link->up.first == NULL)
        return;
    bool scripts = link->kind != FAKE_LINK_RELAY_OUT; /* the relay Redis is never slow */
    world_at(redis->world, &link->up_source, later(stalled_until_us(link), scripts ? redis->busy_until_us : 0));
}

static void wake_down(struct fake_link *link) {
    if (link->down.first != NULL)
        world_at(link->redis->world, &link->down_source, stalled_until_us(link));
}

void fake_link_write(struct fake_link *link, struct fake_letter *letter) {
    if (link->severed) {
        fake_redis_miss(link->redis, letter);
        free(letter);
        return;
    }
    fake_row_push(&link->up, letter);
    if (link->up.count == 1)
        wake_up(link);
}

void fake_link_answer(struct fake_link *link, struct fake_letter *letter) {
    if (link->severed || link->broker == NULL) { /* nobody is there to read it */
        free(letter);
        return;
    }
    fake_row_push(&link->down, letter);
    if (link->down.count == 1)
        wake_down(link);
}

static void miss_all(struct fake_link *link) {
    for (struct fake_letter *letter; (letter = fake_row_take(&link->up)) != NULL;) {
        fake_redis_miss(link->redis, letter);
        free(letter);
    }
}

void fake_link_sever(struct fake_link *link) {
    if (link->severed)
        return;
    struct world *world = link->redis->world;
    link->severed = true;
    miss_all(link);
    world_forget(world, &link->up_source);
    int64_t until_us = later(world->now_us, world->servers[link->server].cut_until_us);
    world_at(world, &link->notice, until_us + 1 + (int64_t)world_below(world, NOTICE_MAX_US));
}

void fake_link_abandon(struct fake_link *link, bool flushed) {
    struct world *world = link->redis->world;
    bool reached = !link->severed && world->servers[link->server].cut_until_us <= world->now_us;
    uint64_t arrived = flushed ? link->up.count : world_below(world, link->up.count + 1);
    link->broker = NULL;
    while (reached && arrived-- > 0)
        fake_redis_take(link->redis, link, fake_row_take(&link->up));
    miss_all(link);
    fake_link_free(link);
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

/* What one read from a socket brings: some of it, mostly all. */
static uint64_t a_few(const struct fake_link *link, const struct fake_row *row) {
    struct world *world = link->redis->world;
    return world_chance(world, 4) ? 1 + world_below(world, row->count) : row->count;
}

static void run_up(struct fake_link *link) {
    struct fake_redis *redis = link->redis;
    if (later(stalled_until_us(link), link->kind == FAKE_LINK_RELAY_OUT ? 0 : redis->busy_until_us) >
        redis->world->now_us) {
        wake_up(link);
        return;
    }
    for (uint64_t left = a_few(link, &link->up); left > 0; left--)
        fake_redis_take(redis, link, fake_row_take(&link->up));
    wake_up(link);
}

static void run_down(struct fake_link *link) {
    if (stalled_until_us(link) > link->redis->world->now_us) {
        wake_down(link);
        return;
    }
    for (uint64_t left = a_few(link, &link->down); left > 0; left--)
        fake_broker_hear(link->broker, fake_row_take(&link->down));
    wake_down(link);
}

void fake_link_run(struct fake_link *link, enum source_kind kind) {
    switch (kind) {
    case SOURCE_LINK_UP: run_up(link); break;
    case SOURCE_LINK_DOWN: run_down(link); break;
    default: fake_broker_lost(link->broker, link); break;
    }
}
