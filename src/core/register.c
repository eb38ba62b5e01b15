/* register.c - what the register of chats says about ours, and what follows from it.
 *
 * Flow:   LOOKUP or HOLD → FOUND: our side sits elsewhere by now → it is held here no more; but should our client be
 *         connected here, that place is asked first whether anybody is there (resume.c). The stranger sits elsewhere →
 *         that is their place, and they are told ours (SYNC); if they don't answer, they are away. Else it depends on
 *         why we asked (enum looking): a frame went astray → their node has forgotten them, they are away; the grace is
 *         over → the chat is ended.
 * Fails:  OVER → our client hears how. DOWN → asked again.
 *         NONE → the register can't tell a chat whose tombstone has had its time from one that it has forgotten
 *         together with everything else, and that goes on. So nothing ends: it is told again (HOLD), the stranger is
 *         taken to be away, and is lost after the grace if nobody answers. To a HOLD, NONE means that the seeker gave
 *         the match up: should it have been matched before that, it is told that this is over. */
#include "register.h"

#include "ask.h"
#include "chat.h"
#include "ending.h"
#include "peer.h"
#include "resume.h"
#include "session.h"
#include "sync.h"

void register_look_up(struct core *core, struct session *session) {
    if (session->chat->looking != LOOKING_NOT)
        return;
    session->chat->looking = LOOKING_ASTRAY;
    ask_broker(core, BROKER_LOOKUP, session_address(core, session), session->chat->id);
}

void register_superseded(struct core *core, struct session *session) {
    session_close_connection(core, session, CLOSE_SUPERSEDED);
    session_destroy(core, session);
}

/* Is nobody at the place that the register has for our side? */
static bool is_empty(const struct core *core, const struct chat *chat, const struct party *own) {
    return own->fence == resume_rivals(chat)->empty_fence ||
           (own->at.boot == core->options.boot && session_at(core, own->at) == NULL);
}

void register_elsewhere(struct core *core, struct session *session, const struct party *own) {
    if (session->conn == 0)
        register_superseded(core, session);
    else if (is_empty(core, session->chat, own))
        resume_stay(core, session, own->fence);
    else
        resume_ask(core, session, own);
}

/* Does the register have our side elsewhere? If the chat is over as well, that is what our client wants to hear. */
static bool is_elsewhere(struct core *core, struct session *session, const struct party *own, bool over) {
    struct chat *chat = session->chat;
    if (own->fence <= chat->fence)
        return false;
    if (address_equal(own->at, session_address(core, session))) {
        chat->fence = own->fence; /* rebound to here twice: the first time was thought to have failed */
        return false;
    }
    if (over && session->conn != 0)
        return false;
    register_elsewhere(core, session, own);
    return true;
}

static void adopt(struct core *core, struct session *session, const struct party *peer) {
    chat_set_peer(session->chat, peer);
    if (session->state == SESSION_GREETING) {
        ask_peer_of(core, PEER_REBOUND, session);
        return;
    }
    chat_peer_back(core, session);
    chat_ask_state(core, session);
}

static void goes_on(struct core *core, struct session *session, const struct chat_record *record, enum looking why) {
    struct chat *chat = session->chat;
    const struct party *peer = &record->party[side_other(chat->side)];
    if (peer->fence > chat->peer.fence) {
        adopt(core, session, peer);
        return;
    }
    if (record->party[chat->side].fence < chat->fence || peer->fence < chat->peer.fence)
        ask_hold(core, session); /* it knows less than we do */
    switch (why) {
    case LOOKING_NOT: break;
    case LOOKING_ASTRAY: peer_vanished(core, session); break;
    case LOOKING_DUE: chat_end_overdue(core, session); break;
    case LOOKING_ENDED: session_set_timer(core, session, core_now(core) + BROKER_RETRY_MS); break;
    }
}

static void is_over(struct core *core, struct session *session, const struct tombstone *how) {
    ask_peer_of(core, PEER_ENDED, session)->ended.how = *how; /* they may not have heard */
    chat_ended(core, session, chat_reason(*how, session->chat->side));
}

static void is_unknown(struct core *core, struct session *session, enum looking why) {
    ask_hold(core, session);
    if (why == LOOKING_ASTRAY)
        peer_vanished(core, session);
    else if (why != LOOKING_NOT)
        session_set_timer(core, session, core_now(core) + SETTLE_MS);
}

static void is_unreachable(struct core *core, struct session *session, enum looking why) {
    if (why > LOOKING_ASTRAY && !core->cut_off)
        session_set_timer(core, session, core_now(core) + BROKER_RETRY_MS);
    /* else: LINK_RESUMED will come, or the next frame that goes astray */
}

/* The seeker may have been matched all the same: the word of the match came before that of the abort. */
static void is_given_up(struct core *core, struct session *session) {
    ask_peer_of(core, PEER_ENDED, session)->ended.how = (struct tombstone){END_LOST, session->chat->side};
    chat_ended(core, session, ENDED_LOST);
}

static void held(struct core *core, struct session *session, const struct broker_event *event) {
    switch (event->status) {
    case BROKER_OK: goes_on(core, session, &event->chat_state.record, LOOKING_NOT); break;
    case BROKER_OVER: is_over(core, session, &event->chat_state.record.ended); break;
    case BROKER_NONE: is_given_up(core, session); break;
    case BROKER_DOWN: sync_hold_again(core); break;
    }
}

static void looked_up(struct core *core, struct session *session, const struct broker_event *event) {
    enum looking why = (enum looking)session->chat->looking;
    session->chat->looking = LOOKING_NOT;
    switch (event->status) {
    case BROKER_OK: goes_on(core, session, &event->chat_state.record, why); break;
    case BROKER_OVER: is_over(core, session, &event->chat_state.record.ended); break;
    case BROKER_NONE: is_unknown(core, session, why); break;
    case BROKER_DOWN: is_unreachable(core, session, why); break;
    }
}

void register_found(struct core *core, const struct broker_event *event) {
    struct session *session = session_at(core, event->to);
    if (!session_has_chat(session, event->chat)) {
        if (!resume_found(core, event))
            ending_found(core, event);
        return;
    }
    bool over = event->status == BROKER_OVER;
    const struct party *own = &event->chat_state.record.party[session->chat->side];
    if ((over || event->status == BROKER_OK) && is_elsewhere(core, session, own, over))
        return;
    if (event->chat_state.held)
        held(core, session, event);
    else
        looked_up(core, session, event);
}
