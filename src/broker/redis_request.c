/* redis_request.c - requests become what match.lua and chat.lua are asked; their answers become events.
 *
 * Fails: no answer (Redis is down, or refuses) → BROKER_DOWN to who asked; withdrawals and ends, which nobody asks
 *        about again, are owed (redis_owed.c). What was down may have happened all the same: a match that its seeker
 *        doesn't know of is ended by the seeker's node when it is confirmed, as in any other broker. */
#include "redis_priv.h"

#include <assert.h>

#include "redis_codec.h"

enum { SUSPICIOUS_MS = 1500 }; /* an offer that was not answered for so long: a withdrawn search is aborted, too */

static struct broker_event answer_to(const struct broker_request *request, enum broker_event_kind kind) {
    return (struct broker_event){.kind = kind, .to = request->asker, .chat = request->chat};
}

/* --- the line ----------------------------------------------------------------------------------------------------- */

static struct redis_offer *offer_of(struct redis_broker *self, struct chat_id chat) {
    return &self->offers[(chat.high ^ chat.low) % REDIS_OFFERS];
}

/* Whether somebody was found, since when the ticket waits, and the node of who was found. */
static void sought(struct redis_broker *self, const struct broker_request *request, struct redis_reader *answer) {
    struct broker_event event = answer_to(request, BROKER_SOUGHT);
    event.sought.attempt = request->seek.attempt;
    bool found = redis_take_flag(answer);
    event.sought.since_ms = (int64_t)(redis_take_u64(answer) / 1000);
    event.sought.node = found ? redis_take_u64(answer) : 0;
    if (answer->bad) {
        event.status = BROKER_DOWN;
        event.sought.since_ms = request->seek.since_ms;
        event.sought.node = 0;
    } else if (found) {
        event.chat = request->seek.chat;
        *offer_of(self, event.chat) = (struct redis_offer){event.chat, event.sought.node, self->now_ms};
    } else {
        event.status = BROKER_NONE;
        event.chat = (struct chat_id){0, 0};
    }
    redis_post(self, &event);
}

static void seek(struct redis_broker *self, const struct broker_request *request) {
    assert(address_equal(request->asker, request->seek.who.at));
    struct buffer *out = redis_call_begin(self, SCRIPT_MATCH, request, sought);
    redis_put_ticket(out, &request->seek, true);
    redis_call_end(self, SCRIPT_MATCH);
}

static void said(struct redis_broker *self, const struct broker_request *request, struct redis_reader *answer) {
    if (answer->bad)
        redis_owe(self, request);
}

static void withdraw(struct redis_broker *self, const struct broker_request *request) {
    struct buffer *out = redis_call_begin(self, SCRIPT_MATCH, request, said);
    redis_put_letter(out, 'W');
    redis_put_address(out, request->asker);
    redis_put_u32(out, request->withdraw.attempt);
    redis_call_end(self, SCRIPT_MATCH);
}

/* --- the register ------------------------------------------------------------------------------------------------- */

static struct buffer *begin_chat(struct redis_broker *self, char letter, const struct broker_request *request,
                                 redis_answer_fn *answer) {
    struct buffer *out = redis_call_begin(self, SCRIPT_CHAT, request, answer);
    redis_put_letter(out, letter);
    redis_put_chat(out, request->chat);
    return out;
}

/* Takes a chat as the register has it: what is behind the parties is left. */
static enum broker_status take_chat(struct redis_reader *answer, struct party party[2]) {
    if (!answer->bad && answer->left == 0)
        return BROKER_NONE;
    char state = redis_take_letter(answer);
    if (state == 'C') {
        redis_take_chat(answer);
        redis_take_u32(answer);
    }
    for (int side = 0; side < 2; side++)
        party[side] = redis_take_party(answer);
    if (answer->bad || (state != 'C' && state != 'O'))
        return BROKER_DOWN;
    return state == 'C' ? BROKER_OK : BROKER_OVER;
}

static struct party seat(const struct ticket *ticket) {
    struct party party = ticket->who;
    if (party.fence == 0)
        party.fence = FIRST_FENCE;
    return party;
}

/* "=": it stands as it was asked for; else as it stands. */
static void committed(struct redis_broker *self, const struct broker_request *request, struct redis_reader *answer) {
    struct broker_event event = answer_to(request, BROKER_COMMITTED);
    struct party party[2] = {seat(&request->commit.seeker), seat(&request->commit.candidate)};
    event.match.attempt = request->commit.candidate.attempt;
    if (answer->bad || answer->left == 0 || *answer->at != '=')
        event.status = take_chat(answer, party);
    if (event.status == BROKER_OK) {
        event.match.peer = request->commit.seeker;
        event.match.peer.who = party[SIDE_SEEKER];
        event.match.fence = party[SIDE_CANDIDATE].fence;
    }
    redis_post(self, &event);
}

static void commit(struct redis_broker *self, const struct broker_request *request) {
    const struct party party[2] = {seat(&request->commit.seeker), seat(&request->commit.candidate)};
    struct buffer *out = begin_chat(self, 'C', request, committed);
    redis_put_u32(out, request->commit.seeker.attempt);
    redis_put_party(out, &party[SIDE_SEEKER]);
    redis_put_party(out, &party[SIDE_CANDIDATE]);
    redis_put_ticket(out, &request->commit.candidate, false);
    redis_call_end(self, SCRIPT_CHAT);
}

