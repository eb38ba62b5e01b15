/* pairing.c - a session's search, from `find` to `matched`.
 *
 * Flow:   seeker:    IDLE ─SEEK→ SEEKING ─nobody→ WAITING (tells `waiting`; seeks again when its preferences relax,
 *                                        │        and every REASSERT_MS: the broker may have lost it alone)
 *                                        └found→ OFFERING ─CONFIRMED→ CHATTING
 *         candidate: WAITING ─OFFERED, COMMIT→ ACCEPTING ─COMMITTED→ CHATTING
 * Fails:  the candidate declines → the seeker seeks again, in its old place. The candidate is silent for
 *         OFFER_TIMEOUT_MS → GIVING_UP: ABORT, and the register says which came first, commit or abort; nobody seeks
 *         again without having read that. A match that comes for somebody who has left is ended at once: the other
 *         hears `matched`, then `ended`. The broker is down → asked again every BROKER_RETRY_MS; a SEEK that it may have
 *         carried out all the same → GIVING_UP, too. The candidate's node is gone → ABORT at once; the seeker's is →
 *         the answer to COMMIT says so, or the seeker is away.
 * Owns:   session->search, from `find` until the match or the end of the search.
 *
 * An offer may come while our own SEEK is on its way: it is held until the answer, and taken if that is "nobody". */
#include "pairing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "chat.h"
#include "early.h"
#include "ending.h"
#include "ratelimit.h"
#include "session.h"

#include "base/memory.h"

static const struct chat_id no_chat = {0, 0};

void pairing_free(struct search *search) {
    if (search == NULL)
        return;
    for (size_t i = 0; i < search->ticket.topics.count; i++)
        free(search->written[i]);
    early_forget(search);
    free(search);
}

void pairing_discard(struct session *session) {
    pairing_free(session->search);
    session->search = NULL;
}

static void set_preferences(struct search *search, const struct client_frame *frame) {
    for (size_t i = 0; i < frame->find.topic_count; i++) {
        const struct topic *topic = &frame->find.topics[i];
        search->ticket.topics.hash[i] = topic->hash;
        search->written[i] = memory_copy(topic->written.at, topic->written.length);
        search->written_length[i] = topic->written.length;
    }
    search->ticket.topics.count = frame->find.topic_count;
    static_assert(sizeof search->ticket.language == sizeof frame->find.language, "one size of language");
    memcpy(search->ticket.language, frame->find.language, sizeof search->ticket.language);
}

/* Only for the stranger of that chat: to the broker it is a topic which only these two people can name, and on which
 * both insist. They come as who they were there, so that nobody who uses one token twice meets themselves. */
static void set_reunion(struct search *search, const struct client_frame *frame, const struct claims *claims) {
    search->ticket.topics = (struct topics){.hash = {frame->find.again_hash}, .count = 1};
    search->ticket.language[0] = '\0';
    search->again_as = claims->person;
}

/* Gives the session a search with the frame's criteria; place and clock are those of the one it replaces, if any. */
static void set_criteria(struct core *core, struct session *session, const struct client_frame *frame) {
    struct search *search = memory_zero(1, sizeof *search);
    struct search *before = session->search;
    if (before != NULL) {
        *search = *before;
        memset(search->written, 0, sizeof search->written);
        search->again_as = 0;
    } else {
        search->began_ms = core_now(core);
    }
    if (frame->find.again)
        set_reunion(search, frame, core->event->received.claims);
    else
        set_preferences(search, frame);
    search->ticket.who.reliable = frame->find.reliable;
    search->first_attempt = session->attempt + 1;
    pairing_free(before);
    session->search = search;
}

static void tell_waiting(struct core *core, struct session *session) {
    ask_tell(core, session, SERVER_WAITING)->waiting.again = session->search->again_as != 0;
    session->search->answered = true;
}

static void ask_to_seek(struct core *core, struct search *search) {
    struct ticket *ticket = &search->ticket;
    ticket->relaxed = search->again_as == 0 && core_now(core) - search->began_ms >= (int64_t)core->options.prefer_ms;
    search->unsure = search->unsure || !core->cut_off;
    ask_broker(core, BROKER_SEEK, ticket->who.at, ticket->chat)->seek = *ticket;
}

