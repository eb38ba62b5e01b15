/* outage.c - outages by weight, and the watch that says when a node can be reached again.
 *
 * Extending: a row in OUTAGE_ROWS (world.h), and its function in `outages`. */
#include "outage.h"

#include "client.h"
#include "fake_broker.h"
#include "fake_redis.h"
#include "presence.h"

enum {
    DOWN_MAX_US = 3 * SECOND_US,
    HANG_MAX_US = 5 * SECOND_US,
    FREEZE_MAX_US = 10 * SECOND_US,
    CUT_MAX_US = 30 * SECOND_US,
    ROLL_PAUSE_US = 8 * SECOND_US,
    /* All is told anew within a second of LINK_RESUMED; what others answer takes its time. */
    SETTLED_US = 3 * SECOND_US,
    /* A search may have run into one silence after the other. */
    RECOVERY_US = 12 * SECOND_US,
};

static struct server *some_node(struct world *world) {
    struct server *server = &world->servers[world_below(world, world->options.nodes)];
    return server->node != NULL && server->frozen_until_us <= world->now_us ? server : NULL;
}

/* Mostly short. */
static int64_t within(struct world *world, int64_t longest_us) {
    int64_t most_us = world_chance(world, 2) ? longest_us / 8 : longest_us;
    return world->now_us + 100 * MILLISECOND_US + (int64_t)world_below(world, (uint64_t)most_us);
}

/* --- outages ------------------------------------------------------------------------------------------------------ */

static void sever(struct world *world, enum fake_link_kind kind) {
    struct server *server = some_node(world);
    if (server == NULL)
        return;
    struct fake_link *link = fake_broker_of(server->courier.real)->links[kind];
    if (link == NULL)
        return;
    world_trace(world, "node %u loses its connection %d", server->index, (int)kind);
    presence_disturbed(world, server);
    fake_link_sever(link);
}

static void sever_commands(struct world *world) {
    sever(world, FAKE_LINK_COMMANDS);
}

static void sever_subscriber(struct world *world) {
    sever(world, FAKE_LINK_SUBSCRIBER);
}

static void sever_relay(struct world *world) {
    sever(world, world_chance(world, 2) ? FAKE_LINK_RELAY_OUT : FAKE_LINK_RELAY_IN);
}

static void flush(struct world *world) {
    presence_disturbed(world, NULL);
    fake_redis_flush(world->redis);
}

static void restart(struct world *world) {
    presence_disturbed(world, NULL);
    fake_redis_restart(world->redis, within(world, DOWN_MAX_US));
}

static void fail_over(struct world *world) {
    presence_disturbed(world, NULL);
    fake_redis_fail_over(world->redis, within(world, DOWN_MAX_US));
}

static void hang(struct world *world) {
    presence_disturbed(world, NULL);
    world->redis->busy_until_us = within(world, HANG_MAX_US);
}

/* Some of its people have enough of it, and connect anew. */
static void flee(struct world *world, const struct server *server) {
    for (uint32_t i = 0; i < world->options.clients; i++) {
        struct client *client = &world->clients[i];
        struct pipe *pipe = client->main;
        if (pipe == NULL || pipe->server != server || client->rogue || client->next != NULL || world_chance(world, 2))
            continue;
        world->tally.fled++;
        client_closed(world, pipe, CLOSE_ABNORMAL);
        pipe_hang_up(world, pipe);
    }
}

static void freeze(struct world *world) {
    struct server *server = some_node(world);
    if (server == NULL)
        return;
    presence_disturbed(world, server);
    cluster_freeze(world, server, within(world, FREEZE_MAX_US));
    if (world_chance(world, 2))
        flee(world, server);
}

static void partition(struct world *world) {
    struct server *server = some_node(world);
    if (server == NULL)
        return;
    presence_disturbed(world, server);
    server->cut_until_us = within(world, CUT_MAX_US);
    world_trace(world, "node %u can't reach Redis for %lld ms", server->index,
                (long long)((server->cut_until_us - world->now_us) / MILLISECOND_US));
}

static void roll_next(struct world *world) {
    for (uint32_t i = 0; i < world->options.nodes; i++) {
        struct server *server = &world->servers[i];
        if (server->rolled || server->node == NULL || server->draining || server->frozen_until_us > world->now_us)
            continue;
        server->rolled = true;
        cluster_drain(world, server, (uint32_t)world_below(world, 3000),
                      world->now_us + 1 + (int64_t)world_below(world, ROLL_PAUSE_US));
        return;
    }
    world->rolling = false;
}

static void roll(struct world *world) {
    if (world->rolling || world->options.nodes < 2)
        return;
    world_trace(world, "rolling update");
    world->rolling = true;
    for (uint32_t i = 0; i < world->options.nodes; i++)
        world->servers[i].rolled = false;
    roll_next(world);
}

