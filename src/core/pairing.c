/* pairing.c - a session's search, from `find` to `matched`.
 *
 * Flow:   seeker:    IDLE ─SEEK→ SEEKING ─nobody→ WAITING (tells `waiting`; seeks again when its preferences relax)
 *                                        └found→ OFFERING ─CONFIRMED→ CHATTING
 *         candidate: WAITING ─OFFERED, COMMIT→ ACCEPTING ─COMMITTED→ CHATTING
 * Fails:  the candidate declines → the seeker seeks again, in its old place. The candidate is silent for
 *         OFFER_TIMEOUT_MS → GIVING_UP: ABORT, and the register says which came first, commit or abort; nobody seeks
 *         again without having read that. A match that comes for somebody who has left is ended at once: the other
 *         hears `matched`, then `ended`. The broker is down → asked again every BROKER_RETRY_MS.
 * Owns:   session->search, from `find` until the match or the end of the search.
 *
 * An offer may come while our own SEEK is on its way: it is held until the answer, and taken if that is "nobody".
 * The other side's frames may come before the register's word that the match is made, as they go by another way. Its
 * ENDED is as good as a "declined"; after any other, REBOUND asks for what was missed. */
#include "pairing.h"

#include <assert.h>
#include <stdlib.h>

#include "ask.h"
#include "chat.h"
#include "ratelimit.h"
#include "session.h"

#include "base/memory.h"

static const struct chat_id no_chat = {0, 0};

void pairing_free(struct search *search) {
    if (search == NULL)
        return;
    for (size_t i = 0; i < search->ticket.topics.count; i++)
        free(search->written[i]);
    free(search);
}

void pairing_discard(struct session *session) {
    pairing_free(session->search);
    session->search = NULL;
}

/* Gives the session a search with the frame's criteria; place and clock are those of the one it replaces, if any. */
static void set_criteria(struct core *core, struct session *session, const struct client_frame *frame) {
    struct search *search = memory_zero(1, sizeof *search);
    struct search *before = session->search;
    if (before != NULL) {
        *search = *before;
        search->ticket.topics = (struct topics){0};
    } else {
        search->began_ms = core_now(core);
    }
    for (size_t i = 0; i < frame->find.topic_count; i++) {
        const struct topic *topic = &frame->find.topics[i];
        search->ticket.topics.hash[i] = topic->hash;
        search->written[i] = memory_copy(topic->written.at, topic->written.length);
        search->written_length[i] = topic->written.length;
    }
    search->ticket.topics.count = frame->find.topic_count;
    static_assert(sizeof search->ticket.language == sizeof frame->find.language, "one size of language");
    for (size_t i = 0; i < sizeof search->ticket.language; i++)
        search->ticket.language[i] = frame->find.language[i];
    search->ticket.who.reliable = frame->find.reliable;
    search->first_attempt = session->attempt + 1;
    pairing_free(before);
    session->search = search;
}

static void tell_waiting(struct core *core, struct session *session) {
    ask_tell(core, session, SERVER_WAITING);
    session->search->answered = true;
}

/* SEEK with the present criteria. */
static void seek(struct core *core, struct session *session) {
    struct search *search = session->search;
    struct ticket *ticket = &search->ticket;
    if (session->state != SESSION_SEEKING) /* else: asked again, because the broker was down */
        session_set_state(core, session, SESSION_SEEKING);
    search->early = search->declined = false;
    session->attempt++;
    ticket->who.at = session_address(core, session);
    ticket->who.person = session->person;
    session->reliable = ticket->who.reliable;
    ticket->attempt = session->attempt;
    ticket->relaxed = core_now(core) - search->began_ms >= (int64_t)core->options.prefer_ms;
    ticket->chat = (struct chat_id){core->event->entropy[0] ^ ((uint64_t)session->slot << 32 | session->attempt),
                                    core->event->entropy[1] ^ core->options.boot};
    for (size_t i = 0; i < RECENT_STRANGERS; i++)
        ticket->recent[i] = session->recent[i];
    ask_broker(core, BROKER_SEEK, ticket->who.at, ticket->chat)->seek = *ticket;
}

