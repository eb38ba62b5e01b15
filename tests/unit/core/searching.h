/* searching.h - sessions at every moment of a search, and what a match looks like to its client. */
#ifndef TESTS_CORE_SEARCHING_H
#define TESTS_CORE_SEARCHING_H

#include "rig.h"

enum { CONN = 1, OTHER_CONN = 2 };

/* A session that searches, and has come to `to`: SEEKING, WAITING, OFFERING, GIVING_UP or ACCEPTING. */
static RIG_UNUSED session_ref searching(struct rig *rig, enum session_state to) {
    session_ref ref = rig_open(rig, CONN);
    rig_find(rig, ref, true);
    rig_skip(rig);
    if (to != SESSION_SEEKING)
        rig_sought(rig, ref, to == SESSION_WAITING || to == SESSION_ACCEPTING ? BROKER_NONE : BROKER_OK);
    rig_skip(rig);
    if (to == SESSION_ACCEPTING)
        rig_offered(rig, ref, true);
    if (to == SESSION_GIVING_UP)
        rig_wait(rig, OFFER_TIMEOUT_MS);
    rig_skip(rig);
    assert_int_equal(rig_state(rig, ref), to);
    return ref;
}

static RIG_UNUSED const struct ticket *ticket_of(const struct rig *rig, session_ref ref) {
    return &rig_session(rig, ref)->search->ticket;
}

/* `matched`, with all that belongs to it. */
static RIG_UNUSED void expect_matched(struct rig *rig, session_ref ref, struct chat_id chat, enum side side) {
    const struct action *action = expect_sent(rig, CONN, SERVER_MATCHED);
    assert_true(chat_id_equal(action->send.frame.matched.chat, chat));
    assert_true(action->send.frame.matched.reliable);
    assert_true(chat_id_equal(action->send.claims.chat, chat));
    assert_int_equal(action->send.claims.side, side);
    assert_int_equal(action->send.claims.person, rig_session(rig, ref)->person);
    assert_int_equal(action->send.claims.peer, STRANGER_PERSON);
    assert_true(action->send.claims.reliable && action->send.claims.peer_reliable);
    assert_int_equal(action->send.claims.born_ms, 1700000000000 + rig->now_ms);
    assert_int_equal(rig_counted(rig, COUNT_MATCH), 1);
    assert_int_equal(rig_session(rig, ref)->chat->side, side);
    assert_null(rig_session(rig, ref)->search);
}

#endif
