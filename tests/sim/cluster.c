/* cluster.c - nodes in their life: each with a broker of one hub, and a clock that is the world's. */
#include "cluster.h"

#include <string.h>

#include "pipe.h"

static const char secret_key[] = "a key for simulated clusters only";

enum { RESTART_MAX_US = 2 * SECOND_US, WALL_START_MS = 1700000000 };

static int64_t monotonic_us(void *context) {
    const struct server *server = context;
    return server->world->now_us;
}

static int64_t wall_ms(void *context) {
    const struct server *server = context;
    return (int64_t)WALL_START_MS * 1000 + server->world->now_us / MILLISECOND_US;
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
    server->node = node_new(&options);
    courier_join(&server->courier, world, server->node, server->index, options.core.boot, wake, server);
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

void cluster_called(struct world *world, struct server *server) {
    if (server->node == NULL)
        return;
    int64_t deadline_ms = node_deadline_ms(server->node);
    world_at(world, &server->tick, deadline_ms > NEVER_US / MILLISECOND_US ? NEVER_US : deadline_ms * MILLISECOND_US);
}

void cluster_run(struct world *world, struct server *server, enum source_kind kind) {
    if (kind == SOURCE_SERVER) {
        if (server->node == NULL)
            cluster_start(world, server);
        else
            cluster_stop(world, server);
        return;
    }
    if (server->node == NULL)
        return;
    if (kind == SOURCE_BROKER)
        node_poll(server->node);
    else
        node_tick(server->node);
    cluster_called(world, server);
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
