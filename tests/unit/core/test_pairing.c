/* test_pairing.c - searches: the ticket, the line, criteria, and the seeker's way to a match. */
#include "searching.h"

/* --- the ticket --------------------------------------------------------------------------------------------------- */

static void test_what_seek_says(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    struct client_frame frame = rig_find_frame(true, (const char *const[RIG_TOPICS]){"books", "music"});
    memcpy(frame.find.language, "de", 3);
    rig_hear(&rig, ref, frame);
    assert_int_equal(rig_counted(&rig, COUNT_SEARCH), 1);
    const struct broker_request *request = expect_request(&rig, BROKER_SEEK);
    const struct ticket *ticket = &request->seek;
    assert_true(address_equal(request->asker, rig_address(&rig, ref)));
    assert_true(address_equal(ticket->who.at, rig_address(&rig, ref)));
    assert_true(ticket->who.reliable);
    assert_true(ticket->who.person != 0);
    assert_int_equal(ticket->who.person, rig_session(&rig, ref)->person);
    assert_int_equal(ticket->topics.count, 2);
    assert_int_equal(ticket->topics.hash[0], 'b');
    assert_int_equal(ticket->topics.hash[1], 'm');
    assert_string_equal(ticket->language, "de");
    assert_false(ticket->relaxed);
    assert_int_equal(ticket->since_ms, 0);
    assert_true(ticket->chat.high != 0 && ticket->chat.low != 0);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* Two sessions have two persons; two searches, two chats. */
static void test_ids_differ(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref a = rig_open(&rig, CONN), b = rig_open(&rig, OTHER_CONN);
    rig_find(&rig, a, true);
    struct ticket first = expect_request(&rig, BROKER_SEEK)->seek;
    rig_find(&rig, b, false);
    struct ticket second = expect_request(&rig, BROKER_SEEK)->seek;
    assert_false(second.who.reliable);
    assert_true(first.who.person != second.who.person);
    assert_false(address_equal(first.who.at, second.who.at));
    assert_false(chat_id_equal(first.chat, second.chat));
    rig_leave(&rig, a);
    rig_skip(&rig);
    rig_find(&rig, a, true);
    struct ticket third = expect_request(&rig, BROKER_SEEK)->seek;
    assert_int_equal(third.who.person, first.who.person);
    assert_false(chat_id_equal(first.chat, third.chat));
    assert_true(third.attempt != first.attempt);
    rig_fini(&rig);
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

/* After so long SEEK is said again, with the place that SOUGHT named; and `waiting` is not. */
static void expect_sought_again(struct rig *rig, session_ref ref, int64_t after_ms, uint32_t attempt, bool relaxed) {
    rig_wait(rig, after_ms - 1);
    expect_nothing(rig);
    rig_wait(rig, 1);
    const struct ticket *again = &expect_request(rig, BROKER_SEEK)->seek;
    assert_int_equal(again->relaxed, relaxed);
    assert_int_equal(again->attempt, attempt);
    assert_int_equal(again->since_ms, 77);
    rig_sought(rig, ref, BROKER_NONE);
    expect_nothing(rig);
}

static void test_waiting_and_relaxing(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    rig_find(&rig, ref, true);
    uint32_t attempt = expect_request(&rig, BROKER_SEEK)->seek.attempt;
    rig.now_ms += 100;
    rig_sought(&rig, ref, BROKER_NONE);
    (void)expect_told(&rig, CONN, SERVER_WAITING);
    expect_sought_again(&rig, ref, REASSERT_MS, attempt + 1, false);
    expect_sought_again(&rig, ref, (int64_t)rig.options.prefer_ms - REASSERT_MS - 100, attempt + 2,
                        true); /* from the find */
    expect_sought_again(&rig, ref, REASSERT_MS, attempt + 3, true);
    rig_fini(&rig);
}

static void test_find_while_waiting(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = searching(&rig, SESSION_WAITING);
    rig.now_ms += 3000;
    rig_find_topics(&rig, ref, false, "music");
    (void)expect_told(&rig, CONN, SERVER_WAITING);
    const struct ticket *ticket = &expect_request(&rig, BROKER_SEEK)->seek;
    assert_int_equal(ticket->topics.count, 1);
    assert_int_equal(ticket->topics.hash[0], 'm');
    assert_int_equal(ticket->since_ms, 77);
    assert_false(ticket->who.reliable);
    assert_int_equal(rig_counted(&rig, COUNT_SEARCH), 0);
    rig_sought(&rig, ref, BROKER_NONE);
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), 5000); /* the clock went on */
    rig_fini(&rig);
}

