/* test_shift.c - time: deadlines, many at once, and a loop that stood still. */
#include "rig.h"

enum { CONN = 1, GRACE = 60000 };

#define rig_shift(rig, ms) rig_step(rig, ((struct event){.kind = EVENT_SHIFT, .shift.gap_ms = (ms)}))

/* The node was frozen for so long, and has told the others how it stands. */
static void thaw(struct rig *rig, int64_t ms) {
    rig_shift(rig, ms);
    rig_wait(rig, CATCH_UP_MS);
    while (rig_due_ms(rig) <= 0) {
        rig_skip(rig);
        rig_wait(rig, 0);
    }
    rig_skip(rig);
}

/* A frozen node thaws: neither grace has been used up. */
static void test_grace_stands_still(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    rig_match(&rig, ref, true, true);
    rig_peer_with(&rig, ref, PEER_AWAY, away.grace_ms, GRACE);
    rig_skip(&rig);
    rig.now_ms += 100000; /* frozen for 100 s */
    thaw(&rig, 100000);
    assert_int_equal(rig_due_ms(&rig), GRACE - CATCH_UP_MS);
    rig_wait(&rig, GRACE - CATCH_UP_MS - 1);
    expect_nothing(&rig);
    rig_wait(&rig, 1);
    rig_expire(&rig, ref, END_LOST, SIDE_CANDIDATE);
    expect_ended(&rig, CONN, ENDED_LOST);
    rig_skip(&rig);
    rig_fini(&rig);
}

/* What is not a timer, but becomes one, is shifted too: our own hold, and the stranger's. */
static void test_holds_stand_still(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    rig_match(&rig, ref, true, true);
    rig_close(&rig, ref, CONN);
    rig_skip(&rig);
    rig.now_ms += 100000;
    thaw(&rig, 100000);
    rig_peer_with(&rig, ref, PEER_AWAY, away.grace_ms, 1000);
    assert_int_equal(rig_due_ms(&rig), GRACE - CATCH_UP_MS); /* ours is the later one */
    rig_peer_with(&rig, ref, PEER_REBOUND, fence, 2);
    assert_int_equal(expect_peer(&rig, PEER_STATE)->state.grace_ms, GRACE - CATCH_UP_MS);
    rig.now_ms += 30000;
    rig_peer_with(&rig, ref, PEER_AWAY, away.grace_ms, GRACE); /* theirs, now */
    rig.now_ms += 100000;
    thaw(&rig, 100000);
    rig_peer_with(&rig, ref, PEER_REBOUND, fence, 3);
    assert_int_equal(expect_peer(&rig, PEER_STATE)->state.grace_ms, GRACE - CATCH_UP_MS);
    rig_fini(&rig);
}

static void test_offers_and_throttles_stand_still(void **state) {
    (void)state;
    struct core_options options = rig_options();
    options.message_rate = (struct rate){.per_second = 1, .burst = 1};
    struct rig rig;
    rig_init_with(&rig, options);
    session_ref ref = rig_open(&rig, CONN);
    rig_find(&rig, ref, true);
    rig_skip(&rig);
    rig_sought(&rig, ref, BROKER_OK);
    thaw(&rig, 5000);
    assert_int_equal(rig_due_ms(&rig), 6000 - CATCH_UP_MS); /* read again; then the offer times out at 7 s */
    rig_wait(&rig, 6000 - CATCH_UP_MS);
    expect_paused(&rig, CONN, false);
    assert_int_equal(rig_due_ms(&rig), 1000);
    rig_wait(&rig, 1000);
    (void)expect_request(&rig, BROKER_ABORT);
    rig_fini(&rig);
}

static void test_tick_too_early(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_wait(&rig, 1000);
    expect_nothing(&rig);
    session_ref ref = rig_open(&rig, CONN);
    rig_find(&rig, ref, true);
    rig_skip(&rig);
    rig_sought(&rig, ref, BROKER_NONE);
    rig_skip(&rig);
    rig_wait(&rig, 10);
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), REASSERT_MS - 10);
    rig_fini(&rig);
}

