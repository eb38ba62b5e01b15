/* check.c - the truth about every chat, and what each frame must not say in its face.
 *
 * Flow:  `matched` on its way registers a member; breaks and resumes say since when it is gone; every other frame of a
 *        node is compared with that when it is said, every message again when it is shown.
 * Rules: what can't be known (a rogue's doings, a chat whose criteria crossed with the match, two resumes at once) is
 *        not judged. */
#include "check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "client.h"
#include "presence.h"
#include "wish.h"

#include "base/buffer.h"
#include "base/memory.h"

/* --- who is there
 * --------------------------------------------------------------------------------------------------- */

void check_closing(struct pipe *pipe, enum close_code code) {
    if (code == CLOSE_ERRORS && pipe->bound != NULL)
        pipe->bound->member[pipe->side].left = true;
}

/* Can't it know of the chat any more, because its connection was lost before it read `matched`? */
static bool never_read(const struct member *member) {
    return !member->read && (member->pipe == NULL || !member->pipe->client_open);
}

static struct member *peer_of(struct chat *chat, uint32_t side) {
    return chat->members == 2 ? &chat->member[1 - side] : NULL;
}

/* Is nothing certain about it? */
static bool obscure(const struct member *member) {
    return member == NULL || member->rogue || member->murky || member->replaced || never_read(member);
}

/* --- matched ------------------------------------------------------------------------------------------------------ */

static uint32_t topics_told(struct world *world, const struct pipe *pipe, const struct heard *heard,
                            uint32_t spelling) {
    uint32_t told = 0;
    for (int i = 0; i < heard->topic_count; i++) {
        uint32_t bit = 0;
        for (uint32_t topic = 0; topic < POOL_TOPICS; topic++)
            if (reader_equal(heard->topics[i], wish_topic(topic, spelling)))
                bit = 1u << topic;
        if (bit == 0 || (told & bit) != 0)
            world_fail(world, "client %u: a topic that it did not write, or twice", pipe->number);
        told |= bit;
    }
    return told;
}

/* Nobody can say that two have met if one of them may really be somebody else (its criteria crossed with the match, or
 * its resume with the end): their nodes go by who it was. */
static bool met(const struct client *client, const struct member *own, const struct member *peer) {
    return !own->doubtful && !peer->doubtful &&
           client_met(client, own->person, (struct stranger){peer->number, peer->person, 0});
}

static void forget_met(struct client *client) {
    memset(client->met, 0, sizeof client->met);
    client->met_surely = 0;
}

/* Somebody whom we know when they have been told, too. */
static void meet(struct client *client, const struct member *own, uint32_t chat) {
    if (client->met_person != own->person)
        forget_met(client);
    client->met_person = own->person;
    memmove(&client->met[1], &client->met[0], sizeof client->met - sizeof client->met[0]);
    client->met[0] = (struct stranger){.chat = chat};
    client->met_surely += client->met_surely < RECENT_STRANGERS;
}

static void recognise(struct client *client, const struct member *own, const struct member *peer, uint32_t chat) {
    for (int i = 0; client->met_person == own->person && i < STRANGERS_KEPT; i++)
        if (client->met[i].chat == chat)
            client->met[i] = (struct stranger){peer->number, peer->doubtful ? 0 : peer->person, chat};
}

/* They wanted each other again, and nobody else. */
static void judge_reunion(struct world *world, const struct member *own, const struct member *peer) {
    if (own->criteria.again != peer->criteria.again || own->criteria.with != peer->number)
        world_fail(world, "client %u is matched with client %u, and they did not look for each other", own->number,
                   peer->number);
    world->tally.reunions++;
}

