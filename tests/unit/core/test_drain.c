/* test_drain.c - a node that is going away: no new searches, everybody is asked to reconnect, chats go on. */
#include "rig.h"

enum { CONN = 1, SPREAD = 5000 };

#define rig_drain(rig) rig_step(rig, ((struct event){.kind = EVENT_DRAIN, .drain.spread_ms = SPREAD}))

static void expect_busy(struct rig *rig) {
    const struct server_frame *error = expect_told(rig, CONN, SERVER_ERROR);
    assert_int_equal(error->error.code, ERROR_BUSY);
    assert_true(error->error.retry_ms > 0);
    expect_nothing(rig);
}

static void expect_reconnect(struct rig *rig, conn_ref conn) {
    assert_true(expect_told(rig, conn, SERVER_RECONNECT)->reconnect.after_ms <= SPREAD);
}

static void test_searches_end(void **state) {
    (void)state;
    for (int waiting = 0; waiting < 2; waiting++) {
        struct rig rig;
        rig_init(&rig);
        session_ref ref = rig_open(&rig, CONN);
        rig_find_topics(&rig, ref, true, "music");
        rig_skip(&rig);
        if (waiting)
            rig_sought(&rig, ref, BROKER_NONE);
        rig_skip(&rig);
        rig_drain(&rig);
        assert_int_equal(expect_request(&rig, BROKER_WITHDRAW)->withdraw.attempt, rig_session(&rig, ref)->attempt);
        expect_reconnect(&rig, CONN);
        expect_nothing(&rig);
        assert_int_equal(rig_state(&rig, ref), SESSION_IDLE);
        assert_int_equal(core_gauges(rig.core).waiting, 0);
        assert_int_equal(rig_due_ms(&rig), INT64_MAX);
        rig_leave(&rig, ref);
        (void)expect_told(&rig, CONN, SERVER_IDLE);
        rig_fini(&rig);
    }
}

static void test_no_new_searches(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    rig_match(&rig, ref, true, true);
    rig_drain(&rig);
    expect_reconnect(&rig, CONN);
    expect_nothing(&rig);
    rig_find(&rig, ref, true);
    expect_busy(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_CHATTING); /* the chat is not ended for it */
    rig_say(&rig, ref, 1, "x");
    (void)expect_peer(&rig, PEER_MSG);
    rig_leave(&rig, ref);
    expect_ended(&rig, CONN, ENDED_YOU_LEFT);
    rig_skip(&rig);
    rig_find(&rig, ref, true);
    expect_busy(&rig);
    rig_fini(&rig);
}

/* A match that is being made may still be made; if it fails, nothing is looked for any more. */
static void test_match_in_the_making(void **state) {
    (void)state;
    for (int made = 0; made < 2; made++) {
        struct rig rig;
        rig_init(&rig);
        session_ref ref = rig_open(&rig, CONN);
        rig_find_topics(&rig, ref, true, "music");
        rig_skip(&rig);
        rig_sought(&rig, ref, BROKER_NONE);
        rig_skip(&rig);
        rig_offered(&rig, ref, true);
        rig_skip(&rig);
        rig_drain(&rig);
        expect_reconnect(&rig, CONN);
        expect_nothing(&rig);
        rig_outcome(&rig, BROKER_COMMITTED, made ? BROKER_OK : BROKER_NONE, ref, rig_offer_id(),
                    rig_stranger_ticket(true));
        if (made)
            (void)expect_told(&rig, CONN, SERVER_MATCHED);
        expect_nothing(&rig);
        assert_int_equal(rig_state(&rig, ref), made ? SESSION_CHATTING : SESSION_IDLE);
        rig_fini(&rig);
    }
}

static void test_declined_while_draining(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    rig_find(&rig, ref, true);
    rig_skip(&rig);
    rig_sought(&rig, ref, BROKER_OK);
    rig_skip(&rig);
    rig_drain(&rig);
    rig_skip(&rig);
    rig_carry(&rig, ((struct peer_frame){.kind = PEER_DECLINE,
                                         .to = rig_address(&rig, ref),
                                         .from = STRANGER,
                                         .chat = rig_session(&rig, ref)->search->ticket.chat}));
    (void)expect_request(&rig, BROKER_ABORT);
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_IDLE);
    rig_fini(&rig);
}

