/* hear.c - what a model client makes of what it hears: is it legal here and now, and what follows from it.
 *
 * Extending: a new message gets a row in `legal`, and its function in `reactions`. */
#include "hear.h"

#include <string.h>

#include "cluster.h"
#include "rogue.h"
#include "wish.h"

enum { ACK_LATEST_US = 200000, TOLD_OF_REFUSAL_US = 1000000 };

static struct member *own(const struct client *client) {
    return &client->chat->member[client->side];
}

/* --- is it legal? ------------------------------------------------------------------------------------------------- */

static bool legal_ended(const struct client *client, const struct link *link, const struct heard *heard) {
    if (link->phase == PHASE_CHAT)
        return heard->reason != ENDED_YOU_LEFT || link_next(link, COMMAND_LEAVE) || link_next(link, COMMAND_FIND) ||
               (client->chat != NULL && own(client)->left_before);
    return link->phase == PHASE_IDLE && link_next(link, COMMAND_RESUME);
}

static bool legal_error(const struct world *world, const struct pipe *pipe, const struct heard *heard) {
    const struct link *link = &pipe->link;
    switch (heard->code) {
    case ERROR_RATE_LIMITED:
        return world->climate.core.find_rate.per_second > 0 && heard->retry_ms > 0 &&
               (link_pending(link, COMMAND_FIND) || link_pending(link, COMMAND_RESUME));
    case ERROR_BUSY: return link_pending(link, COMMAND_FIND) && link->leave_asked;
    case ERROR_NOT_IN_CHAT: return link->phase != PHASE_CHAT && link->provoked[heard->code] > 0;
    default: return link->provoked[heard->code] > 0;
    }
}

/* Is it an answer to what is pending, or something that this phase allows? */
static bool legal(const struct world *world, const struct pipe *pipe, const struct heard *heard) {
    const struct link *link = &pipe->link;
    if (heard->kind == SERVER_HELLO || !link->greeted)
        return heard->kind == SERVER_HELLO && !link->greeted;
    switch (heard->kind) {
    case SERVER_WAITING: return link->phase != PHASE_CHAT && link_next(link, COMMAND_FIND);
    case SERVER_MATCHED:
        return link->phase == PHASE_WAITING || (link->phase == PHASE_IDLE && link_next(link, COMMAND_FIND));
    case SERVER_MSG:
    case SERVER_TYPING:
    case SERVER_AWAY:
    case SERVER_BACK: return link->phase == PHASE_CHAT;
    case SERVER_ACK:
    case SERVER_SYNC: return link->phase == PHASE_CHAT && pipe->client->reliable;
    case SERVER_RESUMED:
        return link->phase == PHASE_IDLE && link_next(link, COMMAND_RESUME) && (!link->worthless || link->intruding);
    case SERVER_ENDED: return legal_ended(pipe->client, link, heard);
    case SERVER_IDLE: return link->phase != PHASE_CHAT && link_pending(link, COMMAND_LEAVE);
    case SERVER_ERROR: return legal_error(world, pipe, heard);
    default: return true;
    }
}

/* --- reactions ---------------------------------------------------------------------------------------------------- */

static void hear_hello(struct world *world, struct pipe *pipe, const struct heard *heard) {
    const struct core_options *core = &world->climate.core;
    pipe->link.greeted = true;
    if (heard->v != 1 || heard->window != core->window || heard->max_body != core->max_body_bytes ||
        heard->max_frame != core->max_frame_bytes || heard->grace_ms != core->grace_ms ||
        heard->prefer_ms != core->prefer_ms)
        world_fail(world, "client %u: hello says other numbers than the node was given", pipe->number);
    pipe->client->failures = 0;
    client_begin(world, pipe->client, pipe);
}

static void find_answered(struct link *link) {
    link->criteria = link->asked[0];
    link_answered(link);
}

static void hear_waiting(struct world *world, struct pipe *pipe, const struct heard *heard) {
    find_answered(&pipe->link);
    if (heard->again != (pipe->link.criteria.again != 0) && !pipe->client->rogue)
        world_fail(world, "client %u waits %s stranger", pipe->number, heard->again ? "for one" : "for any");
    pipe->link.phase = PHASE_WAITING;
    pipe->link.waiting_us = world->now_us;
}

static void keep_token(struct token *token, struct text text) {
    token->length = (uint16_t)text.length;
    memcpy(token->at, text.at, text.length);
}

/* A command that was said before `matched` was heard ends this chat. */
static void going_already(struct client *client, const struct link *link) {
    client->going = link_pending(link, COMMAND_FIND)    ? GOING_NEXT
                    : link_pending(link, COMMAND_LEAVE) ? GOING_AWAY
                                                        : GOING_NOWHERE;
    own(client)->left |= client->going != GOING_NOWHERE;
}

