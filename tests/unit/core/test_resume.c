/* test_resume.c - taking a chat up that was on another node: answers lost and late, and what is said meanwhile. */
#include "resuming.h"

/* --- from another node -------------------------------------------------------------------------------------------- */

static void test_resume_from_elsewhere(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = begin(&rig);
    const struct broker_request *request = expect_request(&rig, BROKER_REBIND);
    assert_true(address_equal(request->asker, rig_address(&rig, ref)));
    assert_true(chat_id_equal(request->chat, claims.chat));
    assert_memory_equal(&request->rebind.claims, &claims, sizeof claims);
    rebind_ok(&rig, ref, &claims, 4, ELSEWHERE);
    const struct peer_frame *moved = expect_peer(&rig, PEER_MOVED); /* to the place that it left */
    assert_true(address_equal(moved->to, ELSEWHERE));
    assert_true(chat_id_equal(moved->chat, claims.chat));
    assert_int_equal(moved->side, SIDE_CANDIDATE);
    assert_int_equal(moved->fence, 4);
    const struct peer_frame *rebound = expect_peer(&rig, PEER_REBOUND); /* to the stranger */
    assert_true(address_equal(rebound->to, STRANGER));
    assert_int_equal(rebound->side, SIDE_CANDIDATE);
    assert_int_equal(rebound->fence, 4);
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), GREETING_TIMEOUT_MS);
    rig_peer_with(&rig, ref, PEER_STATE, state.here, true);
    const struct action *action = expect_sent(&rig, CONN, SERVER_RESUMED);
    assert_true(chat_id_equal(action->send.frame.resumed.chat, claims.chat));
    assert_false(action->send.frame.resumed.peer_away);
    assert_true(action->send.frame.resumed.reliable); /* as the register has the stranger */
    assert_true(chat_id_equal(action->send.claims.chat, claims.chat));
    assert_int_equal(action->send.claims.side, SIDE_CANDIDATE);
    assert_int_equal(action->send.claims.person, 12);
    assert_int_equal(action->send.claims.peer, STRANGER_PERSON);
    assert_true(action->send.claims.reliable);
    assert_int_equal(action->send.claims.born_ms, 99); /* the chat's, not the token's */
    assert_int_equal(rig_counted(&rig, COUNT_RESUME), 1);
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), INT64_MAX);
    static const uint64_t recent[RECENT_STRANGERS] = {STRANGER_PERSON, 77, 78}; /* they came in the token */
    assert_memory_equal(rig_session(&rig, ref)->recent, recent, sizeof recent);
    assert_memory_equal(action->send.claims.earlier, &recent[1], sizeof action->send.claims.earlier);
    rig_fini(&rig);
}

static void test_no_previous_place(void **state) {
    (void)state;
    for (int own = 0; own < 2; own++) {
        struct rig rig;
        session_ref ref = begin(&rig);
        rig_skip(&rig);
        rebind_ok(&rig, ref, &claims, 4, own ? rig_address(&rig, ref) : (struct address){0});
        (void)expect_peer(&rig, PEER_REBOUND);
        expect_nothing(&rig); /* nobody to tell MOVED */
        rig_fini(&rig);
    }
}

static void test_stranger_away(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = greet(&rig);
    struct peer_frame answer = rig_peer_frame(&rig, ref, PEER_STATE);
    answer.state.grace_ms = 12345;
    rig_carry(&rig, answer);
    expect_resumed(&rig, CONN, true, 12345);
    expect_nothing(&rig);
    rig_wait(&rig, 12345);
    rig_expire(&rig, ref, END_LOST, SIDE_SEEKER);
    expect_ended(&rig, CONN, ENDED_LOST);
    rig_skip(&rig);
    rig_fini(&rig);
}

static void test_stranger_silent(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = greet(&rig);
    rig_wait(&rig, GREETING_TIMEOUT_MS - 1);
    expect_nothing(&rig);
    rig_wait(&rig, 1);
    expect_resumed(&rig, CONN, true, GRACE);
    rig_peer_with(&rig, ref, PEER_STATE, state.here, true); /* late */
    (void)expect_told(&rig, CONN, SERVER_BACK);
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), INT64_MAX);
    rig_fini(&rig);
}