/* Many deadlines that are due together take several steps, each bounded; none is forgotten. */
static void test_many_deadlines(void **state) {
    (void)state;
    enum { MANY = 150, A_STEP = 64 };
    struct rig rig;
    rig_init(&rig);
    for (conn_ref conn = 1; conn <= MANY; conn++) {
        session_ref ref = rig_open(&rig, conn);
        rig_find(&rig, ref, true);
        rig_skip(&rig);
        rig_sought(&rig, ref, BROKER_NONE);
        rig_skip(&rig);
    }
    int relaxed = 0;
    rig.now_ms += rig.options.prefer_ms;
    for (int steps = 0; rig_due_ms(&rig) <= 0; steps++) {
        assert_true(steps < 3);
        rig_wait(&rig, 0);
        int now = 0;
        for (size_t i = 0; i < rig.count; i++)
            now += rig.actions[i].kind == ACTION_REQUEST;
        assert_true(now <= A_STEP);
        relaxed += now;
        rig_skip(&rig);
    }
    assert_int_equal(relaxed, MANY);
    rig_fini(&rig);
}

static void test_many_throttles(void **state) {
    (void)state;
    enum { MANY = 100 };
    struct core_options options = rig_options();
    options.message_rate = (struct rate){.per_second = 1, .burst = 1};
    struct rig rig;
    rig_init_with(&rig, options);
    for (conn_ref conn = 1; conn <= MANY; conn++) {
        session_ref ref = rig_open(&rig, conn);
        rig_type(&rig, ref, true);
        expect_paused(&rig, conn, true);
    }
    rig_wait(&rig, 1000);
    assert_int_equal(rig.count, 64);
    rig_skip(&rig);
    assert_true(rig_due_ms(&rig) <= 0);
    rig_wait(&rig, 0);
    assert_int_equal(rig.count, MANY - 64);
    rig_skip(&rig);
    assert_int_equal(rig_due_ms(&rig), INT64_MAX);
    rig_fini(&rig);
}

static void test_gauges(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_open(&rig, 1); /* idle */
    session_ref waiting = rig_open(&rig, 2);
    rig_find(&rig, waiting, true);
    rig_skip(&rig);
    session_ref chatting = rig_open(&rig, 3), away = rig_open(&rig, 4);
    rig_match(&rig, chatting, true, true);
    rig_match(&rig, away, true, true);
    struct claims claims = rig_claims(&rig, away);
    rig_close(&rig, away, 4);
    rig_skip(&rig);
    session_ref rebinding = rig_open(&rig, 5);
    rig_resume(&rig, rebinding, &claims);
    rig_skip(&rig);
    struct core_gauges gauges = core_gauges(rig.core);
    assert_int_equal(gauges.sessions, 5);
    assert_int_equal(gauges.waiting, 1);
    assert_int_equal(gauges.chatting, 2);
    assert_int_equal(gauges.away, 1);
    rig_broker(&rig, rig_rebound_event(rig_address(&rig, rebinding), &claims, 2, rig_stranger_party(true),
                                       rig_address(&rig, away)));
    rig_skip(&rig);
    gauges = core_gauges(rig.core); /* greeting: it has the chat now */
    assert_int_equal(gauges.sessions, 4);
    assert_int_equal(gauges.chatting, 2);
    assert_int_equal(gauges.away, 0);
    rig_fini(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grace_stands_still),
        cmocka_unit_test(test_holds_stand_still),
        cmocka_unit_test(test_offers_and_throttles_stand_still),
        cmocka_unit_test(test_tick_too_early),
        cmocka_unit_test(test_many_deadlines),
        cmocka_unit_test(test_many_throttles),
        cmocka_unit_test(test_gauges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