/* A `find` while SEEK is on its way: the answer to that one does not count. */
static void test_find_while_seeking(void **state) {
    (void)state;
    for (int found = 0; found < 2; found++) {
        struct rig rig;
        rig_init(&rig);
        session_ref ref = searching(&rig, SESSION_SEEKING);
        struct ticket old = *ticket_of(&rig, ref);
        rig_find_topics(&rig, ref, true, "music");
        (void)expect_told(&rig, CONN, SERVER_WAITING); /* each `find` has its answer */
        (void)expect_told(&rig, CONN, SERVER_WAITING);
        assert_int_equal(expect_request(&rig, BROKER_SEEK)->seek.topics.count, 1);
        rig_broker(&rig, {.kind = BROKER_SOUGHT,
                          .status = found ? BROKER_OK : BROKER_NONE,
                          .to = rig_address(&rig, ref),
                          .chat = old.chat,
                          .sought.attempt = old.attempt});
        if (found)
            assert_true(chat_id_equal(expect_request(&rig, BROKER_ABORT)->chat, old.chat));
        expect_nothing(&rig);
        assert_int_equal(rig_state(&rig, ref), SESSION_SEEKING);
        rig_sought(&rig, ref, BROKER_NONE);
        expect_nothing(&rig); /* it has been told `waiting` */
        assert_int_equal(rig_state(&rig, ref), SESSION_WAITING);
        rig_fini(&rig);
    }
}

/* A `find` while a match is being made under the old criteria: whatever becomes of it, it is not this client's. */
static void test_find_while_matching(void **state) {
    (void)state;
    static const enum session_state moments[] = {SESSION_OFFERING, SESSION_GIVING_UP, SESSION_ACCEPTING};
    for (size_t i = 0; i < 3; i++) {
        struct rig rig;
        rig_init(&rig);
        session_ref ref = searching(&rig, moments[i]);
        struct chat_id chat = moments[i] == SESSION_ACCEPTING ? rig_offer_id() : ticket_of(&rig, ref)->chat;
        rig_find_topics(&rig, ref, true, "music");
        if (moments[i] != SESSION_ACCEPTING) /* who is in the line has been told so; each `find` has its answer */
            (void)expect_told(&rig, CONN, SERVER_WAITING);
        if (moments[i] == SESSION_OFFERING)
            assert_true(chat_id_equal(expect_request(&rig, BROKER_ABORT)->chat, chat));
        (void)expect_told(&rig, CONN, SERVER_WAITING);
        assert_int_equal(expect_request(&rig, BROKER_SEEK)->seek.since_ms, 77);
        rig_outcome(&rig, moments[i] == SESSION_ACCEPTING ? BROKER_COMMITTED : BROKER_CONFIRMED, BROKER_OK, ref, chat,
                    rig_stranger_ticket(true));
        const struct peer_frame *ended = expect_peer(&rig, PEER_ENDED);
        assert_int_equal(ended->ended.how.cause, END_LEFT);
        assert_true(chat_id_equal(expect_request(&rig, BROKER_END)->chat, chat));
        expect_nothing(&rig);
        assert_int_equal(rig_state(&rig, ref), SESSION_SEEKING);
        rig_fini(&rig);
    }
}

/* New criteria while the broker is down are told at once, and not again when the old ones would have been: the second
 * ticket would stay in the line when the first is taken. */
static void test_criteria_while_down(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_broker(&rig, {.kind = BROKER_LINK_LOST});
    session_ref ref = searching(&rig, SESSION_SEEKING);
    rig_sought(&rig, ref, BROKER_DOWN);
    rig_skip(&rig);
    rig_find_topics(&rig, ref, true, "music");
    rig_skip(&rig);
    rig_wait(&rig, BROKER_RETRY_MS);
    expect_nothing(&rig);
    rig_sought(&rig, ref, BROKER_NONE);
    assert_int_equal(rig_state(&rig, ref), SESSION_WAITING);
    rig_fini(&rig);
}

/* SEEK can't have been carried out. */
static void test_broker_down_while_seeking(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_broker(&rig, {.kind = BROKER_LINK_LOST});
    session_ref ref = searching(&rig, SESSION_SEEKING);
    struct ticket ticket = *ticket_of(&rig, ref);
    rig_sought(&rig, ref, BROKER_DOWN);
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), BROKER_RETRY_MS);
    rig_wait(&rig, BROKER_RETRY_MS);
    const struct broker_request *again = expect_request(&rig, BROKER_SEEK);
    assert_true(chat_id_equal(again->seek.chat, ticket.chat));
    assert_int_equal(again->seek.attempt, ticket.attempt);
    assert_false(again->seek.relaxed);
    rig_sought(&rig, ref, BROKER_DOWN);
    rig_wait(&rig, rig.options.prefer_ms);
    assert_true(expect_request(&rig, BROKER_SEEK)->seek.relaxed);
    rig_sought(&rig, ref, BROKER_NONE);
    (void)expect_told(&rig, CONN, SERVER_WAITING);
    rig_fini(&rig);
}

