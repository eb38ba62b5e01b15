/* census.c - see census.h. */
#include "census.h"

#include "cluster.h"
#include "wish.h"

enum {
    LOOK_EVERY_US = 250000,
    PAIRED_WITHIN_US = SECOND_US + 8 * LATENCY_US, /* a second, and what the hops of a match may take here */
    SETTLE_SLACK_US = 30 * SECOND_US,
    NOTICED_WITHIN_MS = 60000,
};

/* --- those who wait ----------------------------------------------------------------------------------------------- */

/* Waits undisturbed: nothing of it is on its way, and nothing is wrong with its connection. */
static bool waits(const struct world *world, const struct client *client) {
    const struct pipe *pipe = client->main;
    return pipe != NULL && !client->rogue && pipe->link.phase == PHASE_WAITING && pipe->link.pending_count == 0 &&
           !pipe->broken && pipe->kernel.first == NULL && pipe->queue.first == NULL && pipe->up.first == NULL &&
           pipe->stalled_until_us <= world->now_us && !pipe->server->draining;
}

/* From when on `a` accepts `b`. */
static int64_t accepts_from_us(const struct world *world, const struct client *a, const struct client *b) {
    const struct link *link = &a->main->link;
    struct stranger stranger = {b->number, b->main->link.person, 0};
    if (wish_prefers(&link->criteria, &b->main->link.criteria) && !link->doubtful && !b->main->link.doubtful &&
        !client_may_have_met(a, link->person, stranger))
        return link->waiting_us;
    int64_t relaxed_us = link->waiting_us + (int64_t)world->climate.core.prefer_ms * MILLISECOND_US;
    return relaxed_us > link->waiting_us ? relaxed_us : link->waiting_us;
}

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static void judge_pair(struct world *world, const struct client *a, const struct client *b) {
    int64_t since_us = later(accepts_from_us(world, a, b), accepts_from_us(world, b, a));
    since_us = later(since_us, world->fault_us);
    if (world->now_us - since_us > PAIRED_WITHIN_US)
        world_fail(world, "clients %u and %u wait, and have accepted each other for %lld ms", a->number, b->number,
                   (long long)((world->now_us - since_us) / MILLISECOND_US));
}

void census_waiting(struct world *world) {
    if (world->now_us < world->census_us)
        return;
    world->census_us = world->now_us + LOOK_EVERY_US;
    for (uint32_t i = 0; i < world->options.clients; i++) {
        const struct client *a = &world->clients[i];
        if (!waits(world, a))
            continue;
        for (uint32_t j = i + 1; j < world->options.clients; j++)
            if (waits(world, &world->clients[j]))
                judge_pair(world, a, &world->clients[j]);
    }
}

/* --- when all is calm --------------------------------------------------------------------------------------------- */

int64_t census_settle_us(const struct world *world) {
    int64_t grace_ms = world->climate.core.grace_ms;
    int64_t noticed_ms = 2 * grace_ms < NOTICED_WITHIN_MS ? 2 * grace_ms : NOTICED_WITHIN_MS;
    return (noticed_ms + 2 * grace_ms) * MILLISECOND_US + SETTLE_SLACK_US;
}

static void judge_chat(struct world *world, const struct client *client) {
    const struct member *own = &client->chat->member[client->side];
    const struct member *peer = &client->chat->member[1 - client->side];
    if (client->main->link.phase != PHASE_CHAT) {
        world_fail(world, "client %u wants its chat back, and nobody answers", client->number);
    } else if (client->chat->members < 2 || peer->over) {
        world_fail(world, "client %u is in a chat that is over for its stranger", client->number);
    } else if (!peer->rogue && !peer->murky && world->clients[peer->number].chat != client->chat) {
        world_fail(world, "client %u is in a chat that its stranger has never read of", client->number);
    } else if (client->peer_away) {
        world_fail(world, "client %u has been told that its stranger is away, who is there", client->number);
    } else if (own->reliable && !own->replaced && client->peer_acked + 1 != client->next_seq) {
        world_fail(world, "client %u has said %llu, and only %llu are acknowledged", client->number,
                   (unsigned long long)client->next_seq - 1, (unsigned long long)client->peer_acked);
    } else if (own->reliable && peer->reliable && !own->replaced && !peer->replaced && own->shown != peer->said) {
        world_fail(world, "client %u was shown %llu of %llu", client->number, (unsigned long long)own->shown,
                   (unsigned long long)peer->said);
    }
}

