/* test_offers_astray.c - matches in the making while a node dies, or frames and the register's memory are lost. */
#include "searching.h"

#define rig_node_gone(rig, its_boot) rig_broker(rig, {.kind = BROKER_NODE_GONE, .node_gone.boot = (its_boot)})
#define rig_resume_link(rig)         rig_broker(rig, {.kind = BROKER_LINK_RESUMED})

/* --- a node is gone ----------------------------------------------------------------------------------------------- */

/* The register says at once what the time-out would have asked for later. */
static void test_candidates_node_gone(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = searching(&rig, SESSION_OFFERING);
    rig_node_gone(&rig, 99); /* another */
    expect_nothing(&rig);
    rig_node_gone(&rig, THERE);
    struct chat_id chat = ticket_of(&rig, ref)->chat;
    assert_true(chat_id_equal(expect_request(&rig, BROKER_ABORT)->chat, chat));
    expect_nothing(&rig);
    rig_node_gone(&rig, THERE);
    expect_nothing(&rig);
    rig_outcome(&rig, BROKER_ABORTED, BROKER_NONE, ref, chat, rig_stranger_ticket(true));
    assert_int_equal(expect_request(&rig, BROKER_SEEK)->seek.since_ms, 77); /* in the old place */
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* A broker that does not say where the candidate sits: the time-out decides. */
static void test_candidates_node_unknown(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = searching(&rig, SESSION_SEEKING);
    rig_broker(&rig, {.kind = BROKER_SOUGHT,
                      .to = rig_address(&rig, ref),
                      .chat = ticket_of(&rig, ref)->chat,
                      .sought = {.attempt = rig_session(&rig, ref)->attempt, .since_ms = 77}});
    rig_node_gone(&rig, THERE);
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), OFFER_TIMEOUT_MS);
    rig_fini(&rig);
}

/* It had committed before it died: a chat, whose stranger is away as soon as that is sure. */
static void test_committed_before_it_died(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        bool accepting = i % 2 == 0, answers = i / 2 == 0;
        struct rig rig;
        rig_init(&rig);
        session_ref ref = searching(&rig, accepting ? SESSION_ACCEPTING : SESSION_OFFERING);
        struct chat_id chat = accepting ? rig_offer_id() : ticket_of(&rig, ref)->chat;
        rig_node_gone(&rig, THERE);
        rig_skip(&rig);
        rig_outcome(&rig, accepting ? BROKER_COMMITTED : BROKER_ABORTED, BROKER_OK, ref, chat,
                    rig_stranger_ticket(true));
        expect_matched(&rig, ref, chat, accepting ? SIDE_CANDIDATE : SIDE_SEEKER);
        (void)expect_peer(&rig, PEER_SYNC); /* for it may have come back meanwhile */
        expect_nothing(&rig);
        assert_int_equal(rig_due_ms(&rig), GREETING_TIMEOUT_MS);
        if (answers) {
            rig_peer_with(&rig, ref, PEER_STATE, state.here, true);
            expect_nothing(&rig);
            assert_int_equal(rig_due_ms(&rig), INT64_MAX);
        } else {
            rig_wait(&rig, GREETING_TIMEOUT_MS);
            (void)expect_told(&rig, CONN, SERVER_AWAY);
            expect_nothing(&rig);
            assert_int_equal(rig_due_ms(&rig), rig.options.grace_ms);
        }
        rig_fini(&rig);
    }
}