/* Both have been told: do they fit? */
static void judge_match(struct world *world, struct chat *chat, uint32_t side) {
    struct member *own = &chat->member[side];
    struct member *peer = &chat->member[1 - side];
    struct client *client = &world->clients[own->number];
    if (!own->replaced && !peer->replaced && !own->rogue && !peer->rogue) {
        bool suits = wish_prefers(&own->criteria, &peer->criteria);
        bool again = own->criteria.again == 0 && met(client, own, peer);
        if (own->criteria.again != 0 || peer->criteria.again != 0)
            judge_reunion(world, own, peer);
        if ((!suits || again) && own->waited_us / MILLISECOND_US + 1 < world->climate.core.prefer_ms)
            world_fail(world, "client %u is matched after %" PRId64 " ms with client %u, whom it %s", own->number,
                       own->waited_us / MILLISECOND_US, peer->number, suits ? "has met" : "does not prefer");
        if (own->told_topics != (own->criteria.topics & peer->criteria.topics))
            world_fail(world, "client %u was told the topics %x in common, not %x", own->number, own->told_topics,
                       own->criteria.topics & peer->criteria.topics);
        if (own->told_reliable != peer->reliable)
            world_fail(world, "client %u was told that client %u is %sreliable", own->number, peer->number,
                       own->told_reliable ? "" : "not ");
    }
    recognise(client, own, peer, chat->serial);
}

/* Whoever meets the same stranger again is who it was there; what it remembers stays. */
static void become(struct pipe *pipe, const struct criteria *criteria, bool others) {
    struct client *client = pipe->client;
    pipe->link.doubtful |=
        criteria->doubtful || (others && client->again.again != 0); /* one of them may have been that */
    if (criteria->again == 0)
        return;
    if (client->met_person != pipe->link.person)
        forget_met(client); /* what it knew as that person, another session knew */
    client->met_person = pipe->link.person = criteria->as;
}

static void sent_matched(struct world *world, struct pipe *pipe, const struct heard *heard) {
    struct chat *chat = chats_find(world, heard->chat);
    const struct link *link = &pipe->link;
    if (pipe->bound != NULL)
        world_fail(world, "client %u: matched, but it is in a chat", pipe->number);
    if (chat != NULL && chat->members == 2)
        world_fail(world, "client %u: matched into a chat of two others", pipe->number);
    if (chat != NULL && chat->member[0].number == pipe->number && chat->member[0].person == link->person)
        world_fail(world, "client %u: matched with itself", pipe->number);
    if (world_failed(world))
        return;
    if (chat == NULL)
        chat = chats_add(world, heard->chat);
    presence_judge(world, chat);
    uint32_t side = chat->members++;
    bool others;
    struct criteria criteria = link_criteria(link, &others);
    become(pipe, &criteria, others);
    chat->member[side] = (struct member){
        .number = pipe->number,
        .person = link->person,
        .doubtful = link->doubtful,
        .reliable = criteria.reliable,
        .rogue = pipe->client->rogue,
        .told_reliable = heard->reliable,
        .criteria = criteria,
        .replaced = others,
        .waited_us = world->now_us - link->find_us,
        /* its node was deaf for so long that the chat that it has yet to hear of may have ended */
        .overdue = side == 1 && (chat->member[0].told_end || chat->member[0].overdue),
        .gone_us = -1,
        .absent_us = -1,
    };
    struct member *member = &chat->member[side];
    if (!member->rogue && !member->replaced)
        member->told_topics = topics_told(world, pipe, heard, criteria.spelling);
    if (!pipe->broken) /* else it never reads this, and its next session does not remember it */
        meet(pipe->client, member, chat->serial);
    presence_bind(pipe, chat, side);
    presence_here(world, chat, member, pipe);
    if (side == 1 && member->absent_us >= 0) /* and it has been for as long as the stranger knows of the chat */
        member->absent_us = chat->born_us;
    if (chat->members == 2) {
        world->tally.chats++;
        judge_match(world, chat, 0);
        judge_match(world, chat, 1);
    }
}

/* --- resumed, ended ----------------------------------------------------------------------------------------------- */

static bool may_be_over(const struct chat *chat) {
    const struct member *one = &chat->member[0], *two = &chat->member[1];
    return one->left || two->left || one->overdue || two->overdue || one->told_end || two->told_end;
}

/* A rogue came back, with its own token or one that it borrowed. */
static void rogue_resumed(struct chat *chat) {
    for (uint32_t i = 0; chat != NULL && i < 2; i++)
        chat->member[i].drops += chat->member[i].rogue;
}