static void test_stranger_node_gone(void **state) {
    (void)state;
    struct rig rig;
    greet(&rig);
    rig_broker(&rig, {.kind = BROKER_NODE_GONE, .node_gone.boot = THERE});
    expect_resumed(&rig, CONN, true, GRACE);
    (void)expect_peer(&rig, PEER_SYNC);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* What the stranger says before they have answered is lost on the way: they hear `back`, and send it again. */
static void test_message_while_greeting(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = greet(&rig);
    rig_peer_msg(&rig, ref, 1, "x", true);
    rig_peer(&rig, ref, PEER_TYPING);
    rig_peer(&rig, ref, PEER_ACK);
    rig_say(&rig, ref, 1, "x");
    rig_ack(&rig, ref, 1);
    rig_type(&rig, ref, true);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* Both sides resume at once, across nodes: each greets the other's new place while it is itself greeting. */
static void test_both_greet(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = greet(&rig);
    rig_peer_with(&rig, ref, PEER_REBOUND, fence, 2);
    expect_resumed(&rig, CONN, false, 0);
    (void)expect_told(&rig, CONN, SERVER_BACK);
    assert_true(expect_peer(&rig, PEER_STATE)->state.here);
    expect_nothing(&rig);
    rig_fini(&rig);

    ref = greet(&rig); /* … and our client has asked to leave */
    rig_leave(&rig, ref);
    rig_peer_with(&rig, ref, PEER_REBOUND, fence, 2);
    expect_resumed(&rig, CONN, false, 0);
    expect_ended(&rig, CONN, ENDED_YOU_LEFT);
    (void)expect_peer(&rig, PEER_STATE);
    expect_left(&rig);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* --- it fails ----------------------------------------------------------------------------------------------------- */

static void test_rebind_fails(void **state) {
    (void)state;
    static const struct {
        enum broker_status status;
        struct tombstone end;
        enum ended_reason told;
    } rows[] = {
        {BROKER_NONE, {END_NONE, SIDE_SEEKER}, ENDED_EXPIRED},
        {BROKER_OVER, {END_LEFT, SIDE_SEEKER}, ENDED_LEFT},
        {BROKER_OVER, {END_LEFT, SIDE_CANDIDATE}, ENDED_YOU_LEFT}, /* the answer to `leave` was lost */
        {BROKER_OVER, {END_LOST, SIDE_CANDIDATE}, ENDED_EXPIRED},
        {BROKER_OVER, {END_EXPIRED, SIDE_SEEKER}, ENDED_EXPIRED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig rig;
        session_ref ref = begin(&rig);
        rig_skip(&rig);
        rebind_fails(&rig, ref, rows[i].status, rows[i].end);
        expect_ended(&rig, CONN, rows[i].told);
        expect_nothing(&rig);
        rig_find(&rig, ref, true); /* idle: it may do anything */
        (void)expect_request(&rig, BROKER_SEEK);
        rig_fini(&rig);
    }
}

static void test_forged_token(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    rig_resume(&rig, ref, NULL);
    expect_ended(&rig, CONN, ENDED_EXPIRED);
    expect_nothing(&rig); /* above all, the broker is not asked */
    assert_int_equal(rig_state(&rig, ref), SESSION_IDLE);
    rig_fini(&rig);
}

static void test_broker_down(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = begin(&rig);
    rig_skip(&rig);
    rebind_fails(&rig, ref, BROKER_DOWN, (struct tombstone){0});
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), BROKER_RETRY_MS);
    rig_wait(&rig, BROKER_RETRY_MS);
    (void)expect_request(&rig, BROKER_REBIND);
    rig_fini(&rig);
}

static void test_answer_for_nobody(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = begin(&rig);
    rig_skip(&rig);
    struct claims another = claims;
    another.chat.low++;
    rebind_ok(&rig, ref, &another, 4, ELSEWHERE);
    const struct peer_frame *moved = expect_peer(&rig, PEER_MOVED); /* its client may still be where it was */
    assert_true(address_equal(moved->to, ELSEWHERE));
    assert_int_equal(moved->side, another.side);
    assert_int_equal(moved->fence, 4);
    assert_false(moved->moved.here);
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_REBINDING);
    rig_fini(&rig);
}

/* --- asked for while the resume is not answered ------------------------------------------------------------------- */

static void test_leave_pending(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = begin(&rig);
    rig_skip(&rig);
    rig_leave(&rig, ref);
    expect_nothing(&rig);
    rebind_ok(&rig, ref, &claims, 4, (struct address){0});
    (void)expect_peer(&rig, PEER_REBOUND);
    rig_peer_with(&rig, ref, PEER_STATE, state.here, true);
    expect_resumed(&rig, CONN, false, 0);
    expect_ended(&rig, CONN, ENDED_YOU_LEFT);
    expect_left(&rig);
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_IDLE);
    rig_fini(&rig);
}

