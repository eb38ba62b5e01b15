/* fake_redis.c - see fake_redis.h.
 *
 * A replica follows at a distance: a copy of the store, taken before a command is carried out whenever the one before
 * is older than lag_us. */
#include "fake_redis.h"

#include <stdlib.h>

#include "cluster.h"
#include "fake_broker.h"

#include "base/memory.h"

struct fake_redis *fake_redis_new(struct world *world, bool sharded) {
    struct fake_redis *redis = memory_zero(1, sizeof *redis);
    redis->world = world;
    redis->sharded = sharded;
    redis->lag_us = 1 + (int64_t)world_below(world, 400 * MILLISECOND_US);
    list_init(&redis->links);
    list_init(&redis->brokers);
    redis->store = fake_store_new(fake_redis_now_us(redis), redis->world->options.lie);
    redis->replica = fake_store_copy(redis->store);
    redis->replica_us = world->now_us;
    return redis;
}

void fake_redis_free(struct fake_redis *redis) {
    while (!list_empty(&redis->links))
        fake_link_free(list_entry(redis->links.next, struct fake_link, siblings));
    fake_store_free(redis->store);
    fake_store_free(redis->replica);
    map_fini(&redis->lost_ends);
    free(redis);
}

int64_t fake_redis_now_us(const struct fake_redis *redis) {
    return (int64_t)CLUSTER_WALL_START_S * SECOND_US + redis->world->now_us;
}

int64_t fake_redis_deaf_us(const struct fake_redis *redis) {
    return redis->deaf_us + (redis->up_count == 0 ? redis->world->now_us - redis->deaf_since_us : 0);
}

void fake_redis_joined(struct fake_redis *redis) {
    redis->deaf_us = fake_redis_deaf_us(redis);
    redis->up_count++;
}

void fake_redis_parted(struct fake_redis *redis) {
    if (--redis->up_count == 0)
        redis->deaf_since_us = redis->world->now_us;
}

/* --- pub/sub ------------------------------------------------------------------------------------------------------ */

static uint32_t publish(struct fake_redis *redis, uint64_t boot, bool data, const struct fake_letter *said) {
    enum fake_link_kind kind = data && redis->sharded ? FAKE_LINK_RELAY_IN : FAKE_LINK_SUBSCRIBER;
    uint32_t receivers = 0;
    for (struct list *at = redis->links.next; at != &redis->links; at = at->next) {
        struct fake_link *link = list_entry(at, struct fake_link, siblings);
        if (link->kind != kind || link->boot != boot || link->severed || link->broker == NULL)
            continue;
        struct fake_letter *copy = fake_letter_new(said->kind, said->bytes, said->length);
        copy->event = said->event;
        copy->number = said->number;
        fake_link_answer(link, copy);
        receivers++;
    }
    for (int i = 0; i < FAKE_GHOSTS; i++)
        receivers += redis->ghosts[i].boot == boot && redis->ghosts[i].data == data &&
                     redis->ghosts[i].until_us > redis->world->now_us;
    return receivers;
}

static uint32_t publish_event(void *context, const struct broker_event *event) {
    struct fake_letter said = {.kind = FAKE_SAID, .event = *event};
    return publish(context, event->to.boot, false, &said);
}

void fake_redis_haunt(struct fake_redis *redis, uint64_t boot, bool data, int64_t until_us) {
    struct fake_ghost *oldest = &redis->ghosts[0];
    for (int i = 1; i < FAKE_GHOSTS; i++)
        if (redis->ghosts[i].until_us < oldest->until_us)
            oldest = &redis->ghosts[i];
    *oldest = (struct fake_ghost){boot, until_us, data};
}

/* --- commands ----------------------------------------------------------------------------------------------------- */

static void replicate(struct fake_redis *redis) {
    if (redis->world->now_us - redis->replica_us < redis->lag_us)
        return;
    fake_store_free(redis->replica);
    redis->replica = fake_store_copy(redis->store);
    redis->replica_us = redis->world->now_us;
}