/* Is it a chat that was ended by a place which it had just left, and which the register therefore did not listen to? */
static bool intrudes(const struct pipe *pipe, const struct chat *chat) {
    return pipe->link.worthless && chat != NULL && may_be_over(chat);
}

static void sent_resumed(struct world *world, struct pipe *pipe, const struct heard *heard) {
    struct chat *chat = chats_find(world, heard->chat);
    if (pipe->client->rogue) {
        rogue_resumed(chat);
        return;
    }
    if (intrudes(pipe, chat)) {
        pipe->link.intruding = true;
        chat->revived = true;
        world->tally.revived++;
        return;
    }
    if (chat == NULL || chat != pipe->link.wants) {
        world_fail(world, "client %u: resumed into a chat that is not its own", pipe->number);
        return;
    }
    struct member *member = &chat->member[pipe->link.wants_side];
    pipe->link.resume_open = false;
    pipe->link.person = member->person;
    pipe->link.doubtful = member->doubtful;
    if (pipe->client->met[0].chat != chat->serial)
        pipe->client->met_surely = 0; /* it never read of its later chats: the token does not tell of those strangers */
    presence_bind(pipe, chat, pipe->link.wants_side);
    member->astray = false;
    member->told_away |= heard->peer == PRESENCE_AWAY;
    member->drops++; /* what was on its way to the connection before may be lost */
    presence_here(world, chat, member, pipe);
}

/* May this member be told so? `answer`: to its resume. */
static bool may_end(const struct world *world, struct chat *chat, uint32_t side, enum ended_reason reason,
                    bool answer) {
    const struct member *own = &chat->member[side];
    const struct member *peer = peer_of(chat, side);
    presence_judge(world, chat);
    switch (reason) {
    case ENDED_YOU_LEFT: return own->left;
    case ENDED_LEFT: return obscure(peer) || peer->left;
    case ENDED_LOST:
        return obscure(peer) || own->murky || own->astray || peer->overdue ||
               (peer->told_end && (peer->left || world->redis != NULL)) /* and nobody remembers how */;
    default:
        return obscure(peer) || own->murky || own->overdue ||
               (answer && (own->left || peer->left || peer->overdue || peer->told_end));
    }
}

void check_taken(struct pipe *pipe, const char *bytes, size_t length) {
    pipe->leaves_taken += length == strlen(CLIENT_LEAVE) && memcmp(bytes, CLIENT_LEAVE, length) == 0;
}

/* A `leave` that is repeated after a resume may cross with the end that the first one brought about. It is answered
 * `idle` then: there was no chat any more. */
static void match_leave(struct pipe *pipe, struct heard *heard) {
    bool is_end = heard->kind == SERVER_ENDED && heard->reason == ENDED_YOU_LEFT && pipe->bound != NULL;
    heard->crossed = is_end && pipe->leaves_taken == 0;
    if ((is_end || heard->kind == SERVER_IDLE) && pipe->leaves_taken > 0)
        pipe->leaves_taken--;
}

static void sent_ended(struct world *world, struct pipe *pipe, const struct heard *heard) {
#define ENDED_ROW(name, reason) reason,
    static const char *const words[] = {
#include "passerby/reasons.def"
    };
    struct link *link = &pipe->link;
    bool answer = pipe->bound == NULL;
    struct chat *chat = answer ? link->wants : pipe->bound;
    uint32_t side = answer ? link->wants_side : pipe->side;
    link->resume_open = false;
    if (chat == NULL) {
        if (!link->worthless && !link->intruding && !pipe->client->rogue)
            world_fail(world, "client %u: ended, but there was no chat", pipe->number);
        return;
    }
    struct member *own = &chat->member[side];
    if (!answer && pipe->broken && (own->last != pipe->conn || own->left)) { /* to nobody: its client is elsewhere */
        presence_bind(pipe, NULL, 0);
        return;
    }
    link->doubtful |= answer;
    bool asked = link_pending(link, COMMAND_FIND) || link_pending(link, COMMAND_LEAVE);
    if (heard->reason == ENDED_YOU_LEFT && asked)
        own->left = true; /* it had asked before it knew of this chat */
    if (!own->rogue && !may_end(world, chat, side, heard->reason, answer))
        world_fail(world, "client %u: ended, %s, but nobody left, and nobody was gone for %u ms", pipe->number,
                   words[heard->reason], world->climate.core.grace_ms);
    own->told_end |= !pipe->broken; /* a connection that is dead may speak for a place that the chat has left */
    own->left |= heard->reason == ENDED_YOU_LEFT;
    presence_bind(pipe, NULL, 0);
}

