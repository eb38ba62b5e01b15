/* peer.c - frames between the two sessions of a chat.
 *
 * Flow:   a frame → the session it is for → is it of the same chat, and from the stranger's present place? →
 * delivery, chat, resume.
 * Fails:  no such session, or not in that chat → the sender is answered GONE, and looks the chat up in the register.
 *         A lower fence than the known one → the sender sits where the stranger no longer is, and is told MOVED.
 *         A greater one → the stranger has resumed elsewhere and we missed the word: that is their place from now on.
 *         */
#include "peer.h"

#include "ask.h"
#include "chat.h"
#include "delivery.h"
#include "pairing.h"
#include "resume.h"
#include "session.h"

/* Only what expects to be taken is answered: no two nodes tell each other GONE for ever. */
static void answer_gone(struct core *core, const struct peer_frame *frame) {
    switch (frame->kind) {
    case PEER_MSG:
    case PEER_ACK:
    case PEER_TYPING:
    case PEER_AWAY:
    case PEER_REBOUND:
    case PEER_SYNC: break;
    case PEER_STATE:
    case PEER_ENDED:
    case PEER_MOVED:
    case PEER_GONE:
    case PEER_DECLINE: return;
    }
    struct peer_frame *answer = ask_peer(core, PEER_GONE, frame->from, frame->to);
    answer->chat = frame->chat;
    answer->side = side_other(frame->side);
}

static void tell_moved(struct core *core, const struct session *session, const struct peer_frame *frame) {
    struct peer_frame *answer = ask_peer(core, PEER_MOVED, frame->from, session_address(core, session));
    answer->chat = frame->chat;
    answer->side = frame->side;
    answer->fence = session->chat->peer.fence;
}

/* Our side of the chat was resumed elsewhere: nothing is held here any more. */
static void superseded(struct core *core, struct session *session) {
    session_close_connection(core, session, CLOSE_SUPERSEDED);
    session_destroy(core, session);
}

static void look_up(struct core *core, struct session *session) {
    if (session->chat->looking)
        return;
    session->chat->looking = true;
    ask_broker(core, BROKER_LOOKUP, session_address(core, session), session->chat->id);
}

static void peer_here(struct core *core, struct session *session) {
    if (session->state == SESSION_GREETING)
        resume_greeted(core, session, true, 0);
    if (session->chat != NULL) /* else its client had left meanwhile */
        chat_peer_back(core, session);
}

static void peer_away(struct core *core, struct session *session, uint32_t grace_ms) {
    if (session->state == SESSION_GREETING)
        resume_greeted(core, session, false, grace_ms);
    else
        chat_peer_away(core, session, grace_ms);
}

/* The stranger resumed: answer whether our client is here. If it is not, the later grace has counted so far, and
 * still does. */
static void rebound(struct core *core, struct session *session) {
    struct peer_frame *answer = ask_peer_of(core, PEER_STATE, session);
    answer->state.here = session->conn != 0;
    if (session->conn == 0) {
        answer->state.grace_ms = chat_grace_left_ms(core, session);
        session->chat->hold_until_ms = core_now(core) + answer->state.grace_ms;
    }
    peer_here(core, session);
}

/* The answer to our REBOUND. */
static void state(struct core *core, struct session *session, const struct peer_frame *frame) {
    if (session->state == SESSION_GREETING)
        resume_greeted(core, session, frame->state.here, frame->state.grace_ms);
    else if (!frame->state.here)
        chat_peer_away(core, session, frame->state.grace_ms);
    else if (!session->chat->peer_here)
        chat_peer_back(core, session);
}

/* Is the frame from where the stranger is now? Learns a newer place. */
static bool from_present_place(struct core *core, struct session *session, const struct peer_frame *frame) {
    struct chat *chat = session->chat;
    if (frame->fence < chat->peer.fence) {
        tell_moved(core, session, frame);
        return false;
    }
    bool news = frame->fence > chat->peer.fence;
    chat->peer.at = frame->from;
    chat->peer.fence = frame->fence;
    bool speaks = frame->kind == PEER_MSG || frame->kind == PEER_ACK || frame->kind == PEER_TYPING;
    if (frame->kind != PEER_REBOUND && session->state != SESSION_GREETING && (news || (speaks && !chat->peer_here)))
        chat_peer_back(core, session);
    return true;
}

