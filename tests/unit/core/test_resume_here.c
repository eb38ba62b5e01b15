/* test_resume_here.c - taking a chat up whose previous place is on this node: its numbers come along. */
#include "resuming.h"

/* --- on the same node --------------------------------------------------------------------------------------------- */

/* The present place of our side is on this node: its numbers come along. */
static session_ref resume_here(struct rig *rig, session_ref old, uint64_t fence) {
    struct claims ours = rig_claims(rig, old);
    session_ref new = rig_open(rig, NEW_CONN);
    rig_resume(rig, new, &ours);
    rig_skip(rig);
    rig_broker(rig, rig_rebound_event(rig_address(rig, new), &ours, fence, chat_peer(rig_session(rig, old)),
                                      rig_address(rig, old)));
    return new;
}

static void test_superseded_here(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref old = rig_open(&rig, CONN);
    rig_match(&rig, old, true, true);
    rig_say(&rig, old, 1, "x");
    rig_skip(&rig);
    uint64_t person = rig_session(&rig, old)->person;
    session_ref new = resume_here(&rig, old, 2);
    expect_closed(&rig, CONN, CLOSE_SUPERSEDED);
    assert_int_equal(expect_peer(&rig, PEER_REBOUND)->fence, 2);
    expect_nothing(&rig); /* no MOVED, no AWAY */
    assert_int_equal(rig_state(&rig, old), SESSION_FREE);
    rig_close(&rig, old, CONN);
    expect_nothing(&rig);
    rig_peer_with(&rig, new, PEER_STATE, state.here, true);
    expect_resumed(&rig, NEW_CONN, false, 0);
    assert_int_equal(rig_session(&rig, new)->person, person);
    rig_say(&rig, new, 3, "x"); /* the numbers are known */
    expect_error(&rig, NEW_CONN, ERROR_BAD_SEQ);
    rig_say(&rig, new, 2, "x");
    assert_int_equal(expect_peer(&rig, PEER_MSG)->msg.seq, 2);
    rig_ack(&rig, new, 1);
    expect_error(&rig, NEW_CONN, ERROR_BAD_SEQ);
    rig_fini(&rig);
}

/* While this node heard nobody, our client may have been elsewhere: then what it said there is not known here. */
static void test_outdated_here(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref old = rig_open(&rig, CONN);
    rig_match(&rig, old, true, true);
    rig_say(&rig, old, 1, "x");
    rig_skip(&rig);
    rig_broker(&rig, {.kind = BROKER_LINK_LOST});
    rig_broker(&rig, {.kind = BROKER_LINK_RESUMED});
    rig_skip(&rig);
    session_ref new = resume_here(&rig, old, 2);
    rig_skip(&rig);
    rig_peer_with(&rig, new, PEER_STATE, state.here, true);
    rig_skip(&rig);
    rig_say(&rig, new, 28, "x"); /* sets the base, far beyond the window of before */
    assert_int_equal(expect_peer(&rig, PEER_MSG)->msg.seq, 28);
    rig_say(&rig, new, 30, "x");
    expect_error(&rig, NEW_CONN, ERROR_BAD_SEQ);
    rig_ack(&rig, new, 7); /* had there */
    assert_int_equal(expect_peer(&rig, PEER_ACK)->ack.seq, 7);

    session_ref third = rig_open(&rig, OTHER_CONN); /* from here on the numbers are known */
    struct claims ours = rig_claims(&rig, new);
    rig_resume(&rig, third, &ours);
    rig_skip(&rig);
    rig_broker(&rig, rig_rebound_event(rig_address(&rig, third), &ours, 3, chat_peer(rig_session(&rig, new)),
                                       rig_address(&rig, new)));
    rig_skip(&rig);
    rig_peer_with(&rig, third, PEER_STATE, state.here, true);
    rig_skip(&rig);
    rig_say(&rig, third, 30, "x");
    expect_error(&rig, OTHER_CONN, ERROR_BAD_SEQ);
    rig_fini(&rig);
}

/* A plain client gets what a reliable stranger says, though it does not follow what was passed on from here before. */
static void test_plain_outdated_here(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref old = rig_open(&rig, CONN);
    rig_match(&rig, old, false, true);
    rig_broker(&rig, {.kind = BROKER_LINK_LOST});
    rig_broker(&rig, {.kind = BROKER_LINK_RESUMED});
    rig_skip(&rig);
    session_ref new = resume_here(&rig, old, 2);
    rig_skip(&rig);
    rig_peer_with(&rig, new, PEER_STATE, state.here, true);
    rig_skip(&rig);
    rig_peer_msg(&rig, new, 30, "x", true);
    (void)expect_told(&rig, NEW_CONN, SERVER_MSG);
    rig_fini(&rig);
}