/* --- frames of a chat --------------------------------------------------------------------------------------------- */

static void sent_msg(struct world *world, const struct pipe *pipe, const struct heard *heard) {
    const struct member *own = &pipe->bound->member[pipe->side];
    const struct member *peer = peer_of(pipe->bound, pipe->side);
    if (peer == NULL)
        return;
    if (own->reliable && !own->rogue && !own->replaced && own->drops == 0 && peer->drops == 0 && own->told_reliable &&
        heard->seq > own->acked + world->climate.core.window)
        world_fail(world, "client %u: message %" PRIu64 ", and only %" PRIu64 " are acknowledged", pipe->number,
                   heard->seq, own->acked);
    if (peer->rogue)
        return;
    struct body_key key = {.max_bytes = world->climate.core.max_body_bytes};
    if (!body_read(heard->body, &key) || key.chat != pipe->bound->serial || key.side != 1 - pipe->side) {
        world_fail(world, "client %u: a message that its stranger did not say: %.*s", pipe->number,
                   (int)heard->body.length, heard->body.at);
        return;
    }
    struct buffer said = {0};
    body_plain(&key, &said);
    if (key.number > peer->said || (peer->reliable && !peer->replaced && heard->seq != key.number))
        world_fail(world, "client %u: message %" PRIu64 " with seq %" PRIu64 "; its stranger has said %" PRIu64,
                   pipe->number, key.number, heard->seq, peer->said);
    if (said.length != heard->body.length || memcmp(said.bytes, heard->body.at, said.length) != 0)
        world_fail(world, "client %u: message %" PRIu64 " was altered on its way", pipe->number, key.number);
    buffer_fini(&said);
}

static void sent_ack(struct world *world, const struct pipe *pipe, const struct heard *heard) {
    const struct member *peer = peer_of(pipe->bound, pipe->side);
    const struct member *own = &pipe->bound->member[pipe->side];
    if (peer == NULL || peer->rogue || peer->replaced || own->rogue)
        return;
    if (!peer->reliable && pipe->bound->revived)
        return; /* what was written to who revived it, on a connection that takes part in no chat, is not counted */
    uint64_t most = peer->reliable ? peer->acked : peer->written;
    if (heard->seq > most)
        world_fail(world, "client %u: ack %" PRIu64 ", but its stranger has only %" PRIu64, pipe->number, heard->seq,
                   most);
}

static void sent_in_chat(struct world *world, const struct pipe *pipe, const struct heard *heard) {
    if (pipe->bound == NULL) {
        if (!pipe->client->rogue && !pipe->link.intruding)
            world_fail(world, "client %u: a frame of a chat, and no chat", pipe->number);
        return;
    }
    if (pipe->broken && pipe->bound->member[pipe->side].left)
        return; /* to nobody */
    struct member *own = &pipe->bound->member[pipe->side];
    const struct member *peer = peer_of(pipe->bound, pipe->side);
    if (heard->kind == SERVER_MSG)
        sent_msg(world, pipe, heard);
    else if (heard->kind == SERVER_ACK)
        sent_ack(world, pipe, heard);
    else if (heard->kind == SERVER_AWAY && !obscure(peer) && peer->drops == 0 && !peer->left &&
             (world->redis == NULL || own->drops == 0))
        world_fail(world, "client %u: away, but its stranger never dropped", pipe->number);
    else if (heard->kind == SERVER_BACK && !obscure(peer) && peer->resumes == 0 &&
             (world->redis == NULL ||
              !(own->told_away || peer->left))) /* its node was out of reach, or deaf to the end */
        world_fail(world, "client %u: back, but its stranger never resumed", pipe->number);
    own->told_away |= heard->kind == SERVER_AWAY;
}

