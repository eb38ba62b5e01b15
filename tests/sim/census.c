/* census.c - see census.h. */
#include "census.h"

#include "cluster.h"
#include "fake_redis.h"
#include "wish.h"

#include "passerby/wire.h"

enum {
    LOOK_EVERY_US = 250000,
    PAIRED_WITHIN_US = SECOND_US + 8 * LATENCY_US, /* a second, and what the hops of a match may take here */
    MORE_HOPS_US = 8 * LATENCY_US,                 /* by way of Redis */
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
    if (link->criteria.again != 0 || b->main->link.criteria.again != 0) {
        bool sure = !link->criteria.doubtful && wish_prefers(&link->criteria, &b->main->link.criteria);
        return sure ? link->waiting_us : NEVER_US;
    }
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
    if (world->now_us - since_us > PAIRED_WITHIN_US + (world->redis != NULL ? MORE_HOPS_US : 0))
        world_fail(world, "clients %u and %u wait, and have accepted each other for %lld ms", a->number, b->number,
                   (long long)((world->now_us - since_us) / MILLISECOND_US));
}

static void judge_waiting(struct world *world) {
    for (uint32_t i = 0; i < world->options.clients; i++) {
        const struct client *a = &world->clients[i];
        if (!waits(world, a))
            continue;
        for (uint32_t j = i + 1; j < world->options.clients; j++)
            if (waits(world, &world->clients[j]))
                judge_pair(world, a, &world->clients[j]);
    }
}

void census_waiting(struct world *world) {
    if (world->now_us < world->census_us)
        return;
    world->census_us = world->now_us + LOOK_EVERY_US;
    judge_waiting(world);
}

/* --- when all is calm --------------------------------------------------------------------------------------------- */

int64_t census_settle_us(const struct world *world) {
    int64_t grace_ms = world->climate.core.grace_ms;
    int64_t noticed_ms = 2 * grace_ms < NOTICED_WITHIN_MS ? 2 * grace_ms : NOTICED_WITHIN_MS;
    int64_t slack_us = world->redis != NULL ? 2 * (int64_t)SETTLE_SLACK_US : SETTLE_SLACK_US; /* more is said again */
    return (noticed_ms + 2 * grace_ms) * MILLISECOND_US + slack_us;
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

/* --- what Redis holds --------------------------------------------------------------------------------------------- */

static const struct fake_chat *chat_at(const struct world *world, struct address at) {
    size_t count;
    const struct fake_chat *chats = fake_store_chats(world->redis->store, &count);
    for (size_t i = 0; i < count; i++)
        for (int side = 0; side < 2; side++)
            if (chats[i].state == FAKE_CHAT_GOES_ON && address_equal(chats[i].record.party[side].at, at))
                return &chats[i];
    return NULL;
}

/* Does the register have everybody where they are, and the line all who wait? */
static void judge_redis(struct world *world, const struct count *count) {
    for (uint32_t i = 0; i < world->options.clients; i++) {
        const struct client *client = &world->clients[i];
        if (client->rogue || client->main == NULL || client->main->server == NULL)
            continue;
        struct address at = cluster_address(client->main);
        if (client->main->link.phase == PHASE_WAITING && fake_store_ticket(world->redis->store, at) == NULL)
            world_fail(world, "client %u waits, and is not in the line", client->number);
        if (client->main->link.phase == PHASE_CHAT && chat_at(world, at) == NULL)
            world_fail(world, "client %u is in a chat, and the register does not have it there", client->number);
    }
    if (fake_store_waiting(world->redis->store) != count->waiting)
        world_fail(world, "%zu tickets are in the line, and %llu people wait", fake_store_waiting(world->redis->store),
                   (unsigned long long)count->waiting);
}

static bool is_revived(const struct world *world, struct chat_id id) {
    char text[CHAT_ID_CHARS + 1];
    wire_chat_id(id, text);
    const struct chat *chat = chats_find(world, (struct text){text, CHAT_ID_CHARS});
    return chat != NULL && chat->revived;
}

static bool is_up(const struct world *world, uint64_t boot) {
    for (uint32_t i = 0; i < world->options.nodes; i++)
        if (world->servers[i].node != NULL && world->servers[i].boot == boot)
            return true;
    return false;
}

/* Chats that go on without anybody wait for their lease to run out: only where nobody was left who could have ended
 * them, or the word of the end was lost, or somebody came back to a chat that was over. */
static void judge_leftovers(struct world *world) {
    size_t count;
    const struct fake_chat *chats = fake_store_chats(world->redis->store, &count);
    for (size_t i = 0; i < count; i++) {
        const struct party *party = chats[i].record.party;
        if (chats[i].state == FAKE_CHAT_GOES_ON && is_up(world, party[0].at.boot) && is_up(world, party[1].at.boot) &&
            map_get(&world->redis->lost_ends, chats[i].record.id.high) == NULL &&
            !is_revived(world, chats[i].record.id))
            world_fail(world, "all have gone, and chat %08llx goes on in the register",
                       (unsigned long long)(chats[i].record.id.high >> 32));
    }
    if (fake_store_waiting(world->redis->store) != 0)
        world_fail(world, "all have gone, and %zu tickets are in the line", fake_store_waiting(world->redis->store));
}

static void count_survivors(struct world *world) {
    for (struct list *link = world->chat_order.next; link != &world->chat_order; link = link->next) {
        struct chat *chat = list_entry(link, struct chat, order);
        world->tally.survived += chat->disturbed && !chat->member[0].over && !chat->member[1].over;
        chat->disturbed = false;
    }
}

void census_calm(struct world *world) {
    struct count count = {0};
    judge_waiting(world);
    count_survivors(world);
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
    if (world->redis != NULL)
        judge_redis(world, &count);
}

void census_empty(struct world *world) {
    judge_gauges(world, &(struct count){0});
    if (world->redis != NULL)
        judge_leftovers(world);
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