static void decline(struct core *core, struct address from, struct chat_id chat, const struct ticket *seeker) {
    struct peer_frame *frame = ask_peer(core, PEER_DECLINE, seeker->who.at, from);
    frame->chat = chat;
    frame->side = SIDE_CANDIDATE;
}

static void decline_held(struct core *core, struct session *session) {
    struct search *search = session->search;
    if (search->held)
        decline(core, session_address(core, session), search->held_chat, &search->held_seeker);
    search->held = false;
}

static void ask_to_abort(struct core *core, struct address seeker, struct chat_id chat, uint32_t attempt) {
    ask_broker(core, BROKER_ABORT, seeker, chat)->abort.attempt = attempt;
}

/* Gives up the match that is being made, if one is. */
static void drop_match(struct core *core, struct session *session) {
    if (session->state == SESSION_OFFERING)
        ask_to_abort(core, session_address(core, session), session->search->ticket.chat, session->attempt);
    decline_held(core, session);
}

void pairing_stop(struct core *core, struct session *session) {
    if (session->state == SESSION_SEEKING || session->state == SESSION_WAITING)
        ask_broker(core, BROKER_WITHDRAW, session_address(core, session), no_chat)->withdraw.attempt = session->attempt;
    drop_match(core, session);
}

/* The match came to nothing: back into the line, at the old place. On a draining node the search ends; the client has
 * been asked to go elsewhere. */
static void seek_again(struct core *core, struct session *session) {
    if (core->draining) {
        pairing_stop(core, session);
        session_set_state(core, session, SESSION_IDLE);
        pairing_discard(session);
        return;
    }
    seek(core, session);
}

/* Tells that this node takes no new searches. */
static void tell_busy(struct core *core, struct session *session) {
    struct server_frame *answer = ask_tell(core, session, SERVER_ERROR);
    answer->error.code = ERROR_BUSY;
    answer->error.retry_ms = BUSY_RETRY_MS;
}

void pairing_begin(struct core *core, struct session *session) {
    if (core->draining) {
        tell_busy(core, session);
        pairing_discard(session);
        return;
    }
    session->search->began_ms = core_now(core);
    ask_count(core, COUNT_SEARCH, ENDED_REASONS, 0);
    seek(core, session);
}

/* New criteria count from now on: a match that is being made under the old ones is given up. Place and clock stay. */
static void find_anew(struct core *core, struct session *session, const struct client_frame *frame) {
    if (!session->search->answered) /* each find has its answer: else its client could not tell which one is meant */
        tell_waiting(core, session);
    drop_match(core, session);
    set_criteria(core, session, frame);
    tell_waiting(core, session);
    seek(core, session);
}

void pairing_find(struct core *core, struct session *session, const struct client_frame *frame) {
    if (!ratelimit_find(core, session))
        return;
    if (core->draining) {
        tell_busy(core, session);
        return;
    }
    if (session_searching(session)) {
        find_anew(core, session, frame);
        return;
    }
    if (session->state == SESSION_CHATTING)
        chat_leave(core, session);
    set_criteria(core, session, frame);
    if (session_resuming(session))
        session->pending = PENDING_FIND;
    else
        pairing_begin(core, session);
}

void pairing_drain(struct core *core, struct session *session) {
    if (session->state != SESSION_SEEKING && session->state != SESSION_WAITING)
        return;
    pairing_stop(core, session);
    session_set_state(core, session, SESSION_IDLE);
    pairing_discard(session);
}

static void ask_to_commit(struct core *core, const struct session *session) {
    const struct search *search = session->search;
    struct broker_request *request = ask_broker(core, BROKER_COMMIT, session_address(core, session), search->held_chat);
    request->commit.seeker = search->held_seeker;
    request->commit.candidate = search->ticket;
}

