/* chat.c - the life of one side of a chat.
 *
 * Flow:   matched or resumed → talk → one side leaves: ENDED to the other side, END to the register.
 * Fails:  our connection drops → AWAY, the other side is told, and the session is held for the grace.
 *         The grace is over → the side that is there ends the chat (`lost`). If neither is, each side ends it for
 *         itself when the later grace is over. A side that is away waits AWAY_SLACK_MS longer for the other's word,
 *         then forgets the chat without ending it: a resume finds it in the register, and needs nothing from here.
 *         What is known here may be old news. So the register is asked before a grace ends a chat, and nobody is told
 *         `ended` before it has taken the end: timer, LOOKUP → END, LOOKUP → chat_ended() (register.c). Grace stands
 *         still while this node hears nobody (core_heard_ms()).
 *         A stranger is away only because they did not answer → they are asked again instead: frames may not get there.
 * Owns:   session->chat. */
#include "chat.h"

#include <assert.h>
#include <stdlib.h>

#include "ask.h"
#include "delivery.h"
#include "ending.h"
#include "pairing.h"
#include "peer.h"
#include "resume.h"
#include "session.h"
#include "sync.h"

enum {
    NONCES = 2047,            /* 11 bits beside the 53 of a seq, 0 left out */
    LOOKUP_TIMEOUT_MS = 5000, /* the broker owes an answer; should it fail to, it is asked again */
};

struct chat *chat_open(struct core *core, struct session *session, struct chat_id id, enum side side) {
    assert(session->chat == NULL);
    struct chat *chat = slab_take(&core->chats);
    *chat = (struct chat){0};
    chat->id = id;
    chat->side = (uint8_t)side;
    chat->peer_here = true;
    chat->nonce = (uint16_t)(1 + session->chats++ % NONCES);
    chat->born_wall_ms = core->event->wall_ms;
    session->chat = chat;
    sync_chat_opened(core);
    return chat;
}

void chat_free(struct core *core, struct chat *chat) {
    if (chat != NULL)
        free(chat->rivals);
    slab_give(&core->chats, chat);
}

void chat_set_peer(struct chat *chat, const struct party *peer) {
    chat->peer.at = peer->at;
    chat->peer.fence = peer->fence;
    chat->peer_reliable = peer->reliable;
    chat->looking = LOOKING_NOT; /* that was about the place before */
}

enum ended_reason chat_reason(struct tombstone how, enum side side) {
    switch (how.cause) {
    case END_LEFT: return how.side == side ? ENDED_YOU_LEFT : ENDED_LEFT;
    case END_LOST: return how.side == side ? ENDED_EXPIRED : ENDED_LOST;
    case END_NONE:
    case END_EXPIRED: break;
    }
    return ENDED_EXPIRED;
}

void chat_ended(struct core *core, struct session *session, enum ended_reason reason) {
    chat_free(core, session->chat);
    session->chat = NULL;
    ask_count(core, COUNT_ENDED, reason, 0);
    if (session->conn == 0) {
        session_destroy(core, session);
        return;
    }
    ask_tell(core, session, SERVER_ENDED)->ended.reason = reason;
    session_set_state(core, session, SESSION_IDLE);
    free(session->resume);
    session->resume = NULL;
    resume_pending(core, session);
}

static void stop_searching(struct core *core, struct session *session) {
    pairing_stop(core, session);
    session_set_state(core, session, SESSION_IDLE);
    pairing_discard(session);
}

/* Our client has asked for it. */
static void leave_chat(struct core *core, struct session *session) {
    const struct chat *chat = session->chat;
    if (core_now(core) < core->settled_ms) /* the register may not know yet that we are here, and not obey */
        ask_hold(core, session);
    ending_say(core, &(struct ending){.at = session_address(core, session),
                                      .peer = chat->peer.at,
                                      .chat = chat->id,
                                      .side = chat->side,
                                      .fence = chat->fence,
                                      .how = {END_LEFT, chat->side}});
    chat_ended(core, session, ENDED_YOU_LEFT);
}

void chat_leave(struct core *core, struct session *session) {
    if (session->state == SESSION_CHATTING) {
        leave_chat(core, session);
    } else if (session_resuming(session)) {
        session->pending = PENDING_LEAVE;
        pairing_discard(session);
    } else {
        if (session_searching(session))
            stop_searching(core, session);
        ask_tell(core, session, SERVER_IDLE);
    }
}

void chat_throw_out(struct core *core, struct session *session, enum close_code code) {
    session_close_connection(core, session, code);
    if (session->chat != NULL) {
        leave_chat(core, session);
    } else if (session->state == SESSION_REBINDING) {
        session->pending = PENDING_LEAVE; /* once the register has answered */
    } else {
        if (session_searching(session))
            stop_searching(core, session);
        session_destroy(core, session);
    }
}

/* If both are away, the later grace counts. */
static int64_t later(const struct chat *chat) {
    return !chat->peer_here && chat->peer_until_ms > chat->hold_until_ms ? chat->peer_until_ms : chat->hold_until_ms;
}

