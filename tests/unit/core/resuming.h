/* resuming.h - sessions in the middle of a resume, and what the register answers them. */
#ifndef TESTS_CORE_RESUMING_H
#define TESTS_CORE_RESUMING_H

#include "rig.h"

enum { CONN = 1, NEW_CONN = 2, OTHER_CONN = 3, GRACE = 60000 };

static const struct claims claims = {.chat = {5, 6},
                                     .side = SIDE_CANDIDATE,
                                     .reliable = true,
                                     .peer_reliable = false,
                                     .person = 12,
                                     .peer = STRANGER_PERSON,
                                     .earlier = {77, 78},
                                     .born_ms = 99};
static const struct address ELSEWHERE = {3, 1, 1}; /* where our side was before, on a third node */

/* A fresh session that has said `resume`. */
static RIG_UNUSED session_ref begin(struct rig *rig) {
    rig_init(rig);
    session_ref ref = rig_open(rig, CONN);
    rig_resume(rig, ref, &claims);
    return ref;
}

#define rebind_ok(rig, ref, its_claims, its_fence, previous)                                                           \
    rig_broker(rig, rig_rebound_event(rig_address(rig, ref), its_claims, its_fence, rig_stranger_party(true), previous))

#define rebind_fails(rig, ref, how, its_end)                                                                           \
    do {                                                                                                               \
        struct broker_event failed_ = {                                                                                \
            .kind = BROKER_REBOUND, .status = (how), .to = rig_address(rig, ref), .chat = claims.chat};                \
        failed_.chat_state.record.ended = (its_end);                                                                   \
        rig_broker(rig, failed_);                                                                                      \
    } while (0)

/* … whose place the register has moved here, and which asks whether the stranger is there. */
static RIG_UNUSED session_ref greet(struct rig *rig) {
    session_ref ref = begin(rig);
    rig_skip(rig);
    rebind_ok(rig, ref, &claims, 4, ELSEWHERE);
    rig_skip(rig);
    return ref;
}

static RIG_UNUSED const struct server_frame *expect_resumed_at(struct rig *rig, conn_ref conn, bool away,
                                                               uint32_t grace_ms, const char *file, int line) {
    const struct action *action = rig_take(rig, ACTION_SEND, conn, SERVER_RESUMED, file, line);
    _assert_int_equal(action->send.frame.resumed.peer_away, away, file, line);
    _assert_int_equal(action->send.frame.resumed.grace_ms, grace_ms, file, line);
    return &action->send.frame;
}
#define expect_resumed(rig, conn, away, grace_ms)                                                                      \
    ((void)expect_resumed_at(rig, conn, away, grace_ms, __FILE__, __LINE__))

/* The chat was ended by our side. */
static RIG_UNUSED void expect_left(struct rig *rig) {
    assert_int_equal(expect_request(rig, BROKER_END)->end.cause, END_LEFT);
    assert_int_equal(expect_peer(rig, PEER_ENDED)->ended.how.cause, END_LEFT);
}

#endif