/* SEEK may have been carried out, and whom it found may have committed: nobody seeks again without having read that. */
static void test_seek_that_may_have_found(void **state) {
    (void)state;
    for (int made = 0; made < 2; made++) {
        struct rig rig;
        rig_init(&rig);
        session_ref ref = searching(&rig, SESSION_SEEKING);
        struct ticket ticket = *ticket_of(&rig, ref);
        rig_sought(&rig, ref, BROKER_DOWN);
        expect_nothing(&rig);
        rig_wait(&rig, BROKER_RETRY_MS);
        assert_true(chat_id_equal(expect_request(&rig, BROKER_ABORT)->chat, ticket.chat));
        rig_outcome(&rig, BROKER_ABORTED, made ? BROKER_OK : BROKER_NONE, ref, ticket.chat, rig_stranger_ticket(true));
        if (made) {
            expect_matched(&rig, ref, ticket.chat, SIDE_SEEKER);
            (void)expect_peer(&rig, PEER_SYNC); /* frames may have been lost */
        } else {
            const struct ticket *next = &expect_request(&rig, BROKER_SEEK)->seek;
            assert_false(chat_id_equal(next->chat, ticket.chat));
            assert_int_equal(next->attempt, ticket.attempt + 1);
        }
        expect_nothing(&rig);
        rig_fini(&rig);
    }
}

/* An offer to an earlier ticket of ours is not kept until then: who made it would wait too long. */
static void test_declines_after_such_a_seek(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = searching(&rig, SESSION_SEEKING);
    rig_offered(&rig, ref, true);
    expect_nothing(&rig);
    rig_sought(&rig, ref, BROKER_DOWN);
    assert_true(chat_id_equal(expect_peer(&rig, PEER_DECLINE)->chat, rig_offer_id()));
    rig_offered(&rig, ref, true);
    (void)expect_peer(&rig, PEER_DECLINE);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* --- the seeker --------------------------------------------------------------------------------------------------- */

/* A match at once: no `waiting` before it. */
static void test_seeker_matched_at_once(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    rig_find_topics(&rig, ref, true, "Cats", "Dogs", "Elk");
    rig_skip(&rig);
    rig_sought(&rig, ref, BROKER_OK);
    expect_nothing(&rig);
    rig.now_ms += 30;
    struct ticket other = rig_stranger_ticket(true);
    other.topics = (struct topics){.hash = {'x', 'E', 'C'}, .count = 3};
    struct chat_id chat = ticket_of(&rig, ref)->chat;
    rig_outcome(&rig, BROKER_CONFIRMED, BROKER_OK, ref, chat, other);
    expect_matched(&rig, ref, chat, SIDE_SEEKER);
    const struct server_frame *frame = &rig.actions[0].send.frame;
    assert_int_equal(frame->matched.topic_count, 2);
    assert_memory_equal(frame->matched.topics[0].at, "Cats", 4); /* in this client's order and writing */
    assert_memory_equal(frame->matched.topics[1].at, "Elk", 3);
    for (size_t i = 0; i < rig.count; i++)
        if (rig.actions[i].kind == ACTION_COUNT)
            assert_int_equal(rig.actions[i].count.value_ms, 30);
    rig_outcome(&rig, BROKER_CONFIRMED, BROKER_OK, ref, chat, other); /* again: nothing */
    rig_outcome(&rig, BROKER_ABORTED, BROKER_OK, ref, chat, other);
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_CHATTING);
    rig_fini(&rig);
}

static void test_seeker_declined(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = searching(&rig, SESSION_OFFERING);
    struct ticket before = *ticket_of(&rig, ref);
    struct peer_frame decline = {
        .kind = PEER_DECLINE, .to = rig_address(&rig, ref), .from = STRANGER, .chat = {1, 2}, .side = SIDE_CANDIDATE};
    rig_carry(&rig, decline); /* of another offer */
    expect_nothing(&rig);
    decline.chat = before.chat;
    rig_carry(&rig, decline);
    const struct ticket *after = &expect_request(&rig, BROKER_SEEK)->seek;
    assert_int_equal(after->since_ms, 77);
    assert_int_equal(after->attempt, before.attempt + 1);
    assert_false(chat_id_equal(after->chat, before.chat));
    rig_carry(&rig, decline); /* too late */
    expect_nothing(&rig);
    rig_sought(&rig, ref, BROKER_NONE);
    (void)expect_told(&rig, CONN, SERVER_WAITING);
    rig_fini(&rig);
}

