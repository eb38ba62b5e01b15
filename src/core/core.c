/* core.c - the state machine's outside: hands an event to the room's files, and collects what they ask for.
 *
 * Flow:      event → the session it concerns → session, pairing, resume, delivery, … → actions. Frames for a
 *            session of this same node are taken at the end of the step, in order, as if they had come from another
 *            node.
 * Fails:     an event for a session that is not here any more does nothing; a frame for one is answered GONE.
 * Owns:      the slots and their sessions, the timers, the list of actions.
 * Extending: a new event: a row in the switch of core_step(). A new state: STATE_ROWS and the table in session.c. */
#include "passerby/core.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "chat.h"
#include "delivery.h"
#include "ending.h"
#include "match.h"
#include "pairing.h"
#include "peer.h"
#include "ratelimit.h"
#include "register.h"
#include "resume.h"
#include "session.h"
#include "sync.h"

#include "base/list.h"
#include "base/memory.h"

/* At most so many timers fire in one step: the rest are due at once, in the next. */
enum { TIMERS_PER_STEP = 64, ACTIONS_KEPT = 1024 };

struct core *core_new(const struct core_options *options) {
    assert(options->boot != 0 && options->window >= 1 && options->window <= 64);
    struct core *core = memory_zero(1, sizeof *core);
    core->options = *options;
    core->chats.block_bytes = sizeof(struct chat);
    ending_init(core);
    sync_init(core);
    return core;
}

void core_free(struct core *core) {
    session_free_all(core);
    pairing_free(core->spent);
    ending_fini(core);
    free(core->actions);
    free(core->local);
    heap_fini(&core->timers);
    heap_fini(&core->throttles);
    slab_fini(&core->chats);
    free(core);
}

/* --- events
 * ---------------------------------------------------------------------------------------------------------- */

static void step_opened(struct core *core, const struct event *event) {
    struct session *session = session_create(core, event->conn);
    struct server_frame *frame = ask_tell(core, session, SERVER_HELLO);
    frame->hello.online = event->opened.online;
    frame->hello.max_body_bytes = core->options.max_body_bytes;
    frame->hello.max_frame_bytes = core->options.max_frame_bytes;
    frame->hello.window = core->options.window;
    frame->hello.grace_ms = core->options.grace_ms;
    frame->hello.prefer_ms = core->options.prefer_ms;
    frame->hello.again_ms = AGAIN_MS;
    if (core->draining)
        session_ask_to_reconnect(core, session, core->drain_spread_ms);
}

static void step_received(struct core *core, const struct event *event) {
    struct session *session = session_get(core, event->session);
    if (session == NULL || session->conn == 0)
        return;
    const struct client_frame *frame = event->received.frame;
    if (frame->kind != CLIENT_ACK)
        ratelimit_message(core, session);
    switch (frame->kind) {
    case CLIENT_FIND: pairing_find(core, session, frame); break;
    case CLIENT_MSG: delivery_message(core, session, frame->msg.body, frame->msg.seq); break;
    case CLIENT_ACK: delivery_ack(core, session, frame->ack.seq); break;
    case CLIENT_TYPING: delivery_typing(core, session, frame->typing.on); break;
    case CLIENT_LEAVE: chat_leave(core, session); break;
    case CLIENT_RESUME: resume_begin(core, session, event->received.claims); break;
    case CLIENT_KINDS: break;
    }
}

static void step_fault(struct core *core, const struct event *event) {
    struct session *session = session_get(core, event->session);
    if (session == NULL || session->conn == 0)
        return;
    ratelimit_message(core, session);
    session_refuse(core, session, event->fault.code, event->fault.detail, 0);
}

static void step_broker(struct core *core, const struct broker_event *event) {
    switch (event->kind) {
    case BROKER_SOUGHT: pairing_sought(core, event); break;
    case BROKER_OFFERED: pairing_offered(core, event); break;
    case BROKER_COMMITTED: match_committed(core, event); break;
    case BROKER_CONFIRMED: match_confirmed(core, event); break;
    case BROKER_ABORTED: match_aborted(core, event); break;
    case BROKER_REBOUND: resume_rebound(core, event); break;
    case BROKER_FOUND: register_found(core, event); break;
    case BROKER_NODE_GONE: peer_node_gone(core, event->node_gone.boot); break;
    case BROKER_LINK_LOST: sync_link_lost(core); break;
    case BROKER_LINK_RESUMED: sync_link_resumed(core); break;
    case BROKER_RELAYED: assert(false && "the node decodes these"); break;
    }
}

