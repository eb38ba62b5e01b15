/* rig.h - one core on virtual time, with the test playing its clients, its broker and its other nodes.
 *
 * Flow:   a helper steps one event and keeps the actions; the test takes them off one by one with the expect_… macros,
 *         which are the way to look at them. The next event fails the test if anything was left: nothing is said
 *         unnoticed.
 * Owns:   the core and the copy of its actions. What an action points to is good until the next event. */
#ifndef TESTS_CORE_RIG_H
#define TESTS_CORE_RIG_H

#include "passerby/core.h"

#include "chat.h"
#include "core_priv.h"
#include "session.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

enum { RIG_FAR_MS = 1800 * 1000, RIG_ACTIONS = 512, RIG_TOPICS = 3, HERE = 1, THERE = 2 /* boot ids */ };

struct rig {
    struct core *core;
    struct core_options options;
    int64_t now_ms;
    uint64_t entropy;
    session_ref bound; /* what the last BIND said */
    struct action actions[RIG_ACTIONS];
    bool taken[RIG_ACTIONS];
    size_t count;
};

/* The stranger on another node, whom the test plays, as it first sits there. */
static const struct address STRANGER = {THERE, 7, 1};
enum { STRANGER_PERSON = 4711 };

#define RIG_UNUSED __attribute__((unused))

/* --- starting and stepping ---------------------------------------------------------------------------------------- */

static RIG_UNUSED struct core_options rig_options(void) {
    return (struct core_options){
        .boot = HERE,
        .max_body_bytes = 20,
        .max_frame_bytes = 1000,
        .window = 4,
        .grace_ms = 60000,
        .prefer_ms = 8000,
    };
}

static RIG_UNUSED void rig_init_with(struct rig *rig, struct core_options options) {
    memset(rig, 0, sizeof *rig);
    rig->options = options;
    rig->core = core_new(&options);
    rig->now_ms = 1000000;
}

static RIG_UNUSED void rig_init(struct rig *rig) {
    rig_init_with(rig, rig_options());
}

static RIG_UNUSED void rig_fini(struct rig *rig) {
    core_free(rig->core);
}

/* Forgets what has not been looked at. */
static RIG_UNUSED void rig_skip(struct rig *rig) {
    rig->count = 0;
}

static const char *rig_action_name(enum action_kind kind) {
    static const char *const names[] = {"BIND", "SEND", "CLOSE", "PAUSE", "PEER", "REQUEST", "COUNT"};
    return names[kind];
}

static int rig_detail(const struct action *action) {
    return action->kind == ACTION_SEND      ? (int)action->send.frame.kind
           : action->kind == ACTION_CLOSE   ? (int)action->close.code
           : action->kind == ACTION_PEER    ? (int)action->peer.kind
           : action->kind == ACTION_REQUEST ? (int)action->request.kind
                                            : 0;
}

/* Counts are not looked at unless a test asks for them. */
static void rig_expect_nothing(const struct rig *rig, const char *file, int line) {
    for (size_t i = 0; i < rig->count; i++) {
        if (rig->taken[i] || rig->actions[i].kind == ACTION_COUNT)
            continue;
        print_error("unexpected %s %d\n", rig_action_name(rig->actions[i].kind), rig_detail(&rig->actions[i]));
        _fail(file, line);
    }
}
#define expect_nothing(rig) rig_expect_nothing(rig, __FILE__, __LINE__)

static void rig_step_at(struct rig *rig, struct event event, const char *file, int line) {
    rig_expect_nothing(rig, file, line);
    event.now_ms = rig->now_ms;
    event.wall_ms = 1700000000000 + rig->now_ms;
    event.entropy[0] = ++rig->entropy * 0x9e3779b97f4a7c15u;
    event.entropy[1] = ++rig->entropy * 0x9e3779b97f4a7c15u;
    struct actions actions = core_step(rig->core, &event);
    assert_true(actions.count <= RIG_ACTIONS);
    rig->count = actions.count;
    for (size_t i = 0; i < actions.count; i++) {
        rig->actions[i] = actions.list[i];
        rig->taken[i] = false;
        if (actions.list[i].kind == ACTION_BIND)
            rig->bound = actions.list[i].session;
    }
}
#define rig_step(rig, event) rig_step_at(rig, event, __FILE__, __LINE__)