/* SEEK with the present criteria. */
static void seek(struct core *core, struct session *session) {
    struct search *search = session->search;
    struct ticket *ticket = &search->ticket;
    if (session->state != SESSION_SEEKING)
        session_set_state(core, session, SESSION_SEEKING);
    else /* new criteria; if the broker was down, they are not to be told twice */
        heap_remove(&core->timers, &session->timer);
    search->declined = search->unsure = false;
    search->offered_to = 0;
    early_forget(search);
    session->attempt++;
    ticket->who.at = session_address(core, session);
    ticket->who.person = search->again_as != 0 ? search->again_as : session->person;
    session->reliable = ticket->who.reliable;
    ticket->attempt = session->attempt;
    ticket->chat = (struct chat_id){core->event->entropy[0] ^ ((uint64_t)session->slot << 32 | session->attempt),
                                    core->event->entropy[1] ^ core->options.boot};
    for (size_t i = 0; i < RECENT_STRANGERS; i++)
        ticket->recent[i] = search->again_as != 0 ? 0 : session->recent[i];
    ask_to_seek(core, search);
}

static void decline(struct core *core, struct address from, struct chat_id chat, const struct ticket *seeker) {
    struct peer_frame *frame = ask_peer(core, PEER_DECLINE, seeker->who.at, from);
    frame->chat = chat;
    frame->side = SIDE_CANDIDATE;
}

void pairing_decline_held(struct core *core, struct session *session) {
    struct search *search = session->search;
    if (search->held)
        decline(core, session_address(core, session), search->held_chat, &search->held_seeker);
    search->held = false;
}

static void ask_to_abort(struct core *core, struct address seeker, struct chat_id chat, uint32_t attempt) {
    ask_broker(core, BROKER_ABORT, seeker, chat)->abort.attempt = attempt;
}

void pairing_end_if_made(struct core *core, struct address at, struct chat_id chat, enum side side) {
    ending_say(core, &(struct ending){.at = at, .ask = true, .chat = chat, .side = side, .how = {END_LEFT, side}});
}

/* Gives up the match that is being made, if one is. */
static void drop_match(struct core *core, struct session *session) {
    struct address at = session_address(core, session);
    bool is_down = session->timer.place != 0; /* and would be asked again; else the answer is on its way */
    if (session->state == SESSION_OFFERING)
        ask_to_abort(core, at, session->search->ticket.chat, session->attempt);
    else if ((session->state == SESSION_SEEKING || session->state == SESSION_GIVING_UP) && is_down)
        pairing_end_if_made(core, at, session->search->ticket.chat, SIDE_SEEKER);
    else if (session->state == SESSION_ACCEPTING && is_down)
        pairing_end_if_made(core, at, session->search->held_chat, SIDE_CANDIDATE);
    pairing_decline_held(core, session);
    early_forget(session->search);
}

static void ask_to_withdraw(struct core *core, const struct session *session) {
    ask_broker(core, BROKER_WITHDRAW, session_address(core, session), no_chat)->withdraw.attempt = session->attempt;
}

void pairing_stop(struct core *core, struct session *session) {
    if (session->state == SESSION_SEEKING || session->state == SESSION_WAITING || session->search->unsure)
        ask_to_withdraw(core, session);
    drop_match(core, session);
}

