/* test_errors.c - protocol errors: which count, how long, and what goes with whoever makes too many. */
#include "rig.h"

enum { CONN = 1 };

static session_ref start(struct rig *rig) {
    rig_init(rig);
    session_ref ref = rig_open(rig, CONN);
    rig_match(rig, ref, true, true);
    return ref;
}

/* --- protocol errors ---------------------------------------------------------------------------------------------- */

static void make_errors(struct rig *rig, session_ref ref, int count, int64_t apart_ms) {
    for (int i = 0; i < count; i++) {
        rig_fault(rig, ref, i % 2 == 0 ? ERROR_BAD_JSON : ERROR_BAD_TYPE);
        (void)expect_told(rig, CONN, SERVER_ERROR);
        expect_nothing(rig);
        rig->now_ms += apart_ms;
    }
}

static void test_tenth_error(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    make_errors(&rig, ref, 9, 6000);
    rig.now_ms += 5999; /* 59,999 ms after the first */
    rig_fault(&rig, ref, ERROR_BAD_FIELD);
    expect_error(&rig, CONN, ERROR_BAD_FIELD);
    expect_closed(&rig, CONN, CLOSE_ERRORS);
    assert_int_equal(expect_request(&rig, BROKER_END)->end.cause, END_LEFT);
    assert_int_equal(expect_peer(&rig, PEER_ENDED)->ended.how.side, SIDE_SEEKER); /* to the stranger it is a `left` */
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_FREE);
    rig_close(&rig, ref, CONN);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* Ten errors in a minute, whichever minute: the window slides. */
static void test_errors_slide(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    make_errors(&rig, ref, 1, 30000);
    make_errors(&rig, ref, 8, 0);
    rig.now_ms += 30000;
    make_errors(&rig, ref, 1, 0);         /* the tenth, but the first is a minute old */
    rig_fault(&rig, ref, ERROR_BAD_JSON); /* the tenth of the last half minute */
    (void)expect_told(&rig, CONN, SERVER_ERROR);
    expect_closed(&rig, CONN, CLOSE_ERRORS);
    rig_skip(&rig);
    rig_fini(&rig);
}

/* Which codes count: those of PROTOCOL.md, "Transport". */
static void test_errors_that_count(void **state) {
    (void)state;
    static const bool counted[ERROR_CODES] = {[ERROR_BAD_JSON] = true,
                                              [ERROR_BAD_TYPE] = true,
                                              [ERROR_BAD_FIELD] = true,
                                              [ERROR_BAD_SEQ] = true,
                                              [ERROR_TOO_LONG] = true};
    for (int code = 0; code < ERROR_CODES; code++) {
        struct rig rig;
        session_ref ref = start(&rig);
        for (int i = 0; i < ERRORS_ALLOWED && rig_session(&rig, ref) != NULL; i++) {
            rig_skip(&rig);
            rig_fault(&rig, ref, (enum error_code)code);
        }
        assert_int_equal(rig_state(&rig, ref) == SESSION_FREE, counted[code]);
        rig_fini(&rig);
    }
}

/* Errors that core finds by itself count like those of the codec. */
static void test_own_errors_count(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    make_errors(&rig, ref, 6, 0);
    rig_say(&rig, ref, 3, "x");
    expect_error(&rig, CONN, ERROR_BAD_SEQ);
    rig_say(&rig, ref, 3, "123456789012345678901");
    expect_error(&rig, CONN, ERROR_TOO_LONG);
    rig_ack(&rig, ref, 5);
    expect_error(&rig, CONN, ERROR_BAD_SEQ);
    rig_resume(&rig, ref, NULL);
    expect_error(&rig, CONN, ERROR_BAD_FIELD);
    expect_closed(&rig, CONN, CLOSE_ERRORS);
    rig_skip(&rig);
    rig_fini(&rig);
}

/* A session that is thrown out takes its search along. */
static void test_thrown_out_while_searching(void **state) {
    (void)state;
    for (int found = 0; found < 2; found++) {
        struct rig rig;
        rig_init(&rig);
        session_ref ref = rig_open(&rig, CONN);
        make_errors(&rig, ref, 9, 0);
        rig_find(&rig, ref, true);
        rig_skip(&rig);
        rig_sought(&rig, ref, found ? BROKER_OK : BROKER_NONE);
        rig_skip(&rig);
        rig_fault(&rig, ref, ERROR_BAD_JSON);
        (void)expect_told(&rig, CONN, SERVER_ERROR);
        expect_closed(&rig, CONN, CLOSE_ERRORS);
        (void)expect_request(&rig, found ? BROKER_ABORT : BROKER_WITHDRAW);
        expect_nothing(&rig);
        assert_int_equal(core_gauges(rig.core).sessions, 0);
        rig_fini(&rig);
    }
}

static void test_thrown_out_while_idle(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    make_errors(&rig, ref, 9, 0);
    rig_fault(&rig, ref, ERROR_BAD_JSON);
    (void)expect_told(&rig, CONN, SERVER_ERROR);
    expect_closed(&rig, CONN, CLOSE_ERRORS);
    expect_nothing(&rig);
    assert_int_equal(core_gauges(rig.core).sessions, 0);
    rig_fini(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tenth_error),
        cmocka_unit_test(test_errors_slide),
        cmocka_unit_test(test_errors_that_count),
        cmocka_unit_test(test_own_errors_count),
        cmocka_unit_test(test_thrown_out_while_searching),
        cmocka_unit_test(test_thrown_out_while_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