static void hear_matched(struct world *world, struct pipe *pipe, const struct heard *heard) {
    struct client *client = pipe->client;
    struct chat *chat = chats_find(world, heard->chat);
    if (client->chat != NULL || pipe != client->main || chat == NULL || heard->resume.length > MAX_TOKEN_CHARS) {
        world_fail(world, "client %u: matched, but it has a chat already, or the chat or its token can't be",
                   pipe->number);
        return;
    }
    if (pipe->link.phase == PHASE_IDLE)
        find_answered(&pipe->link);
    pipe->link.phase = PHASE_CHAT;
    chats_hold(chat);
    client->chat = chat;
    const struct member *second = &chat->member[1];
    client->side = chat->members == 2 && second->number == client->number && second->person == pipe->link.person;
    client->reliable = own(client)->reliable = pipe->link.criteria.reliable;
    client->peer_reliable = heard->reliable;
    client->peer_away = false;
    client->next_seq = client->expected = 1;
    client->peer_acked = 0;
    client->wants_find = false;
    keep_token(&client->token, heard->resume);
    client->earlier.length = 0;
    own(client)->read = true;
    going_already(client, &pipe->link);
}

static void hear_msg(struct world *world, struct pipe *pipe, const struct heard *heard) {
    struct client *client = pipe->client;
    if (client->reliable && client->peer_reliable) {
        client->ack_owed = true;
        if (client->ack_us == NEVER_US)
            client->ack_us = world->now_us + (world_chance(world, 2) ? (int64_t)world_below(world, ACK_LATEST_US) : 0);
        if (heard->seq != client->expected)
            return;
        client->expected++;
    }
    world->tally.shown++;
    check_shown(world, pipe, heard);
}

static void hear_ack(struct world *world, struct pipe *pipe, const struct heard *heard) {
    struct client *client = pipe->client;
    if (heard->seq >= client->next_seq) {
        /* Where both sides were taken over, no node can tell what a stranger acknowledges out of thin air. */
        if (!client->chat->member[1 - client->side].rogue)
            world_fail(world, "client %u: ack %llu, but it has said only %llu", pipe->number,
                       (unsigned long long)heard->seq, (unsigned long long)client->next_seq - 1);
        return;
    }
    if (heard->seq > client->peer_acked) {
        client->peer_acked = heard->seq;
        client->resend_us = world->now_us + 10 * SECOND_US;
    }
}

static void hear_nothing(struct world *world, struct pipe *pipe, const struct heard *heard) {
    (void)world, (void)pipe, (void)heard;
}

static void hear_away(struct world *world, struct pipe *pipe, const struct heard *heard) {
    if (heard->grace_ms > world->climate.core.grace_ms)
        world_fail(world, "client %u: away for longer than the grace", pipe->number);
    pipe->client->peer_away = true;
}

static void hear_back(struct world *world, struct pipe *pipe, const struct heard *heard) {
    (void)heard;
    pipe->client->peer_away = false;
    client_resend(world, pipe->client);
}

static void hear_sync(struct world *world, struct pipe *pipe, const struct heard *heard) {
    (void)heard;
    client_resend(world, pipe->client);
}

static void hear_resumed(struct world *world, struct pipe *pipe, const struct heard *heard) {
    struct client *client = pipe->client;
    struct chat *chat = chats_find(world, heard->chat);
    if (pipe->link.intruding) {
        client_drop_pipe(world, client, pipe);
        return;
    }
    if (client->chat == NULL || client->chat != chat || heard->resume.length > MAX_TOKEN_CHARS) {
        world_fail(world, "client %u: resumed a chat that it has not asked for, or that has ended", pipe->number);
        return;
    }
    if (heard->reliable != client->peer_reliable)
        world_fail(world, "client %u: the stranger is reliable in `matched` or in `resumed`, but not in both",
                   pipe->number);
    world->tally.resumes++;
    link_answered(&pipe->link);
    pipe->link.phase = PHASE_CHAT;
    client->earlier = client->token;
    keep_token(&client->token, heard->resume);
    client->peer_away = heard->peer == PRESENCE_AWAY;
    client->moved_in_vain = false;
    own(client)->floor = 0;
    if (pipe == client->next) {
        struct pipe *before = client->main;
        client->main = pipe;
        client->next = NULL;
        pipe_hang_up(world, before);
    }
    enum going going = client->going;
    client->going = GOING_NOWHERE;
    own(client)->left_before |= going != GOING_NOWHERE;
    if (going == GOING_AWAY)
        client_leave(world, client);
    else if (going == GOING_NEXT)
        client_find(world, client, wish_criteria(world, client));
    else
        client_resend(world, client);
}