static void accept_offer(struct core *core, struct session *session, struct chat_id chat, const struct ticket *seeker) {
    session->search->held_seeker = *seeker;
    session->search->held_chat = chat;
    session->search->held = false;
    session_set_state(core, session, SESSION_ACCEPTING);
    ask_to_commit(core, session);
}

void pairing_timer(struct core *core, struct session *session) {
    struct search *search = session->search;
    switch ((enum session_state)session->state) {
    case SESSION_SEEKING: /* the broker was down */
    case SESSION_WAITING: /* the preferences relax */ seek(core, session); break;
    case SESSION_OFFERING:
        session_set_state(core, session, SESSION_GIVING_UP);
        ask_to_abort(core, session_address(core, session), search->ticket.chat, session->attempt);
        break;
    case SESSION_GIVING_UP: /* the broker was down */
        ask_to_abort(core, session_address(core, session), search->ticket.chat, session->attempt);
        break;
    case SESSION_ACCEPTING: ask_to_commit(core, session); break; /* the broker was down; asking twice does no harm */
    default: assert(false && "not searching");
    }
}

/* --- what the broker answers
 * -------------------------------------------------------------------------------------------- */

static void sought_nobody(struct core *core, struct session *session) {
    struct search *search = session->search;
    session_set_state(core, session, SESSION_WAITING);
    if (search->held) {
        accept_offer(core, session, search->held_chat, &search->held_seeker);
        return;
    }
    if (!search->answered)
        tell_waiting(core, session);
    if (!search->ticket.relaxed)
        session_set_timer(core, session, search->began_ms + (int64_t)core->options.prefer_ms);
}

void pairing_sought(struct core *core, const struct broker_event *event) {
    struct session *session = session_at(core, event->to);
    bool expected = session != NULL && session->state == SESSION_SEEKING && session->attempt == event->sought.attempt;
    if (!expected) {
        if (event->status == BROKER_OK) /* somebody was offered to a search that has ended */
            ask_to_abort(core, event->to, event->chat, event->sought.attempt);
        return;
    }
    session->search->ticket.since_ms = event->sought.since_ms;
    switch (event->status) {
    case BROKER_OK:
        decline_held(core, session);
        session_set_state(core, session, SESSION_OFFERING);
        session_set_timer(core, session, core_now(core) + OFFER_TIMEOUT_MS);
        if (session->search->declined)
            seek_again(core, session);
        break;
    case BROKER_NONE: sought_nobody(core, session); break;
    case BROKER_OVER:
    case BROKER_DOWN: session_set_timer(core, session, core_now(core) + BROKER_RETRY_MS); break;
    }
}

/* An offer for an attempt of this search may be held; one for an earlier search, or for replaced criteria, may not. */
static bool may_hold(const struct session *session, uint32_t attempt) {
    return session != NULL && session->state == SESSION_SEEKING && !session->search->held &&
           attempt - session->search->first_attempt <= session->attempt - session->search->first_attempt;
}

void pairing_offered(struct core *core, const struct broker_event *event) {
    struct session *session = session_at(core, event->to);
    const struct ticket *seeker = &event->offered.seeker;
    if (session != NULL && session->state == SESSION_WAITING && session->attempt == event->offered.attempt) {
        accept_offer(core, session, event->chat, seeker);
    } else if (may_hold(session, event->offered.attempt)) {
        session->search->held = true;
        session->search->held_chat = event->chat;
        session->search->held_seeker = *seeker;
    } else {
        decline(core, event->to, event->chat, seeker);
    }
}

/* A match for somebody who is not there, or not looking, any more: the other one, who has been told, is told that it
 * is over. */
static void end_unwanted(struct core *core, const struct broker_event *event, enum side side) {
    struct tombstone how = {END_LEFT, side};
    struct peer_frame *frame = ask_peer(core, PEER_ENDED, event->match.peer.who.at, event->to);
    frame->chat = event->chat;
    frame->side = side;
    frame->fence = event->match.fence;
    frame->ended.how = how;
    ask_broker(core, BROKER_END, event->to, event->chat)->end = how;
}