/* After a resume a refused seq is no longer waited for: the client sends again what it keeps, in order. */
static void test_window_after_resume(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref old = rig_open(&rig, CONN);
    rig_match(&rig, old, true, true);
    for (uint64_t seq = 1; seq <= 5; seq++) {
        rig_skip(&rig);
        rig_say(&rig, old, seq, "x");
    }
    expect_error(&rig, CONN, ERROR_WINDOW_FULL);
    session_ref new = resume_here(&rig, old, 2);
    rig_skip(&rig);
    rig_peer_with(&rig, new, PEER_STATE, state.here, true);
    rig_skip(&rig);
    rig_peer_with(&rig, new, PEER_ACK, ack.seq, 4);
    rig_skip(&rig);
    rig_say(&rig, new, 6, "x");
    expect_error(&rig, NEW_CONN, ERROR_BAD_SEQ);
    rig_fini(&rig);
}

/* The next chat's tags must differ from those of the chat that came along. */
static void test_tags_after_resume(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref old = rig_open(&rig, CONN);
    rig_match(&rig, old, true, true);
    session_ref new = resume_here(&rig, old, 2);
    rig_skip(&rig);
    rig_peer_with(&rig, new, PEER_STATE, state.here, true);
    rig_skip(&rig);
    rig_peer_msg(&rig, new, 1, "x", true);
    uint64_t tag = expect_sent(&rig, NEW_CONN, SERVER_MSG)->send.tag;
    rig_match(&rig, new, true, true);
    rig_peer_msg(&rig, new, 1, "x", true);
    assert_true(expect_sent(&rig, NEW_CONN, SERVER_MSG)->send.tag != tag);
    rig_fini(&rig);
}

/* What was not written to a plain client's old connection comes again; what was, doesn't. */
static void test_plain_resumes_here(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref old = rig_open(&rig, CONN);
    rig_match(&rig, old, false, true);
    uint64_t tags[4];
    for (uint64_t seq = 1; seq <= 3; seq++) {
        rig_peer_msg(&rig, old, seq, "x", true);
        tags[seq] = expect_sent(&rig, CONN, SERVER_MSG)->send.tag;
    }
    rig_written(&rig, old, tags[1]);
    rig_skip(&rig);
    session_ref new = resume_here(&rig, old, 2);
    rig_skip(&rig);
    rig_written(&rig, old, tags[3]); /* of the old connection: it says nothing any more */
    expect_nothing(&rig);
    rig_peer_with(&rig, new, PEER_STATE, state.here, true);
    rig_skip(&rig);
    rig_peer_msg(&rig, new, 1, "x", true);
    assert_int_equal(expect_peer(&rig, PEER_ACK)->ack.seq, 1);
    rig_peer_msg(&rig, new, 2, "x", true);
    (void)expect_told(&rig, NEW_CONN, SERVER_MSG);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* The old place had asked the register, and can't hear the answer any more: the new one asks for itself. */
static void test_looking_after_resume(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref old = rig_open(&rig, CONN);
    rig_match(&rig, old, true, true);
    rig_peer(&rig, old, PEER_GONE);
    (void)expect_request(&rig, BROKER_LOOKUP);
    session_ref new = resume_here(&rig, old, 2);
    rig_skip(&rig);
    rig_peer(&rig, new, PEER_GONE);
    (void)expect_request(&rig, BROKER_LOOKUP);
    rig_fini(&rig);
}

/* The one whom it would rather not meet again is remembered across a resume on the same node. */
static void test_recent_after_resume(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref old = rig_open(&rig, CONN);
    session_remember(rig_session(&rig, old), 77);
    rig_match(&rig, old, true, true);
    session_ref new = resume_here(&rig, old, 2);
    rig_skip(&rig);
    assert_int_equal(rig_session(&rig, new)->recent[0], STRANGER_PERSON);
    assert_int_equal(rig_session(&rig, new)->recent[1], 77);
    rig_fini(&rig);
}

/* The previous place is on this node but sits in another chat, or is the other side's: nothing is taken from it. */
static void test_previous_is_another(void **state) {
    (void)state;
    for (int side = 0; side < 2; side++) {
        struct rig rig;
        rig_init(&rig);
        session_ref old = rig_open(&rig, CONN);
        rig_match(&rig, old, true, true);
        struct claims other = rig_claims(&rig, old);
        if (side == 0)
            other.chat.low++;
        else
            other.side = side_other(other.side);
        session_ref new = rig_open(&rig, NEW_CONN);
        rig_resume(&rig, new, &other);
        rig_skip(&rig);
        rebind_ok(&rig, new, &other, 2, rig_address(&rig, old));
        assert_int_equal(rig_state(&rig, old), SESSION_CHATTING);
        assert_int_equal(rig_state(&rig, new), SESSION_GREETING);
        rig_skip(&rig);
        rig_fini(&rig);
    }
}

/* The register knows a newer place of the stranger than the one that came along. */
static void test_stranger_moved_meanwhile(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref old = rig_open(&rig, CONN);
    rig_match(&rig, old, true, true);
    struct claims ours = rig_claims(&rig, old);
    session_ref new = rig_open(&rig, NEW_CONN);
    rig_resume(&rig, new, &ours);
    rig_skip(&rig);
    struct party moved = rig_stranger_party(true);
    moved.at = ELSEWHERE;
    moved.fence = 7;
    rig_broker(&rig, rig_rebound_event(rig_address(&rig, new), &ours, 2, moved, rig_address(&rig, old)));
    expect_closed(&rig, CONN, CLOSE_SUPERSEDED);
    assert_true(address_equal(expect_peer(&rig, PEER_REBOUND)->to, ELSEWHERE));
    rig_fini(&rig);
}

/* Both sides on one node drop, and resume at the same time: both are there in the end, and neither waits. */
static void test_both_resume_at_once(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref a = rig_open(&rig, CONN), b = rig_open(&rig, OTHER_CONN);
    rig_match_both(&rig, a, true, b, true);
    struct claims of_a = rig_claims(&rig, a), of_b = rig_claims(&rig, b);
    struct party party_b = chat_peer(rig_session(&rig, a));
    struct address old_a = rig_address(&rig, a), old_b = rig_address(&rig, b);
    rig_close(&rig, a, CONN);
    rig_skip(&rig);
    rig_close(&rig, b, OTHER_CONN);
    session_ref a2 = rig_open(&rig, 11), b2 = rig_open(&rig, 12);
    rig_resume(&rig, a2, &of_a);
    rig_skip(&rig);
    rig_resume(&rig, b2, &of_b);
    rig_skip(&rig);
    rig_broker(&rig, rig_rebound_event(rig_address(&rig, a2), &of_a, 2, party_b, old_a));
    expect_resumed(&rig, 11, true, GRACE); /* b's old place has answered: away */
    expect_nothing(&rig);
    struct party party_a = {.at = rig_address(&rig, a2), .person = of_a.person, .fence = 2, .reliable = true};
    rig_broker(&rig, rig_rebound_event(rig_address(&rig, b2), &of_b, 2, party_a, old_b));
    expect_resumed(&rig, 12, false, 0);
    (void)expect_told(&rig, 11, SERVER_BACK);
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), INT64_MAX);
    rig_say(&rig, a2, 1, "x");
    (void)expect_told(&rig, 12, SERVER_MSG);
    rig_say(&rig, b2, 1, "x");
    (void)expect_told(&rig, 11, SERVER_MSG);
    rig_fini(&rig);
}