static void test_seeker_gives_up(void **state) {
    (void)state;
    for (int made = 0; made < 2; made++) {
        struct rig rig;
        rig_init(&rig);
        session_ref ref = searching(&rig, SESSION_OFFERING);
        struct chat_id chat = ticket_of(&rig, ref)->chat;
        assert_int_equal(rig_due_ms(&rig), OFFER_TIMEOUT_MS);
        rig_wait(&rig, OFFER_TIMEOUT_MS);
        const struct broker_request *abort = expect_request(&rig, BROKER_ABORT);
        assert_true(chat_id_equal(abort->chat, chat));
        assert_true(address_equal(abort->asker, rig_address(&rig, ref)));
        rig_outcome(&rig, BROKER_ABORTED, BROKER_DOWN, ref, chat, rig_stranger_ticket(true));
        assert_int_equal(rig_due_ms(&rig), BROKER_RETRY_MS);
        rig_wait(&rig, BROKER_RETRY_MS);
        (void)expect_request(&rig, BROKER_ABORT);
        rig_outcome(&rig, BROKER_ABORTED, made ? BROKER_OK : BROKER_NONE, ref, chat, rig_stranger_ticket(true));
        if (made) {
            expect_matched(&rig, ref, chat, SIDE_SEEKER);
            (void)expect_peer(&rig, PEER_SYNC); /* frames may have been lost */
        } else {
            assert_int_equal(expect_request(&rig, BROKER_SEEK)->seek.since_ms, 77);
        }
        expect_nothing(&rig);
        rig_fini(&rig);
    }
}

/* --- next, and whom one has met ----------------------------------------------------------------------------------- */

static void test_next(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    struct chat_id chat = rig_match(&rig, ref, true, true);
    rig_find(&rig, ref, false);
    expect_ended(&rig, CONN, ENDED_YOU_LEFT);
    assert_true(chat_id_equal(expect_request(&rig, BROKER_END)->chat, chat));
    assert_int_equal(expect_peer(&rig, PEER_ENDED)->ended.how.cause, END_LEFT);
    const struct ticket *ticket = &expect_request(&rig, BROKER_SEEK)->seek;
    assert_int_equal(ticket->recent[0], STRANGER_PERSON);
    assert_int_equal(ticket->since_ms, 0); /* a new place in the line */
    assert_false(ticket->who.reliable);
    rig_sought(&rig, ref, BROKER_NONE);
    (void)expect_told(&rig, CONN, SERVER_WAITING);
    rig_fini(&rig);
}

static void test_recent_strangers(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    struct session *session = rig_session(&rig, ref);
    for (uint64_t person = 1; person <= 7; person++)
        session_remember(session, person);
    session_remember(session, 5); /* met again: it moves to the front, and nobody is forgotten for it */
    static const uint64_t expected[RECENT_STRANGERS] = {5, 7, 6, 4, 3};
    assert_memory_equal(session->recent, expected, sizeof expected);
    rig_find(&rig, ref, true);
    assert_memory_equal(expect_request(&rig, BROKER_SEEK)->seek.recent, expected, sizeof expected);
    rig_fini(&rig);
}

static void test_two_in_one_core(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref a = rig_open(&rig, CONN), b = rig_open(&rig, OTHER_CONN);
    struct chat_id chat = rig_match_both(&rig, a, true, b, false);
    assert_true(chat_id_equal(rig_session(&rig, a)->chat->id, chat));
    assert_true(chat_id_equal(rig_session(&rig, b)->chat->id, chat));
    assert_int_equal(rig_session(&rig, a)->chat->side, SIDE_SEEKER);
    assert_int_equal(rig_session(&rig, b)->chat->side, SIDE_CANDIDATE);
    struct core_gauges gauges = core_gauges(rig.core);
    assert_int_equal(gauges.sessions, 2);
    assert_int_equal(gauges.chatting, 2);
    assert_int_equal(gauges.waiting, 0);
    rig_leave(&rig, b);
    expect_ended(&rig, OTHER_CONN, ENDED_YOU_LEFT);
    expect_ended(&rig, CONN, ENDED_LEFT);
    (void)expect_request(&rig, BROKER_END);
    expect_nothing(&rig); /* no frame leaves the node */
    rig_fini(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_seek_says),           cmocka_unit_test(test_ids_differ),
        cmocka_unit_test(test_waiting_and_relaxing),     cmocka_unit_test(test_find_while_waiting),
        cmocka_unit_test(test_find_while_seeking),       cmocka_unit_test(test_find_while_matching),
        cmocka_unit_test(test_criteria_while_down),      cmocka_unit_test(test_broker_down_while_seeking),
        cmocka_unit_test(test_seek_that_may_have_found), cmocka_unit_test(test_declines_after_such_a_seek),
        cmocka_unit_test(test_seeker_matched_at_once),   cmocka_unit_test(test_seeker_declined),
        cmocka_unit_test(test_seeker_gives_up),          cmocka_unit_test(test_next),
        cmocka_unit_test(test_recent_strangers),         cmocka_unit_test(test_two_in_one_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
