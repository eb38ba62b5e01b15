/* world.c - virtual time: what is ready, what comes later, and what happens next.
 *
 * Flow:  world_step() runs one ready source, lets a client act, injects a fault, or advances the time.
 * Rules: nothing that is ready waits longer than LATENCY_US of virtual time, so the checker may count on bounds;
 *        timers fire at their moment or up to a few milliseconds late, never early. */
#include "world.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "census.h"
#include "check.h"
#include "client.h"
#include "cluster.h"
#include "fake_broker.h"
#include "fake_redis.h"
#include "fault.h"
#include "outage.h"
#include "pipe.h"
#include "wish.h"

#include "base/memory.h"

enum {
    LATE_MAX_US = 3000, /* how much later than its moment a timer may fire */
    /* Of 100 steps: */
    STEPS_DELIVER = 62,
    STEPS_WISH = 24, /* the rest lets time pass */
    ASKED = 8,       /* clients that are asked for a wish, until one has one */
};

/* --- sources ------------------------------------------------------------------------------------------------------ */

void source_init(struct source *source, enum source_kind kind, void *owner) {
    *source = (struct source){.kind = kind, .owner = owner};
}

void world_ready(struct world *world, struct source *source) {
    heap_remove(&world->timers, &source->timer);
    if (source->place != 0)
        return;
    if (world->ready_count == world->ready_capacity) {
        world->ready_capacity = world->ready_capacity == 0 ? 64 : world->ready_capacity * 2;
        world->ready = memory_resize(world->ready, world->ready_capacity, sizeof *world->ready);
    }
    world->ready[world->ready_count++] = source;
    source->place = world->ready_count;
    source->ready_us = world->now_us;
}

static void unready(struct world *world, struct source *source) {
    if (source->place == 0)
        return;
    struct source *last = world->ready[--world->ready_count];
    world->ready[source->place - 1] = last;
    last->place = source->place;
    source->place = 0;
}

void world_at(struct world *world, struct source *source, int64_t at_us) {
    unready(world, source);
    if (at_us >= NEVER_US)
        heap_remove(&world->timers, &source->timer);
    else if (at_us <= world->now_us)
        world_ready(world, source);
    else
        heap_set(&world->timers, &source->timer, at_us);
}

void world_forget(struct world *world, struct source *source) {
    unready(world, source);
    heap_remove(&world->timers, &source->timer);
}

/* The server whose loop carries it out; NULL = nobody's. */
static struct server *runs_on(const struct world *world, const struct source *source) {
    switch (source->kind) {
    case SOURCE_UP:
    case SOURCE_NODE_NOTICE: return ((struct pipe *)source->owner)->server;
    case SOURCE_BROKER:
    case SOURCE_TICK:
    case SOURCE_SERVER: return source->owner;
    case SOURCE_LINK_DOWN:
    case SOURCE_LINK_NOTICE: return &world->servers[((struct fake_link *)source->owner)->server];
    case SOURCE_FAKE_BROKER: return ((struct fake_broker *)source->owner)->server;
    default: return NULL;
    }
}

static void run(struct world *world, struct source *source) {
    unready(world, source);
    struct server *server = runs_on(world, source);
    if (server != NULL && server->frozen_until_us > world->now_us) {
        world_at(world, source, server->frozen_until_us);
        return;
    }
    if (server != NULL && server->frozen_until_us != 0)
        cluster_thaw(world, server);
    switch (source->kind) {
    case SOURCE_UP:
    case SOURCE_DOWN:
    case SOURCE_NODE_NOTICE:
    case SOURCE_CLIENT_NOTICE: pipe_run(world, source->owner, source->kind); break;
    case SOURCE_BROKER:
    case SOURCE_TICK:
    case SOURCE_THAW:
    case SOURCE_SERVER: cluster_run(world, source->owner, source->kind); break;
    case SOURCE_LINK_UP:
    case SOURCE_LINK_DOWN:
    case SOURCE_LINK_NOTICE: fake_link_run(source->owner, source->kind); break;
    case SOURCE_FAKE_BROKER: fake_broker_tick(source->owner); break;
    case SOURCE_CLIENT: client_duty(world, source->owner); break;
    }
}

/* --- time --------------------------------------------------------------------------------------------------------- */

static struct source *oldest(const struct world *world) {
    struct source *found = NULL;
    for (uint32_t i = 0; i < world->ready_count; i++)
        if (found == NULL || world->ready[i]->ready_us < found->ready_us)
            found = world->ready[i];
    return found;
}

static void set_time(struct world *world, int64_t to_us) {
    world->now_us = to_us;
    while (world->timers.count > 0 && heap_next(&world->timers) <= to_us)
        world_ready(world, list_entry(heap_first(&world->timers), struct source, timer));
}

void world_pass(struct world *world, int64_t until_us) {
    int64_t next_us = heap_next(&world->timers);
    set_time(world, next_us < until_us ? next_us : until_us);
}

