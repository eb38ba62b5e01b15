/* resume.c - taking a chat up again on another connection, of this node or of another.
 *
 * Flow:   IDLE ─REBIND→ REBINDING ─the register has our side here now, with a greater fence→ GREETING: REBOUND to the
 *         stranger's node, MOVED to our own previous place ─STATE→ CHATTING, `resumed`
 * Fails:  the chat has ended, or is unknown → `ended`.
 *         The broker is down → asked again, while the client is here and has not been sent elsewhere. Once it has gone,
 *         LOOKUP tells whether the register moved the chat here all the same. If so, nobody sits at that place: the
 *         stranger passes that on (MOVED) to where they know our side to be, and a client that is there stays.
 *         The stranger's node is silent for GREETING_TIMEOUT_MS → the stranger is taken to be away.
 *         The connection drops before the register has answered → the answer is waited for, and the chat held here as
 *         away: the register names this place now, and somebody must sit there.
 *         A client that lost its connection tries again at once, so two resumes can be under way, and the register may
 *         carry them out in the wrong order. So MOVED says whether the client is at the later place. If it is not, and
 *         is at the earlier one, that one rebinds itself, unless there is a third by now (resume_stay()). An earlier
 *         place with a client that learns of the later one from the register can't tell which of the two its client
 *         means, so it asks there (SYNC), and is answered MOVED; or GONE, or nothing by a node that stays gone: then
 *         nobody is there. If that place waits for the register, it says MOVED once it knows.
 *         The register had forgotten the chat, and made it again from the token → it does not know where the stranger
 *         sits: away, until they resume too, or their node tells the register or us (HOLD, SYNC).
 *
 * When our previous place is on this node, its numbers come along, unless they may be old ones: it may have missed that
 * our side went elsewhere in between. Else they are not known here (delivery.c). */
#include "resume.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "chat.h"
#include "delivery.h"
#include "pairing.h"
#include "ratelimit.h"
#include "register.h"
#include "session.h"
#include "sync.h"

#include "base/memory.h"

enum { ASK_OFTEN = 3 }; /* a node that is gone for so long was not just cut off for a moment */

static struct broker_request *ask_to_rebind(struct core *core, const struct session *session,
                                            const struct claims *claims) {
    struct broker_request *request = ask_broker(core, BROKER_REBIND, session_address(core, session), claims->chat);
    request->rebind.claims = *claims;
    return request;
}

static void try(struct core *core, struct session *session) {
    session->resume->unsure = session->resume->unsure || !core->cut_off;
    ask_to_rebind(core, session, &session->resume->claims);
}

void resume_begin(struct core *core, struct session *session, const struct claims *claims) {
    if (session->state != SESSION_IDLE) {
        session_refuse(core, session, ERROR_BAD_FIELD, "'t': resume is for a connection that is idle", 0);
        return;
    }
    if (!ratelimit_find(core, session))
        return;
    if (claims == NULL) {
        ask_tell(core, session, SERVER_ENDED)->ended.reason = ENDED_EXPIRED;
        return;
    }
    session->resume = memory_zero(1, sizeof *session->resume);
    session->resume->claims = *claims;
    session_set_state(core, session, SESSION_REBINDING);
    try(core, session);
}

static void failed(struct core *core, struct session *session, enum ended_reason reason) {
    free(session->resume);
    session->resume = NULL;
    if (session->conn == 0) {
        session_destroy(core, session);
        return;
    }
    ask_tell(core, session, SERVER_ENDED)->ended.reason = reason;
    session_set_state(core, session, SESSION_IDLE);
    resume_pending(core, session);
}

/* Our previous session, if it is on this node and has the chat still. */
static struct session *previous_here(const struct core *core, const struct session *session, struct address at) {
    const struct claims *claims = &session->resume->claims;
    struct session *previous = session_at(core, at);
    bool it_is = previous != session && session_has_chat(previous, claims->chat);
    return it_is && previous->chat->side == claims->side ? previous : NULL;
}

/* The chat's half that our previous session holds, numbers and all. That session ends. */
static struct chat *take_from(struct core *core, struct session *session, struct session *previous) {
    struct chat *chat = previous->chat;
    previous->chat = NULL;
    session->chats = previous->chats; /* the next chat's nonce must differ from this one's */
    memcpy(session->recent, previous->recent, sizeof session->recent);
    register_superseded(core, previous);
    chat->in_refused = 0;
    chat->looking = LOOKING_NOT;
    if (chat->outdated)
        delivery_forget_numbers(chat, session->resume->claims.reliable);
    chat->outdated = false;
    if (!session->resume->claims.reliable) /* what was not written to the old connection may come again */
        chat->out_high = chat->out_acked;
    return chat;
}