void outage_started(struct world *world, struct server *server) {
    server->unreachable_us = world->redis != NULL ? world->now_us : -1; /* until it is joined */
    if (world->rolling && !world->calm && server->rolled)
        roll_next(world);
}

/* --- which, and when it is over ----------------------------------------------------------------------------------- */

static void (*const outages[OUTAGES])(struct world *) = {
    [OUTAGE_COMMANDS] = sever_commands,
    [OUTAGE_SUBSCRIBER] = sever_subscriber,
    [OUTAGE_RELAY] = sever_relay,
    [OUTAGE_FLUSH] = flush,
    [OUTAGE_RESTART] = restart,
    [OUTAGE_FAILOVER] = fail_over,
    [OUTAGE_HANG] = hang,
    [OUTAGE_FREEZE] = freeze,
    [OUTAGE_PARTITION] = partition,
    [OUTAGE_ROLL] = roll,
};

static void one(struct world *world) {
#define OUTAGE_WORD(name, word) #word,
    static const char *const words[] = {OUTAGE_ROWS(OUTAGE_WORD)};
#undef OUTAGE_WORD
    uint64_t sum = 0;
    for (int i = 0; i < OUTAGES; i++)
        sum += world->climate.outages[i];
    uint64_t draw = world_below(world, sum);
    int which = 0;
    while (draw >= world->climate.outages[which])
        draw -= world->climate.outages[which++];
    world_trace(world, "outage: %s", words[which]);
    world->tally.outages[which]++;
    outages[which](world);
}

void outage_inject(struct world *world) {
    one(world);
    if (world_chance(world, 4)) {
        world->tally.doubles++;
        one(world);
    }
    world->fault_us = world->now_us + RECOVERY_US;
}

/* A node that stood still when a link was severed takes itself to be up until it learns of that. */
static bool has_severed_link(const struct fake_broker *broker) {
    for (int kind = 0; kind < FAKE_LINKS; kind++)
        if (broker->links[kind] != NULL && broker->links[kind]->severed)
            return true;
    return false;
}

static bool is_well(const struct world *world, const struct server *server) {
    if (server->node == NULL)
        return true; /* it is down, and that is something else */
    const struct fake_broker *broker = fake_broker_of(server->courier.real);
    return server->frozen_until_us <= world->now_us && server->cut_until_us <= world->now_us &&
           world->redis->busy_until_us <= world->now_us && !has_severed_link(broker) &&
           fake_broker_settled(broker, SETTLED_US);
}

/* Does it take itself to be linked? A dead link may be noticed long after everything else is well. */
static bool is_linked(const struct server *server) {
    return server->node == NULL || fake_broker_settled(fake_broker_of(server->courier.real), 0);
}

void outage_watch(struct world *world) {
    if (world->redis == NULL)
        return;
    for (uint32_t i = 0; i < world->options.nodes; i++) {
        struct server *server = &world->servers[i];
        if (server->unreachable_us < 0 && is_linked(server))
            continue;
        if (server->unreachable_us < 0)
            presence_disturbed(world, server);
        bool well = is_well(world, server);
        if (!well)
            server->unreachable_us = world->now_us; /* who has just thawed does not know yet what it has missed */
        if (well && world->now_us - server->unreachable_us >= SETTLED_US)
            presence_reached(world, server);
        else
            world->fault_us = world->now_us + RECOVERY_US;
    }
}

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

int64_t outage_end_us(struct world *world) {
    int64_t end_us = world->now_us;
    world->rolling = false;
    if (world->redis == NULL)
        return end_us;
    end_us = later(end_us, later(world->redis->busy_until_us, world->redis->down_until_us));
    for (uint32_t i = 0; i < world->options.nodes; i++)
        end_us = later(end_us, later(world->servers[i].frozen_until_us, world->servers[i].cut_until_us));
    return end_us;
}

void outage_climate(struct random *random, struct climate *climate) {
    static const uint32_t rates[] = {0, 300, 1000, 3000};
    uint32_t sum = 0;
    for (int i = 0; i < OUTAGES; i++) {
        climate->outages[i] = (uint32_t)random_below(random, 3) * (uint32_t)random_below(random, 5);
        sum += climate->outages[i];
    }
    climate->sharded = random_below(random, 3) == 0;
    climate->outage_in = rates[random_below(random, 4)];
    if (sum == 0)
        climate->outage_in = 0;
    if (climate->outage_in > 0 && random_below(random, 3) == 0)
        climate->fault_in = 0; /* outages alone: whatever ends then was ended by them */
}