static void test_find_pending(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = greet(&rig);
    rig_find_topics(&rig, ref, true, "music");
    expect_nothing(&rig);
    rig.now_ms += 500;
    rig_peer_with(&rig, ref, PEER_STATE, state.here, true);
    expect_resumed(&rig, CONN, false, 0);
    expect_ended(&rig, CONN, ENDED_YOU_LEFT);
    expect_left(&rig);
    assert_int_equal(expect_request(&rig, BROKER_SEEK)->seek.topics.count, 1);
    rig_sought(&rig, ref, BROKER_NONE);
    (void)expect_told(&rig, CONN, SERVER_WAITING);
    rig_wait(&rig, REASSERT_MS);
    rig_skip(&rig);
    rig_sought(&rig, ref, BROKER_NONE);
    assert_int_equal(rig_due_ms(&rig), rig.options.prefer_ms - REASSERT_MS); /* the wait began with the search */
    rig_fini(&rig);
}

static void test_pending_when_it_fails(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = begin(&rig);
    rig_skip(&rig);
    rig_leave(&rig, ref);
    rebind_fails(&rig, ref, BROKER_NONE, (struct tombstone){0});
    expect_ended(&rig, CONN, ENDED_EXPIRED);
    (void)expect_told(&rig, CONN, SERVER_IDLE);
    expect_nothing(&rig);
    rig_fini(&rig);

    ref = begin(&rig);
    rig_skip(&rig);
    rig_find(&rig, ref, false);
    rebind_fails(&rig, ref, BROKER_NONE, (struct tombstone){0});
    expect_ended(&rig, CONN, ENDED_EXPIRED);
    assert_false(expect_request(&rig, BROKER_SEEK)->seek.who.reliable);
    rig_fini(&rig);

    ref = greet(&rig);
    rig_find(&rig, ref, true);
    rig_peer_with(&rig, ref, PEER_ENDED, ended.how, ((struct tombstone){END_LEFT, SIDE_SEEKER}));
    expect_ended(&rig, CONN, ENDED_LEFT);
    (void)expect_request(&rig, BROKER_SEEK);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* Of several, the last counts; a forgotten `find` leaves no trace. */
static void test_pending_replaced(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = greet(&rig);
    rig_find_topics(&rig, ref, true, "music");
    rig_find_topics(&rig, ref, true, "music", "books");
    rig_leave(&rig, ref);
    assert_null(rig_session(&rig, ref)->search);
    rig_peer_with(&rig, ref, PEER_STATE, state.here, true);
    expect_resumed(&rig, CONN, false, 0);
    expect_ended(&rig, CONN, ENDED_YOU_LEFT);
    expect_left(&rig);
    expect_nothing(&rig);
    rig_fini(&rig);

    ref = greet(&rig);
    rig_leave(&rig, ref);
    rig_find_topics(&rig, ref, true, "music", "books");
    rig_peer_with(&rig, ref, PEER_STATE, state.here, true);
    expect_resumed(&rig, CONN, false, 0);
    expect_ended(&rig, CONN, ENDED_YOU_LEFT);
    expect_left(&rig);
    assert_int_equal(expect_request(&rig, BROKER_SEEK)->seek.topics.count, 2);
    rig_fini(&rig);
}

/* A `leave` or `find` was heard: that the connection drops before the answer does not undo it. */
static void test_pending_and_dropped(void **state) {
    (void)state;
    for (int rebound = 0; rebound < 2; rebound++)
        for (int find = 0; find < 2; find++) {
            struct rig rig;
            session_ref ref = rebound ? greet(&rig) : begin(&rig);
            rig_skip(&rig);
            if (find)
                rig_find(&rig, ref, true);
            else
                rig_leave(&rig, ref);
            rig_close(&rig, ref, CONN);
            if (!rebound) {
                expect_nothing(&rig);
                rebind_ok(&rig, ref, &claims, 4, (struct address){0});
                (void)expect_peer(&rig, PEER_REBOUND);
            }
            expect_left(&rig);
            expect_nothing(&rig);
            assert_int_equal(rig_state(&rig, ref), SESSION_FREE);
            rig_fini(&rig);
        }
}

static void test_thrown_out_while_resuming(void **state) {
    (void)state;
    for (int rebound = 0; rebound < 2; rebound++) {
        struct rig rig;
        session_ref ref = rebound ? greet(&rig) : begin(&rig);
        for (int i = 0; i < ERRORS_ALLOWED; i++) {
            rig_skip(&rig);
            rig_fault(&rig, ref, ERROR_BAD_JSON);
        }
        (void)expect_told(&rig, CONN, SERVER_ERROR);
        expect_closed(&rig, CONN, CLOSE_ERRORS);
        if (!rebound) {
            expect_nothing(&rig);
            rig_close(&rig, ref, CONN);
            rebind_ok(&rig, ref, &claims, 4, (struct address){0});
            (void)expect_peer(&rig, PEER_REBOUND);
        }
        expect_left(&rig);
        expect_nothing(&rig);
        assert_int_equal(core_gauges(rig.core).sessions, 0);
        rig_fini(&rig);
    }
}

/* --- the connection drops ----------------------------------------------------------------------------------------- */

/* The register names this place now, so the chat is held here. */
static void test_dropped_while_rebinding(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = begin(&rig);
    rig_skip(&rig);
    rig_close(&rig, ref, CONN);
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_REBINDING);
    rebind_ok(&rig, ref, &claims, 4, ELSEWHERE);
    (void)expect_peer(&rig, PEER_MOVED);
    (void)expect_peer(&rig, PEER_REBOUND);
    assert_int_equal(expect_peer(&rig, PEER_AWAY)->away.grace_ms, GRACE);
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_AWAY);
    rig_fini(&rig);

    ref = begin(&rig);
    rig_skip(&rig);
    rig_close(&rig, ref, CONN);
    rebind_fails(&rig, ref, BROKER_NONE, (struct tombstone){0});
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_FREE);
    rig_fini(&rig);
}

