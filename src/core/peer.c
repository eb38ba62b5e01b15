/* peer.c - frames between the two sessions of a chat.
 *
 * Flow:   a frame → the session it is for → is it of the same chat, and from the stranger's present place? →
 *         delivery, chat, resume.
 * Fails:  no such session, or not in that chat → the sender is answered GONE, and looks the chat up (register.c).
 *         A lower fence than the known one → the sender sits where the stranger no longer is, and is told MOVED.
 *         A greater one → the stranger has resumed elsewhere and we missed the word: that is their place from now on, and
 *         as they may think us away, SYNC tells them how we stand.
 *         Frames were lost → SYNC says so, and how the sender's side stands; STATE answers how ours does (sync.c).
 *         The register has the stranger where nobody is → MOVED tells us, or that place itself does, and it is passed on to
 *         where they are.
 *         SYNC from our own side → an earlier place asks whether anybody is here (resume.c).
 *         A node is gone → whoever sat there is away, and is sent SYNC, should it be back; if it comes back, it says SYNC.
 */
#include "peer.h"

#include "ask.h"
#include "chat.h"
#include "delivery.h"
#include "ending.h"
#include "match.h"
#include "pairing.h"
#include "register.h"
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
    answer->fence = frame->fence;
}

static void tell_moved(struct core *core, const struct session *session, const struct peer_frame *frame) {
    struct peer_frame *answer = ask_peer(core, PEER_MOVED, frame->from, session_address(core, session));
    answer->chat = frame->chat;
    answer->side = frame->side;
    answer->fence = session->chat->peer.fence;
    answer->moved.here = true; /* for all we know */
}

/* The register has put the stranger where nobody is: who is where we know the stranger to be stays there (resume.c). We
 * may be the only ones who can tell them. */
static void pass_on_moved(struct core *core, const struct session *session, const struct peer_frame *frame) {
    if (frame->fence <= session->chat->peer.fence)
        return;
    struct peer_frame *onward = ask_peer(core, PEER_MOVED, session->chat->peer.at, frame->from);
    onward->chat = frame->chat;
    onward->side = frame->side;
    onward->fence = frame->fence;
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

/* The stranger resumed: answer whether our client is here. */
static void rebound(struct core *core, struct session *session) {
    chat_tell_state(core, session, PEER_STATE);
    peer_here(core, session);
}

/* How the stranger's side stands: the answer to our REBOUND or SYNC. */
static void state(struct core *core, struct session *session, const struct peer_frame *frame) {
    if (session->state == SESSION_GREETING)
        resume_greeted(core, session, frame->state.here, frame->state.grace_ms);
    else if (!frame->state.here)
        chat_peer_away(core, session, frame->state.grace_ms);
    else if (!session->chat->peer_here)
        chat_peer_back(core, session);
}

/* Both clients send again what may have been lost: ours when it hears `sync`, or `resumed`, or `back`. */
static void synced(struct core *core, struct session *session, const struct peer_frame *frame) {
    bool told = session->state != SESSION_CHATTING || (frame->state.here && !session->chat->peer_here);
    chat_tell_state(core, session, PEER_STATE);
    state(core, session, frame);
    if (!told)
        delivery_resync(core, session);
}

/* Is it answered with how our side stands, or does nobody care any more? */
static bool tells_state(enum peer_kind kind) {
    return kind == PEER_REBOUND || kind == PEER_SYNC || kind == PEER_ENDED;
}

/* ENDED may come from a place that the stranger has left, and which has read of the present one (ending.c). */
static void learn_place(struct chat *chat, const struct peer_frame *frame) {
    if (frame->kind == PEER_ENDED)
        return;
    chat->peer.at = frame->from;
    chat->peer.fence = frame->fence;
}

/* The stranger has come to a later place. If nobody is there, whoever is at the one before is told so. */
static void heard_from_later_place(struct core *core, struct session *session, const struct peer_frame *frame) {
    bool tells = frame->kind == PEER_SYNC || frame->kind == PEER_STATE;
    session->chat->looking = LOOKING_NOT; /* that was about the place before */
    if (frame->kind == PEER_AWAY || (tells && !frame->state.here))
        pass_on_moved(core, session, frame);
}

/* Is the frame from where the stranger is now? Learns a newer place. */
static bool from_present_place(struct core *core, struct session *session, const struct peer_frame *frame) {
    struct chat *chat = session->chat;
    if (frame->fence < chat->peer.fence) {
        tell_moved(core, session, frame);
        return false;
    }
    bool news = frame->fence > chat->peer.fence;
    if (news)
        heard_from_later_place(core, session, frame);
    learn_place(chat, frame);
    if (session->state == SESSION_CHATTING && chat->peer_here)
        heap_remove(&core->timers, &session->timer); /* they have answered */
    bool speaks = frame->kind == PEER_MSG || frame->kind == PEER_ACK || frame->kind == PEER_TYPING;
    if (frame->kind != PEER_REBOUND && session->state != SESSION_GREETING && (news || (speaks && !chat->peer_here)))
        chat_peer_back(core, session);
    if (news && session->state != SESSION_GREETING && !tells_state(frame->kind))
        chat_tell_state(core, session, PEER_SYNC); /* what we said of us went to their earlier place */
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
    case PEER_ENDED:
        ending_heard(core, session, frame);
        chat_ended(core, session, chat_reason(frame->ended.how, session->chat->side));
        break;
    case PEER_SYNC: synced(core, session, frame); break;
    case PEER_MOVED:
    case PEER_GONE:
    case PEER_DECLINE: break;
    }
}

