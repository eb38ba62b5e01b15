/* chat.c - the life of one side of a chat.
 *
 * Flow:   matched or resumed → talk → one side leaves: ENDED to the other side, END to the register.
 * Fails:  our connection drops → AWAY, the other side is told, and the session is held for the grace.
 *         The grace is over → the side that is there ends the chat (`lost`). If neither is, each side ends it for
 *         itself when the later grace is over. A side that is away waits AWAY_SLACK_MS longer for the other's word,
 *         then forgets the chat without ending it: a resume finds it in the register, and needs nothing from here.
 * Owns:   session->chat. */
#include "chat.h"

#include <assert.h>
#include <stdlib.h>

#include "ask.h"
#include "pairing.h"
#include "resume.h"
#include "session.h"

#include "base/memory.h"

enum { NONCES = 2047 }; /* 11 bits beside the 53 of a seq, 0 left out */

struct chat *chat_open(struct core *core, struct session *session, struct chat_id id, enum side side) {
    assert(session->chat == NULL);
    struct chat *chat = memory_zero(1, sizeof *chat);
    chat->id = id;
    chat->side = side;
    chat->peer_here = true;
    chat->nonce = (uint16_t)(1 + session->chats++ % NONCES);
    chat->born_wall_ms = core->event->wall_ms;
    session->chat = chat;
    return chat;
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
    free(session->chat);
    session->chat = NULL;
    ask_count(core, COUNT_ENDED, reason, 0);
    if (session->conn == 0) {
        session_destroy(core, session);
        return;
    }
    ask_tell(core, session, SERVER_ENDED)->ended.reason = reason;
    session_set_state(core, session, SESSION_IDLE);
    free(session->claims);
    session->claims = NULL;
    resume_pending(core, session);
}

/* Ends the chat everywhere: the register first, so that a resume which asks it later learns how. */
static void end_everywhere(struct core *core, struct session *session, struct tombstone how) {
    ask_broker(core, BROKER_END, session_address(core, session), session->chat->id)->end = how;
    ask_peer_of(core, PEER_ENDED, session)->ended.how = how;
    chat_ended(core, session, chat_reason(how, session->chat->side));
}

static void stop_searching(struct core *core, struct session *session) {
    pairing_stop(core, session);
    session_set_state(core, session, SESSION_IDLE);
    pairing_discard(session);
}

static void leave_chat(struct core *core, struct session *session) {
    end_everywhere(core, session, (struct tombstone){END_LEFT, session->chat->side});
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

void chat_drop(struct core *core, struct session *session) {
    struct chat *chat = session->chat;
    if (session->pending != PENDING_NONE) { /* whose client has asked to leave, while its resume was not answered yet */
        end_everywhere(core, session, (struct tombstone){END_LEFT, chat->side});
        return;
    }
    session_set_state(core, session, SESSION_AWAY);
    free(session->claims);
    session->claims = NULL;
    chat->hold_until_ms = core_now(core) + (int64_t)core->options.grace_ms;
    ask_peer_of(core, PEER_AWAY, session)->away.grace_ms = core->options.grace_ms;
    ask_count(core, COUNT_AWAY, ENDED_REASONS, 0);
    chat_set_timer(core, session);
}

void chat_peer_away(struct core *core, struct session *session, int64_t grace_ms) {
    struct chat *chat = session->chat;
    bool news = chat->peer_here;
    chat->peer_here = false;
    chat->peer_until_ms = core_now(core) + grace_ms;
    if (news && session->state == SESSION_CHATTING)
        ask_tell(core, session, SERVER_AWAY)->away.grace_ms = (uint32_t)grace_ms;
    chat_set_timer(core, session);
}

void chat_peer_back(struct core *core, struct session *session) {
    struct chat *chat = session->chat;
    chat->peer_here = true;
    if (!session->reliable) /* what a plain client said meanwhile is lost, and fills its window no longer */
        chat->in_acked = chat->in_next > 0 ? chat->in_next - 1 : 0;
    if (session->state == SESSION_CHATTING)
        ask_tell(core, session, SERVER_BACK);
    chat_set_timer(core, session);
}

/* --- grace
 * --------------------------------------------------------------------------------------------------------------- */

/* If both are away, the later grace counts. */
static int64_t later(const struct chat *chat) {
    return !chat->peer_here && chat->peer_until_ms > chat->hold_until_ms ? chat->peer_until_ms : chat->hold_until_ms;
}

uint32_t chat_grace_left_ms(const struct core *core, const struct session *session) {
    int64_t left = later(session->chat) - core_now(core);
    return left > 0 ? (uint32_t)left : 0;
}

void chat_set_timer(struct core *core, struct session *session) {
    const struct chat *chat = session->chat;
    if (session->state == SESSION_AWAY)
        session_set_timer(core, session, later(chat) + (chat->peer_here ? AWAY_SLACK_MS : 0));
    else if (session->state == SESSION_CHATTING && !chat->peer_here)
        session_set_timer(core, session, chat->peer_until_ms);
    else if (session->state == SESSION_CHATTING)
        heap_remove(&core->timers, &session->timer);
}

void chat_timer(struct core *core, struct session *session) {
    const struct chat *chat = session->chat;
    if (session->state == SESSION_CHATTING)
        end_everywhere(core, session, (struct tombstone){END_LOST, side_other(chat->side)});
    else if (chat->peer_here)
        session_destroy(core, session);
    else
        end_everywhere(core, session, (struct tombstone){END_EXPIRED, chat->side});
}