void pairing_seek_again(struct core *core, struct session *session) {
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

/* Is it an ordinary search, or does its token tell of a chat that began not too long ago? */
static bool may_find(struct core *core, struct session *session, const struct client_frame *frame) {
    const struct claims *claims = core->event->received.claims;
    if (!frame->find.again || (claims != NULL && core->event->wall_ms - claims->born_ms <= AGAIN_MS))
        return true;
    session_refuse(core, session, ERROR_BAD_FIELD, "'again' must be the token of a chat that began within a day", 0);
    return false;
}

void pairing_find(struct core *core, struct session *session, const struct client_frame *frame) {
    if (!ratelimit_find(core, session) || !may_find(core, session, frame))
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

static void give_up(struct core *core, struct session *session) {
    session_set_state(core, session, SESSION_GIVING_UP);
    ask_to_abort(core, session_address(core, session), session->search->ticket.chat, session->attempt);
}

void pairing_tell(struct core *core, struct session *session) {
    if (session->state == SESSION_WAITING && !core->draining)
        seek(core, session);
}

void pairing_link_resumed(struct core *core, struct session *session) {
    bool offering = session->state == SESSION_OFFERING || session->state == SESSION_GIVING_UP;
    if (session_searching(session))
        session->search->frames_lost = true;
    if (session->state == SESSION_SEEKING && session->timer.place == 0) /* no answer, so it was reached by then */
        session->search->unsure = true;
    if (offering && session->timer.place != 0) /* else ABORT is on its way already */
        session_set_timer(core, session, core_now(core) + OFFER_TIMEOUT_MS);
}

void pairing_node_gone(struct core *core, struct session *session, uint64_t boot) {
    struct search *search = session->search;
    bool offering = session->state == SESSION_OFFERING || session->state == SESSION_GIVING_UP;
    bool accepting = session->state == SESSION_ACCEPTING;
    if (!(offering && search->offered_to == boot) && !(accepting && search->held_seeker.who.at.boot == boot))
        return;
    search->frames_lost = true;
    if (session->state == SESSION_OFFERING)
        give_up(core, session);
}

/* The preferences relax, or the broker may have forgotten it. While it can't be reached: all is told when it is back. */
static void seek_again(struct core *core, struct session *session) {
    if (core->cut_off)
        session_set_timer(core, session, core_now(core) + REASSERT_MS);
    else
        seek(core, session);
}

void pairing_timer(struct core *core, struct session *session) {
    struct search *search = session->search;
    switch ((enum session_state)session->state) {
    case SESSION_SEEKING: ask_to_seek(core, search); break; /* the broker could not be reached */
    case SESSION_WAITING: seek_again(core, session); break;
    case SESSION_OFFERING: give_up(core, session); break;
    case SESSION_GIVING_UP: /* the broker was down */
        ask_to_abort(core, session_address(core, session), search->ticket.chat, session->attempt);
        break;
    case SESSION_ACCEPTING: ask_to_commit(core, session); break; /* the broker was down; asking twice does no harm */
    default: assert(false && "not searching");
    }
}

/* --- what the broker answers
 * -------------------------------------------------------------------------------------------- */

/* A search that was found nobody is told to the broker again: it may lose one without a word. */
static int64_t next_seek_ms(const struct core *core, const struct search *search) {
    int64_t again = core_now(core) + REASSERT_MS, relaxes = search->began_ms + (int64_t)core->options.prefer_ms;
    bool will_relax = !search->ticket.relaxed && search->again_as == 0;
    return will_relax && relaxes < again ? relaxes : again;
}

static void sought_nobody(struct core *core, struct session *session) {
    struct search *search = session->search;
    session_set_state(core, session, SESSION_WAITING);
    search->unsure = false;
    if (search->held) {
        ask_to_withdraw(core, session); /* this attempt's ticket: the offer was to an earlier one */
        accept_offer(core, session, search->held_chat, &search->held_seeker);
        return;
    }
    if (!search->answered)
        tell_waiting(core, session);
    session_set_timer(core, session, next_seek_ms(core, search));
}

/* Somebody may have been found, and have committed by now. As the word of that may be lost as well, the register is
 * asked before the chat's id is given up: else they would sit in a chat with nobody. */
static void sought_in_vain(struct core *core, struct session *session) {
    if (session->search->unsure) {
        pairing_decline_held(core, session); /* its seeker would wait too long */
        session->search->frames_lost = true;
        session_set_state(core, session, SESSION_GIVING_UP);
    }
    session_set_timer(core, session, core_now(core) + BROKER_RETRY_MS);
}

/* The answer to a search that has ended meanwhile, or was asked for twice: then its ticket may be in the line again. */
static void sought_too_late(struct core *core, const struct session *session, const struct broker_event *event) {
    bool twice = session != NULL && session->attempt == event->sought.attempt && session->state != SESSION_WAITING;
    if (event->status == BROKER_NONE && twice)
        ask_broker(core, BROKER_WITHDRAW, event->to, no_chat)->withdraw.attempt = event->sought.attempt;
    else if (event->status == BROKER_OK && !session_has_chat(session, event->chat))
        ask_to_abort(core, event->to, event->chat, event->sought.attempt);
    else if (event->status == BROKER_DOWN && !session_has_chat(session, event->chat))
        pairing_end_if_made(core, event->to, event->chat, SIDE_SEEKER);
}

void pairing_sought(struct core *core, const struct broker_event *event) {
    struct session *session = session_at(core, event->to);
    if (session == NULL || session->state != SESSION_SEEKING || session->attempt != event->sought.attempt) {
        sought_too_late(core, session, event);
        return;
    }
    session->search->ticket.since_ms = event->sought.since_ms;
    switch (event->status) {
    case BROKER_OK:
        pairing_decline_held(core, session);
        session->search->unsure = false;
        session->search->offered_to = event->sought.node;
        session_set_state(core, session, SESSION_OFFERING);
        session_set_timer(core, session, core_now(core) + OFFER_TIMEOUT_MS);
        if (session->search->declined)
            pairing_seek_again(core, session);
        break;
    case BROKER_NONE: sought_nobody(core, session); break;
    case BROKER_OVER:
    case BROKER_DOWN: sought_in_vain(core, session); break;
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
