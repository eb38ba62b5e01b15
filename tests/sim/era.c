/* era.c - storms and calms.
 *
 * Flow:  climate → steps, and now and then a calm: faults and wishes stop, everything settles, and census_calm() looks
 *        → a last calm → everybody leaves, and census_empty() looks. */
#include "era.h"

#include "census.h"
#include "fault.h"
#include "hear.h"
#include "outage.h"
#include "pipe.h"

enum { PATIENCE = 60 };

/* What was wrong ends: stalls at once, everything else in its own time. Rogues go. */
static void pacify(struct world *world) {
    for (size_t i = 0; i < world->pipes.capacity; i++)
        if (world->pipes.slots[i].value != NULL)
            pipe_stall(world, world->pipes.slots[i].value, 0);
    for (uint32_t i = 0; i < world->options.clients; i++) {
        struct client *client = &world->clients[i];
        if (!client->rogue)
            continue;
        client->online = false;
        if (client->main != NULL)
            client_drop_pipe(world, client, client->main);
    }
}

/* Is something still on its way to a client that reads? It takes one thing at a time. */
static bool is_behind(const struct world *world) {
    for (size_t i = 0; i < world->pipes.capacity; i++) {
        const struct pipe *pipe = world->pipes.slots[i].value;
        if (pipe != NULL && pipe->client_open && !pipe->cut && (pipe->kernel.count > 1 || pipe->queue.count > 0))
            return true;
    }
    return false;
}

static void calm(struct world *world) {
    world_trace(world, "calm");
    pacify(world);
    int64_t outage_us = outage_end_us(world) - world->now_us;
    if (world->fault_us < world->now_us)
        world->fault_us = world->now_us;
    if (!world_settle(world, outage_us + census_settle_us(world)))
        return;
    for (int i = 0; i < PATIENCE && is_behind(world); i++)
        if (!world_settle(world, 10 * SECOND_US))
            return;
    census_calm(world);
    world->tally.calms++;
}

static void everybody_leaves(struct world *world) {
    world_trace(world, "everybody leaves");
    for (uint32_t i = 0; i < world->options.clients; i++) {
        struct client *client = &world->clients[i];
        client->online = client->wants_find = false;
        if (client->next != NULL)
            client_drop_pipe(world, client, client->next);
        if (client->main != NULL)
            client_drop_pipe(world, client, client->main);
        client_abandon(world, client);
    }
    if (world_settle(world, census_settle_us(world)))
        census_empty(world);
}

uint64_t era_seed(uint64_t seed, uint64_t era) {
    struct random random;
    random_init(&random, seed ^ era * 0x9e3779b97f4a7c15u);
    return random_u64(&random);
}

void era_run(struct world *world, const struct world_options *options, uint64_t steps) {
    struct random random;
    random_init(&random, options->seed + 1);
    struct climate climate;
    fault_climate(&random, options->clients, &climate);
    if (options->redis)
        outage_climate(&random, &climate);
    struct world_options drawn = *options;
    drawn.nodes = 1 + (uint32_t)random_below(&random, options->nodes);
    world_open(world, &drawn, &climate, &hear_audience);
    world_trace(
        world,
        "window %u, grace %u ms, prefer %u ms, body %u, kernel %u, pace %u us, a fault in %u, rogues %u, limits %s",
        climate.core.window, climate.core.grace_ms, climate.core.prefer_ms, climate.core.max_body_bytes,
        climate.kernel_bytes, climate.pace_us, climate.fault_in, climate.rogues,
        climate.core.find_rate.per_second > 0 ? "on" : "off");
    while (world->step < steps && !world_failed(world)) {
        world_step(world);
        if (world_chance(world, climate.calm_in))
            calm(world);
    }
    if (!world_failed(world))
        calm(world);
    if (!world_failed(world))
        everybody_leaves(world);
    world->tally.eras++;
}