/* --- looking at what was asked for -------------------------------------------------------------------------------- */

static const struct action *rig_take(struct rig *rig, enum action_kind kind, conn_ref conn, int detail,
                                     const char *file, int line) {
    for (size_t i = 0; i < rig->count; i++) {
        struct action *action = &rig->actions[i];
        if (rig->taken[i] || action->kind != kind || (conn != 0 && action->conn != conn))
            continue;
        if (rig_detail(action) != detail) {
            print_error("the next %s is %d, not %d\n", rig_action_name(kind), rig_detail(action), detail);
            _fail(file, line);
        }
        rig->taken[i] = true;
        return action;
    }
    print_error("no %s %d\n", rig_action_name(kind), detail);
    _fail(file, line);
    return NULL;
}

/* The next untaken SEND to that connection is of that kind: the action, and its frame. */
#define expect_sent(rig, conn, kind) rig_take(rig, ACTION_SEND, conn, (int)(kind), __FILE__, __LINE__)
#define expect_told(rig, conn, kind) (&expect_sent(rig, conn, kind)->send.frame)
/* The next frame to another node, request of the broker, close. */
#define expect_peer(rig, kind)         (&rig_take(rig, ACTION_PEER, 0, (int)(kind), __FILE__, __LINE__)->peer)
#define expect_request(rig, kind)      (&rig_take(rig, ACTION_REQUEST, 0, (int)(kind), __FILE__, __LINE__)->request)
#define expect_closed(rig, conn, code) ((void)rig_take(rig, ACTION_CLOSE, conn, (int)(code), __FILE__, __LINE__))
#define expect_paused(rig, conn, yes)                                                                                  \
    assert_int_equal(rig_take(rig, ACTION_PAUSE, conn, 0, __FILE__, __LINE__)->pause.paused, (yes))

#define expect_error(rig, conn, wanted) assert_int_equal(expect_told(rig, conn, SERVER_ERROR)->error.code, (wanted))
#define expect_ended(rig, conn, wanted) assert_int_equal(expect_told(rig, conn, SERVER_ENDED)->ended.reason, (wanted))

/* How many counts of that kind the last step made. */
static RIG_UNUSED int rig_counted(const struct rig *rig, enum count_kind kind) {
    int counted = 0;
    for (size_t i = 0; i < rig->count; i++)
        counted += rig->actions[i].kind == ACTION_COUNT && rig->actions[i].count.kind == kind;
    return counted;
}

/* --- sessions ----------------------------------------------------------------------------------------------------- */

static RIG_UNUSED struct session *rig_session(const struct rig *rig, session_ref ref) {
    return session_get(rig->core, ref);
}

/* SESSION_FREE when it is gone. */
static RIG_UNUSED enum session_state rig_state(const struct rig *rig, session_ref ref) {
    const struct session *session = session_get(rig->core, ref);
    return session == NULL ? SESSION_FREE : (enum session_state)session->state;
}

static RIG_UNUSED struct address rig_address(const struct rig *rig, session_ref ref) {
    return (struct address){rig->options.boot, (uint32_t)ref, (uint32_t)(ref >> 32)};
}

static RIG_UNUSED session_ref rig_open_at(struct rig *rig, conn_ref conn, const char *file, int line) {
    rig_step_at(rig, (struct event){.kind = EVENT_OPENED, .conn = conn, .opened.online = 3}, file, line);
    rig_take(rig, ACTION_BIND, conn, 0, file, line);
    rig_take(rig, ACTION_SEND, conn, SERVER_HELLO, file, line);
    return rig->bound;
}
#define rig_open(rig, conn) rig_open_at(rig, conn, __FILE__, __LINE__)

#define rig_close(rig, ref, of) rig_step(rig, ((struct event){.kind = EVENT_CLOSED, .session = (ref), .conn = (of)}))

/* --- what clients say --------------------------------------------------------------------------------------------- */

#define rig_hear(rig, ref, ...)                                                                                        \
    do {                                                                                                               \
        struct client_frame rig_frame_ = __VA_ARGS__;                                                                  \
        rig_step(rig, ((struct event){.kind = EVENT_RECEIVED, .session = (ref), .received = {.frame = &rig_frame_}})); \
    } while (0)