/* The answer `resumed` is lost: the client resumes once more with the token it has, on a third connection. */
static void test_answer_lost(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref first = rig_open(&rig, CONN);
    rig_match(&rig, first, true, true);
    struct claims token = rig_claims(&rig, first);
    session_ref second = resume_here(&rig, first, 2);
    rig_skip(&rig);
    session_ref third = rig_open(&rig, OTHER_CONN);
    rig_resume(&rig, third, &token);
    rig_skip(&rig);
    rig_broker(&rig, rig_rebound_event(rig_address(&rig, third), &token, 3, rig_stranger_party(true),
                                       rig_address(&rig, second)));
    expect_closed(&rig, NEW_CONN, CLOSE_SUPERSEDED);
    (void)expect_peer(&rig, PEER_REBOUND);
    rig_peer_with(&rig, third, PEER_STATE, state.here, true);
    expect_resumed(&rig, OTHER_CONN, false, 0);
    expect_nothing(&rig);
    assert_int_equal(core_gauges(rig.core).sessions, 1);
    rig_fini(&rig);
}

/* The candidate asked for COMMIT twice, and its node is told of the match once more. The seeker has resumed meanwhile: the
 * word comes to a place that waits for the register, or that nobody is at any more. Nothing ends. */
static void test_match_told_again(void **state) {
    (void)state;
    for (int gone = 0; gone < 2; gone++) {
        struct rig rig;
        session_ref ref = begin(&rig);
        struct address at = rig_address(&rig, ref);
        struct broker_event told = {.kind = BROKER_CONFIRMED, .status = BROKER_OK, .to = at, .chat = claims.chat};
        told.match.peer = rig_stranger_ticket(true);
        told.match.fence = 4;
        told.to.generation += (uint32_t)gone;
        rig_skip(&rig);
        rig_broker(&rig, told);
        expect_nothing(&rig);
        rebind_ok(&rig, ref, &claims, 4, ELSEWHERE);
        (void)expect_peer(&rig, PEER_MOVED);
        (void)expect_peer(&rig, PEER_REBOUND);
        expect_nothing(&rig);
        told.match.fence = FIRST_FENCE; /* but this one has never been taken up */
        told.chat = (struct chat_id){7, 7};
        rig_broker(&rig, told);
        assert_int_equal(expect_request(&rig, BROKER_END)->end.cause, END_LEFT);
        (void)expect_peer(&rig, PEER_ENDED);
        expect_nothing(&rig);
        rig_fini(&rig);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outdated_here),        cmocka_unit_test(test_plain_outdated_here),
        cmocka_unit_test(test_superseded_here),      cmocka_unit_test(test_window_after_resume),
        cmocka_unit_test(test_tags_after_resume),    cmocka_unit_test(test_plain_resumes_here),
        cmocka_unit_test(test_looking_after_resume), cmocka_unit_test(test_recent_after_resume),
        cmocka_unit_test(test_previous_is_another),  cmocka_unit_test(test_stranger_moved_meanwhile),
        cmocka_unit_test(test_both_resume_at_once),  cmocka_unit_test(test_answer_lost),
        cmocka_unit_test(test_match_told_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
