/* cluster.c - nodes in their life: each with a broker of one hub, and a clock that is the world's. */
#include "cluster.h"

#include <string.h>

#include "outage.h"
#include "pipe.h"

static const char secret_key[] = "a key for simulated clusters only";

enum {
    RESTART_MAX_US = 2 * SECOND_US,
    SHIFTED_FROM_US = SECOND_US,           /* worker.c: a shorter gap passes for load */
    SHIFT_SHORT_US = 250 * MILLISECOND_US, /* and it can't tell to the turn when a gap began */
};

static int64_t monotonic_us(void *context) {
    const struct server *server = context;
    return server->world->now_us;
}

static int64_t wall_ms(void *context) {
    const struct server *server = context;
    return (int64_t)CLUSTER_WALL_START_S * 1000 + server->world->now_us / MILLISECOND_US;
}

static uint64_t random_bits(void *context) {
    struct server *server = context;
    return random_u64(&server->world->random);
}

static void wake(void *context) {
    struct server *server = context;
    world_ready(server->world, &server->broker_source);
}

void cluster_start(struct world *world, struct server *server) {
    struct node_options options = {
        .core = world->climate.core,
        .clock = {monotonic_us, wall_ms, random_bits, server},
        .metrics = &server->metrics,
    };
    memcpy(options.key, secret_key, SECRET_KEY_BYTES);
    options.core.boot = random_u64(&world->random) | 1;
    server->draining = false;
    server->boot = options.core.boot;
    server->node = node_new(&options);
    courier_join(&server->courier, server, options.core.boot, wake);
    server->transport.ops = &pipe_transport_ops;
    node_attach(server->node, &server->transport, &server->courier.broker);
    server->listener = node_transport_listener(server->node);
    cluster_called(world, server);
    world_trace(world, "node %u starts, boot %016llx", server->index, (unsigned long long)options.core.boot);
}

/* Everything but its connections. */
static void end(struct world *world, struct server *server) {
    world_forget(world, &server->broker_source);
    world_forget(world, &server->tick);
    world_forget(world, &server->timer);
    world_forget(world, &server->thaw);
    server->frozen_until_us = 0;
    server->courier.broker.ops->close(&server->courier.broker);
    node_free(server->node);
    server->node = NULL;
    world_forget(world, &server->broker_source);
}

static void orphan_all(struct world *world, struct server *server) {
    while (!list_empty(&server->pipes))
        pipe_orphan(world, list_entry(server->pipes.next, struct pipe, siblings));
}

void cluster_crash(struct world *world, struct server *server, int64_t restart_us) {
    world_trace(world, "node %u crashes", server->index);
    courier_kill(&server->courier);
    end(world, server);
    orphan_all(world, server);
    world_at(world, &server->timer, restart_us);
}

void cluster_drain(struct world *world, struct server *server, uint32_t spread_ms, int64_t end_us) {
    world_trace(world, "node %u drains over %u ms", server->index, spread_ms);
    server->draining = true;
    node_drain(server->node, spread_ms);
    cluster_called(world, server);
    world_at(world, &server->timer, end_us);
}

void cluster_stop(struct world *world, struct server *server) {
    world_trace(world, "node %u stops", server->index);
    for (struct list *link = server->pipes.next; link != &server->pipes; link = link->next)
        pipe_close(world, list_entry(link, struct pipe, siblings), CLOSE_RESTART);
    end(world, server);
    orphan_all(world, server);
    world_at(world, &server->timer, world->now_us + (int64_t)world_below(world, RESTART_MAX_US));
}

void cluster_freeze(struct world *world, struct server *server, int64_t until_us) {
    world_trace(world, "node %u stands still for %lld ms", server->index,
                (long long)((until_us - world->now_us) / MILLISECOND_US));
    server->frozen_us = world->now_us;
    server->frozen_until_us = until_us;
    world_at(world, &server->thaw, until_us);
}

/* As worker.c: the gap is noticed before anything else happens. */
void cluster_thaw(struct world *world, struct server *server) {
    int64_t gap_us = world->now_us - server->frozen_us - (int64_t)world_below(world, SHIFT_SHORT_US);
    world_trace(world, "node %u goes on", server->index);
    world_forget(world, &server->thaw);
    server->frozen_until_us = 0;
    if (gap_us >= SHIFTED_FROM_US)
        node_shift(server->node, gap_us / MILLISECOND_US);
    cluster_called(world, server);
    for (struct list *link = server->pipes.next; link != &server->pipes; link = link->next)
        pipe_wake(world, list_entry(link, struct pipe, siblings));
}

void cluster_called(struct world *world, struct server *server) {
    if (server->node == NULL)
        return;
    int64_t deadline_ms = node_deadline_ms(server->node);
    world_at(world, &server->tick, deadline_ms > NEVER_US / MILLISECOND_US ? NEVER_US : deadline_ms * MILLISECOND_US);
}

void cluster_run(struct world *world, struct server *server, enum source_kind kind) {
    if (kind == SOURCE_SERVER) {
        if (server->node == NULL) {
            cluster_start(world, server);
            outage_started(world, server);
        } else {
            cluster_stop(world, server);
        }
        return;
    }
    if (server->node == NULL)
        return;
    if (kind == SOURCE_THAW) {
        if (server->frozen_until_us != 0)
            cluster_thaw(world, server);
        return;
    }
    if (kind == SOURCE_BROKER)
        node_poll(server->node);
    else
        node_tick(server->node);
    cluster_called(world, server);
}

struct address cluster_address(const struct pipe *pipe) {
    return (struct address){pipe->server->boot, (uint32_t)pipe->session, (uint32_t)(pipe->session >> 32)};
}

struct server *cluster_any(struct world *world) {
    uint32_t start = (uint32_t)world_below(world, world->options.nodes);
    for (uint32_t i = 0; i < world->options.nodes; i++) {
        struct server *server = &world->servers[(start + i) % world->options.nodes];
        if (server->node != NULL && !server->draining)
            return server;
    }
    return NULL;
}
