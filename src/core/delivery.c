/* delivery.c - numbers, passes on and acknowledges one chat's messages.
 *
 * Flow:   our client's `msg` → seq and window are checked → MSG to the stranger's session → `msg` to its client →
 *         `ack` from that client → ACK back → `ack` to ours, which forgets the message. Nobody in between keeps it.
 * Fails:  a message lost anywhere is sent again by the client that keeps it (PROTOCOL.md, "What a reliable client
 *         does"), and passed on again; the receiving client drops what it has. A seq that leaves a gap, or lies
 *         beyond the window, is refused.
 * Plain:  who does not number its messages gets numbers here, and who does not acknowledge is acknowledged for, once
 *         the kernel has taken the message. Such a client is never sent a message twice over one connection.
 *
 * A side that was taken over from another node does not know the numbers: in_next == 0 until the first `msg` sets the
 * base, and acks from it are checked at the other side's node alone (out_known false). */
#include "delivery.h"

#include "ask.h"
#include "session.h"

enum { SEQ_BITS = 53 };

/* Tells the messages of one chat, and its acks (seq 0), from everything else in an output queue. */
static uint64_t tag_of(const struct chat *chat, uint64_t seq) {
    return (uint64_t)chat->nonce << SEQ_BITS | seq;
}

/* --- from our client
 * ------------------------------------------------------------------------------------------------------ */

/* Checks a `msg`'s seq and takes it. Returns false after having refused it. */
static bool take_seq(struct core *core, struct session *session, uint64_t seq) {
    struct chat *chat = session->chat;
    if (chat->in_next == 0) {
        chat->in_acked = chat->in_acked > seq - 1 ? chat->in_acked : seq - 1;
        chat->in_next = chat->in_acked + 1; /* an ack may have told more than this first message does */
    }
    bool after_refused = chat->in_refused != 0 && seq > chat->in_refused;
    if (after_refused || seq > chat->in_acked + core->options.window) {
        if (chat->in_refused == 0 || seq < chat->in_refused)
            chat->in_refused = seq;
        session_refuse(core, session, ERROR_WINDOW_FULL, NULL, seq);
        return false;
    }
    if (seq > chat->in_next) {
        session_refuse(core, session, ERROR_BAD_SEQ, NULL, seq);
        return false;
    }
    if (seq == chat->in_refused)
        chat->in_refused = 0;
    ask_count(core, seq < chat->in_next ? COUNT_RETRANSMIT : COUNT_MESSAGE, ENDED_REASONS, 0);
    if (seq == chat->in_next)
        chat->in_next++;
    return true;
}

void delivery_message(struct core *core, struct session *session, struct text body, uint64_t seq) {
    if (session->state == SESSION_REBINDING || session->state == SESSION_GREETING)
        return;
    if (session->state != SESSION_CHATTING) {
        session_refuse(core, session, ERROR_NOT_IN_CHAT, NULL, seq);
        return;
    }
    if (!session->reliable) {
        if (session->chat->in_next == 0)
            session->chat->in_next = 1;
        seq = session->chat->in_next;
    }
    if (seq == 0) {
        session_refuse(core, session, ERROR_BAD_FIELD, "'seq' is required of a reliable client", 0);
        return;
    }
    if (body.length > core->options.max_body_bytes) {
        session_refuse(core, session, ERROR_TOO_LONG, NULL, seq);
        return;
    }
    if (!take_seq(core, session, seq))
        return;
    struct peer_frame *frame = ask_peer_of(core, PEER_MSG, session);
    frame->msg.seq = seq;
    frame->msg.body = body;
    frame->msg.reliable = session->reliable;
}

void delivery_ack(struct core *core, struct session *session, uint64_t seq) {
    struct chat *chat = session->chat;
    if (session->state != SESSION_CHATTING || !session->reliable)
        return;
    if (chat->out_known && seq > chat->out_high) {
        session_refuse(core, session, ERROR_BAD_SEQ, "'seq' acknowledges what was never passed on", 0);
        return;
    }
    if (seq < chat->out_acked)
        return;
    chat->out_acked = seq;
    ask_peer_of(core, PEER_ACK, session)->ack.seq = seq;
}