#define rig_resume(rig, ref, with)                                                                                     \
    do {                                                                                                               \
        struct client_frame rig_frame_ = {.kind = CLIENT_RESUME};                                                      \
        rig_step(rig, ((struct event){.kind = EVENT_RECEIVED,                                                          \
                                      .session = (ref),                                                                \
                                      .received = {.frame = &rig_frame_, .claims = (with)}}));                         \
    } while (0)

static RIG_UNUSED struct text rig_text(const char *text) {
    return (struct text){text, strlen(text)};
}

/* A topic's hash, in these tests, is its first letter. */
static RIG_UNUSED struct client_frame rig_find_frame(bool reliable, const char *const topics[RIG_TOPICS]) {
    struct client_frame frame = {.kind = CLIENT_FIND, .find.reliable = reliable};
    for (int i = 0; topics != NULL && i < RIG_TOPICS && topics[i] != NULL; i++) {
        frame.find.topics[i].written = frame.find.topics[i].folded = rig_text(topics[i]);
        frame.find.topics[i].hash = (uint64_t)topics[i][0];
        frame.find.topic_count++;
    }
    return frame;
}

#define rig_find(rig, ref, is_reliable) rig_hear(rig, ref, {.kind = CLIENT_FIND, .find = {.reliable = (is_reliable)}})
#define rig_find_topics(rig, ref, is_reliable, ...)                                                                    \
    rig_hear(rig, ref, rig_find_frame(is_reliable, (const char *const[RIG_TOPICS]){__VA_ARGS__}))
#define rig_say(rig, ref, number, what)                                                                                \
    rig_hear(rig, ref, {.kind = CLIENT_MSG, .msg = {.seq = (number), .body = rig_text(what)}})
#define rig_ack(rig, ref, number) rig_hear(rig, ref, {.kind = CLIENT_ACK, .ack.seq = (number)})
#define rig_type(rig, ref, is_on) rig_hear(rig, ref, {.kind = CLIENT_TYPING, .typing.on = (is_on)})
#define rig_leave(rig, ref)       rig_hear(rig, ref, {.kind = CLIENT_LEAVE})
#define rig_fault(rig, ref, which)                                                                                     \
    rig_step(rig, ((struct event){.kind = EVENT_FAULT, .session = (ref), .fault = {(which), "x"}}))
#define rig_written(rig, ref, its)                                                                                     \
    rig_step(rig, ((struct event){.kind = EVENT_WRITTEN, .session = (ref), .written.tag = (its)}))

/* --- time --------------------------------------------------------------------------------------------------------- */

/* The clock goes on by so much; then EVENT_TICK. */
#define rig_wait(rig, ms) ((rig)->now_ms += (ms), rig_step(rig, (struct event){.kind = EVENT_TICK}))
/* How long until core wants its next tick; INT64_MAX = never, but for the renewal of leases, which is hours away. */
static RIG_UNUSED int64_t rig_due_ms(const struct rig *rig) {
    int64_t due = core_deadline(rig->core);
    return due == INT64_MAX || due - rig->now_ms > RIG_FAR_MS ? INT64_MAX : due - rig->now_ms;
}

/* --- what the broker says ----------------------------------------------------------------------------------------- */

#define rig_broker(rig, ...)                                                                                           \
    do {                                                                                                               \
        struct broker_event rig_event_ = __VA_ARGS__;                                                                  \
        rig_step(rig, ((struct event){.kind = EVENT_BROKER, .broker = &rig_event_}));                                  \
    } while (0)

/* The answer to the session's present SEEK. */
#define rig_sought(rig, ref, how)                                                                                      \
    rig_broker(rig, {.kind = BROKER_SOUGHT,                                                                            \
                     .status = (how),                                                                                  \
                     .to = rig_address(rig, ref),                                                                      \
                     .chat = rig_session(rig, ref)->search->ticket.chat,                                               \
                     .sought = {.attempt = rig_session(rig, ref)->attempt, .since_ms = 77, .node = THERE}})