static void step_timer(struct core *core, struct session *session) {
    switch ((enum session_state)session->state) {
    case SESSION_SEEKING:
    case SESSION_WAITING:
    case SESSION_OFFERING:
    case SESSION_GIVING_UP:
    case SESSION_ACCEPTING: pairing_timer(core, session); break;
    case SESSION_CHATTING:
    case SESSION_AWAY: chat_timer(core, session); break;
    case SESSION_REBINDING:
    case SESSION_GREETING: resume_timer(core, session); break;
    case SESSION_FREE:
    case SESSION_IDLE:
    case SESSION_STATES: assert(false && "no timer runs in this state");
    }
}

static void step_tick(struct core *core) {
    for (int i = 0; i < TIMERS_PER_STEP && heap_next(&core->timers) <= core_now(core); i++) {
        struct heap_entry *entry = heap_first(&core->timers);
        heap_remove(&core->timers, entry);
        step_timer(core, list_entry(entry, struct session, timer));
    }
    for (int i = 0; i < TIMERS_PER_STEP && heap_next(&core->throttles) <= core_now(core); i++) {
        struct heap_entry *entry = heap_first(&core->throttles);
        heap_remove(&core->throttles, entry);
        ratelimit_release(core, list_entry(entry, struct session, throttle));
    }
    sync_tick(core);
}

static void step_drain(struct core *core, uint32_t spread_ms) {
    core->draining = true;
    core->drain_spread_ms = spread_ms;
    for (uint32_t i = 0; i < core->slot_count; i++) {
        struct session *session = session_of_slot(core, i);
        if (session == NULL)
            continue;
        pairing_drain(core, session);
        if (session->conn != 0)
            session_ask_to_reconnect(core, session, spread_ms);
    }
}

/* The loop stood still, and nobody could be heard: that time does not count. */
static void step_shift(struct core *core, int64_t gap_ms) {
    heap_shift(&core->timers, gap_ms);
    heap_shift(&core->throttles, gap_ms);
    sync_shifted(core, gap_ms);
}

static void step_event(struct core *core, const struct event *event) {
    switch (event->kind) {
    case EVENT_OPENED: step_opened(core, event); break;
    case EVENT_RECEIVED: step_received(core, event); break;
    case EVENT_FAULT: step_fault(core, event); break;
    case EVENT_WRITTEN: delivery_written(core, event->session, event->written.tag); break;
    case EVENT_CLOSED: session_closed(core, event->session, event->conn); break;
    case EVENT_PEER: peer_take(core, event->peer); break;
    case EVENT_BROKER: step_broker(core, event->broker); break;
    case EVENT_TICK: step_tick(core); break;
    case EVENT_DRAIN: step_drain(core, event->drain.spread_ms); break;
    case EVENT_SHIFT: step_shift(core, event->shift.gap_ms); break;
    }
}

struct actions core_step(struct core *core, const struct event *event) {
    core->event = event;
    if (core->action_capacity > ACTIONS_KEPT) { /* what a drain of thousands needed is not kept */
        free(core->actions);
        core->actions = NULL;
        core->action_capacity = 0;
    }
    core->action_count = 0;
    core->local_count = 0;
    pairing_free(core->spent);
    core->spent = NULL;
    step_event(core, event);
    for (size_t i = 0; i < core->local_count; i++) {
        struct peer_frame frame = core->local[i]; /* a copy: the list may move while it is taken */
        peer_take(core, &frame);
    }
    core->event = NULL;
    return (struct actions){core->actions, core->action_count};
}

int64_t core_deadline(const struct core *core) {
    int64_t timer = heap_next(&core->timers);
    int64_t throttle = heap_next(&core->throttles);
    int64_t sync = sync_deadline(core);
    int64_t first = timer < throttle ? timer : throttle;
    return first < sync ? first : sync;
}

struct core_gauges core_gauges(const struct core *core) {
    const uint64_t *states = core->states;
    struct core_gauges gauges = {0};
    for (int state = SESSION_FREE + 1; state < SESSION_STATES; state++)
        gauges.sessions += states[state];
    for (int state = SESSION_SEEKING; state <= SESSION_ACCEPTING; state++)
        gauges.waiting += states[state];
    gauges.away = states[SESSION_AWAY];
    gauges.chatting = states[SESSION_CHATTING] + states[SESSION_AWAY] + states[SESSION_GREETING];
    return gauges;
}