/* It was not dead after all: its own word counts. */
static void test_heard_again(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = searching(&rig, SESSION_ACCEPTING);
    rig_node_gone(&rig, THERE);
    rig_carry(&rig, ((struct peer_frame){.kind = PEER_SYNC,
                                         .to = rig_address(&rig, ref),
                                         .from = STRANGER,
                                         .chat = rig_offer_id(),
                                         .side = SIDE_SEEKER,
                                         .fence = 1,
                                         .state.here = true}));
    rig_outcome(&rig, BROKER_COMMITTED, BROKER_OK, ref, rig_offer_id(), rig_stranger_ticket(true));
    expect_matched(&rig, ref, rig_offer_id(), SIDE_CANDIDATE);
    (void)expect_peer(&rig, PEER_STATE); /* the answer to theirs */
    (void)expect_told(&rig, CONN, SERVER_SYNC);
    (void)expect_peer(&rig, PEER_SYNC);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* --- the register has forgotten the match ------------------------------------------------------------------------- */

/* The candidate may have committed, and tells the register again within a second: until then nobody gives up. */
static void test_giving_up_waits(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = searching(&rig, SESSION_OFFERING);
    rig_wait(&rig, OFFER_TIMEOUT_MS - 1);
    rig_resume_link(&rig);
    rig_wait(&rig, OFFER_TIMEOUT_MS - 1);
    expect_nothing(&rig);
    rig_wait(&rig, 1);
    (void)expect_request(&rig, BROKER_ABORT);
    rig_resume_link(&rig); /* the request is on its way: its answer is waited for */
    rig_wait(&rig, 10 * OFFER_TIMEOUT_MS);
    expect_nothing(&rig);
    struct chat_id chat = ticket_of(&rig, ref)->chat;
    rig_outcome(&rig, BROKER_ABORTED, BROKER_DOWN, ref, chat, rig_stranger_ticket(true));
    rig_resume_link(&rig);
    rig_wait(&rig, OFFER_TIMEOUT_MS - 1);
    expect_nothing(&rig);
    rig_wait(&rig, 1);
    (void)expect_request(&rig, BROKER_ABORT);
    rig_fini(&rig);
}

/* The match is made in the end, but the other side may have heard that our node was gone: it is told that it is not. */
static void test_sync_after_doubt(void **state) {
    (void)state;
    for (int accepting = 0; accepting < 2; accepting++)
        for (int resumed = 0; resumed < 2; resumed++) {
            struct rig rig;
            rig_init(&rig);
            session_ref ref = searching(&rig, accepting ? SESSION_ACCEPTING : SESSION_GIVING_UP);
            struct chat_id chat = accepting ? rig_offer_id() : ticket_of(&rig, ref)->chat;
            enum broker_event_kind kind = accepting ? BROKER_COMMITTED : BROKER_ABORTED;
            if (resumed)
                rig_resume_link(&rig);
            else
                rig_outcome(&rig, kind, BROKER_DOWN, ref, chat, rig_stranger_ticket(true));
            rig_outcome(&rig, kind, BROKER_OK, ref, chat, rig_stranger_ticket(true));
            expect_matched(&rig, ref, chat, accepting ? SIDE_CANDIDATE : SIDE_SEEKER);
            assert_true(expect_peer(&rig, PEER_SYNC)->state.here);
            expect_nothing(&rig);
            rig_fini(&rig);
        }
}

/* The word of the match comes before the answer to our ABORT, which has found nothing: the register has forgotten the
 * match in between. What is given up the candidate can't tell it again, but we can. */
static void test_given_up_and_made(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = searching(&rig, SESSION_GIVING_UP);
    struct chat_id chat = ticket_of(&rig, ref)->chat;
    rig_outcome(&rig, BROKER_CONFIRMED, BROKER_OK, ref, chat, rig_stranger_ticket(true));
    expect_matched(&rig, ref, chat, SIDE_SEEKER);
    rig_outcome(&rig, BROKER_ABORTED, BROKER_DOWN, ref, chat, rig_stranger_ticket(true));
    expect_nothing(&rig);
    rig_outcome(&rig, BROKER_ABORTED, BROKER_NONE, ref, chat, rig_stranger_ticket(true));
    assert_true(address_equal(expect_request(&rig, BROKER_HOLD)->asker, rig_address(&rig, ref)));
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* What the register was told again does not say what the candidate had in common with us. */
static void test_made_again(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = searching(&rig, SESSION_GIVING_UP);
    struct chat_id chat = ticket_of(&rig, ref)->chat;
    struct ticket peer = {.who = rig_stranger_ticket(true).who};
    rig_outcome(&rig, BROKER_ABORTED, BROKER_OK, ref, chat, peer);
    expect_matched(&rig, ref, chat, SIDE_SEEKER);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* --- the broker is down ------------------------------------------------------------------------------------------- */

static void expect_end(struct rig *rig, struct chat_id chat, enum side side) {
    const struct broker_request *end = expect_request(rig, BROKER_END);
    assert_true(chat_id_equal(end->chat, chat));
    assert_int_equal(end->end.cause, END_LEFT);
    assert_int_equal(end->end.side, side);
    assert_true(chat_id_equal(expect_request(rig, BROKER_LOOKUP)->chat, chat)); /* who else is to be told? */
}

/* It had been made: with the stranger. */
static struct broker_event was_made(struct address at, struct chat_id chat, enum side side) {
    struct broker_event event = {.kind = BROKER_FOUND, .status = BROKER_OVER, .to = at, .chat = chat};
    event.chat_state.record.id = chat;
    event.chat_state.record.party[side] = (struct party){.at = at, .fence = 3};
    event.chat_state.record.party[side_other(side)] = (struct party){.at = STRANGER, .fence = 1};
    event.chat_state.record.ended = (struct tombstone){END_LEFT, side};
    return event;
}

/* Who leaves while it is not known whether the match was made: should it have been, it is over; and that is said again
 * when it can be heard. */
static void test_left_in_doubt(void **state) {
    (void)state;
    for (int accepting = 0; accepting < 2; accepting++)
        for (int leaves_first = 0; leaves_first < 2; leaves_first++) {
            struct rig rig;
            rig_init(&rig);
            session_ref ref = searching(&rig, accepting ? SESSION_ACCEPTING : SESSION_GIVING_UP);
            struct chat_id chat = accepting ? rig_offer_id() : ticket_of(&rig, ref)->chat;
            enum broker_event_kind kind = accepting ? BROKER_COMMITTED : BROKER_ABORTED;
            struct address at = rig_address(&rig, ref);
            if (leaves_first)
                rig_close(&rig, ref, CONN);
            expect_nothing(&rig); /* the answer is waited for */
            rig_outcome(&rig, kind, BROKER_DOWN, ref, chat, rig_stranger_ticket(true));
            if (!leaves_first) {
                expect_nothing(&rig);
                rig_close(&rig, ref, CONN);
            }
            expect_end(&rig, chat, accepting ? SIDE_CANDIDATE : SIDE_SEEKER);
            expect_nothing(&rig);
            rig_resume_link(&rig);
            expect_end(&rig, chat, accepting ? SIDE_CANDIDATE : SIDE_SEEKER);
            expect_nothing(&rig);
            rig_broker(&rig, was_made(at, chat, accepting ? SIDE_CANDIDATE : SIDE_SEEKER));
            const struct peer_frame *ended = expect_peer(&rig, PEER_ENDED);
            assert_true(address_equal(ended->to, STRANGER));
            assert_true(chat_id_equal(ended->chat, chat));
            assert_int_equal(ended->fence, 3);
            expect_nothing(&rig);
            rig_broker(&rig, was_made(at, chat, accepting ? SIDE_CANDIDATE : SIDE_SEEKER));
            expect_nothing(&rig);
            rig_fini(&rig);
        }
}

/* The same of a SEEK: somebody may have been found. */
static void test_left_while_seeking(void **state) {
    (void)state;
    for (int leaves_first = 0; leaves_first < 2; leaves_first++) {
        struct rig rig;
        rig_init(&rig);
        session_ref ref = searching(&rig, SESSION_SEEKING);
        struct chat_id chat = ticket_of(&rig, ref)->chat;
        struct broker_event down = {
            .kind = BROKER_SOUGHT, .status = BROKER_DOWN, .to = rig_address(&rig, ref), .chat = chat};
        down.sought.attempt = rig_session(&rig, ref)->attempt;
        if (!leaves_first)
            rig_broker(&rig, down);
        rig_close(&rig, ref, CONN);
        (void)expect_request(&rig, BROKER_WITHDRAW);
        if (leaves_first)
            rig_broker(&rig, down);
        expect_end(&rig, chat, SIDE_SEEKER);
        expect_nothing(&rig);
        rig_fini(&rig);
    }
}

/* What was asked before LINK_RESUMED was heard, and has no answer yet, was asked of a broker that could be reached. */
static void test_seek_before_link_resumed(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_broker(&rig, {.kind = BROKER_LINK_LOST});
    session_ref ref = searching(&rig, SESSION_SEEKING);
    struct chat_id chat = ticket_of(&rig, ref)->chat;
    rig_broker(&rig, {.kind = BROKER_LINK_RESUMED});
    rig_sought(&rig, ref, BROKER_DOWN);
    rig_wait(&rig, BROKER_RETRY_MS);
    assert_true(chat_id_equal(expect_request(&rig, BROKER_ABORT)->chat, chat));
    expect_nothing(&rig);
    rig_fini(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_candidates_node_gone),
        cmocka_unit_test(test_candidates_node_unknown),
        cmocka_unit_test(test_committed_before_it_died),
        cmocka_unit_test(test_heard_again),
        cmocka_unit_test(test_giving_up_waits),
        cmocka_unit_test(test_given_up_and_made),
        cmocka_unit_test(test_made_again),
        cmocka_unit_test(test_left_in_doubt),
        cmocka_unit_test(test_left_while_seeking),
        cmocka_unit_test(test_seek_before_link_resumed),
        cmocka_unit_test(test_sync_after_doubt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