static void judge_client(struct world *world, const struct client *client) {
    if (client->main == NULL) {
        if (client->online)
            world_fail(world, "client %u can't connect", client->number);
        return;
    }
    const struct link *link = &client->main->link;
    if (!link->greeted)
        world_fail(world, "client %u is connected, and was never greeted", client->number);
    else if (link->pending_count > 0)
        world_fail(world, "client %u has no answer to command %d", client->number, (int)link->pending[0]);
    else if (link->provoked[ERROR_BAD_JSON] + link->provoked[ERROR_BAD_TYPE] + link->provoked[ERROR_BAD_FIELD] > 0)
        world_fail(world, "client %u was not told of an error that it made", client->number);
    else if (client->chat != NULL)
        judge_chat(world, client);
    else if (link->phase == PHASE_CHAT)
        world_fail(world, "client %u has no chat, and its node says that it has", client->number);
}

struct count {
    uint64_t sessions;
    uint64_t waiting;
    uint64_t chatting;
};

static void judge_gauges(struct world *world, const struct count *count) {
    struct core_gauges sum = {0};
    for (uint32_t i = 0; i < world->options.nodes; i++) {
        if (world->servers[i].node == NULL)
            continue;
        struct core_gauges one = node_gauges(world->servers[i].node);
        sum.sessions += one.sessions;
        sum.waiting += one.waiting;
        sum.chatting += one.chatting;
        sum.away += one.away;
    }
    if (sum.sessions != count->sessions || sum.waiting != count->waiting || sum.chatting != count->chatting ||
        sum.away != 0)
        world_fail(
            world,
            "the nodes count %llu sessions, %llu waiting, %llu chatting, %llu away; there are %llu, %llu, %llu, 0",
            (unsigned long long)sum.sessions, (unsigned long long)sum.waiting, (unsigned long long)sum.chatting,
            (unsigned long long)sum.away, (unsigned long long)count->sessions, (unsigned long long)count->waiting,
            (unsigned long long)count->chatting);
}

void census_calm(struct world *world) {
    struct count count = {0};
    for (uint32_t i = 0; i < world->options.clients; i++) {
        const struct client *client = &world->clients[i];
        judge_client(world, client);
        count.sessions += client->main != NULL;
        count.waiting += client->main != NULL && client->main->link.phase == PHASE_WAITING;
        count.chatting += client->main != NULL && client->main->link.phase == PHASE_CHAT;
    }
    if (world->pipes.count != count.sessions)
        world_fail(world, "%zu connections stand, and %llu clients are connected", world->pipes.count,
                   (unsigned long long)count.sessions);
    judge_gauges(world, &count);
}

void census_empty(struct world *world) {
    judge_gauges(world, &(struct count){0});
    for (uint32_t i = 0; i < world->options.nodes; i++) {
        if (world->servers[i].node == NULL)
            continue;
        const struct broker *broker = &world->servers[i].courier.broker;
        if (broker->ops->waiting(broker) != 0)
            world_fail(world, "all have gone, and %llu wait", (unsigned long long)broker->ops->waiting(broker));
        if (broker->ops->online(broker) != 0)
            world_fail(world, "all have gone, and %llu are online", (unsigned long long)broker->ops->online(broker));
    }
    if (world->pipes.count != 0)
        world_fail(world, "all have gone, and %zu connections stand", world->pipes.count);
}