static void take_from_stranger(struct core *core, struct session *session, const struct peer_frame *frame) {
    switch (frame->kind) {
    case PEER_MSG: delivery_peer_message(core, session, frame); break;
    case PEER_ACK: delivery_peer_ack(core, session, frame->ack.seq); break;
    case PEER_TYPING: delivery_peer_typing(core, session, frame->typing.on); break;
    case PEER_AWAY: peer_away(core, session, frame->away.grace_ms); break;
    case PEER_REBOUND: rebound(core, session); break;
    case PEER_STATE: state(core, session, frame); break;
    case PEER_ENDED: chat_ended(core, session, chat_reason(frame->ended.how, session->chat->side)); break;
    case PEER_SYNC:
        if (session->reliable && session->state == SESSION_CHATTING)
            ask_tell(core, session, SERVER_SYNC);
        break;
    case PEER_MOVED:
    case PEER_GONE:
    case PEER_DECLINE: break;
    }
}

void peer_take(struct core *core, const struct peer_frame *frame) {
    struct session *session = session_at(core, frame->to);
    if (frame->kind == PEER_DECLINE) {
        if (session != NULL)
            pairing_declined(core, session, frame);
    } else if (session != NULL && pairing_waits_for(session, frame->chat)) {
        pairing_early(core, session, frame);
    } else if (session == NULL || session->chat == NULL || !chat_id_equal(session->chat->id, frame->chat)) {
        answer_gone(core, frame);
    } else if (frame->kind == PEER_MOVED) {
        if (frame->side == session->chat->side && frame->fence > session->chat->fence)
            superseded(core, session);
    } else if (frame->side == session->chat->side) {
        return; /* from another place of our own side: only MOVED makes sense */
    } else if (frame->kind == PEER_GONE) {
        if (address_equal(frame->from, session->chat->peer.at))
            look_up(core, session);
    } else if (from_present_place(core, session, frame)) {
        take_from_stranger(core, session, frame);
    }
}

/* --- what the register says
 * --------------------------------------------------------------------------------------------------- */

static void found(struct core *core, struct session *session, const struct chat_record *record) {
    struct chat *chat = session->chat;
    const struct party *peer = &record->party[side_other(chat->side)];
    if (record->party[chat->side].fence > chat->fence) {
        superseded(core, session);
    } else if (peer->fence <= chat->peer.fence) { /* where we looked: their node has forgotten them */
        if (session->state == SESSION_GREETING || chat->peer_here)
            peer_away(core, session, core->options.grace_ms);
    } else {
        chat->peer = *peer;
        if (session->state == SESSION_GREETING)
            ask_peer_of(core, PEER_REBOUND, session);
        else
            chat_peer_back(core, session);
    }
}

void peer_found(struct core *core, const struct broker_event *event) {
    struct session *session = session_at(core, event->to);
    if (session == NULL || session->chat == NULL || !chat_id_equal(session->chat->id, event->chat))
        return;
    session->chat->looking = false;
    switch (event->status) {
    case BROKER_OK: found(core, session, &event->chat_state.record); break;
    case BROKER_OVER:
        chat_ended(core, session, chat_reason(event->chat_state.record.ended, session->chat->side));
        break;
    case BROKER_NONE: chat_ended(core, session, ENDED_LOST); break;
    case BROKER_DOWN: break; /* the next frame that goes astray asks again */
    }
}

void peer_node_gone(struct core *core, uint64_t boot) {
    for (uint32_t i = 0; i < core->slot_count; i++) {
        struct session *session = core->slots[i].session;
        if (session == NULL || session->chat == NULL || session->chat->peer.at.boot != boot)
            continue;
        if (session->state == SESSION_GREETING || session->chat->peer_here)
            peer_away(core, session, core->options.grace_ms);
    }
}
