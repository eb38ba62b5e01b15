/* test_offers.c - offers taken, held and declined; leaving in mid-match; frames that overtake the word of a match. */
#include "searching.h"

/* --- the candidate ------------------------------------------------------------------------------------------------ */

static void test_candidate_accepts(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = searching(&rig, SESSION_WAITING);
    rig_offered(&rig, ref, true);
    const struct broker_request *commit = expect_request(&rig, BROKER_COMMIT);
    assert_true(chat_id_equal(commit->chat, rig_offer_id()));
    assert_true(address_equal(commit->asker, rig_address(&rig, ref)));
    assert_true(address_equal(commit->commit.seeker.who.at, STRANGER));
    assert_true(address_equal(commit->commit.candidate.who.at, rig_address(&rig, ref)));
    expect_nothing(&rig); /* nobody hears `matched` before both sides have agreed */
    rig_outcome(&rig, BROKER_COMMITTED, BROKER_OK, ref, rig_offer_id(), rig_stranger_ticket(true));
    expect_matched(&rig, ref, rig_offer_id(), SIDE_CANDIDATE);
    rig_outcome(&rig, BROKER_COMMITTED, BROKER_OK, ref, rig_offer_id(), rig_stranger_ticket(true)); /* again */
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_CHATTING);
    rig_fini(&rig);
}

static void test_candidate_too_late(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = searching(&rig, SESSION_ACCEPTING);
    rig_outcome(&rig, BROKER_COMMITTED, BROKER_DOWN, ref, rig_offer_id(), rig_stranger_ticket(true));
    assert_int_equal(rig_due_ms(&rig), BROKER_RETRY_MS);
    rig_wait(&rig, BROKER_RETRY_MS);
    assert_true(chat_id_equal(expect_request(&rig, BROKER_COMMIT)->chat, rig_offer_id()));
    rig_outcome(&rig, BROKER_COMMITTED, BROKER_NONE, ref, ((struct chat_id){1, 2}), rig_stranger_ticket(true));
    expect_nothing(&rig); /* of another match */
    rig_outcome(&rig, BROKER_COMMITTED, BROKER_NONE, ref, rig_offer_id(), rig_stranger_ticket(true));
    assert_int_equal(expect_request(&rig, BROKER_SEEK)->seek.since_ms, 77);
    rig_fini(&rig);
}

static void offer(struct rig *rig, session_ref ref, struct chat_id chat, uint32_t attempt) {
    rig_broker(rig, {.kind = BROKER_OFFERED,
                     .to = rig_address(rig, ref),
                     .chat = chat,
                     .offered = {.attempt = attempt, .seeker = rig_stranger_ticket(true)}});
}

static void expect_declined(struct rig *rig, struct chat_id chat) {
    const struct peer_frame *frame = expect_peer(rig, PEER_DECLINE);
    assert_true(chat_id_equal(frame->chat, chat));
    assert_true(address_equal(frame->to, STRANGER));
    assert_int_equal(frame->side, SIDE_CANDIDATE);
    expect_nothing(rig);
}

static void test_offers_declined(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref idle = rig_open(&rig, OTHER_CONN);
    offer(&rig, idle, (struct chat_id){1, 1}, 0);
    expect_declined(&rig, (struct chat_id){1, 1});
    offer(&rig, 0x500000005, (struct chat_id){1, 2}, 1); /* nobody there */
    expect_declined(&rig, (struct chat_id){1, 2});
    session_ref ref = searching(&rig, SESSION_WAITING);
    offer(&rig, ref, (struct chat_id){1, 3}, rig_session(&rig, ref)->attempt - 1); /* to an earlier search */
    expect_declined(&rig, (struct chat_id){1, 3});
    rig_offered(&rig, ref, true);
    rig_skip(&rig);
    offer(&rig, ref, (struct chat_id){1, 4}, rig_session(&rig, ref)->attempt); /* it has taken another */
    expect_declined(&rig, (struct chat_id){1, 4});
    rig_fini(&rig);
}

/* Relaxes a waiting session, and lets an offer to its earlier attempt come while its SEEK is on its way. */
static session_ref holding(struct rig *rig) {
    session_ref ref = searching(rig, SESSION_WAITING);
    rig_wait(rig, rig->options.prefer_ms);
    rig_skip(rig);
    offer(rig, ref, (struct chat_id){8, 8}, rig_session(rig, ref)->attempt - 1);
    expect_nothing(rig);
    return ref;
}

static void test_offer_held_and_taken(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = holding(&rig);
    offer(&rig, ref, (struct chat_id){8, 9}, rig_session(&rig, ref)->attempt); /* one is enough */
    expect_declined(&rig, (struct chat_id){8, 9});
    rig_sought(&rig, ref, BROKER_NONE);
    assert_int_equal(expect_request(&rig, BROKER_WITHDRAW)->withdraw.attempt, rig_session(&rig, ref)->attempt);
    assert_true(chat_id_equal(expect_request(&rig, BROKER_COMMIT)->chat, (struct chat_id){8, 8}));
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_ACCEPTING);
    rig_leave(&rig, ref);
    (void)expect_told(&rig, CONN, SERVER_IDLE);
    expect_nothing(&rig); /* what was accepted is not declined as well */
    rig_fini(&rig);
}

