/* client.c - a model client's connections, commands and timers; what it hears is in hear.c.
 *
 * Flow:  connect → hello → resume or find → … → the connection is lost → wait, with a backoff → connect.
 * Rules: a message needs no memory: its body can be made again from its number (body.h). */
#include "client.h"

#include <assert.h>
#include <string.h>

#include "body.h"
#include "cluster.h"
#include "wish.h"

#include "base/buffer.h"

enum {
    RESEND_US = 10 * SECOND_US,
    BACKOFF_US = 100000,
    BACKOFF_DOUBLINGS = 5,
};

static void command(struct link *link, enum command what, struct criteria asked) {
    assert(link->pending_count < LINK_COMMANDS);
    link->asked[link->pending_count] = asked;
    link->pending[link->pending_count++] = what;
}

static struct member *own(const struct client *client) {
    return &client->chat->member[client->side];
}

bool client_may_say(const struct world *world, const struct client *client) {
    (void)world;
    return client->chat != NULL && client->main != NULL && client->going == GOING_NOWHERE &&
           client->main->link.phase == PHASE_CHAT;
}

bool client_met(const struct client *client, uint32_t person, struct stranger stranger) {
    for (uint32_t i = 0; client->met_person == person && i < client->met_surely; i++)
        if (client->met[i].number == stranger.number && client->met[i].person == stranger.person)
            return true;
    return false;
}

bool client_may_have_met(const struct client *client, uint32_t person, struct stranger stranger) {
    for (uint32_t i = 0; client->met_person == person && i < STRANGERS_KEPT; i++) {
        bool unknown = client->met[i].person == 0 && client->met[i].chat != 0;
        if (unknown || (client->met[i].number == stranger.number && client->met[i].person == stranger.person))
            return true;
    }
    return false;
}

void client_plan(struct world *world, struct client *client) {
    int64_t at_us = NEVER_US;
    if (client->main == NULL && client->online)
        at_us = client->connect_us;
    if (client->ack_owed && client->ack_us < at_us && client_may_say(world, client))
        at_us = client->ack_us;
    if (client->reliable && !client->peer_away && client->resend_us < at_us && client_may_say(world, client) &&
        client->peer_acked + 1 < client->next_seq)
        at_us = client->resend_us;
    if (client->retry_us < at_us)
        at_us = client->retry_us;
    if (client->move_us < at_us)
        at_us = client->move_us;
    world_at(world, &client->duty, at_us);
}

void client_init(struct world *world, struct client *client, uint32_t number) {
    client->number = number;
    client->rogue = number < world->climate.rogues;
    client->online = true;
    client->ack_us = client->resend_us = client->retry_us = client->move_us = NEVER_US;
    client->connect_us = world->now_us + (int64_t)world_below(world, SECOND_US);
    source_init(&client->duty, SOURCE_CLIENT, client);
    client_plan(world, client);
}

/* --- commands ----------------------------------------------------------------------------------------------------- */

void client_find(struct world *world, struct client *client, struct criteria criteria) {
    struct link *link = &client->main->link;
    bool fresh = link->phase == PHASE_CHAT || (link->phase == PHASE_IDLE && !link_pending(link, COMMAND_FIND));
    if (fresh)
        link->find_us = world->now_us;
    link->waiting_us = NEVER_US;
    client->wants_find = false;
    if (client->chat != NULL) {
        client->going = GOING_NEXT;
        own(client)->left = true;
    }
    command(link, COMMAND_FIND, criteria);
    struct buffer text = {0};
    wish_find(&criteria, &client->last, &text);
    pipe_say(world, client->main, text.bytes, text.length);
    buffer_fini(&text);
}

void client_leave(struct world *world, struct client *client) {
    if (client->chat != NULL) {
        client->going = GOING_AWAY;
        own(client)->left = true;
    }
    client->main->link.waiting_us = NEVER_US;
    command(&client->main->link, COMMAND_LEAVE, (struct criteria){0});
    pipe_say(world, client->main, CLIENT_LEAVE, strlen(CLIENT_LEAVE));
}

