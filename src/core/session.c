/* session.c - slots, states and connections of sessions.
 *
 * Every change of state goes through session_set_state() and the table below. */
#include "session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "chat.h"
#include "pairing.h"
#include "ratelimit.h"
#include "resume.h"

#include "base/memory.h"

#define TO(name) (1u << SESSION_##name)

/* Which states may follow which. Any state may be left for FREE: a session can always die. */
static const uint32_t lawful[SESSION_STATES] = {
    [SESSION_FREE] = TO(IDLE),
    [SESSION_IDLE] = TO(SEEKING) | TO(REBINDING),
    [SESSION_SEEKING] = TO(WAITING) | TO(OFFERING) | TO(GIVING_UP) | TO(CHATTING) | TO(IDLE),
    [SESSION_WAITING] = TO(SEEKING) | TO(ACCEPTING) | TO(IDLE),
    [SESSION_OFFERING] = TO(CHATTING) | TO(SEEKING) | TO(GIVING_UP) | TO(IDLE),
    [SESSION_GIVING_UP] = TO(CHATTING) | TO(SEEKING) | TO(IDLE),
    [SESSION_ACCEPTING] = TO(CHATTING) | TO(SEEKING) | TO(IDLE),
    [SESSION_CHATTING] = TO(IDLE) | TO(AWAY),
    [SESSION_AWAY] = 0,
    [SESSION_REBINDING] = TO(GREETING) | TO(IDLE),
    [SESSION_GREETING] = TO(CHATTING) | TO(AWAY) | TO(IDLE),
};

bool session_may_change(enum session_state from, enum session_state to) {
    return to == SESSION_FREE ? from != SESSION_FREE : (lawful[from] & (1u << to)) != 0;
}

void session_set_state(struct core *core, struct session *session, enum session_state state) {
    assert(session_may_change((enum session_state)session->state, state));
    core->states[session->state]--;
    core->states[state]++;
    session->state = (uint8_t)state;
    heap_remove(&core->timers, &session->timer);
}

void session_set_timer(struct core *core, struct session *session, int64_t at_ms) {
    heap_set(&core->timers, &session->timer, at_ms);
}

/* --- slots
 * ------------------------------------------------------------------------------------------------------------- */

static uint32_t take_slot(struct core *core) {
    if (core->free_slot != 0) {
        uint32_t index = core->free_slot - 1;
        core->free_slot = core->slots[index].next_free;
        return index;
    }
    if (core->slot_count == core->slot_capacity) {
        core->slot_capacity = core->slot_capacity + core->slot_capacity / 2 + 16;
        core->slots = memory_resize(core->slots, core->slot_capacity, sizeof *core->slots);
    }
    core->slots[core->slot_count] = (struct slot){.generation = 1};
    return core->slot_count++;
}

struct session *session_create(struct core *core, conn_ref conn) {
    uint32_t index = take_slot(core);
    struct session *session = slab_take(&core->sessions);
    *session = (struct session){0};
    core->slots[index].session = session;
    session->slot = index;
    session->generation = core->slots[index].generation;
    session->conn = conn;
    session->person = core->event->entropy[0] | 1; /* never 0 */
    core->states[SESSION_FREE]++;
    session_set_state(core, session, SESSION_IDLE);
    struct action *bind = ask_action(core, ACTION_BIND);
    bind->conn = conn;
    bind->session = session_ref_of(session);
    return session;
}

void session_destroy(struct core *core, struct session *session) {
    session_set_state(core, session, SESSION_FREE);
    core->states[SESSION_FREE]--;
    heap_remove(&core->throttles, &session->throttle);
    struct slot *slot = &core->slots[session->slot];
    slot->session = NULL;
    slot->generation = slot->generation == UINT32_MAX ? 1 : slot->generation + 1;
    slot->next_free = core->free_slot;
    core->free_slot = session->slot + 1;
    pairing_free(session->search);
    chat_free(core, session->chat);
    free(session->resume);
    free(session->errors);
    slab_give(&core->sessions, session);
}

static struct session *at_slot(const struct core *core, uint32_t slot, uint32_t generation) {
    if (slot >= core->slot_count || core->slots[slot].session == NULL || core->slots[slot].generation != generation)
        return NULL;
    return core->slots[slot].session;
}

struct session *session_get(const struct core *core, session_ref ref) {
    return at_slot(core, (uint32_t)ref, (uint32_t)(ref >> 32));
}

struct session *session_at(const struct core *core, struct address at) {
    return at.boot == core->options.boot ? at_slot(core, at.slot, at.generation) : NULL;
}

/* --- connections
 * ------------------------------------------------------------------------------------------------------- */

void session_closed(struct core *core, session_ref ref, conn_ref conn) {
    struct session *session = session_get(core, ref);
    if (session == NULL || session->conn != conn)
        return;
    session->conn = 0;
    heap_remove(&core->throttles, &session->throttle);
    if (session_searching(session))
        pairing_stop(core, session);
    switch ((enum session_state)session->state) {
    case SESSION_CHATTING:
    case SESSION_GREETING: chat_drop(core, session); break;
    case SESSION_REBINDING: resume_dropped(core, session); break;
    default: session_destroy(core, session); break;
    }
}

void session_close_connection(struct core *core, struct session *session, enum close_code code) {
    if (session->conn == 0)
        return;
    struct action *action = ask_action(core, ACTION_CLOSE);
    action->conn = session->conn;
    action->close.code = code;
    session->conn = 0;
    heap_remove(&core->throttles, &session->throttle);
}

void session_ask_to_reconnect(struct core *core, const struct session *session, uint32_t spread_ms) {
    /* Multiplicative hashing (Knuth, The Art of Computer Programming 6.4) spreads the slots over the time. */
    uint64_t drawn = (core->event->entropy[1] + session->slot) * 0x9e3779b97f4a7c15u >> 32;
    ask_tell(core, session, SERVER_RECONNECT)->reconnect.after_ms = (uint32_t)(drawn * ((uint64_t)spread_ms + 1) >> 32);
}

void session_remember(struct session *session, uint64_t person) {
    size_t last = 0;
    while (last < RECENT_STRANGERS - 1 && session->recent[last] != person)
        last++;
    memmove(&session->recent[1], &session->recent[0], last * sizeof session->recent[0]);
    session->recent[0] = person;
}

/* --- errors
 * -------------------------------------------------------------------------------------------------------------- */

static bool counts(enum error_code code) {
    static const bool table[ERROR_CODES] = {
#define ERROR_ROW(name, code, counts, message) [ERROR_##name] = (counts),
#include "passerby/reasons.def"
    };
    return table[code];
}

/* Notes a protocol error; is it one too many? */
static bool one_too_many(struct core *core, struct session *session) {
    if (session->errors == NULL) {
        session->errors = memory_zero(ERRORS_ALLOWED, sizeof *session->errors);
        for (int i = 0; i < ERRORS_ALLOWED; i++)
            session->errors[i] = INT64_MIN / 2;
    }
    memmove(&session->errors[1], &session->errors[0], (ERRORS_ALLOWED - 1) * sizeof *session->errors);
    session->errors[0] = core_now(core);
    return session->errors[0] - session->errors[ERRORS_ALLOWED - 1] < ERRORS_WINDOW_MS;
}

void session_refuse(struct core *core, struct session *session, enum error_code code, const char *detail,
                    uint64_t seq) {
    struct server_frame *frame = ask_tell(core, session, SERVER_ERROR);
    frame->error.code = code;
    frame->error.detail = detail;
    frame->error.seq = seq;
    if (counts(code) && one_too_many(core, session))
        chat_throw_out(core, session, CLOSE_ERRORS);
}
