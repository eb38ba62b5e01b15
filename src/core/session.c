/* session.c - slots, states and connections of sessions.
 *
 * Every change of state goes through session_set_state() and the table below. */
#include "session.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "chat.h"
#include "pairing.h"
#include "ratelimit.h"
#include "resume.h"

#include "base/memory.h"
#include "base/poison.h"

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

static void add_page(struct core *core) {
    uint32_t count = core->slot_count / SESSIONS_PER_PAGE;
    core->pages = memory_resize(core->pages, count + 1, sizeof *core->pages);
    core->pages[count] = pool_take();
}

/* Of those who are free nobody may touch more than says that they are. */
enum { HIDDEN_FROM = offsetof(struct session, timer), HIDDEN_BYTES = sizeof(struct session) - HIDDEN_FROM };

static struct session *take_slot(struct core *core) {
    struct session *session;
    if (core->free_slot != 0) {
        session = session_slot(core, core->free_slot - 1);
        core->free_slot = session->next_free;
        ASAN_UNPOISON_MEMORY_REGION((char *)session + HIDDEN_FROM, HIDDEN_BYTES);
        *session = (struct session){.slot = session->slot, .generation = session->generation};
    } else {
        if (core->slot_count % SESSIONS_PER_PAGE == 0)
            add_page(core);
        session = session_slot(core, core->slot_count);
        *session = (struct session){.slot = core->slot_count++, .generation = 1};
    }
    return session;
}

static void give_slot(struct core *core, struct session *session) {
    session->generation = session->generation == UINT32_MAX ? 1 : session->generation + 1;
    session->next_free = core->free_slot;
    core->free_slot = session->slot + 1;
    ASAN_POISON_MEMORY_REGION((char *)session + HIDDEN_FROM, HIDDEN_BYTES);
}

struct session *session_create(struct core *core, conn_ref conn) {
    struct session *session = take_slot(core);
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
    pairing_free(session->search);
    chat_free(core, session->chat);
    free(session->resume);
    free(session->errors);
    give_slot(core, session);
}

void session_free_all(struct core *core) {
    for (uint32_t i = 0; i < core->slot_count; i++)
        if (session_of_slot(core, i) != NULL)
            session_destroy(core, session_of_slot(core, i));
    for (uint32_t i = 0; i < core->slot_count; i += SESSIONS_PER_PAGE) {
        struct session *page = session_slot(core, i);
        ASAN_UNPOISON_MEMORY_REGION(page, POOL_PAGE_BYTES);
        pool_give(page);
    }
    free(core->pages);
}

static struct session *at_slot(const struct core *core, uint32_t slot, uint32_t generation) {
    if (slot >= core->slot_count)
        return NULL;
    struct session *session = session_of_slot(core, slot);
    return session != NULL && session->generation == generation ? session : NULL;
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
