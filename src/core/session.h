/* session.h - sessions: their slots, their states, their connections. */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include "core_priv.h"

/* A new idle session for a connection; asks for its BIND. */
struct session *session_create(struct core *core, conn_ref conn);
/* Frees the session and its slot, without a word to anybody. */
void session_destroy(struct core *core, struct session *session);

/* Frees all sessions, and what they live in. */
void session_free_all(struct core *core);

/* What is in a slot that was ever taken, be it free. */
static inline struct session *session_slot(const struct core *core, uint32_t slot) {
    return &core->pages[slot / SESSIONS_PER_PAGE][slot % SESSIONS_PER_PAGE];
}

/* The session in it; NULL = it is free. */
static inline struct session *session_of_slot(const struct core *core, uint32_t slot) {
    struct session *session = session_slot(core, slot);
    return session->state == SESSION_FREE ? NULL : session;
}

/* Looking for a stranger, whatever that has come to. */
static inline bool session_searching(const struct session *session) {
    return session->state >= SESSION_SEEKING && session->state <= SESSION_ACCEPTING;
}

/* Taking a chat up again, and not answered yet. */
static inline bool session_resuming(const struct session *session) {
    return session->state == SESSION_REBINDING || session->state == SESSION_GREETING;
}

/* Is it in that chat? NULL is in none. */
static inline bool session_has_chat(const struct session *session, struct chat_id chat) {
    return session != NULL && session->chat != NULL && chat_id_equal(session->chat->id, chat);
}

static inline struct address session_address(const struct core *core, const struct session *session) {
    return (struct address){core->options.boot, session->slot, session->generation};
}

static inline session_ref session_ref_of(const struct session *session) {
    return (session_ref)session->generation << 32 | session->slot;
}

/* The session, or NULL when it is not here any more. */
struct session *session_get(const struct core *core, session_ref ref);
struct session *session_at(const struct core *core, struct address at);

/* The one place where a session changes its state. Stops its timer; asserts that the change is lawful. */
void session_set_state(struct core *core, struct session *session, enum session_state state);
/* Is it? For the test that walks the table. */
bool session_may_change(enum session_state from, enum session_state to);
void session_set_timer(struct core *core, struct session *session, int64_t at_ms);

/* The connection is gone. */
void session_closed(struct core *core, session_ref ref, conn_ref conn);
/* Ends the connection from our side; the session no longer knows it. */
void session_close_connection(struct core *core, struct session *session, enum close_code code);

/* This node is going away, or is cut off: `reconnect`, at a moment of the spread drawn from the event's entropy. */
void session_ask_to_reconnect(struct core *core, const struct session *session, uint32_t spread_ms);

/* Tells the client that something is refused. The tenth protocol error inside a minute is the session's end: the
 * caller must not use the session afterwards. */
void session_refuse(struct core *core, struct session *session, enum error_code code, const char *detail, uint64_t seq);

/* Remembers a stranger, whom the session would rather not meet again soon. */
void session_remember(struct session *session, uint64_t person);

#endif