/* The candidate's ticket may be lost: its party is what matters. */
static void aborted(struct redis_broker *self, const struct broker_request *request, struct redis_reader *answer) {
    struct broker_event event = answer_to(request, BROKER_ABORTED);
    struct party party[2];
    event.match.attempt = request->abort.attempt;
    event.status = take_chat(answer, party);
    if (event.status == BROKER_OVER)
        event.status = BROKER_NONE;
    if (event.status == BROKER_OK) {
        struct ticket candidate = redis_take_ticket(answer);
        if (!answer->bad)
            event.match.peer = candidate;
        event.match.peer.who = party[SIDE_CANDIDATE];
        event.match.fence = party[SIDE_SEEKER].fence;
    }
    redis_post(self, &event);
}

static void give_up(struct redis_broker *self, const struct broker_request *request) {
    struct buffer *out = begin_chat(self, 'A', request, aborted);
    const struct redis_offer *offer = offer_of(self, request->chat);
    if (chat_id_equal(offer->chat, request->chat) && self->now_ms - offer->at_ms >= SUSPICIOUS_MS)
        redis_put_u64(out, offer->node);
    redis_call_end(self, SCRIPT_CHAT);
}

/* Answers with what the register says. */
static void post_chat(struct redis_broker *self, struct broker_event *event, struct redis_reader *answer) {
    struct chat_record *record = &event->chat_state.record;
    event->status = take_chat(answer, record->party);
    if (event->status == BROKER_OK || event->status == BROKER_OVER)
        record->id = event->chat;
    if (event->status == BROKER_OVER) {
        record->ended.cause = (enum end_cause)redis_take_letter(answer);
        record->ended.side = redis_take_letter(answer) == SIDE_SEEKER ? SIDE_SEEKER : SIDE_CANDIDATE;
        if (answer->bad || record->ended.cause == END_NONE || record->ended.cause > END_EXPIRED)
            record->ended.cause = END_EXPIRED;
    }
    redis_post(self, event);
}

/* 'R', the place that the side had before, and the chat; or only the chat, when nothing was rebound. */
static void rebound(struct redis_broker *self, const struct broker_request *request, struct redis_reader *answer) {
    struct broker_event event = answer_to(request, BROKER_REBOUND);
    if (answer->left > 0 && *answer->at == 'R') {
        redis_take_letter(answer);
        event.chat_state.previous = redis_take_address(answer);
    }
    post_chat(self, &event, answer);
}

static void rebind(struct redis_broker *self, const struct broker_request *request) {
    const struct claims *claims = &request->rebind.claims;
    assert(chat_id_equal(request->chat, claims->chat));
    struct buffer *out = begin_chat(self, 'R', request, rebound);
    redis_put_flag(out, claims->side == SIDE_CANDIDATE);
    redis_put_address(out, request->asker);
    redis_put_u64(out, claims->person);
    redis_put_flag(out, claims->reliable);
    redis_put_u64(out, claims->peer);
    redis_put_flag(out, claims->peer_reliable);
    redis_put_u64(out, claims->born_ms > 0 ? (uint64_t)claims->born_ms * 1000 : 0);
    redis_put_u64(out, request->rebind.only_from);
    redis_call_end(self, SCRIPT_CHAT);
}

static void found(struct redis_broker *self, const struct broker_request *request, struct redis_reader *answer) {
    struct broker_event event = answer_to(request, BROKER_FOUND);
    event.chat_state.held = request->kind == BROKER_HOLD;
    post_chat(self, &event, answer);
}

static void lookup(struct redis_broker *self, const struct broker_request *request) {
    begin_chat(self, 'L', request, found);
    redis_call_end(self, SCRIPT_CHAT);
}

static void hold(struct redis_broker *self, const struct broker_request *request) {
    struct buffer *out = begin_chat(self, 'H', request, found);
    for (int side = 0; side < 2; side++)
        redis_put_party(out, &request->hold.party[side]);
    redis_put_flag(out, address_equal(request->asker, request->hold.party[SIDE_SEEKER].at));
    redis_call_end(self, SCRIPT_CHAT);
}

static void end(struct redis_broker *self, const struct broker_request *request, bool late) {
    struct buffer *out = begin_chat(self, 'E', request, said);
    redis_put_address(out, request->asker);
    redis_put_flag(out, late);
    redis_put_letter(out, (char)request->end.cause);
    redis_put_letter(out, (char)request->end.side);
    redis_call_end(self, SCRIPT_CHAT);
}

void redis_ask(struct redis_broker *self, const struct broker_request *request) {
    assert(request->asker.boot == self->boot);
    switch (request->kind) {
    case BROKER_SEEK: seek(self, request); break;
    case BROKER_WITHDRAW: withdraw(self, request); break;
    case BROKER_COMMIT: commit(self, request); break;
    case BROKER_ABORT: give_up(self, request); break;
    case BROKER_REBIND: rebind(self, request); break;
    case BROKER_LOOKUP: lookup(self, request); break;
    case BROKER_HOLD: hold(self, request); break;
    case BROKER_END: end(self, request, false); break;
    }
}

void redis_ask_late(struct redis_broker *self, const struct broker_request *request) {
    if (request->kind == BROKER_END)
        end(self, request, true);
    else
        withdraw(self, request);
}