static RIG_UNUSED struct ticket rig_stranger_ticket(bool reliable) {
    return (struct ticket){.who = {.at = STRANGER, .person = STRANGER_PERSON, .fence = 1, .reliable = reliable},
                           .attempt = 9,
                           .since_ms = 5};
}

static RIG_UNUSED struct chat_id rig_offer_id(void) {
    return (struct chat_id){0xabc, 0xdef};
}

/* An offer of the stranger elsewhere to a session that waits. */
#define rig_offered(rig, ref, is_reliable)                                                                             \
    rig_broker(rig,                                                                                                    \
               {.kind = BROKER_OFFERED,                                                                                \
                .to = rig_address(rig, ref),                                                                           \
                .chat = rig_offer_id(),                                                                                \
                .offered = {.attempt = rig_session(rig, ref)->attempt, .seeker = rig_stranger_ticket(is_reliable)}})

/* COMMITTED, CONFIRMED or ABORTED. */
#define rig_outcome(rig, what, how, ref, which_chat, other)                                                            \
    rig_broker(rig, {.kind = (what),                                                                                   \
                     .status = (how),                                                                                  \
                     .to = rig_address(rig, ref),                                                                      \
                     .chat = (which_chat),                                                                             \
                     .match = {.peer = (other), .fence = 1}})

/* --- chats -------------------------------------------------------------------------------------------------------- */

/* Finds, and is matched (as the seeker) with the stranger elsewhere. */
static RIG_UNUSED struct chat_id rig_match(struct rig *rig, session_ref ref, bool reliable, bool stranger_reliable) {
    rig_skip(rig);
    rig_find(rig, ref, reliable);
    rig_skip(rig);
    rig_sought(rig, ref, BROKER_OK);
    struct chat_id chat = rig_session(rig, ref)->search->ticket.chat;
    rig_outcome(rig, BROKER_CONFIRMED, BROKER_OK, ref, chat, rig_stranger_ticket(stranger_reliable));
    rig_skip(rig);
    return chat;
}

/* Matches two sessions of this core: `seeker` finds `candidate`, who waits. */
static RIG_UNUSED struct chat_id rig_match_both(struct rig *rig, session_ref seeker, bool seeker_reliable,
                                                session_ref candidate, bool candidate_reliable) {
    rig_skip(rig);
    rig_find(rig, candidate, candidate_reliable);
    rig_skip(rig);
    rig_sought(rig, candidate, BROKER_NONE);
    rig_skip(rig);
    rig_find(rig, seeker, seeker_reliable);
    rig_skip(rig);
    rig_sought(rig, seeker, BROKER_OK);
    struct ticket a = rig_session(rig, seeker)->search->ticket;
    struct ticket b = rig_session(rig, candidate)->search->ticket;
    a.who.fence = b.who.fence = 1;
    rig_broker(rig, {.kind = BROKER_OFFERED,
                     .to = rig_address(rig, candidate),
                     .chat = a.chat,
                     .offered = {.attempt = b.attempt, .seeker = a}});
    rig_skip(rig);
    rig_outcome(rig, BROKER_COMMITTED, BROKER_OK, candidate, a.chat, a);
    rig_skip(rig);
    rig_outcome(rig, BROKER_CONFIRMED, BROKER_OK, seeker, a.chat, b);
    rig_skip(rig);
    return a.chat;
}

/* A frame from the stranger elsewhere, in the session's present chat. */
static RIG_UNUSED struct peer_frame rig_peer_frame(const struct rig *rig, session_ref ref, enum peer_kind kind) {
    const struct chat *chat = rig_session(rig, ref)->chat;
    return (struct peer_frame){.kind = kind,
                               .to = rig_address(rig, ref),
                               .from = chat->peer.at,
                               .chat = chat->id,
                               .side = side_other(chat->side),
                               .fence = chat->peer.fence};
}

#define rig_carry(rig, its_frame)                                                                                      \
    do {                                                                                                               \
        struct peer_frame rig_peer_ = (its_frame);                                                                     \
        rig_step(rig, ((struct event){.kind = EVENT_PEER, .peer = &rig_peer_}));                                       \
    } while (0)