/* MOVED to the place that the side has left. */
static void tell_previous(struct core *core, const struct broker_event *event, enum side side, bool here) {
    struct address previous = event->chat_state.previous;
    if (address_equal(previous, event->to))
        return;
    struct peer_frame *frame = ask_peer(core, PEER_MOVED, previous, event->to);
    frame->chat = event->chat;
    frame->side = side;
    frame->fence = event->chat_state.record.party[side].fence;
    frame->moved.here = here;
}

static void take_place(struct core *core, struct session *session, const struct broker_event *event) {
    const struct claims *claims = &session->resume->claims;
    const struct party *own = &event->chat_state.record.party[claims->side];
    struct party peer = event->chat_state.record.party[side_other(claims->side)];
    if (session->resume->peer_fence > peer.fence) {
        peer.at = session->resume->peer_at;
        peer.fence = session->resume->peer_fence;
    }
    struct session *previous = previous_here(core, session, event->chat_state.previous);
    if (previous != NULL) {
        session->chat = take_from(core, session, previous);
    } else {
        memcpy(session->recent, claims->earlier, sizeof claims->earlier);
        chat_open(core, session, claims->chat, claims->side);
        session->chat->peer_here = peer.at.boot != 0;
        session->chat->peer_until_ms = core_heard_ms(core) + (int64_t)core->options.grace_ms;
    }
    if (previous == NULL || peer.fence > session->chat->peer.fence)
        chat_set_peer(session->chat, &peer);
    session->chat->fence = own->fence;
    session->chat->born_wall_ms = claims->born_ms;
    session->person = claims->person;
    session->reliable = claims->reliable;
    session_remember(session, claims->peer);
    if (previous == NULL)
        tell_previous(core, event, claims->side, session->conn != 0);
}

static void greet(struct core *core, struct session *session, const struct broker_event *event) {
    take_place(core, session, event);
    session_set_state(core, session, SESSION_GREETING);
    ask_peer_of(core, PEER_REBOUND, session);
    if (session->conn == 0)
        chat_drop(core, session);
    else if (session->chat->peer.at.boot == 0)
        resume_greeted(core, session, false, core->options.grace_ms);
    else
        session_set_timer(core, session, core_now(core) + GREETING_TIMEOUT_MS);
}

/* --- two resumes at once ------------------------------------------------------------------------------------------ */

const struct rivals *resume_rivals(const struct chat *chat) {
    static const struct rivals none = {0};
    return chat->rivals == NULL ? &none : chat->rivals;
}

static struct rivals *rivals_of(struct chat *chat) {
    if (chat->rivals == NULL)
        chat->rivals = memory_zero(1, sizeof *chat->rivals);
    return chat->rivals;
}

void resume_stay(struct core *core, struct session *session, uint64_t fence) {
    struct claims claims = ask_claims(session);
    rivals_of(session->chat)->empty_fence = fence;
    ask_to_rebind(core, session, &claims)->rebind.only_from = fence;
}

/* The answer to that; or to a REBIND that was asked for twice, as the first answer was late. */
static void stayed(struct core *core, struct session *session, const struct broker_event *event) {
    struct chat *chat = session->chat;
    const struct party *own = &event->chat_state.record.party[chat->side];
    const struct party *peer = &event->chat_state.record.party[side_other(chat->side)];
    if (event->status == BROKER_OVER || event->status == BROKER_NONE)
        register_look_up(core, session);
    if (event->status != BROKER_OK || own->fence <= chat->fence)
        return;
    if (!address_equal(own->at, session_address(core, session))) {
        register_elsewhere(core, session, own); /* somebody has come to yet another place */
        return;
    }
    chat->fence = own->fence;
    if (peer->fence > chat->peer.fence) { /* they have come back, too */
        chat_set_peer(chat, peer);
        chat_peer_back(core, session);
    }
    tell_previous(core, event, chat->side, session->conn != 0);
    if (session->state == SESSION_AWAY)
        chat_tell_state(core, session, PEER_SYNC);
    else
        ask_peer_of(core, PEER_REBOUND, session);
    chat_await_state(core, session);
    delivery_resync(core, session); /* what was said in between has gone astray */
}

