/* test_delivery.c - numbers, windows and acknowledgements of reliable clients. */
#include "delivering.h"

/* --- from our client: seq and window ------------------------------------------------------------------------------ */

static void test_message_passed_on(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, true, true);
    rig_say(&rig, ref, 1, "hello");
    const struct peer_frame *frame = expect_peer(&rig, PEER_MSG);
    assert_true(address_equal(frame->to, STRANGER));
    assert_true(address_equal(frame->from, rig_address(&rig, ref)));
    assert_true(chat_id_equal(frame->chat, rig_session(&rig, ref)->chat->id));
    assert_int_equal(frame->side, SIDE_SEEKER);
    assert_int_equal(frame->fence, 1);
    assert_int_equal(frame->msg.seq, 1);
    assert_true(frame->msg.reliable);
    assert_int_equal(frame->msg.body.length, 5);
    assert_memory_equal(frame->msg.body.at, "hello", 5);
    assert_int_equal(rig_counted(&rig, COUNT_MESSAGE), 1);
    expect_nothing(&rig);
    rig_say(&rig, ref, 1, "hello"); /* again: passed on again */
    assert_int_equal(rig_counted(&rig, COUNT_RETRANSMIT), 1);
    assert_int_equal(rig_counted(&rig, COUNT_MESSAGE), 0);
    expect_passed_on(&rig, 1);
    rig_say(&rig, ref, 2, "you");
    expect_passed_on(&rig, 2);
    rig_fini(&rig);
}

static void test_message_refused(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, true, true);
    rig_say(&rig, ref, 0, "no number");
    const struct server_frame *error = expect_told(&rig, CONN, SERVER_ERROR);
    assert_int_equal(error->error.code, ERROR_BAD_FIELD);
    assert_non_null(strstr(error->error.detail, "seq"));
    rig_say(&rig, ref, 1, "123456789012345678901"); /* max_body and one more */
    expect_refused(&rig, ERROR_TOO_LONG, 1);
    rig_say(&rig, ref, 9, "123456789012345678901"); /* too long comes before the window */
    expect_refused(&rig, ERROR_TOO_LONG, 9);
    rig_say(&rig, ref, 2, "a gap");
    expect_refused(&rig, ERROR_BAD_SEQ, 2);
    rig_say(&rig, ref, 1, "12345678901234567890"); /* none of those took the seq */
    expect_passed_on(&rig, 1);
    rig_fini(&rig);
}

static void test_window(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, true, true);
    for (uint64_t seq = 1; seq <= 4; seq++) {
        rig_say(&rig, ref, seq, "x");
        expect_passed_on(&rig, seq);
    }
    rig_say(&rig, ref, 5, "x");
    expect_refused(&rig, ERROR_WINDOW_FULL, 5);
    rig_peer_with(&rig, ref, PEER_ACK, ack.seq, 2);
    rig_skip(&rig);
    rig_say(&rig, ref, 6, "x"); /* inside the window now, but 5 has not come again */
    expect_refused(&rig, ERROR_WINDOW_FULL, 6);
    rig_say(&rig, ref, 4, "x"); /* a retransmission always goes */
    expect_passed_on(&rig, 4);
    rig_say(&rig, ref, 5, "x");
    expect_passed_on(&rig, 5);
    rig_say(&rig, ref, 6, "x");
    expect_passed_on(&rig, 6);
    rig_say(&rig, ref, 7, "x");
    expect_refused(&rig, ERROR_WINDOW_FULL, 7);
    rig_fini(&rig);
}

/* The window is checked before the gap, and the lowest refused seq is the one that must come again. */
static void test_window_before_gap(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, true, true);
    rig_say(&rig, ref, 100, "x");
    expect_refused(&rig, ERROR_WINDOW_FULL, 100);
    rig_say(&rig, ref, 1, "x");
    expect_passed_on(&rig, 1);
    rig_say(&rig, ref, 3, "x"); /* below 100, in the window: a gap */
    expect_refused(&rig, ERROR_BAD_SEQ, 3);
    rig_say(&rig, ref, 5, "x"); /* beyond the window: 5 is the refused one now */
    expect_refused(&rig, ERROR_WINDOW_FULL, 5);
    rig_say(&rig, ref, 2, "x");
    expect_passed_on(&rig, 2);
    rig_peer_with(&rig, ref, PEER_ACK, ack.seq, 2);
    rig_skip(&rig);
    rig_say(&rig, ref, 6, "x");                 /* inside the window now, and a gap */
    expect_refused(&rig, ERROR_WINDOW_FULL, 6); /* never bad_seq until 5 has come */
    for (uint64_t seq = 3; seq <= 5; seq++) {
        rig_say(&rig, ref, seq, "x");
        expect_passed_on(&rig, seq);
    }
    rig_peer_with(&rig, ref, PEER_ACK, ack.seq, 5);
    rig_skip(&rig);
    rig_say(&rig, ref, 7, "x");
    expect_refused(&rig, ERROR_BAD_SEQ, 7);
    rig_fini(&rig);
}