void chat_drop(struct core *core, struct session *session) {
    struct chat *chat = session->chat;
    if (session->pending != PENDING_NONE) { /* whose client has asked to leave, while its resume was not answered yet */
        leave_chat(core, session);
        return;
    }
    session_set_state(core, session, SESSION_AWAY);
    free(session->resume);
    session->resume = NULL;
    chat->hold_until_ms = core_heard_ms(core) + (int64_t)core->options.grace_ms;
    ask_peer_of(core, PEER_AWAY, session)->away.grace_ms = core->options.grace_ms;
    ask_count(core, COUNT_AWAY, ENDED_REASONS, 0);
    chat_set_timer(core, session);
}

void chat_peer_away(struct core *core, struct session *session, int64_t grace_ms) {
    struct chat *chat = session->chat;
    bool news = chat->peer_here;
    chat->peer_here = chat->peer_silent = false;
    chat->peer_until_ms = core_heard_ms(core) + grace_ms;
    if (news && session->state == SESSION_CHATTING)
        ask_tell(core, session, SERVER_AWAY)->away.grace_ms = (uint32_t)grace_ms;
    chat_set_timer(core, session);
}

void chat_peer_back(struct core *core, struct session *session) {
    struct chat *chat = session->chat;
    chat->hold_until_ms = later(chat); /* the later grace has counted so far, and still does */
    chat->peer_here = true;
    chat->peer_silent = false;
    delivery_forget_unacked(session);
    if (session->state == SESSION_CHATTING)
        ask_tell(core, session, SERVER_BACK);
    chat_set_timer(core, session);
}

/* --- grace
 * --------------------------------------------------------------------------------------------------------------- */

void chat_tell_state(struct core *core, struct session *session, enum peer_kind kind) {
    struct peer_frame *frame = ask_peer_of(core, kind, session);
    int64_t left_ms = later(session->chat) - core_heard_ms(core);
    frame->state.here = session->conn != 0;
    left_ms = left_ms < (int64_t)core->options.grace_ms ? left_ms : (int64_t)core->options.grace_ms;
    frame->state.grace_ms = frame->state.here || left_ms < 0 ? 0 : (uint32_t)left_ms;
}

/* While this node is cut off no grace ends, and for a moment afterwards neither: what was missed is told first. */
static void set_deadline(struct core *core, struct session *session, int64_t at_ms) {
    int64_t at = at_ms + core->deaf_ms;
    heap_remove(&core->timers, &session->timer);
    if (!core->cut_off)
        session_set_timer(core, session, at > core->settled_ms ? at : core->settled_ms);
}

void chat_set_timer(struct core *core, struct session *session) {
    struct chat *chat = session->chat;
    if (chat->looking != LOOKING_ASTRAY)
        chat->looking = LOOKING_NOT; /* that was about another deadline */
    if (session->state == SESSION_AWAY)
        set_deadline(core, session, later(chat) + (chat->peer_here ? AWAY_SLACK_MS : 0));
    else if (session->state == SESSION_CHATTING && !chat->peer_here)
        set_deadline(core, session, chat->peer_until_ms);
    else if (session->state == SESSION_CHATTING)
        heap_remove(&core->timers, &session->timer);
}

void chat_ask_state(struct core *core, struct session *session) {
    chat_tell_state(core, session, PEER_SYNC);
    chat_await_state(core, session);
}

/* Their node may be gone, and have been said to be so before we knew that they are there; or be frozen, and so be still
 * a subscriber of what it will never read. If all were cut off, it may come back later than this one. */
void chat_await_state(struct core *core, struct session *session) {
    int64_t at = core_now(core) + GREETING_TIMEOUT_MS;
    if (session->state == SESSION_CHATTING && session->chat->peer_here && !core->cut_off)
        session_set_timer(core, session, at > core->settled_ms ? at : core->settled_ms);
}

static void look_up(struct core *core, struct session *session, enum looking why) {
    session->chat->looking = (uint8_t)why;
    ask_broker(core, BROKER_LOOKUP, session_address(core, session), session->chat->id);
    session_set_timer(core, session, core_now(core) + LOOKUP_TIMEOUT_MS);
}

/* Their node was asked how they stand. */
static void did_not_answer(struct core *core, struct session *session) {
    peer_vanished(core, session);
    if (session->chat != NULL) /* else its client had left meanwhile */
        session->chat->peer_silent = true;
}

void chat_timer(struct core *core, struct session *session) {
    if (session->state == SESSION_AWAY && session->chat->peer_here)
        session_destroy(core, session);
    else if (session->chat->peer_here)
        did_not_answer(core, session);
    else
        look_up(core, session, LOOKING_DUE);
}

/* Nobody has said that they are gone, nor that their node is: the Redis that carries frames there may be down. If it is
 * the node that is gone, that is found out by asking it. */
static void ask_again(struct core *core, struct session *session) {
    chat_tell_state(core, session, PEER_SYNC);
    session->chat->peer_until_ms = core_heard_ms(core) + (int64_t)core->options.grace_ms;
    chat_set_timer(core, session);
}

void chat_end_overdue(struct core *core, struct session *session) {
    enum side side = session->chat->side;
    if (session->state == SESSION_CHATTING && session->chat->peer_silent) {
        ask_again(core, session);
        return;
    }
    struct tombstone how = {END_EXPIRED, side};
    if (session->state == SESSION_CHATTING)
        how = (struct tombstone){END_LOST, side_other(side)};
    ask_broker(core, BROKER_END, session_address(core, session), session->chat->id)->end = how;
    look_up(core, session, LOOKING_ENDED);
}
