/* resume.c - taking a chat up again on another connection, of this node or of another.
 *
 * Flow:   IDLE ─REBIND→ REBINDING ─the register has our side here now, with a greater fence→ GREETING: REBOUND to the
 *         stranger's node, MOVED to our own previous place ─STATE→ CHATTING, `resumed`
 * Fails:  the chat has ended, or is unknown → `ended`. The connection drops before the register has answered → the
 *         answer is waited for, and the chat held here as away: the register names this place now, and somebody must
 *         sit there. The stranger's node is silent for GREETING_TIMEOUT_MS → the stranger is taken to be away.
 *
 * When our previous place is on this node, its numbers come along; else they are not known here (delivery.c). */
#include "resume.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "chat.h"
#include "pairing.h"
#include "ratelimit.h"
#include "session.h"

#include "base/memory.h"

static void ask_to_rebind(struct core *core, const struct session *session) {
    ask_broker(core, BROKER_REBIND, session_address(core, session), session->claims->chat)->rebind.claims =
        *session->claims;
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
    session->claims = memory_zero(1, sizeof *session->claims);
    *session->claims = *claims;
    session_set_state(core, session, SESSION_REBINDING);
    ask_to_rebind(core, session);
}

static void failed(struct core *core, struct session *session, enum ended_reason reason) {
    free(session->claims);
    session->claims = NULL;
    if (session->conn == 0) {
        session_destroy(core, session);
        return;
    }
    ask_tell(core, session, SERVER_ENDED)->ended.reason = reason;
    session_set_state(core, session, SESSION_IDLE);
    resume_pending(core, session);
}

/* The chat's half that our previous session on this node holds, numbers and all; or NULL. That session ends. */
static struct chat *take_from_previous(struct core *core, struct session *session, struct address at) {
    struct session *previous = session_at(core, at);
    if (previous == NULL || previous == session || previous->chat == NULL ||
        !chat_id_equal(previous->chat->id, session->claims->chat) || previous->chat->side != session->claims->side)
        return NULL;
    struct chat *chat = previous->chat;
    previous->chat = NULL;
    session->chats = previous->chats; /* the next chat's nonce must differ from this one's */
    memcpy(session->recent, previous->recent, sizeof session->recent);
    session_close_connection(core, previous, CLOSE_SUPERSEDED);
    session_destroy(core, previous);
    chat->in_refused = 0;
    chat->looking = false;
    if (!session->claims->reliable) /* what was not written to the old connection may come again */
        chat->out_high = chat->out_acked;
    return chat;
}

static void take_place(struct core *core, struct session *session, const struct broker_event *event) {
    const struct claims *claims = session->claims;
    const struct chat_record *record = &event->chat_state.record;
    const struct party *peer = &record->party[side_other(claims->side)];
    struct address previous = event->chat_state.previous;
    uint64_t fence = record->party[claims->side].fence;
    session->chat = take_from_previous(core, session, previous);
    if (session->chat == NULL) {
        memcpy(session->recent, claims->earlier, sizeof claims->earlier);
        struct chat *chat = chat_open(core, session, claims->chat, claims->side);
        chat->peer = *peer;
        if (previous.boot != 0 && !address_equal(previous, session_address(core, session))) {
            struct peer_frame *frame = ask_peer(core, PEER_MOVED, previous, session_address(core, session));
            frame->chat = claims->chat;
            frame->side = claims->side;
            frame->fence = fence;
        }
    } else if (peer->fence > session->chat->peer.fence) {
        session->chat->peer = *peer;
    }
    session->chat->fence = fence;
    session->chat->born_wall_ms = claims->born_ms;
    session->person = claims->person;
    session->reliable = claims->reliable;
    session_remember(session, peer->person);
}

void resume_rebound(struct core *core, const struct broker_event *event) {
    struct session *session = session_at(core, event->to);
    if (session == NULL || session->state != SESSION_REBINDING || !chat_id_equal(session->claims->chat, event->chat))
        return;
    switch (event->status) {
    case BROKER_OK: break;
    case BROKER_NONE: failed(core, session, ENDED_EXPIRED); return;
    case BROKER_OVER: failed(core, session, chat_reason(event->chat_state.record.ended, session->claims->side)); return;
    case BROKER_DOWN: session_set_timer(core, session, core_now(core) + BROKER_RETRY_MS); return;
    }
    take_place(core, session, event);
    session_set_state(core, session, SESSION_GREETING);
    ask_peer_of(core, PEER_REBOUND, session);
    if (session->conn != 0)
        session_set_timer(core, session, core_now(core) + GREETING_TIMEOUT_MS);
    else
        chat_drop(core, session);
}

void resume_greeted(struct core *core, struct session *session, bool here, uint32_t grace_ms) {
    struct chat *chat = session->chat;
    session_set_state(core, session, SESSION_CHATTING);
    free(session->claims);
    session->claims = NULL;
    chat->peer_here = here;
    chat->peer_until_ms = core_now(core) + grace_ms;
    struct server_frame *frame = ask_tell_token(core, session, SERVER_RESUMED);
    frame->resumed.chat = chat->id;
    frame->resumed.peer_away = !here;
    frame->resumed.grace_ms = grace_ms;
    frame->resumed.reliable = chat->peer.reliable;
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
    if (session->state == SESSION_REBINDING)
        ask_to_rebind(core, session);
    else
        resume_greeted(core, session, false, core->options.grace_ms);
}