void delivery_typing(struct core *core, struct session *session, bool on) {
    if (session->state == SESSION_CHATTING)
        ask_peer_of(core, PEER_TYPING, session)->typing.on = on;
}

void delivery_written(struct core *core, session_ref ref, uint64_t tag) {
    struct session *session = session_get(core, ref);
    if (session == NULL || session->state != SESSION_CHATTING || tag >> SEQ_BITS != session->chat->nonce)
        return;
    uint64_t seq = tag & MAX_SEQ;
    if (seq > session->chat->out_acked)
        session->chat->out_acked = seq;
    ask_peer_of(core, PEER_ACK, session)->ack.seq = seq;
}

void delivery_forget_unacked(struct session *session) {
    struct chat *chat = session->chat;
    if (!session->reliable && chat->in_next > 0)
        chat->in_acked = chat->in_next - 1;
}

void delivery_forget_numbers(struct chat *chat, bool reliable) {
    if (reliable)
        chat->in_next = 0; /* who is not reliable gets its numbers here, and they may jump */
    chat->out_known = false;
}

void delivery_resync(struct core *core, struct session *session) {
    delivery_forget_unacked(session);
    if (session->reliable && session->state == SESSION_CHATTING)
        ask_tell(core, session, SERVER_SYNC);
}

/* --- from the stranger's session
 * ------------------------------------------------------------------------------------------- */

/* A plain client keeps no numbers and drops nothing: it gets each message of a reliable stranger once, in order.
 * Returns false for one that it has had (which is acknowledged again, lest it come again), or that leaves a gap (which
 * the stranger will fill; on a side that was taken over it may be one that another node has acknowledged, and will
 * never be). */
static bool fit_for_plain(struct core *core, const struct session *session, uint64_t seq) {
    const struct chat *chat = session->chat;
    if (seq <= chat->out_high) {
        ask_peer_of(core, PEER_ACK, session)->ack.seq = chat->out_acked;
        return false;
    }
    return seq == chat->out_high + 1 || !chat->out_known;
}

void delivery_peer_message(struct core *core, struct session *session, const struct peer_frame *frame) {
    struct chat *chat = session->chat;
    uint64_t seq = frame->msg.seq;
    if (session->state != SESSION_CHATTING)
        return;
    if (!session->reliable && frame->msg.reliable && !fit_for_plain(core, session, seq))
        return;
    if (seq > chat->out_high)
        chat->out_high = seq;
    struct action *action = ask_action(core, ACTION_SEND);
    action->conn = session->conn;
    action->session = session_ref_of(session);
    action->send.frame.kind = SERVER_MSG;
    action->send.frame.msg.seq = seq;
    action->send.frame.msg.body = frame->msg.body;
    action->send.tag = tag_of(chat, seq);
    action->send.rule = TAG_KEEP;
    action->send.report = !session->reliable || !frame->msg.reliable;
}

void delivery_peer_ack(struct core *core, struct session *session, uint64_t seq) {
    struct chat *chat = session->chat;
    bool never_said = chat->in_next != 0 && seq >= chat->in_next;
    if ((never_said && chat->out_known) || seq < chat->in_acked)
        return;
    if (never_said) /* said on the node that the chat was taken over from, and only partly said again here */
        chat->in_next = seq + 1;
    chat->in_acked = seq;
    if (!session->reliable || session->state != SESSION_CHATTING)
        return;
    struct action *action = ask_action(core, ACTION_SEND);
    action->conn = session->conn;
    action->send.frame.kind = SERVER_ACK;
    action->send.frame.ack.seq = seq;
    action->send.tag = tag_of(chat, 0);
    action->send.rule = TAG_REPLACE;
}

void delivery_peer_typing(struct core *core, struct session *session, bool on) {
    if (session->state != SESSION_CHATTING)
        return;
    struct action *action = ask_action(core, ACTION_SEND);
    action->conn = session->conn;
    action->send.frame.kind = SERVER_TYPING;
    action->send.frame.typing.on = on;
    action->send.rule = TAG_FRESH;
}