static void take_request(struct fake_redis *redis, struct fake_link *link, const struct broker_request *request) {
    struct fake_outlet outlet = {publish_event, redis};
    struct fake_letter *answer = fake_letter_new(FAKE_ANSWER, NULL, 0);
    replicate(redis);
    if (fake_store_run(redis->store, request, fake_redis_now_us(redis), &outlet, &answer->event))
        fake_link_answer(link, answer);
    else
        free(answer);
}

static void trace(const struct fake_redis *redis, const struct fake_link *link, const struct fake_letter *letter) {
    static const char *const words[] = {"request", "publish", "probe", "beat", "first beat", "leave"};
    int kind = letter->kind == FAKE_REQUEST ? (int)letter->request.kind : -1;
    unsigned slot = letter->kind == FAKE_REQUEST ? letter->request.asker.slot : 0;
    if (letter->kind != FAKE_PROBE && letter->kind != FAKE_PUBLISH)
        world_trace(redis->world, "redis takes a %s of node %u slot %u, kind %d, %zu tickets", words[letter->kind],
                    link->server, slot, kind, fake_store_waiting(redis->store));
}

void fake_redis_take(struct fake_redis *redis, struct fake_link *link, struct fake_letter *letter) {
    struct fake_letter *answer;
    trace(redis, link, letter);
    switch (letter->kind) {
    case FAKE_REQUEST: take_request(redis, link, &letter->request); break;
    case FAKE_PUBLISH:
        letter->kind = FAKE_FRAMES;
        answer = fake_letter_new(FAKE_RECEIVERS, NULL, 0);
        answer->boot = letter->boot;
        answer->number = publish(redis, letter->boot, true, letter);
        fake_link_answer(link, answer);
        break;
    case FAKE_PROBE: publish(redis, link->boot, link->kind == FAKE_LINK_RELAY_OUT, letter); break;
    case FAKE_BEAT:
    case FAKE_FIRST_BEAT:
        replicate(redis);
        answer = fake_letter_new(FAKE_BEATEN, NULL, 0);
        answer->beat = fake_store_beat(redis->store, letter->boot, letter->kind == FAKE_FIRST_BEAT, letter->number,
                                       fake_redis_now_us(redis));
        fake_link_answer(link, answer);
        break;
    default: fake_store_leave(redis->store, letter->boot, fake_redis_now_us(redis)); break;
    }
    free(letter);
}

void fake_redis_miss(struct fake_redis *redis, const struct fake_letter *letter) {
    if (letter->kind == FAKE_REQUEST && letter->request.kind == BROKER_END)
        map_set(&redis->lost_ends, letter->request.chat.high, redis);
}

/* --- failures ----------------------------------------------------------------------------------------------------- */

static void empty(struct fake_redis *redis) {
    fake_store_free(redis->store);
    redis->store = fake_store_new(fake_redis_now_us(redis), redis->world->options.lie);
    fake_store_free(redis->replica);
    redis->replica = fake_store_copy(redis->store);
    redis->replica_us = redis->world->now_us;
}

/* The main one; a relay Redis lives on. */
static void die(struct fake_redis *redis, int64_t until_us) {
    redis->down_until_us = until_us;
    redis->busy_until_us = 0;
    for (struct list *at = redis->links.next, *next; at != &redis->links; at = next) {
        struct fake_link *link = list_entry(at, struct fake_link, siblings);
        next = at->next;
        if (link->kind == FAKE_LINK_COMMANDS || link->kind == FAKE_LINK_SUBSCRIBER)
            fake_link_sever(link);
    }
    for (int i = 0; i < FAKE_GHOSTS; i++)
        redis->ghosts[i].until_us = 0;
}

void fake_redis_flush(struct fake_redis *redis) {
    empty(redis);
}

void fake_redis_restart(struct fake_redis *redis, int64_t until_us) {
    die(redis, until_us);
    empty(redis);
}

void fake_redis_fail_over(struct fake_redis *redis, int64_t until_us) {
    die(redis, until_us);
    fake_store_free(redis->store);
    redis->store = fake_store_copy(redis->replica);
}