static void test_greatest_seq(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start_taken_over(&rig, true, true);
    rig_say(&rig, ref, MAX_SEQ, "x");
    expect_passed_on(&rig, MAX_SEQ);
    rig_peer_msg(&rig, ref, MAX_SEQ, "x", true);
    uint64_t greatest = expect_sent(&rig, CONN, SERVER_MSG)->send.tag;
    rig_peer_with(&rig, ref, PEER_ACK, ack.seq, MAX_SEQ);
    uint64_t acks = expect_sent(&rig, CONN, SERVER_ACK)->send.tag;
    assert_int_equal(greatest - acks, MAX_SEQ);
    rig_fini(&rig);
}

/* --- acknowledgements --------------------------------------------------------------------------------------------- */

static void test_acks_from_our_client(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, true, true);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        rig_peer_msg(&rig, ref, seq, "x", true);
        rig_skip(&rig);
    }
    rig_peer_msg(&rig, ref, 1, "x", true); /* again: 3 has been passed on all the same */
    rig_skip(&rig);
    rig_ack(&rig, ref, 0);
    expect_ack_passed_on(&rig, 0);
    rig_ack(&rig, ref, 2);
    const struct peer_frame *frame = expect_peer(&rig, PEER_ACK);
    assert_int_equal(frame->ack.seq, 2);
    assert_true(address_equal(frame->to, STRANGER));
    rig_ack(&rig, ref, 1); /* lower than before */
    expect_nothing(&rig);
    rig_ack(&rig, ref, 2); /* the same: the first may have been lost */
    expect_ack_passed_on(&rig, 2);
    rig_ack(&rig, ref, 4);
    expect_refused(&rig, ERROR_BAD_SEQ, 0);
    rig_ack(&rig, ref, 3);
    expect_ack_passed_on(&rig, 3);
    expect_nothing(&rig);
    rig_fini(&rig);
}

static void test_acks_from_the_stranger(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, true, true);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        rig_say(&rig, ref, seq, "x");
        rig_skip(&rig);
    }
    rig_peer_with(&rig, ref, PEER_ACK, ack.seq, 2);
    const struct action *action = expect_sent(&rig, CONN, SERVER_ACK);
    assert_int_equal(action->send.frame.ack.seq, 2);
    assert_int_equal(action->send.rule, TAG_REPLACE);
    assert_true(action->send.tag != 0);
    rig_peer_with(&rig, ref, PEER_ACK, ack.seq, 1);
    expect_nothing(&rig);
    rig_peer_with(&rig, ref, PEER_ACK, ack.seq, 4); /* of something that was never said */
    expect_nothing(&rig);
    rig_peer_with(&rig, ref, PEER_ACK, ack.seq, 2);
    assert_int_equal(expect_told(&rig, CONN, SERVER_ACK)->ack.seq, 2);
    rig_peer_with(&rig, ref, PEER_ACK, ack.seq, 3);
    assert_int_equal(expect_told(&rig, CONN, SERVER_ACK)->ack.seq, 3);
    rig_fini(&rig);
}

/* --- to our client ------------------------------------------------------------------------------------------------ */

static void test_message_told(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, true, true);
    rig_peer_msg(&rig, ref, 1, "hi", true);
    const struct action *action = expect_sent(&rig, CONN, SERVER_MSG);
    assert_int_equal(action->send.frame.msg.seq, 1);
    assert_memory_equal(action->send.frame.msg.body.at, "hi", 2);
    assert_int_equal(action->send.rule, TAG_KEEP);
    assert_false(action->send.report); /* it acknowledges by itself */
    uint64_t first = action->send.tag;
    rig_peer_msg(&rig, ref, 1, "hi", true); /* again: the transport drops it if the first is queued still */
    assert_int_equal(expect_sent(&rig, CONN, SERVER_MSG)->send.tag, first);
    rig_peer_msg(&rig, ref, 2, "hi", true);
    assert_true(expect_sent(&rig, CONN, SERVER_MSG)->send.tag != first);
    expect_nothing(&rig);
    rig_match(&rig, ref, true, true); /* the next chat's tags are others */
    rig_peer_msg(&rig, ref, 1, "hi", true);
    assert_true(expect_sent(&rig, CONN, SERVER_MSG)->send.tag != first);
    rig_fini(&rig);
}