static void say(struct world *world, struct client *client, uint64_t number) {
    struct buffer text = {0};
    if (client->reliable)
        buffer_printf(&text, "{\"t\":\"msg\",\"seq\":%llu,\"body\":", (unsigned long long)number);
    else
        buffer_string(&text, "{\"t\":\"msg\",\"body\":");
    struct body_key key = {client->chat->serial, client->side, number, world->climate.core.max_body_bytes};
    body_json(&key, &text);
    buffer_string(&text, "}");
    if (client->main->link.provoked[ERROR_NOT_IN_CHAT] < 1000) /* it may cross the end of the chat */
        client->main->link.provoked[ERROR_NOT_IN_CHAT]++;
    if (!client->reliable && client->main->link.provoked[ERROR_WINDOW_FULL] < 1000)
        client->main->link.provoked[ERROR_WINDOW_FULL]++;
    pipe_say(world, client->main, text.bytes, text.length);
    buffer_fini(&text);
}

bool client_say(struct world *world, struct client *client) {
    if (client->reliable && client->next_seq > client->peer_acked + world->climate.core.window)
        return false;
    if (client->peer_acked + 1 == client->next_seq)
        client->resend_us = world->now_us + RESEND_US;
    own(client)->said = client->next_seq;
    say(world, client, client->next_seq++);
    client_plan(world, client);
    return true;
}

void client_resend(struct world *world, struct client *client) {
    if (!client->reliable || !client_may_say(world, client))
        return;
    for (uint64_t seq = client->peer_acked + 1; seq < client->next_seq; seq++) {
        say(world, client, seq);
        world->tally.resent++;
    }
    client->resend_us = world->now_us + RESEND_US;
}

static void acknowledge(struct world *world, struct client *client) {
    struct buffer text = {0};
    buffer_printf(&text, "{\"t\":\"ack\",\"seq\":%llu}", (unsigned long long)(client->expected - 1));
    own(client)->acked = client->expected - 1;
    client->ack_owed = false;
    client->ack_us = NEVER_US;
    pipe_say(world, client->main, text.bytes, text.length);
    buffer_fini(&text);
}

/* Is another resume of this chat still on its way? Then nobody can say which of the two will be the last. */
static bool another_resume(const struct world *world, const struct pipe *pipe, const struct chat *chat) {
    for (size_t i = 0; i < world->pipes.capacity; i++) {
        const struct pipe *other = world->pipes.slots[i].value;
        if (other != NULL && other != pipe && other->link.resume_open && other->link.wants == chat &&
            other->link.wants_side == pipe->link.wants_side)
            return true;
    }
    return false;
}

void client_resume(struct world *world, struct pipe *pipe, const struct token *token, struct chat *chat,
                   uint32_t side) {
    struct link *link = &pipe->link;
    link->worthless = chat == NULL;
    if (chat != NULL)
        chats_hold(chat);
    if (link->wants != NULL)
        chats_release(link->wants);
    link->wants = chat;
    if (chat != NULL) {
        link->wants_side = side;
        if (another_resume(world, pipe, chat))
            chat->member[side].murky = true;
        link->resume_open = pipe->server != NULL;
        if (pipe->server != NULL && pipe->server->unreachable_us >= 0)
            chat->member[side].drops++; /* the register may have it there before it is told so */
        chat->member[side].resumes++;
    }
    command(link, COMMAND_RESUME, (struct criteria){0});
    struct buffer text = {0};
    buffer_printf(&text, "{\"t\":\"resume\",\"token\":\"%.*s\"}", (int)token->length, token->at);
    pipe_say(world, pipe, text.bytes, text.length);
    buffer_fini(&text);
}

/* --- connections -------------------------------------------------------------------------------------------------- */