static void hear_ended(struct world *world, struct pipe *pipe, const struct heard *heard) {
    struct client *client = pipe->client;
    struct link *link = &pipe->link;
    world->tally.ends++;
    world->tally.lost += heard->reason == ENDED_LOST;
    world->tally.expired += heard->reason == ENDED_EXPIRED;
    bool resuming = link->phase == PHASE_IDLE;
    if (resuming || (heard->reason == ENDED_YOU_LEFT && link_next(link, COMMAND_LEAVE) && !heard->crossed))
        link_answered(link);
    link->phase = PHASE_IDLE;
    if (resuming && link->worthless)
        return;
    client_chat_over(world, client, true);
    if (client->next != NULL) { /* the one that knows that it is over stays */
        struct pipe *other = pipe == client->main ? client->next : client->main;
        client->main = pipe;
        client->next = NULL;
        pipe_hang_up(world, other);
    }
    if (link_pending(link, COMMAND_FIND))
        client->wants_find = false;
    else if (client->wants_find)
        client->retry_us = world->now_us + (int64_t)world_below(world, TOLD_OF_REFUSAL_US);
}

static void hear_idle(struct world *world, struct pipe *pipe, const struct heard *heard) {
    (void)world, (void)heard;
    while (!link_next(&pipe->link, COMMAND_LEAVE)) /* a find that was taken back before it was answered */
        link_answered(&pipe->link);
    link_answered(&pipe->link);
    pipe->link.phase = PHASE_IDLE;
}

static void hear_reconnect(struct world *world, struct pipe *pipe, const struct heard *heard) {
    pipe->link.leave_asked = true;
    if (pipe == pipe->client->main)
        pipe->client->move_us = world->now_us + (int64_t)heard->after_ms * MILLISECOND_US;
}

static void hear_error(struct world *world, struct pipe *pipe, const struct heard *heard) {
    struct client *client = pipe->client;
    struct link *link = &pipe->link;
    world->tally.errors++;
    if (heard->code != ERROR_RATE_LIMITED && heard->code != ERROR_BUSY) {
        link->provoked[heard->code]--;
        return;
    }
    bool finding = link_refused(link) == COMMAND_FIND;
    client->retry_us = world->now_us + (heard->retry_ms > 0 ? (int64_t)heard->retry_ms * MILLISECOND_US : SECOND_US);
    if (finding && client->chat == NULL)
        client->wants_find = true;
    if (finding && link->phase == PHASE_CHAT) { /* the chat that it wanted to leave goes on */
        client->going = GOING_NOWHERE;
        client_resend(world, client);
    }
}

static void (*const reactions[SERVER_KINDS])(struct world *, struct pipe *, const struct heard *) = {
    [SERVER_HELLO] = hear_hello,
    [SERVER_WAITING] = hear_waiting,
    [SERVER_MATCHED] = hear_matched,
    [SERVER_MSG] = hear_msg,
    [SERVER_ACK] = hear_ack,
    [SERVER_TYPING] = hear_nothing,
    [SERVER_AWAY] = hear_away,
    [SERVER_BACK] = hear_back,
    [SERVER_SYNC] = hear_sync,
    [SERVER_RESUMED] = hear_resumed,
    [SERVER_ENDED] = hear_ended,
    [SERVER_IDLE] = hear_idle,
    [SERVER_RECONNECT] = hear_reconnect,
    [SERVER_ERROR] = hear_error,
};

static void note(struct world *world, const struct pipe *pipe, const struct heard *heard) {
    uint64_t word = (uint64_t)heard->kind << 56 ^ pipe->conn << 32 ^ heard->seq << 8 ^ heard->body.length;
    world->digest = (world->digest ^ word ^ (uint64_t)world->now_us) * 0x9e3779b97f4a7c15u;
    world->digest ^= world->digest >> 29;
}

static void hear(struct world *world, struct pipe *pipe, const struct heard *heard) {
    static const char *const phases[] = {"idle", "waiting", "in a chat"};
#define SERVER_WORD(name, t) t,
    static const char *const words[] = {SERVER_ROWS(SERVER_WORD)};
#undef SERVER_WORD
    note(world, pipe, heard);
    if (pipe->client->rogue) {
        rogue_hear(world, pipe, heard);
        return;
    }
    if (!legal(world, pipe, heard)) {
        world_fail(world, "client %u conn %llu: `%s` (reason or code %d) while %s, %d commands pending, the first %d",
                   pipe->number, (unsigned long long)pipe->conn, words[heard->kind],
                   heard->kind == SERVER_ERROR ? (int)heard->code : (int)heard->reason, phases[pipe->link.phase],
                   pipe->link.pending_count, pipe->link.pending_count > 0 ? (int)pipe->link.pending[0] : -1);
        return;
    }
    reactions[heard->kind](world, pipe, heard);
    client_plan(world, pipe->client);
}

const struct audience hear_audience = {hear, client_closed};