void resume_moved(struct core *core, struct session *session, uint64_t fence, bool here) {
    struct chat *chat = session->chat;
    if (fence <= chat->fence || fence == resume_rivals(chat)->empty_fence)
        return;
    if (session->conn != 0 && !here)
        resume_stay(core, session, fence);
    else
        register_superseded(core, session);
}

void resume_ask(struct core *core, struct session *session, const struct party *own) {
    struct chat *chat = session->chat;
    struct rivals *rivals = rivals_of(session->chat);
    if (own->fence != rivals->asked_fence)
        rivals->asked = 0;
    if (rivals->asked < ASK_OFTEN)
        rivals->asked++;
    rivals->asked_fence = own->fence;
    rivals->asked_boot = own->at.boot;
    struct peer_frame *frame = ask_peer(core, PEER_SYNC, own->at, session_address(core, session));
    frame->chat = chat->id;
    frame->side = chat->side;
    frame->fence = own->fence;
    frame->state.here = true;
    sync_hold_again(core); /* the question may get lost, and so may the answer */
}

void resume_asked(struct core *core, const struct session *session, const struct peer_frame *frame) {
    uint64_t fence = session->chat->fence; /* the register's may be greater: it moved our side here twice */
    struct peer_frame *answer = ask_peer(core, PEER_MOVED, frame->from, session_address(core, session));
    answer->chat = frame->chat;
    answer->side = frame->side;
    answer->fence = fence > frame->fence ? fence : frame->fence;
    answer->moved.here = session->conn != 0;
}

void resume_node_gone(struct core *core, struct session *session) {
    const struct rivals *rivals = resume_rivals(session->chat);
    if (rivals->asked == ASK_OFTEN)
        resume_moved(core, session, rivals->asked_fence, false);
}

/* What it says will be asked for by REBOUND; what must not be lost is where both sides are. */
void resume_overtaken(struct session *session, const struct peer_frame *frame) {
    struct resume *resume = session->resume;
    if (frame->side == resume->claims.side) {
        if (frame->kind == PEER_MOVED && frame->fence > resume->moved_fence) {
            resume->moved_fence = frame->fence;
            resume->moved_here = frame->moved.here;
        }
    } else if (frame->kind != PEER_GONE && frame->kind != PEER_MOVED && frame->fence > resume->peer_fence) {
        resume->peer_at = frame->from;
        resume->peer_fence = frame->fence;
    }
}

/* Has our client gone, and is it connected to our previous session on this node? */
static bool is_left_behind(struct core *core, struct session *session, const struct broker_event *event) {
    struct session *previous = previous_here(core, session, event->chat_state.previous);
    if (session->conn != 0 || session->pending != PENDING_NONE || previous == NULL || previous->conn == 0)
        return false;
    resume_stay(core, previous, event->chat_state.record.party[previous->chat->side].fence);
    session_destroy(core, session);
    return true;
}

/* --- the register's answer ---------------------------------------------------------------------------------------- */

/* Has its client gone, who wants nothing more done? */
static bool is_abandoned(const struct session *session) {
    return session->conn == 0 && session->pending == PENDING_NONE;
}

/* Whoever has gone is not resumed here any more, unless the answer is on its way, or was lost: the register may have
 * moved the chat here already. Who has asked to leave as well gets that done. */
void resume_dropped(struct core *core, struct session *session) {
    bool is_asked = session->timer.place == 0; /* else the broker was down, and is asked again later */
    if (!is_asked && session->pending == PENDING_NONE && !session->resume->unsure)
        session_destroy(core, session);
}

/* The broker was down, and may have carried REBIND out or not. */
static void ask_whether_moved(struct core *core, const struct session *session) {
    ask_broker(core, BROKER_LOOKUP, session_address(core, session), session->resume->claims.chat);
}

void resume_link_resumed(struct core *core, struct session *session) {
    if (session->state != SESSION_REBINDING)
        return;
    if (session->timer.place == 0) /* no answer, so it was reached by then */
        session->resume->unsure = true;
    if (session->sent_elsewhere)
        session_set_timer(core, session, core_now(core) + SETTLE_MS); /* if it is still here then, it has not gone */
}

/* Nor is who has been sent elsewhere, for a while: it may be resumed there. */
static void rebind_again(struct core *core, struct session *session) {
    if (is_abandoned(session) && !session->resume->unsure) {
        session_destroy(core, session);
        return;
    }
    sync_send_elsewhere(core, session);
    if (!session->sent_elsewhere)
        session_set_timer(core, session, core_now(core) + BROKER_RETRY_MS);
}

