/* test_plain.c - clients that neither number nor acknowledge: the node does it for them. */
#include "delivering.h"

/* --- plain clients ------------------------------------------------------------------------------------------------ */

static void test_plain_sender(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, false, true);
    for (uint64_t seq = 1; seq <= 4; seq++) {
        rig_say(&rig, ref, seq == 3 ? 77 : 0, "x"); /* its own numbers don't count */
        const struct peer_frame *frame = expect_peer(&rig, PEER_MSG);
        assert_int_equal(frame->msg.seq, seq);
        assert_false(frame->msg.reliable);
    }
    rig_say(&rig, ref, 0, "x");
    expect_refused(&rig, ERROR_WINDOW_FULL, 5);
    rig_peer_with(&rig, ref, PEER_ACK, ack.seq, 1);
    expect_nothing(&rig); /* it hears of no ack */
    rig_say(&rig, ref, 0, "x");
    expect_passed_on(&rig, 5);
    rig_ack(&rig, ref, 3); /* and says none */
    expect_nothing(&rig);
    rig_fini(&rig);
}

static void test_plain_receiver(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, false, true);
    rig_peer_msg(&rig, ref, 1, "x", true);
    const struct action *action = expect_sent(&rig, CONN, SERVER_MSG);
    assert_true(action->send.report);
    assert_int_equal(action->session, ref);
    uint64_t tag = action->send.tag;
    rig_peer_msg(&rig, ref, 3, "x", true); /* a gap: the stranger fills it */
    expect_nothing(&rig);
    rig_peer_msg(&rig, ref, 1, "x", true); /* not written yet: no repeat, and nothing new to acknowledge */
    expect_ack_passed_on(&rig, 0);
    rig_written(&rig, ref, tag);
    expect_ack_passed_on(&rig, 1);
    rig_peer_msg(&rig, ref, 1, "x", true); /* the ack was lost */
    expect_ack_passed_on(&rig, 1);
    rig_peer_msg(&rig, ref, 2, "x", true);
    (void)expect_told(&rig, CONN, SERVER_MSG);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* From a plain stranger each message is shown as it comes, and acknowledged here once it is written. */
static void test_from_plain_stranger(void **state) {
    (void)state;
    for (int reliable = 0; reliable < 2; reliable++) {
        struct rig rig;
        session_ref ref = start(&rig, reliable, false);
        rig_peer_msg(&rig, ref, 5, "x", false);
        const struct action *action = expect_sent(&rig, CONN, SERVER_MSG);
        assert_true(action->send.report);
        uint64_t fifth = action->send.tag;
        rig_peer_msg(&rig, ref, 1, "x", false); /* a plain client's numbers may restart */
        uint64_t restarted = expect_sent(&rig, CONN, SERVER_MSG)->send.tag;
        rig_written(&rig, ref, fifth);
        expect_ack_passed_on(&rig, 5);
        rig_written(&rig, ref, restarted);
        expect_ack_passed_on(&rig, 1);
        assert_int_equal(rig_session(&rig, ref)->chat->out_acked, 5);
        expect_nothing(&rig);
        rig_fini(&rig);
    }
}

static void test_written_too_late(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, false, true);
    rig_peer_msg(&rig, ref, 1, "x", true);
    uint64_t tag = expect_sent(&rig, CONN, SERVER_MSG)->send.tag;
    rig_match(&rig, ref, false, true);
    rig_written(&rig, ref, tag); /* of the chat before */
    expect_nothing(&rig);
    rig_leave(&rig, ref);
    rig_skip(&rig);
    rig_written(&rig, ref, tag);
    rig_close(&rig, ref, CONN);
    rig_written(&rig, ref, tag);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* What a plain client says while the stranger is away is lost; it must not fill the window for ever. */
static void test_plain_window_after_back(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, false, true);
    rig_peer_with(&rig, ref, PEER_AWAY, away.grace_ms, 60000);
    rig_skip(&rig);
    for (int i = 0; i < 5; i++) {
        rig_say(&rig, ref, 0, "x");
        rig_skip(&rig);
    }
    rig_say(&rig, ref, 0, "x");
    expect_refused(&rig, ERROR_WINDOW_FULL, 5);
    rig_peer(&rig, ref, PEER_REBOUND);
    (void)expect_told(&rig, CONN, SERVER_BACK);
    (void)expect_peer(&rig, PEER_STATE);
    rig_say(&rig, ref, 0, "x");
    expect_passed_on(&rig, 5);
    rig_fini(&rig);
}

static void test_plain_after_take_over(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start_taken_over(&rig, false, true);
    rig_say(&rig, ref, 0, "x"); /* its numbers restart */
    expect_passed_on(&rig, 1);
    rig_peer_msg(&rig, ref, 12, "x", true); /* the stranger's unacknowledged begin here */
    (void)expect_told(&rig, CONN, SERVER_MSG);
    rig_peer_msg(&rig, ref, 14, "x", true); /* 13 may have been acknowledged by the other node: it would never come */
    (void)expect_told(&rig, CONN, SERVER_MSG);
    rig_peer_msg(&rig, ref, 14, "x", true); /* still no repeats */
    expect_ack_passed_on(&rig, 0);
    rig_peer_msg(&rig, ref, 13, "x", true); /* and no going back */
    expect_ack_passed_on(&rig, 0);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* --- two on one node ---------------------------------------------------------------------------------------------- */

static void test_within_one_core(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref a = rig_open(&rig, CONN), b = rig_open(&rig, OTHER_CONN);
    rig_match_both(&rig, a, true, b, false);
    rig_say(&rig, a, 1, "hi");
    const struct action *action = expect_sent(&rig, OTHER_CONN, SERVER_MSG);
    assert_int_equal(action->send.frame.msg.seq, 1);
    uint64_t tag = action->send.tag;
    expect_nothing(&rig);
    rig_written(&rig, b, tag);
    assert_int_equal(expect_told(&rig, CONN, SERVER_ACK)->ack.seq, 1);
    rig_say(&rig, b, 0, "hi yourself");
    action = expect_sent(&rig, CONN, SERVER_MSG);
    assert_true(action->send.report);
    expect_nothing(&rig);
    rig_fini(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_sender),
        cmocka_unit_test(test_plain_receiver),
        cmocka_unit_test(test_from_plain_stranger),
        cmocka_unit_test(test_written_too_late),
        cmocka_unit_test(test_plain_window_after_back),
        cmocka_unit_test(test_plain_after_take_over),
        cmocka_unit_test(test_within_one_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