/* Lets a random while pass; or, when something has been ready for too long, lets that happen. */
static void advance(struct world *world) {
    struct source *first = oldest(world);
    if (first != NULL && world->now_us - first->ready_us >= LATENCY_US) {
        run(world, first);
        return;
    }
    int64_t to_us = world->now_us + 1 + (int64_t)world_below(world, 2 * (uint64_t)world->climate.pace_us);
    if (first == NULL && (world->calm || world_chance(world, 4)) && heap_next(&world->timers) < NEVER_US)
        to_us = heap_next(&world->timers);
    int64_t limit_us = first != NULL ? first->ready_us + LATENCY_US : NEVER_US;
    if (heap_next(&world->timers) < limit_us - LATE_MAX_US)
        limit_us = heap_next(&world->timers) + (int64_t)world_below(world, LATE_MAX_US);
    set_time(world, to_us < limit_us ? to_us : limit_us);
    outage_watch(world);
    census_waiting(world);
}

static void somebody_acts(struct world *world) {
    for (int i = 0; i < ASKED; i++)
        if (wish_act(world, &world->clients[world_below(world, world->options.clients)]))
            return;
}

void world_step(struct world *world) {
    world->step++;
    if (!world->calm && world_chance(world, world->climate.fault_in)) {
        fault_inject(world);
        return;
    }
    if (!world->calm && world_chance(world, world->climate.outage_in)) {
        outage_inject(world);
        return;
    }
    uint64_t draw = world_below(world, 100);
    if (draw < STEPS_DELIVER && world->ready_count > 0)
        run(world, world->ready[world_below(world, world->ready_count)]);
    else if (draw < STEPS_DELIVER + STEPS_WISH && !world->calm)
        somebody_acts(world);
    else
        advance(world);
}

bool world_settle(struct world *world, int64_t us) {
    world->calm = true;
    int64_t until_us = world->now_us + us;
    while (!world_failed(world) && (world->now_us < until_us || world->ready_count > 0)) {
        if (world->ready_count == 0)
            world_pass(world, until_us);
        else
            world_step(world);
    }
    world->calm = false;
    return !world_failed(world);
}

void world_run_ready(struct world *world) {
    while (world->ready_count > 0 && !world_failed(world)) {
        world->step++;
        run(world, oldest(world));
    }
}

/* --- words -------------------------------------------------------------------------------------------------------- */

void world_fail(struct world *world, const char *format, ...) {
    if (world_failed(world))
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(world->failure, sizeof world->failure, format, arguments);
    va_end(arguments);
    world_trace(world, "VIOLATION: %s", world->failure);
}

void world_trace(struct world *world, const char *format, ...) {
    if (world->options.trace == NULL)
        return;
    fprintf(world->options.trace, "%llu %lld.%03lld ", (unsigned long long)world->step,
            (long long)(world->now_us / MILLISECOND_US), (long long)(world->now_us % MILLISECOND_US));
    va_list arguments;
    va_start(arguments, format);
    vfprintf(world->options.trace, format, arguments);
    va_end(arguments);
    fputc('\n', world->options.trace);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

void world_open(struct world *world, const struct world_options *options, const struct climate *climate,
                const struct audience *audience) {
    *world = (struct world){.options = *options, .climate = *climate, .audience = audience, .now_us = SECOND_US};
    random_init(&world->random, options->seed);
    list_init(&world->chat_order);
    if (options->redis)
        world->redis = fake_redis_new(world, climate->sharded);
    else
        world->hub = memory_hub_new();
    world->servers = memory_zero(options->nodes, sizeof *world->servers);
    world->clients = memory_zero(options->clients, sizeof *world->clients);
    for (uint32_t i = 0; i < options->nodes; i++) {
        struct server *server = &world->servers[i];
        server->world = world;
        server->index = i;
        list_init(&server->pipes);
        source_init(&server->broker_source, SOURCE_BROKER, server);
        source_init(&server->tick, SOURCE_TICK, server);
        source_init(&server->timer, SOURCE_SERVER, server);
        source_init(&server->thaw, SOURCE_THAW, server);
        server->unreachable_us = -1;
        cluster_start(world, server);
    }
    for (uint32_t i = 0; i < options->clients; i++)
        client_init(world, &world->clients[i], i);
}

void world_close(struct world *world) {
    for (uint32_t i = 0; i < world->options.nodes; i++)
        if (world->servers[i].node != NULL)
            cluster_crash(world, &world->servers[i], NEVER_US);
    pipe_free_all(world);
    chats_free(world);
    if (world->redis != NULL)
        fake_redis_free(world->redis);
    else
        memory_hub_free(world->hub);
    map_fini(&world->pipes);
    map_fini(&world->chats);
    heap_fini(&world->timers);
    free(world->ready);
    free(world->servers);
    free(world->clients);
}
