/* test_ratelimit.c - token buckets: the algorithm by table, reading paused, searches refused. */
#include "rig.h"

#include "ratelimit.h"

enum { CONN = 1, OTHER_CONN = 2 };

struct take {
    int64_t now_us;
    int64_t expected_us; /* 0: taken */
    const char *why;
};

static void take_all(struct rate rate, const struct take *takes, size_t count) {
    int64_t tat_us = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t wait_us = ratelimit_take(&tat_us, rate, takes[i].now_us);
        if (wait_us != takes[i].expected_us)
            fail_msg("%s: %lld, not %lld", takes[i].why, (long long)wait_us, (long long)takes[i].expected_us);
    }
}

static void test_bucket(void **state) {
    (void)state;
    static const struct take takes[] = {
        {5000000, 0, "full at first: 1 of 3"},
        {5000000, 0, "2 of 3"},
        {5000000, 0, "3 of 3"},
        {5000000, 100000, "empty: the next in a tenth of a second"},
        {5040000, 60000, "a refusal takes nothing"},
        {5099999, 1, "a microsecond early"},
        {5100000, 0, "one token is there"},
        {5100000, 100000, "and no more"},
        {5350000, 0, "two and a half have come: 1"},
        {5350000, 0, "2"},
        {5350000, 50000, "the half is kept"},
        {9000000, 0, "full again, and not fuller: 1 of 3"},
        {9000000, 0, "2 of 3"},
        {9000000, 0, "3 of 3"},
        {9000000, 100000, "empty"},
    };
    take_all((struct rate){.per_second = 10, .burst = 3}, takes, sizeof takes / sizeof takes[0]);
}

static void test_bucket_without_burst(void **state) {
    (void)state;
    static const struct take takes[] = {
        {1000000, 0, "the only one"},
        {1000000, 1000000, "empty"},
        {2000000, 0, "after a second"},
    };
    take_all((struct rate){.per_second = 1, .burst = 1}, takes, 3);
    take_all((struct rate){.per_second = 1, .burst = 0}, takes, 3);
}

static void test_no_limit(void **state) {
    (void)state;
    static const struct take takes[] = {{1, 0, "any"}, {1, 0, "number"}, {1, 0, "at once"}};
    take_all((struct rate){.per_second = 0, .burst = 1}, takes, 3);
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

static session_ref start(struct rig *rig, struct rate messages, struct rate finds) {
    struct core_options options = rig_options();
    options.message_rate = messages;
    options.find_rate = finds;
    rig_init_with(rig, options);
    return rig_open(rig, CONN);
}

/* What has been read is served; the connection is then read later. */
static void test_messages_read_later(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, (struct rate){10, 3}, (struct rate){0});
    for (int i = 0; i < 2; i++) {
        rig_leave(&rig, ref);
        (void)expect_told(&rig, CONN, SERVER_IDLE);
        expect_nothing(&rig);
    }
    rig_leave(&rig, ref); /* the third of three: none is left for the next */
    expect_paused(&rig, CONN, true);
    (void)expect_told(&rig, CONN, SERVER_IDLE);
    assert_int_equal(rig_due_ms(&rig), 100);
    rig_leave(&rig, ref); /* one that had been read already */
    (void)expect_told(&rig, CONN, SERVER_IDLE);
    expect_nothing(&rig); /* paused once */
    assert_int_equal(rig_due_ms(&rig), 200);
    rig_wait(&rig, 199);
    expect_nothing(&rig);
    rig_wait(&rig, 1);
    expect_paused(&rig, CONN, false);
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), INT64_MAX);
    rig_type(&rig, ref, true); /* typing counts as well */
    expect_paused(&rig, CONN, true);
    rig_wait(&rig, 100);
    expect_paused(&rig, CONN, false);
    rig_fault(&rig, ref, ERROR_BAD_JSON); /* and so does garbage */
    expect_paused(&rig, CONN, true);
    (void)expect_told(&rig, CONN, SERVER_ERROR);
    rig_fini(&rig);
}

/* A deadline between two milliseconds is rounded up: read too late rather than too early. */
static void test_pause_rounds_up(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, (struct rate){3, 1}, (struct rate){0});
    rig_type(&rig, ref, true);
    expect_paused(&rig, CONN, true);
    assert_int_equal(rig_due_ms(&rig), 334);
    rig_fini(&rig);
}

static void test_acks_never_limited(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, (struct rate){1, 2}, (struct rate){0});
    for (int i = 0; i < 100; i++)
        rig_ack(&rig, ref, 0);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* A connection that is gone is not read again. */