static void test_typing(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig, true, true);
    rig_type(&rig, ref, true);
    assert_true(expect_peer(&rig, PEER_TYPING)->typing.on);
    rig_type(&rig, ref, false);
    assert_false(expect_peer(&rig, PEER_TYPING)->typing.on);
    rig_peer_with(&rig, ref, PEER_TYPING, typing.on, true);
    const struct action *action = expect_sent(&rig, CONN, SERVER_TYPING);
    assert_true(action->send.frame.typing.on);
    assert_int_equal(action->send.rule, TAG_FRESH); /* never stored */
    expect_nothing(&rig);
    rig_fini(&rig);
}

static void test_sync(void **state) {
    (void)state;
    for (int reliable = 0; reliable < 2; reliable++) {
        struct rig rig;
        session_ref ref = start(&rig, reliable, true);
        rig_peer_with(&rig, ref, PEER_SYNC, state.here, true);
        if (reliable)
            (void)expect_told(&rig, CONN, SERVER_SYNC);
        assert_true(expect_peer(&rig, PEER_STATE)->state.here);
        expect_nothing(&rig);
        rig_fini(&rig);
    }
}

/* --- a chat that was taken over from another node ----------------------------------------------------------------- */

static void test_base_after_take_over(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start_taken_over(&rig, true, true);
    rig_say(&rig, ref, 41, "x"); /* sets the base */
    expect_passed_on(&rig, 41);
    rig_say(&rig, ref, 43, "x");
    expect_refused(&rig, ERROR_BAD_SEQ, 43);
    for (uint64_t seq = 42; seq <= 44; seq++) {
        rig_say(&rig, ref, seq, "x");
        expect_passed_on(&rig, seq);
    }
    rig_say(&rig, ref, 45, "x"); /* 40 counts as acknowledged */
    expect_refused(&rig, ERROR_WINDOW_FULL, 45);
    rig_say(&rig, ref, 7, "x"); /* below the base: a retransmission */
    assert_int_equal(rig_counted(&rig, COUNT_RETRANSMIT), 1);
    expect_passed_on(&rig, 7);
    rig_fini(&rig);
}

/* An ack of what was said before the take-over comes before the base is set. */
static void test_ack_before_base(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start_taken_over(&rig, true, true);
    rig_peer_with(&rig, ref, PEER_ACK, ack.seq, 43);
    assert_int_equal(expect_told(&rig, CONN, SERVER_ACK)->ack.seq, 43);
    rig_say(&rig, ref, 42, "x"); /* it had been sent already; 43 stays acknowledged */
    expect_passed_on(&rig, 42);
    for (uint64_t seq = 43; seq <= 47; seq++) {
        rig_say(&rig, ref, seq, "x");
        expect_passed_on(&rig, seq);
    }
    rig_say(&rig, ref, 48, "x");
    expect_refused(&rig, ERROR_WINDOW_FULL, 48);
    rig_fini(&rig);
}

/* … or after it: what lies between the base and the ack was said on the other node, and need not be said again. */
static void test_ack_above_base(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start_taken_over(&rig, true, true);
    rig_say(&rig, ref, 42, "x");
    expect_passed_on(&rig, 42);
    rig_peer_with(&rig, ref, PEER_ACK, ack.seq, 45);
    assert_int_equal(expect_told(&rig, CONN, SERVER_ACK)->ack.seq, 45);
    rig_say(&rig, ref, 47, "x");
    expect_refused(&rig, ERROR_BAD_SEQ, 47);
    for (uint64_t seq = 46; seq <= 49; seq++) {
        rig_say(&rig, ref, seq, "x");
        expect_passed_on(&rig, seq);
    }
    rig_say(&rig, ref, 50, "x");
    expect_refused(&rig, ERROR_WINDOW_FULL, 50);
    rig_fini(&rig);
}

/* What was passed on is not known here: the ack is checked at the other side's node. */
static void test_acks_after_take_over(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start_taken_over(&rig, true, true);
    rig_ack(&rig, ref, 50);
    expect_ack_passed_on(&rig, 50);
    rig_ack(&rig, ref, 49);
    expect_nothing(&rig);
    rig_ack(&rig, ref, 60);
    expect_ack_passed_on(&rig, 60);
    rig_fini(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_passed_on),
        cmocka_unit_test(test_message_refused),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_window_before_gap),
        cmocka_unit_test(test_greatest_seq),
        cmocka_unit_test(test_acks_from_our_client),
        cmocka_unit_test(test_acks_from_the_stranger),
        cmocka_unit_test(test_message_told),
        cmocka_unit_test(test_typing),
        cmocka_unit_test(test_sync),
        cmocka_unit_test(test_base_after_take_over),
        cmocka_unit_test(test_ack_before_base),
        cmocka_unit_test(test_ack_above_base),
        cmocka_unit_test(test_acks_after_take_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