static void test_offer_held_and_declined(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = holding(&rig);
    rig_sought(&rig, ref, BROKER_OK); /* found somebody itself */
    expect_declined(&rig, (struct chat_id){8, 8});
    assert_int_equal(rig_state(&rig, ref), SESSION_OFFERING);
    rig_fini(&rig);

    rig_init(&rig);
    ref = holding(&rig);
    rig_leave(&rig, ref);
    (void)expect_told(&rig, CONN, SERVER_IDLE);
    (void)expect_request(&rig, BROKER_WITHDRAW);
    expect_declined(&rig, (struct chat_id){8, 8});
    rig_fini(&rig);

    rig_init(&rig);
    ref = holding(&rig);
    rig_find(&rig, ref, true); /* the offer was for the old criteria */
    (void)expect_told(&rig, CONN, SERVER_WAITING);
    (void)expect_request(&rig, BROKER_SEEK);
    expect_declined(&rig, (struct chat_id){8, 8});
    rig_fini(&rig);
}

/* An offer to a search that was replaced, or to one before a `leave`, is made under criteria that count no longer. */
static void test_offer_under_old_criteria(void **state) {
    (void)state;
    for (int left = 0; left < 2; left++) {
        struct rig rig;
        rig_init(&rig);
        session_ref ref = searching(&rig, SESSION_WAITING);
        uint32_t old = rig_session(&rig, ref)->attempt;
        if (left)
            rig_leave(&rig, ref);
        rig_skip(&rig);
        rig_find_topics(&rig, ref, true, "music");
        rig_skip(&rig);
        assert_int_equal(rig_state(&rig, ref), SESSION_SEEKING);
        offer(&rig, ref, (struct chat_id){8, 8}, old);
        expect_declined(&rig, (struct chat_id){8, 8});
        rig_fini(&rig);
    }
}

/* --- going away in the middle ------------------------------------------------------------------------------------- */

static const struct moment {
    enum session_state at;
    enum broker_request_kind asked; /* when it goes; BROKER_END: nothing */
} moments[] = {
    {SESSION_SEEKING, BROKER_WITHDRAW}, {SESSION_WAITING, BROKER_WITHDRAW}, {SESSION_OFFERING, BROKER_ABORT},
    {SESSION_GIVING_UP, BROKER_END},    {SESSION_ACCEPTING, BROKER_END},
};

static void test_leave_at_every_moment(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++)
        for (int how = 0; how < 2; how++) {
            struct rig rig;
            rig_init(&rig);
            session_ref ref = searching(&rig, moments[i].at);
            uint32_t attempt = rig_session(&rig, ref)->attempt;
            if (how == 0)
                rig_leave(&rig, ref);
            else
                rig_close(&rig, ref, CONN);
            if (moments[i].asked == BROKER_WITHDRAW)
                assert_int_equal(expect_request(&rig, BROKER_WITHDRAW)->withdraw.attempt, attempt);
            else if (moments[i].asked == BROKER_ABORT)
                assert_int_equal(expect_request(&rig, BROKER_ABORT)->abort.attempt, attempt);
            if (how == 0)
                (void)expect_told(&rig, CONN, SERVER_IDLE);
            expect_nothing(&rig);
            assert_int_equal(rig_state(&rig, ref), how == 0 ? SESSION_IDLE : SESSION_FREE);
            assert_int_equal(core_gauges(rig.core).waiting, 0);
            assert_int_equal(rig_due_ms(&rig), INT64_MAX);
            rig_fini(&rig);
        }
}