/* An offer that is held goes back to whoever made it. */
static void test_held_offer_is_declined(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    rig_find(&rig, ref, true);
    rig_skip(&rig);
    rig_offered(&rig, ref, true);
    rig_drain(&rig);
    (void)expect_request(&rig, BROKER_WITHDRAW);
    (void)expect_peer(&rig, PEER_DECLINE);
    expect_reconnect(&rig, CONN);
    expect_nothing(&rig);
    rig_fini(&rig);
}

static void test_whoever_connects(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_drain(&rig);
    expect_nothing(&rig);
    session_ref ref = rig_open(&rig, CONN);
    expect_reconnect(&rig, CONN);
    expect_nothing(&rig);
    rig_find(&rig, ref, true);
    expect_busy(&rig);
    rig_fini(&rig);
}

/* Resumes go on: the chat may have nowhere else to be just now. A `find` that waited for one is refused. */
static void test_resume_while_draining(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    struct claims claims = {
        .chat = {5, 6}, .side = SIDE_SEEKER, .reliable = true, .person = 12, .peer = STRANGER_PERSON};
    rig_resume(&rig, ref, &claims);
    (void)expect_request(&rig, BROKER_REBIND);
    rig_find_topics(&rig, ref, true, "music");
    rig_drain(&rig);
    expect_reconnect(&rig, CONN);
    rig_broker(&rig,
               rig_rebound_event(rig_address(&rig, ref), &claims, 2, rig_stranger_party(true), (struct address){0}));
    (void)expect_peer(&rig, PEER_REBOUND);
    rig_peer_with(&rig, ref, PEER_STATE, state.here, true);
    (void)expect_told(&rig, CONN, SERVER_RESUMED);
    expect_ended(&rig, CONN, ENDED_YOU_LEFT);
    (void)expect_request(&rig, BROKER_END);
    (void)expect_peer(&rig, PEER_ENDED);
    expect_busy(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_IDLE);
    assert_null(rig_session(&rig, ref)->search);
    rig_fini(&rig);
}

/* The reconnects fill the spread: no two halves of it differ much, and nobody is sent outside it. */
static void test_spread(void **state) {
    (void)state;
    enum { MANY = 200 };
    struct rig rig;
    rig_init(&rig);
    for (conn_ref conn = 1; conn <= MANY; conn++)
        rig_open(&rig, conn);
    rig_drain(&rig);
    int early = 0;
    uint32_t least = UINT32_MAX, greatest = 0;
    for (conn_ref conn = 1; conn <= MANY; conn++) {
        uint32_t after_ms = expect_told(&rig, conn, SERVER_RECONNECT)->reconnect.after_ms;
        early += after_ms < SPREAD / 2;
        least = after_ms < least ? after_ms : least;
        greatest = after_ms > greatest ? after_ms : greatest;
    }
    expect_nothing(&rig);
    assert_in_range(early, MANY * 2 / 5, MANY * 3 / 5);
    assert_true(least < SPREAD / 20 && greatest > SPREAD * 19 / 20 && greatest <= SPREAD);
    rig_fini(&rig);
}

static void test_no_spread(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_open(&rig, CONN);
    rig_step(&rig, (struct event){.kind = EVENT_DRAIN});
    assert_int_equal(expect_told(&rig, CONN, SERVER_RECONNECT)->reconnect.after_ms, 0);
    rig_fini(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_searches_end),
        cmocka_unit_test(test_no_new_searches),
        cmocka_unit_test(test_match_in_the_making),
        cmocka_unit_test(test_declined_while_draining),
        cmocka_unit_test(test_held_offer_is_declined),
        cmocka_unit_test(test_whoever_connects),
        cmocka_unit_test(test_resume_while_draining),
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_no_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