void client_begin(struct world *world, struct client *client, struct pipe *pipe) {
    if (pipe->link.begun)
        return;
    pipe->link.begun = true;
    if (client->chat != NULL) {
        bool older = client->earlier.length > 0 && world_chance(world, 8);
        client_resume(world, pipe, older ? &client->earlier : &client->token, client->chat, client->side);
    } else if (client->wants_find && pipe == client->main) {
        client_find(world, client, wish_criteria(world, client));
    }
}

static void reconnect_later(struct world *world, struct client *client) {
    uint32_t doublings = client->failures < BACKOFF_DOUBLINGS ? client->failures : BACKOFF_DOUBLINGS;
    client->failures++;
    client->connect_us = world->now_us + 1 + (int64_t)world_below(world, (uint64_t)BACKOFF_US << doublings);
}

/* As often as not to the same node as before, as a load balancer may send it. */
static struct pipe *open_pipe(struct world *world, struct client *client) {
    struct server *home = client->home;
    bool again = home != NULL && home->node != NULL && !home->draining && world_chance(world, 2);
    struct server *server = again ? home : cluster_any(world);
    if (server == NULL)
        return NULL;
    client->home = server;
    struct pipe *pipe = pipe_open(world, server, client, client->number);
    pipe->link.person = ++client->persons;
    pipe->link.waiting_us = NEVER_US;
    return pipe;
}

void client_connect(struct world *world, struct client *client) {
    client->main = open_pipe(world, client);
    if (client->main == NULL)
        reconnect_later(world, client);
    else if (world_chance(world, 4)) /* as soon as the handshake is done, before `hello` is read */
        client_begin(world, client, client->main);
}

void client_move(struct world *world, struct client *client) {
    client->move_us = NEVER_US;
    if (client->next != NULL || client->main == NULL)
        return;
    if (client->chat == NULL || client->main->link.phase != PHASE_CHAT) {
        client->wants_find |=
            client->main->link.phase == PHASE_WAITING || link_pending(&client->main->link, COMMAND_FIND);
        struct pipe *pipe = client->main;
        if (client->chat == NULL)
            client_drop_pipe(world, client, pipe);
        return;
    }
    client->next = open_pipe(world, client);
    if (client->next == NULL)
        client->move_us = world->now_us + SECOND_US;
}

void client_drop_pipe(struct world *world, struct client *client, struct pipe *pipe) {
    if (pipe == client->next) {
        client->next = NULL;
    } else {
        client->main = NULL;
        client->connect_us = world->now_us + 1 + (int64_t)world_below(world, BACKOFF_US);
    }
    pipe_hang_up(world, pipe);
    client_plan(world, client);
}

static void remember_last(struct client *client, const struct chat *chat) {
    const struct member *me = &chat->member[client->side], *peer = &chat->member[1 - client->side];
    client->last = client->token;
    client->again = (struct criteria){0};
    if (chat->members == 2 && !client->rogue)
        client->again =
            (struct criteria){.again = chat->serial, .with = peer->number, .as = me->person, .doubtful = me->doubtful};
}

void client_chat_over(struct world *world, struct client *client, bool spent) {
    struct chat *chat = client->chat;
    if (chat == NULL)
        return;
    own(client)->over = true;
    if (spent)
        client->old[world_below(world, OLD_TOKENS)] = client->token;
    remember_last(client, chat);
    client->chat = NULL;
    client->moved_in_vain = false;
    client->wants_find |= client->going == GOING_NEXT;
    client->going = GOING_NOWHERE;
    client->token.length = client->earlier.length = 0;
    client->ack_owed = false;
    client->ack_us = client->resend_us = NEVER_US;
    chats_release(chat);
}

void client_abandon(struct world *world, struct client *client) {
    client_chat_over(world, client, false);
    client->wants_find = false;
}