static void test_dropped_while_greeting(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = greet(&rig);
    rig_close(&rig, ref, CONN);
    (void)expect_peer(&rig, PEER_AWAY);
    rig_peer_with(&rig, ref, PEER_STATE, state.here, true);
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_AWAY);
    assert_int_equal(rig_due_ms(&rig), GRACE + AWAY_SLACK_MS);
    rig_fini(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume_from_elsewhere),
        cmocka_unit_test(test_no_previous_place),
        cmocka_unit_test(test_stranger_away),
        cmocka_unit_test(test_stranger_silent),
        cmocka_unit_test(test_stranger_node_gone),
        cmocka_unit_test(test_message_while_greeting),
        cmocka_unit_test(test_both_greet),
        cmocka_unit_test(test_rebind_fails),
        cmocka_unit_test(test_forged_token),
        cmocka_unit_test(test_broker_down),
        cmocka_unit_test(test_answer_for_nobody),
        cmocka_unit_test(test_leave_pending),
        cmocka_unit_test(test_find_pending),
        cmocka_unit_test(test_pending_when_it_fails),
        cmocka_unit_test(test_pending_replaced),
        cmocka_unit_test(test_pending_and_dropped),
        cmocka_unit_test(test_thrown_out_while_resuming),
        cmocka_unit_test(test_dropped_while_rebinding),
        cmocka_unit_test(test_dropped_while_greeting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