/* The frame of that kind, and one of its fields. */
#define rig_peer(rig, ref, which) rig_carry(rig, rig_peer_frame(rig, ref, which))
#define rig_peer_with(rig, ref, which, field, value)                                                                   \
    do {                                                                                                               \
        struct peer_frame rig_with_ = rig_peer_frame(rig, ref, which);                                                 \
        rig_with_.field = (value);                                                                                     \
        rig_carry(rig, rig_with_);                                                                                     \
    } while (0)
#define rig_peer_msg(rig, ref, number, what, is_reliable)                                                              \
    do {                                                                                                               \
        struct peer_frame rig_with_ = rig_peer_frame(rig, ref, PEER_MSG);                                              \
        rig_with_.msg.seq = (number);                                                                                  \
        rig_with_.msg.body = rig_text(what);                                                                           \
        rig_with_.msg.reliable = (is_reliable);                                                                        \
        rig_carry(rig, rig_with_);                                                                                     \
    } while (0)

/* --- the register ------------------------------------------------------------------------------------------------- */

/* What it has of the session's chat, if it knows neither more nor less than the session does. */
static RIG_UNUSED struct broker_event rig_found_event(const struct rig *rig, session_ref ref, enum broker_status status,
                                                      bool held) {
    const struct session *session = rig_session(rig, ref);
    const struct chat *chat = session->chat;
    struct broker_event event = {.kind = BROKER_FOUND, .status = status, .to = rig_address(rig, ref), .chat = chat->id};
    event.chat_state.held = held;
    event.chat_state.record.id = chat->id;
    event.chat_state.record.party[chat->side] =
        (struct party){.at = event.to, .person = session->person, .fence = chat->fence, .reliable = session->reliable};
    event.chat_state.record.party[side_other(chat->side)] = chat_peer(session);
    return event;
}
#define rig_found(rig, ref, status, held) rig_broker(rig, rig_found_event(rig, ref, status, held))

/* A grace is over by now: the register is asked, knows no better, and takes the end. Nobody is told before. */
#define rig_expire(rig, ref, its_cause, its_side)                                                                      \
    do {                                                                                                               \
        (void)expect_request(rig, BROKER_LOOKUP);                                                                      \
        rig_found(rig, ref, BROKER_OK, false);                                                                         \
        const struct broker_request *rig_end_ = expect_request(rig, BROKER_END);                                       \
        assert_int_equal(rig_end_->end.cause, (its_cause));                                                            \
        assert_int_equal(rig_end_->end.side, (its_side));                                                              \
        struct tombstone rig_how_ = rig_end_->end;                                                                     \
        (void)expect_request(rig, BROKER_LOOKUP);                                                                      \
        struct broker_event rig_over_ = rig_found_event(rig, ref, BROKER_OVER, false);                                 \
        rig_over_.chat_state.record.ended = rig_how_;                                                                  \
        rig_broker(rig, rig_over_);                                                                                    \
    } while (0)

/* --- resumes ------------------------------------------------------------------------------------------------------ */

/* What the token of the session's present chat says. */
static RIG_UNUSED struct claims rig_claims(const struct rig *rig, session_ref ref) {
    const struct session *session = rig_session(rig, ref);
    return (struct claims){.chat = session->chat->id,
                           .side = session->chat->side,
                           .reliable = session->reliable,
                           .peer_reliable = session->chat->peer_reliable,
                           .person = session->person,
                           .peer = session->recent[0],
                           .born_ms = session->chat->born_wall_ms};
}

/* The register has moved the holder of the claims to `at`, with that fence; the stranger sits where `other` says. */
static RIG_UNUSED struct broker_event rig_rebound_event(struct address at, const struct claims *claims, uint64_t fence,
                                                        struct party other, struct address previous) {
    struct broker_event event = {.kind = BROKER_REBOUND, .to = at, .chat = claims->chat};
    event.chat_state.record.id = claims->chat;
    event.chat_state.record.party[claims->side] =
        (struct party){.at = at, .person = claims->person, .fence = fence, .reliable = claims->reliable};
    event.chat_state.record.party[side_other(claims->side)] = other;
    event.chat_state.previous = previous;
    return event;
}

static RIG_UNUSED struct party rig_stranger_party(bool reliable) {
    return (struct party){.at = STRANGER, .person = STRANGER_PERSON, .fence = 1, .reliable = reliable};
}

#endif