/* The code says more than that it is gone. */
static void judge_code(struct world *world, struct client *client, const struct pipe *pipe, unsigned code) {
    switch (code) {
    case CLOSE_ABNORMAL:
    case CLOSE_RESTART:
    case CLOSE_SLOW: break;
    case CLOSE_SUPERSEDED:
        world->tally.superseded++;
        if (pipe == client->main && (client->next != NULL || client->moved_in_vain))
            break;
        if (pipe == client->next && world->redis != NULL) /* its chat stays where it was */
            break;
        if (client->chat == NULL || !own(client)->murky)
            world_fail(world, "client %u: closed with 4501, and nobody else had resumed", client->number);
        else
            client_abandon(world, client);
        break;
    default: world_fail(world, "client %u: closed with %u for no reason", client->number, code);
    }
}

void client_closed(struct world *world, struct pipe *pipe, unsigned code) {
    struct client *client = pipe->client;
    if (!client->rogue)
        judge_code(world, client, pipe, code);
    if (pipe == client->next) {
        client->next = NULL;
        client->moved_in_vain |= pipe->link.begun;
        client->move_us = world->now_us + SECOND_US;
    } else if (client->next != NULL) {
        client->main = client->next;
        client->next = NULL;
    } else {
        client->wants_find |=
            client->chat == NULL && (pipe->link.phase == PHASE_WAITING || link_pending(&pipe->link, COMMAND_FIND));
        client->main = NULL;
        client->retry_us = client->move_us = NEVER_US;
        reconnect_later(world, client);
    }
    client_plan(world, client);
}

void client_lose_connection(struct world *world, struct client *client) {
    struct pipe *pipe = client->next != NULL && world_chance(world, 2) ? client->next : client->main;
    world->tally.drops++;
    int64_t longest_us = 2 * (int64_t)world->climate.core.grace_ms * MILLISECOND_US;
    int64_t late_us =
        world->now_us + 1 + (int64_t)world_below(world, (uint64_t)(longest_us < 60000000 ? longest_us : 60000000) + 1);
    int64_t soon_us = world->now_us + 1 + (int64_t)world_below(world, 3 * SECOND_US);
    switch (world_below(world, 4)) {
    case 0: pipe_cut(world, pipe, soon_us, late_us < soon_us + 10 * SECOND_US ? late_us : soon_us, false); return;
    case 1: pipe_cut(world, pipe, world->now_us + 1, soon_us, false); return;
    case 2:
        client_closed(world, pipe, CLOSE_ABNORMAL);
        pipe_cut(world, pipe, late_us, NEVER_US, true);
        return;
    default: client_closed(world, pipe, CLOSE_ABNORMAL); pipe_hang_up(world, pipe);
    }
}

/* --- timers ------------------------------------------------------------------------------------------------------- */

static bool due(const struct world *world, int64_t *at_us) {
    if (*at_us > world->now_us)
        return false;
    *at_us = NEVER_US;
    return true;
}

/* A refused find or resume is said again. */
static void retry(struct world *world, struct client *client) {
    struct pipe *pipe = client->next != NULL ? client->next : client->main;
    if (pipe == NULL || pipe->link.pending_count > 0)
        return;
    if (client->chat != NULL && pipe->link.phase == PHASE_IDLE) {
        pipe->link.begun = false;
        client_begin(world, client, pipe);
    } else if (client->chat == NULL && client->wants_find && pipe == client->main) {
        client_find(world, client, wish_criteria(world, client));
    }
}

void client_duty(struct world *world, struct client *client) {
    if (client->main == NULL && client->online && client->connect_us <= world->now_us)
        client_connect(world, client);
    if (client->ack_owed && client_may_say(world, client) && due(world, &client->ack_us))
        acknowledge(world, client);
    if (client->reliable && !client->peer_away && client_may_say(world, client) && client->resend_us <= world->now_us)
        client_resend(world, client);
    if (due(world, &client->retry_us))
        retry(world, client);
    if (due(world, &client->move_us))
        client_move(world, client);
    client_plan(world, client);
}