/* The match of somebody who has gone is ended at once: the stranger hears `left`, and the register remembers it. */
static void test_unwanted_match(void **state) {
    (void)state;
    static const struct {
        enum session_state at;
        enum broker_event_kind outcome;
        enum side side;
    } rows[] = {
        {SESSION_ACCEPTING, BROKER_COMMITTED, SIDE_CANDIDATE},
        {SESSION_OFFERING, BROKER_CONFIRMED, SIDE_SEEKER},
        {SESSION_OFFERING, BROKER_ABORTED, SIDE_SEEKER},
        {SESSION_GIVING_UP, BROKER_ABORTED, SIDE_SEEKER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int how = 0; how < 2; how++) {
            struct rig rig;
            rig_init(&rig);
            session_ref ref = searching(&rig, rows[i].at);
            struct chat_id chat = rows[i].side == SIDE_CANDIDATE ? rig_offer_id() : ticket_of(&rig, ref)->chat;
            if (how == 0)
                rig_leave(&rig, ref);
            else
                rig_close(&rig, ref, CONN);
            rig_skip(&rig);
            rig_outcome(&rig, rows[i].outcome, BROKER_OK, ref, chat, rig_stranger_ticket(true));
            const struct peer_frame *ended = expect_peer(&rig, PEER_ENDED);
            assert_true(address_equal(ended->to, STRANGER));
            assert_true(chat_id_equal(ended->chat, chat));
            assert_int_equal(ended->side, rows[i].side);
            assert_int_equal(ended->fence, 1);
            assert_int_equal(ended->ended.how.cause, END_LEFT);
            assert_int_equal(ended->ended.how.side, rows[i].side);
            const struct broker_request *end = expect_request(&rig, BROKER_END);
            assert_true(chat_id_equal(end->chat, chat));
            assert_true(address_equal(end->asker, rig_address(&rig, ref)));
            assert_int_equal(end->end.cause, END_LEFT);
            expect_nothing(&rig);
            rig_fini(&rig);
        }
}

/* The broker found somebody for a session that has gone meanwhile: they are let go. */
static void test_found_for_nobody(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = searching(&rig, SESSION_SEEKING);
    struct ticket ticket = *ticket_of(&rig, ref);
    rig_close(&rig, ref, CONN);
    rig_skip(&rig);
    rig_broker(&rig, {.kind = BROKER_SOUGHT,
                      .status = BROKER_OK,
                      .to = rig_address(&rig, ref),
                      .chat = ticket.chat,
                      .sought.attempt = ticket.attempt});
    assert_true(chat_id_equal(expect_request(&rig, BROKER_ABORT)->chat, ticket.chat));
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* --- frames that overtake the register's word --------------------------------------------------------------------- */

/* Both on this node: the candidate goes while COMMIT is on its way. The seeker must not be left in a chat with nobody:
 * the ENDED reaches it before its CONFIRMED does. */
static void test_candidate_leaves_before_confirmed(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref candidate = rig_open(&rig, OTHER_CONN);
    rig_find(&rig, candidate, true);
    rig_skip(&rig);
    rig_sought(&rig, candidate, BROKER_NONE);
    rig_skip(&rig);
    session_ref seeker = searching(&rig, SESSION_OFFERING);
    struct ticket a = *ticket_of(&rig, seeker), b = *ticket_of(&rig, candidate);
    rig_broker(
        &rig, {.kind = BROKER_OFFERED, .to = b.who.at, .chat = a.chat, .offered = {.attempt = b.attempt, .seeker = a}});
    rig_skip(&rig);
    rig_leave(&rig, candidate);
    rig_skip(&rig);
    rig_outcome(&rig, BROKER_COMMITTED, BROKER_OK, candidate, a.chat, a);
    assert_true(chat_id_equal(expect_request(&rig, BROKER_END)->chat, a.chat));
    assert_int_equal(expect_request(&rig, BROKER_SEEK)->seek.since_ms, 77); /* the seeker goes on */
    expect_nothing(&rig);
    rig_outcome(&rig, BROKER_CONFIRMED, BROKER_OK, seeker, a.chat, b);
    (void)expect_request(&rig, BROKER_END); /* obeyed once only */
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, seeker), SESSION_SEEKING);
    rig_fini(&rig);
}

/* The candidate's "no" may come before the broker's word that there is a candidate. */
static void test_declined_before_sought(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = searching(&rig, SESSION_SEEKING);
    struct peer_frame decline = {
        .kind = PEER_DECLINE, .to = rig_address(&rig, ref), .from = STRANGER, .chat = {1, 2}, .side = SIDE_CANDIDATE};
    rig_carry(&rig, decline); /* of an earlier offer */
    rig_sought(&rig, ref, BROKER_OK);
    assert_int_equal(rig_state(&rig, ref), SESSION_OFFERING);
    rig_fini(&rig);

    rig_init(&rig);
    ref = searching(&rig, SESSION_SEEKING);
    decline.chat = ticket_of(&rig, ref)->chat;
    rig_carry(&rig, decline);
    expect_nothing(&rig);
    rig_sought(&rig, ref, BROKER_OK);
    assert_int_equal(expect_request(&rig, BROKER_SEEK)->seek.since_ms, 77);
    expect_nothing(&rig);
    rig_sought(&rig, ref, BROKER_OK); /* the next one has not declined */
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_OFFERING);
    rig_fini(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_candidate_accepts),       cmocka_unit_test(test_candidate_too_late),
        cmocka_unit_test(test_offers_declined),         cmocka_unit_test(test_offer_held_and_taken),
        cmocka_unit_test(test_offer_held_and_declined), cmocka_unit_test(test_offer_under_old_criteria),
        cmocka_unit_test(test_leave_at_every_moment),   cmocka_unit_test(test_unwanted_match),
        cmocka_unit_test(test_found_for_nobody),        cmocka_unit_test(test_candidate_leaves_before_confirmed),
        cmocka_unit_test(test_declined_before_sought),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