static void common_topics(const struct search *search, const struct topics *theirs, struct server_frame *frame) {
    const struct topics *ours = &search->ticket.topics;
    for (size_t i = 0; i < ours->count; i++)
        for (size_t j = 0; j < theirs->count; j++)
            if (ours->hash[i] == theirs->hash[j]) {
                struct text *text = &frame->matched.topics[frame->matched.topic_count++];
                *text = (struct text){search->written[i], search->written_length[i]};
                break;
            }
}

static void matched(struct core *core, struct session *session, const struct broker_event *event, enum side side) {
    struct search *search = session->search;
    const struct ticket *peer = &event->match.peer;
    session_set_state(core, session, SESSION_CHATTING);
    struct chat *chat = chat_open(core, session, event->chat, side);
    chat->fence = event->match.fence;
    chat->peer = peer->who;
    chat->out_known = true;
    chat->in_next = 1;
    session_remember(session, peer->who.person);
    struct server_frame *frame = ask_tell_token(core, session, SERVER_MATCHED);
    frame->matched.chat = chat->id;
    frame->matched.reliable = peer->who.reliable;
    common_topics(search, &peer->topics, frame);
    ask_count(core, COUNT_MATCH, ENDED_REASONS, core_now(core) - search->began_ms);
    if (search->early)
        ask_peer_of(core, PEER_REBOUND, session);
    assert(core->spent == NULL); /* one match an event */
    core->spent = search;
    session->search = NULL;
}

bool pairing_waits_for(const struct session *session, struct chat_id chat) {
    switch ((enum session_state)session->state) {
    case SESSION_OFFERING:
    case SESSION_GIVING_UP: return chat_id_equal(session->search->ticket.chat, chat);
    case SESSION_ACCEPTING: return chat_id_equal(session->search->held_chat, chat);
    default: return false;
    }
}

/* The register has the match. The word of it may come twice (CONFIRMED, and ABORTED that came too late): the second
 * finds the chat begun. */
static void made(struct core *core, const struct broker_event *event, enum side side) {
    struct session *session = session_at(core, event->to);
    if (session != NULL && pairing_waits_for(session, event->chat))
        matched(core, session, event, side);
    else if (session == NULL || session->chat == NULL || !chat_id_equal(session->chat->id, event->chat))
        end_unwanted(core, event, side);
}

/* The register does not have it, or can't be asked now; `state` is the one in which that matters. */
static void not_made(struct core *core, const struct broker_event *event, enum session_state state) {
    struct session *session = session_at(core, event->to);
    if (session == NULL || session->state != state || !pairing_waits_for(session, event->chat))
        return;
    if (event->status == BROKER_DOWN)
        session_set_timer(core, session, core_now(core) + BROKER_RETRY_MS);
    else
        seek_again(core, session);
}

void pairing_committed(struct core *core, const struct broker_event *event) {
    if (event->status == BROKER_OK)
        made(core, event, SIDE_CANDIDATE);
    else
        not_made(core, event, SESSION_ACCEPTING);
}

void pairing_confirmed(struct core *core, const struct broker_event *event) {
    made(core, event, SIDE_SEEKER);
}

void pairing_aborted(struct core *core, const struct broker_event *event) {
    if (event->status == BROKER_OK)
        made(core, event, SIDE_SEEKER);
    else
        not_made(core, event, SESSION_GIVING_UP);
}

void pairing_declined(struct core *core, struct session *session, const struct peer_frame *frame) {
    if (session->state == SESSION_OFFERING && pairing_waits_for(session, frame->chat))
        seek_again(core, session);
    else if (session->state == SESSION_SEEKING && chat_id_equal(session->search->ticket.chat, frame->chat))
        session->search->declined = true;
}

void pairing_early(struct core *core, struct session *session, const struct peer_frame *frame) {
    if (frame->kind == PEER_ENDED)
        seek_again(core, session);
    else
        session->search->early = true;
}