/* Another resume of our side may have been carried out after this one, and its word have come here first. */
static void rebound(struct core *core, struct session *session, const struct broker_event *event) {
    struct resume resume = *session->resume;
    bool outrun = resume.moved_fence > event->chat_state.record.party[resume.claims.side].fence;
    if (outrun && (resume.moved_here || session->conn == 0)) {
        register_superseded(core, session);
        return;
    }
    if (is_left_behind(core, session, event))
        return;
    greet(core, session, event);
    if (outrun && session->chat != NULL)
        resume_stay(core, session, resume.moved_fence);
}

/* A side was moved to a session that is gone: its client may still be where it was before. */
static void rebound_nobody(struct core *core, const struct broker_event *event) {
    for (int side = 0; side < 2 && event->status == BROKER_OK; side++)
        if (address_equal(event->chat_state.record.party[side].at, event->to))
            tell_previous(core, event, (enum side)side, false);
}

void resume_rebound(struct core *core, const struct broker_event *event) {
    struct session *session = session_at(core, event->to);
    if (session_has_chat(session, event->chat)) {
        stayed(core, session, event);
        return;
    }
    if (session == NULL || session->state != SESSION_REBINDING ||
        !chat_id_equal(session->resume->claims.chat, event->chat)) {
        rebound_nobody(core, event);
        return;
    }
    const struct tombstone *how = &event->chat_state.record.ended;
    switch (event->status) {
    case BROKER_OK: rebound(core, session, event); break;
    case BROKER_NONE: failed(core, session, ENDED_EXPIRED); break;
    case BROKER_OVER: failed(core, session, chat_reason(*how, session->resume->claims.side)); break;
    case BROKER_DOWN: rebind_again(core, session); break;
    }
}

/* The answer to that: nobody is at the place, and only the stranger's node may know where our side was before. */
static void tell_stranger(struct core *core, const struct session *session, const struct chat_record *record) {
    enum side side = session->resume->claims.side;
    struct address at = session_address(core, session);
    if (!address_equal(record->party[side].at, at))
        return;
    struct peer_frame *frame = ask_peer(core, PEER_MOVED, record->party[side_other(side)].at, at);
    frame->chat = record->id;
    frame->side = side;
    frame->fence = record->party[side].fence;
    frame->moved.here = false;
}

bool resume_found(struct core *core, const struct broker_event *event) {
    struct session *session = session_at(core, event->to);
    if (session == NULL || session->state != SESSION_REBINDING || !is_abandoned(session) || event->chat_state.held ||
        !chat_id_equal(session->resume->claims.chat, event->chat))
        return false;
    if (event->status == BROKER_DOWN) {
        session_set_timer(core, session, core_now(core) + BROKER_RETRY_MS);
        return true;
    }
    if (event->status == BROKER_OK)
        tell_stranger(core, session, &event->chat_state.record);
    session_destroy(core, session);
    return true;
}

void resume_greeted(struct core *core, struct session *session, bool here, uint32_t grace_ms) {
    struct chat *chat = session->chat;
    session_set_state(core, session, SESSION_CHATTING);
    free(session->resume);
    session->resume = NULL;
    chat->peer_here = here;
    chat->peer_until_ms = core_heard_ms(core) + grace_ms;
    struct server_frame *frame = ask_tell_token(core, session, SERVER_RESUMED);
    frame->resumed.chat = chat->id;
    frame->resumed.peer_away = !here;
    frame->resumed.grace_ms = grace_ms;
    frame->resumed.reliable = chat->peer_reliable;
    ask_count(core, COUNT_RESUME, ENDED_REASONS, 0);
    chat_set_timer(core, session);
    resume_pending(core, session);
}

void resume_pending(struct core *core, struct session *session) {
    enum pending pending = (enum pending)session->pending;
    session->pending = PENDING_NONE;
    if (pending == PENDING_NONE)
        return;
    if (pending == PENDING_LEAVE || session->state == SESSION_CHATTING)
        chat_leave(core, session);
    if (pending == PENDING_FIND)
        pairing_begin(core, session);
}

void resume_timer(struct core *core, struct session *session) {
    if (session->state == SESSION_GREETING)
        resume_greeted(core, session, false, core->options.grace_ms);
    else if (is_abandoned(session))
        ask_whether_moved(core, session);
    else
        try(core, session);
}