/* The stranger's place, or a later one of our own side, which was asked whether anybody is there. */
static void gone(struct core *core, struct session *session, const struct peer_frame *frame) {
    if (address_equal(frame->from, session->chat->peer.at))
        register_look_up(core, session);
    else if (frame->fence == resume_rivals(session->chat)->asked_fence)
        resume_moved(core, session, frame->fence, false);
}

/* Does it resume that chat? The register may have carried that out, and not have answered yet. */
static bool awaits_rebound(const struct session *session, struct chat_id chat) {
    return session != NULL && session->state == SESSION_REBINDING && chat_id_equal(session->resume->claims.chat, chat);
}

void peer_take(struct core *core, const struct peer_frame *frame) {
    struct session *session = session_at(core, frame->to);
    if (awaits_rebound(session, frame->chat)) {
        resume_overtaken(session, frame);
    } else if (frame->kind == PEER_DECLINE) {
        if (session != NULL)
            match_declined(core, session, frame);
    } else if (session != NULL && match_waits_for(session, frame->chat)) {
        match_early(core, session, frame);
    } else if (!session_has_chat(session, frame->chat)) {
        answer_gone(core, frame);
    } else if (frame->kind == PEER_MOVED) {
        if (frame->side == session->chat->side)
            resume_moved(core, session, frame->fence, frame->moved.here);
        else if (!frame->moved.here)
            pass_on_moved(core, session, frame);
    } else if (frame->side == session->chat->side) {
        if (frame->kind == PEER_SYNC)
            resume_asked(core, session, frame);
        /* else it makes no sense from another place of our own side */
    } else if (frame->kind == PEER_GONE) {
        gone(core, session, frame);
    } else if (from_present_place(core, session, frame)) {
        take_from_stranger(core, session, frame);
    }
}

/* --- nodes -------------------------------------------------------------------------------------------------------- */

static bool is_here(const struct session *session) {
    return session->state == SESSION_GREETING || session->chat->peer_here;
}

/* Their node may only be cut off, and will say so when it is back: however short the grace, there is time for that. */
void peer_vanished(struct core *core, struct session *session) {
    if (!is_here(session))
        return;
    peer_away(core, session, core->options.grace_ms);
    int64_t least_ms = core_heard_ms(core) + SETTLE_MS;
    if (session->chat == NULL || session->chat->peer_until_ms >= least_ms)
        return;
    session->chat->peer_until_ms = least_ms;
    chat_set_timer(core, session);
}

void peer_check_here(struct core *core, struct session *session) {
    const struct chat *chat = session->chat;
    const struct session *peer = session_at(core, chat->peer.at);
    bool will_have_it = awaits_rebound(peer, chat->id) || (peer != NULL && match_waits_for(peer, chat->id));
    if (!session_has_chat(peer, chat->id) && !will_have_it && chat->peer.at.boot != 0)
        register_look_up(core, session);
}

/* If it is back already, its SYNC may have overtaken the word that it was gone, and nobody would say more: so they are
 * asked. */
static void node_gone(struct core *core, struct session *session) {
    if (session->chat != NULL)
        session->chat->peer_silent = false;
    if (!is_here(session))
        return;
    peer_vanished(core, session);
    if (session->chat != NULL) /* else its client had left meanwhile */
        chat_tell_state(core, session, PEER_SYNC);
}

static void chat_node_gone(struct core *core, struct session *session, uint64_t boot) {
    if (resume_rivals(session->chat)->asked_boot == boot)
        resume_node_gone(core, session);
    if (session->chat != NULL && session->chat->peer.at.boot == boot)
        node_gone(core, session);
}

void peer_node_gone(struct core *core, uint64_t boot) {
    for (uint32_t i = 0; i < core->slot_count && !core->cut_off; i++) {
        struct session *session = session_of_slot(core, i);
        if (session == NULL)
            continue;
        if (session->chat == NULL)
            pairing_node_gone(core, session, boot);
        else
            chat_node_gone(core, session, boot);
    }
}