static void test_paused_and_closed(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, (struct rate){1, 1}, (struct rate){0});
    rig_match(&rig, ref, true, true);
    assert_true(rig_due_ms(&rig) <= 1000);
    rig_close(&rig, ref, CONN); /* away */
    (void)expect_peer(&rig, PEER_AWAY);
    rig_wait(&rig, 5000);
    expect_nothing(&rig);
    rig_fini(&rig);

    ref = start(&rig, (struct rate){1, 1}, (struct rate){0});
    rig_type(&rig, ref, true);
    expect_paused(&rig, CONN, true);
    rig_close(&rig, ref, CONN);
    assert_int_equal(rig_due_ms(&rig), INT64_MAX);
    rig_fini(&rig);
}

static void test_thrown_out_while_paused(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, (struct rate){1, 1}, (struct rate){0});
    for (int i = 0; i < ERRORS_ALLOWED; i++) {
        rig_skip(&rig);
        rig_fault(&rig, ref, ERROR_BAD_JSON);
    }
    (void)expect_told(&rig, CONN, SERVER_ERROR);
    expect_closed(&rig, CONN, CLOSE_ERRORS);
    assert_int_equal(rig_due_ms(&rig), INT64_MAX);
    rig_fini(&rig);
}

/* --- searches and resumes ----------------------------------------------------------------------------------------- */

static void test_finds_refused(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, (struct rate){0}, (struct rate){1, 2});
    rig_find(&rig, ref, true);
    (void)expect_request(&rig, BROKER_SEEK);
    rig_find(&rig, ref, true);
    rig_skip(&rig);
    rig.now_ms += 300;
    rig_find(&rig, ref, true);
    const struct server_frame *error = expect_told(&rig, CONN, SERVER_ERROR);
    assert_int_equal(error->error.code, ERROR_RATE_LIMITED);
    assert_int_equal(error->error.retry_ms, 700);
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_SEEKING); /* the search goes on */
    rig.now_ms += 700;
    rig_find(&rig, ref, true);
    (void)expect_told(&rig, CONN, SERVER_WAITING);
    (void)expect_request(&rig, BROKER_SEEK);
    rig_fini(&rig);
}

/* Whoever waits for retry_ms is not refused again: it is rounded up. */
static void test_retry_rounds_up(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, (struct rate){0}, (struct rate){3, 1});
    rig_resume(&rig, ref, NULL);
    rig_skip(&rig);
    rig_resume(&rig, ref, NULL);
    assert_int_equal(expect_told(&rig, CONN, SERVER_ERROR)->error.retry_ms, 334);
    rig.now_ms += 334;
    rig_resume(&rig, ref, NULL);
    expect_ended(&rig, CONN, ENDED_EXPIRED);
    rig_fini(&rig);
}

static void test_find_refused_in_chat(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, (struct rate){0}, (struct rate){1, 1});
    rig_match(&rig, ref, true, true);
    rig_find(&rig, ref, true);
    expect_error(&rig, CONN, ERROR_RATE_LIMITED);
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_CHATTING); /* the chat is not ended for it */
    rig_fini(&rig);
}

static void test_resumes_refused(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, (struct rate){0}, (struct rate){1, 2});
    rig_resume(&rig, ref, NULL);
    expect_ended(&rig, CONN, ENDED_EXPIRED);
    rig_resume(&rig, ref, NULL);
    expect_ended(&rig, CONN, ENDED_EXPIRED);
    rig_resume(&rig, ref, NULL);
    const struct server_frame *error = expect_told(&rig, CONN, SERVER_ERROR);
    assert_int_equal(error->error.code, ERROR_RATE_LIMITED);
    assert_int_equal(error->error.retry_ms, 1000);
    expect_nothing(&rig);
    session_ref other = rig_open(&rig, OTHER_CONN); /* each connection has its own bucket */
    rig_resume(&rig, other, NULL);
    expect_ended(&rig, OTHER_CONN, ENDED_EXPIRED);
    rig_fini(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bucket),
        cmocka_unit_test(test_bucket_without_burst),
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_messages_read_later),
        cmocka_unit_test(test_pause_rounds_up),
        cmocka_unit_test(test_acks_never_limited),
        cmocka_unit_test(test_paused_and_closed),
        cmocka_unit_test(test_thrown_out_while_paused),
        cmocka_unit_test(test_finds_refused),
        cmocka_unit_test(test_retry_rounds_up),
        cmocka_unit_test(test_find_refused_in_chat),
        cmocka_unit_test(test_resumes_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