void check_sent(struct world *world, struct pipe *pipe, struct heard *heard) {
    if (pipe->client == NULL)
        return;
    match_leave(pipe, heard);
    switch (heard->kind) {
    case SERVER_MATCHED: sent_matched(world, pipe, heard); break;
    case SERVER_RESUMED: sent_resumed(world, pipe, heard); break;
    case SERVER_ENDED: sent_ended(world, pipe, heard); break;
    case SERVER_MSG:
    case SERVER_ACK:
    case SERVER_TYPING:
    case SERVER_AWAY:
    case SERVER_BACK:
    case SERVER_SYNC: sent_in_chat(world, pipe, heard); break;
    case SERVER_ERROR:
        if (heard->code == ERROR_WINDOW_FULL && pipe->bound != NULL)
            pipe->bound->member[pipe->side].refused++;
        if (heard->code == ERROR_RATE_LIMITED || heard->code == ERROR_BUSY)
            pipe->link.resume_open = false;
        break;
    default: break;
    }
}

void check_written(struct pipe *pipe, const struct heard *heard) {
    if (heard->kind != SERVER_MSG || pipe->bound == NULL)
        return;
    struct body_key key;
    struct member *own = &pipe->bound->member[pipe->side];
    if (body_read(heard->body, &key) && key.chat == pipe->bound->serial && key.number > own->written)
        own->written = key.number;
}

/* Is the same message of a reliable stranger there already? */
static bool queued_twice(const struct pipe *pipe, const struct heard *heard) {
    uint32_t found = 0;
    for (const struct parcel *parcel = pipe->queue.first; parcel != NULL; parcel = parcel->next)
        found += parcel->heard.kind == SERVER_MSG && parcel->heard.seq == heard->seq &&
                 parcel->heard.body.length == heard->body.length &&
                 memcmp(parcel->heard.body.at, heard->body.at, heard->body.length) == 0;
    return found > 1;
}

void check_queued(struct world *world, const struct pipe *pipe, const struct heard *heard) {
    if (pipe->queue.bytes > world->climate.queue_bytes)
        world_fail(world, "client %u: %zu bytes are queued, and %u are allowed", pipe->number, pipe->queue.bytes,
                   world->climate.queue_bytes);
    if (pipe->bound == NULL || heard->kind != SERVER_MSG)
        return;
    const struct member *peer = peer_of(pipe->bound, pipe->side);
    if (peer != NULL && !peer->rogue && peer->reliable && !peer->replaced && queued_twice(pipe, heard))
        world_fail(world, "client %u: message %" PRIu64 " is queued twice", pipe->number, heard->seq);
}

void check_shown(struct world *world, struct pipe *pipe, const struct heard *heard) {
    struct client *client = pipe->client;
    struct member *own = &client->chat->member[client->side];
    const struct member *peer = peer_of(client->chat, client->side);
    struct body_key key;
    if (peer == NULL || peer->rogue || !body_read(heard->body, &key))
        return;
    bool exact = client->reliable && client->peer_reliable;
    if (key.chat != client->chat->serial)
        world_fail(world, "client %u: shown a message of another chat", pipe->number);
    else if (exact && key.number != own->shown + 1)
        world_fail(world, "client %u: shown %" PRIu64 " after %" PRIu64, pipe->number, key.number, own->shown);
    else if (!exact && key.number <= own->floor)
        world_fail(world, "client %u: shown %" PRIu64 " after %" PRIu64 " on one connection", pipe->number, key.number,
                   own->floor);
    else if (key.number != own->shown + 1 && (exact || !world->climate.sharded) && own->drops == 0 &&
             peer->drops == 0 && peer->refused == 0 && !peer->replaced)
        world_fail(world, "client %u: shown %" PRIu64 " after %" PRIu64 ", and nothing had happened", pipe->number,
                   key.number, own->shown);
    own->floor = key.number;
    if (key.number > own->shown)
        own->shown = key.number;
}
