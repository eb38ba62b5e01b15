/* match.c - the end of a search: a match is made, or is not.
 *
 * Flow:   the register's word that it is made → CHATTING, `matched`, and what came before that word (early.c). It may
 *         come twice, or before the search itself was answered.
 * Fails:  it is not made → the session seeks again. It is made for somebody who has left → it is ended at once. Nobody
 *         can say now → asked again; by then nobody may wait for it any more: should it have been made, it is ended.
 *         The other side's ENDED before the register's word is as good as a "declined".
 *         The register forgets the match, and then takes the ABORT that the word of the match has overtaken: it will not
 *         let the candidate tell it again, but the seeker (HOLD). */
#include "match.h"

#include <assert.h>

#include "ask.h"
#include "chat.h"
#include "early.h"
#include "ending.h"
#include "pairing.h"
#include "session.h"

/* A match for somebody who is not there, or not looking, any more: the other one, who has been told, is told that it
 * is over. */
static void end_unwanted(struct core *core, const struct broker_event *event, enum side side) {
    ending_say(core, &(struct ending){.at = event->to,
                                      .peer = event->match.peer.who.at,
                                      .chat = event->chat,
                                      .side = side,
                                      .fence = event->match.fence,
                                      .how = {END_LEFT, side}});
}

static void common_topics(const struct search *search, const struct topics *theirs, struct server_frame *frame) {
    const struct topics *ours = &search->ticket.topics;
    for (size_t i = 0; i < ours->count && search->again_as == 0; i++)
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
    pairing_decline_held(core, session);
    session_set_state(core, session, SESSION_CHATTING);
    if (search->again_as != 0)
        session->person = search->again_as;
    struct chat *chat = chat_open(core, session, event->chat, side);
    chat->fence = event->match.fence;
    chat_set_peer(chat, &peer->who);
    chat->out_known = true;
    chat->in_next = 1;
    session_remember(session, peer->who.person);
    struct server_frame *frame = ask_tell_token(core, session, SERVER_MATCHED);
    frame->matched.chat = chat->id;
    frame->matched.reliable = peer->who.reliable;
    common_topics(search, &peer->topics, frame);
    ask_count(core, COUNT_MATCH, ENDED_REASONS, core_now(core) - search->began_ms);
    assert(core->spent == NULL); /* one match an event */
    core->spent = search;
    session->search = NULL;
    early_take(core, session, search);
}

bool match_waits_for(const struct session *session, struct chat_id chat) {
    switch ((enum session_state)session->state) {
    case SESSION_SEEKING: /* the word may be here before SOUGHT */
    case SESSION_OFFERING:
    case SESSION_GIVING_UP: return chat_id_equal(session->search->ticket.chat, chat);
    case SESSION_ACCEPTING: return chat_id_equal(session->search->held_chat, chat);
    default: return false;
    }
}

/* The register has the match. The word of it may come twice (CONFIRMED, and ABORTED that came too late; or COMMIT was
 * asked for twice): the second finds the chat begun, or taken up again by a resume, maybe even at this very place. */
static void made(struct core *core, const struct broker_event *event, enum side side) {
    struct session *session = session_at(core, event->to);
    if (session != NULL && match_waits_for(session, event->chat))
        matched(core, session, event, side);
    else if (!session_has_chat(session, event->chat) && event->match.fence <= FIRST_FENCE)
        end_unwanted(core, event, side);
}

/* The register does not have it, or can't be asked now; `state` is the one in which that matters. */
static void not_made(struct core *core, const struct broker_event *event, enum session_state state) {
    struct session *session = session_at(core, event->to);
    bool is_down = event->status == BROKER_DOWN;
    if (session != NULL && match_waits_for(session, event->chat)) {
        session->search->frames_lost = session->search->frames_lost || is_down;
        if (session->state == state && is_down)
            session_set_timer(core, session, core_now(core) + BROKER_RETRY_MS);
        else if (session->state == state)
            pairing_seek_again(core, session);
    } else if (is_down && !session_has_chat(session, event->chat)) {
        pairing_end_if_made(core, event->to, event->chat, state == SESSION_ACCEPTING ? SIDE_CANDIDATE : SIDE_SEEKER);
    }
}

void match_committed(struct core *core, const struct broker_event *event) {
    if (event->status == BROKER_OK)
        made(core, event, SIDE_CANDIDATE);
    else
        not_made(core, event, SESSION_ACCEPTING);
}

void match_confirmed(struct core *core, const struct broker_event *event) {
    made(core, event, SIDE_SEEKER);
}

void match_aborted(struct core *core, const struct broker_event *event) {
    const struct session *session = session_at(core, event->to);
    if (event->status == BROKER_OK)
        made(core, event, SIDE_SEEKER);
    else if (event->status == BROKER_NONE && session_has_chat(session, event->chat))
        ask_hold(core, session); /* which has heard that it is made: the register has forgotten that */
    else
        not_made(core, event, SESSION_GIVING_UP);
}

void match_declined(struct core *core, struct session *session, const struct peer_frame *frame) {
    if (session->state == SESSION_OFFERING && match_waits_for(session, frame->chat))
        pairing_seek_again(core, session);
    else if (session->state == SESSION_SEEKING && chat_id_equal(session->search->ticket.chat, frame->chat))
        session->search->declined = true;
}

void match_early(struct core *core, struct session *session, const struct peer_frame *frame) {
    if (frame->kind == PEER_ENDED)
        pairing_seek_again(core, session);
    else
        early_keep(core, session->search, frame);
}
