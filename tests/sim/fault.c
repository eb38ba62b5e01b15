/* fault.c - faults by weight, and the climates they come in. */
#include "fault.h"

#include "cluster.h"

/* Of 100 faults: */
enum { GHOSTS_US = 12 * SECOND_US };

enum { CRASHES = 3, DRAINS = 2, DROPS = 40, STALLS = 25, MOVES = 10, LONG_ABSENCES = 6 };

static struct client *somebody(struct world *world) {
    if (!world_chance(world, 3))
        world->victim = (uint32_t)world_below(world, world->options.clients);
    struct client *client = &world->clients[world->victim];
    return client->main != NULL ? client : NULL;
}

static struct server *some_node(struct world *world) {
    struct server *server = &world->servers[world_below(world, world->options.nodes)];
    return server->node != NULL && !server->draining && server->frozen_until_us <= world->now_us ? server : NULL;
}

static int64_t within(struct world *world, uint64_t us) {
    return world->now_us + 1 + (int64_t)world_below(world, us);
}

static void crash(struct world *world) {
    struct server *server = some_node(world);
    if (server == NULL)
        return;
    world->tally.crashes++;
    if (world->redis != NULL) /* its ghosts are offered to others for a while */
        world->fault_us = world->now_us + GHOSTS_US;
    cluster_crash(world, server, within(world, 5 * SECOND_US));
}

static void drain(struct world *world) {
    struct server *server = some_node(world);
    if (server == NULL)
        return;
    world->tally.drains++;
    uint32_t spread_ms = (uint32_t)world_below(world, 3000);
    cluster_drain(world, server, spread_ms, within(world, 10 * SECOND_US));
}

/* A connection is lost, and its client comes back only when the grace may be over. */
static void stay_away(struct world *world, struct client *client) {
    if (client->next != NULL)
        return;
    client_lose_connection(world, client);
    client->connect_us = within(world, 2 * (uint64_t)world->climate.core.grace_ms * MILLISECOND_US + 1);
    client_plan(world, client);
}

/* Its connection dies with a resume on its way, or with the answer: it tries again elsewhere. */
static void interrupt_resume(struct world *world) {
    for (uint32_t i = 0; i < world->options.clients; i++) {
        struct client *client = &world->clients[i];
        struct pipe *pipe = client->next != NULL ? client->next : client->main;
        if (pipe == NULL || client->rogue || !link_pending(&pipe->link, COMMAND_RESUME))
            continue;
        client_closed(world, pipe, CLOSE_ABNORMAL);
        if (world_chance(world, 2))
            pipe_hang_up(world, pipe); /* the resume itself still arrives: two are under way */
        else
            pipe_cut(world, pipe, within(world, SECOND_US), NEVER_US, true);
        world->tally.drops++;
        return;
    }
}

void fault_inject(struct world *world) {
    uint64_t draw = world_below(world, 100);
    struct client *client = somebody(world);
    if (world->fault_us < world->now_us)
        world->fault_us = world->now_us;
    if (draw < CRASHES) {
        crash(world);
    } else if (draw < CRASHES + DRAINS) {
        drain(world);
    } else if (client == NULL) {
        return;
    } else if (draw < CRASHES + DRAINS + DROPS) {
        client_lose_connection(world, client);
    } else if (draw < CRASHES + DRAINS + DROPS + STALLS) {
        world->tally.stalls++;
        pipe_stall(world, client->main, within(world, world_chance(world, 4) ? 30 * SECOND_US : SECOND_US));
    } else if (draw < CRASHES + DRAINS + DROPS + STALLS + MOVES) {
        if (!client->rogue)
            client_move(world, client);
    } else if (draw < CRASHES + DRAINS + DROPS + STALLS + MOVES + LONG_ABSENCES) {
        stay_away(world, client);
    } else {
        interrupt_resume(world);
    }
}

static uint32_t one_of(struct random *random, const uint32_t *list, uint32_t count) {
    return list[random_below(random, count)];
}

void fault_climate(struct random *random, uint32_t clients, struct climate *climate) {
    static const uint32_t windows[] = {1, 2, 4, 32, 64};
    static const uint32_t graces[] = {300, 2000, 5000, 20000, 60000};
    static const uint32_t preferences[] = {0, 100, 1000, 8000};
    static const uint32_t bodies[] = {64, 200, 2000};
    static const uint32_t kernels[] = {200, 2000, 20000};
    static const uint32_t paces[] = {200, 1000, 4000};
    static const uint32_t faults[] = {0, 30, 100, 300, 2000};
    /* One draw a statement: the order must not be the compiler's to choose. */
    *climate = (struct climate){.core = {.max_frame_bytes = 16384}, .calm_in = 3000};
    climate->core.max_body_bytes = one_of(random, bodies, 3);
    climate->core.window = one_of(random, windows, 5);
    climate->core.grace_ms = one_of(random, graces, 5);
    climate->core.prefer_ms = one_of(random, preferences, 4);
    climate->kernel_bytes = one_of(random, kernels, 3);
    climate->pace_us = one_of(random, paces, 3);
    climate->fault_in = one_of(random, faults, 5);
    climate->rogues = random_below(random, 2) == 0 ? clients / 8 : 0;
    climate->talkative = (uint32_t)(40 + random_below(random, 300));
    if (random_below(random, 5) == 0) {
        climate->core.message_rate = (struct rate){10, 30};
        climate->core.find_rate = (struct rate){1, 10};
    }
    uint32_t ample = climate->core.window * (climate->core.max_body_bytes + 128) + 8192;
    climate->queue_bytes = random_below(random, 2) == 0 ? ample : 1000;
}
