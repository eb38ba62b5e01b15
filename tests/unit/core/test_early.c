/* test_early.c - what comes before the word that a match is made: it is kept, and taken in order. */
#include "searching.h"

static struct peer_frame early(const struct rig *rig, session_ref ref, enum peer_kind kind, struct chat_id chat) {
    return (struct peer_frame){
        .kind = kind, .to = rig_address(rig, ref), .from = STRANGER, .chat = chat, .side = SIDE_CANDIDATE, .fence = 1};
}

static void carry_message(struct rig *rig, session_ref ref, struct chat_id chat, uint64_t seq, bool reliable) {
    char body[] = "hi"; /* borrowed for the step */
    struct peer_frame frame = early(rig, ref, PEER_MSG, chat);
    frame.msg.seq = seq;
    frame.msg.body = rig_text(body);
    frame.msg.reliable = reliable;
    rig_carry(rig, frame);
    memset(body, 'x', sizeof body - 1);
    expect_nothing(rig); /* above all no GONE */
}

static void expect_message(struct rig *rig, uint64_t seq) {
    const struct server_frame *frame = expect_told(rig, CONN, SERVER_MSG);
    assert_int_equal(frame->msg.seq, seq);
    assert_int_equal(frame->msg.body.length, 2);
    assert_memory_equal(frame->msg.body.at, "hi", 2);
}

/* At every moment of a search at which the other side may know of the match already. */
static void test_kept(void **state) {
    (void)state;
    static const enum session_state states[] = {SESSION_SEEKING, SESSION_OFFERING, SESSION_GIVING_UP,
                                                SESSION_ACCEPTING};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        for (int reliable = 0; reliable < 2; reliable++) {
            struct rig rig;
            rig_init(&rig);
            session_ref ref = searching(&rig, states[i]);
            bool seeks = states[i] != SESSION_ACCEPTING;
            struct chat_id chat = seeks ? ticket_of(&rig, ref)->chat : rig_offer_id();
            enum side theirs = seeks ? SIDE_CANDIDATE : SIDE_SEEKER;
            for (uint64_t seq = 1; seq <= 2; seq++) {
                struct peer_frame frame = early(&rig, ref, PEER_MSG, chat);
                frame.side = theirs;
                frame.msg.seq = seq;
                frame.msg.body = rig_text("hi");
                frame.msg.reliable = reliable;
                rig_carry(&rig, frame);
                expect_nothing(&rig);
            }
            rig_outcome(&rig, seeks ? BROKER_CONFIRMED : BROKER_COMMITTED, BROKER_OK, ref, chat,
                        rig_stranger_ticket(true));
            expect_matched(&rig, ref, chat, side_other(theirs)); /* first of all */
            expect_message(&rig, 1);
            expect_message(&rig, 2);
            expect_nothing(&rig);
            rig_fini(&rig);
        }
}

static void test_more_than_messages(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = searching(&rig, SESSION_OFFERING);
    struct chat_id chat = ticket_of(&rig, ref)->chat;
    carry_message(&rig, ref, chat, 1, true);
    rig_carry(&rig, early(&rig, ref, PEER_TYPING, chat)); /* is stale by then */
    struct peer_frame away = early(&rig, ref, PEER_AWAY, chat);
    away.away.grace_ms = 5000;
    rig_carry(&rig, away);
    rig_outcome(&rig, BROKER_CONFIRMED, BROKER_OK, ref, chat, rig_stranger_ticket(true));
    expect_matched(&rig, ref, chat, SIDE_SEEKER);
    expect_message(&rig, 1);
    assert_int_equal(expect_told(&rig, CONN, SERVER_AWAY)->away.grace_ms, 5000);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* More than a client may have in flight: nobody keeps that much, and what was dropped is asked for. */
static void test_bounded(void **state) {
    (void)state;
    enum { MANY = 100 };
    struct rig rig;
    rig_init(&rig);
    session_ref ref = searching(&rig, SESSION_OFFERING);
    struct chat_id chat = ticket_of(&rig, ref)->chat;
    for (uint64_t seq = 1; seq <= MANY; seq++)
        carry_message(&rig, ref, chat, seq, true);
    rig_outcome(&rig, BROKER_CONFIRMED, BROKER_OK, ref, chat, rig_stranger_ticket(true));
    expect_matched(&rig, ref, chat, SIDE_SEEKER);
    assert_true(chat_id_equal(expect_peer(&rig, PEER_SYNC)->chat, chat));
    unsigned kept = 0;
    for (size_t i = 0; i < rig.count; i++)
        kept += rig.actions[i].kind == ACTION_SEND && rig.actions[i].send.frame.kind == SERVER_MSG;
    assert_in_range(kept, rig.options.window, rig.options.window + 8);
    rig_skip(&rig);
    rig_fini(&rig);
}

/* In the next search it is forgotten; and whoever leaves forgets it as well. */
static void test_forgotten(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = searching(&rig, SESSION_OFFERING);
    struct chat_id chat = ticket_of(&rig, ref)->chat;
    carry_message(&rig, ref, chat, 1, true);
    rig_carry(&rig, early(&rig, ref, PEER_DECLINE, chat));
    rig_skip(&rig);
    rig_sought(&rig, ref, BROKER_OK);
    chat = ticket_of(&rig, ref)->chat;
    carry_message(&rig, ref, chat, 1, true);
    rig_find(&rig, ref, true); /* new criteria */
    rig_skip(&rig);
    rig_sought(&rig, ref, BROKER_OK);
    chat = ticket_of(&rig, ref)->chat;
    rig_outcome(&rig, BROKER_CONFIRMED, BROKER_OK, ref, chat, rig_stranger_ticket(true));
    expect_matched(&rig, ref, chat, SIDE_SEEKER);
    expect_nothing(&rig);
    rig_fini(&rig);

    rig_init(&rig);
    ref = searching(&rig, SESSION_OFFERING);
    carry_message(&rig, ref, ticket_of(&rig, ref)->chat, 1, true);
    rig_close(&rig, ref, CONN);
    rig_skip(&rig);
    rig_fini(&rig);
}

/* The confirmation overtakes SOUGHT: the match is made, and SOUGHT is late. */
static void test_confirmed_before_sought(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = searching(&rig, SESSION_WAITING);
    rig_wait(&rig, rig.options.prefer_ms);
    rig_skip(&rig);
    rig_broker(&rig,
               {.kind = BROKER_OFFERED,
                .to = rig_address(&rig, ref),
                .chat = {8, 8},
                .offered = {.attempt = rig_session(&rig, ref)->attempt - 1, .seeker = rig_stranger_ticket(true)}});
    struct chat_id chat = ticket_of(&rig, ref)->chat;
    uint32_t attempt = rig_session(&rig, ref)->attempt;
    rig_outcome(&rig, BROKER_CONFIRMED, BROKER_OK, ref, chat, rig_stranger_ticket(true));
    expect_matched(&rig, ref, chat, SIDE_SEEKER);
    assert_true(chat_id_equal(expect_peer(&rig, PEER_DECLINE)->chat, (struct chat_id){8, 8})); /* which was held */
    expect_nothing(&rig);
    rig_broker(&rig, {.kind = BROKER_SOUGHT,
                      .to = rig_address(&rig, ref),
                      .chat = chat,
                      .sought = {.attempt = attempt, .since_ms = 77}});
    expect_nothing(&rig); /* above all no ABORT: the register may have forgotten the match */
    rig_broker(&rig, {.kind = BROKER_SOUGHT,
                      .status = BROKER_NONE,
                      .to = rig_address(&rig, ref),
                      .sought = {.attempt = attempt, .since_ms = 77}});
    assert_int_equal(expect_request(&rig, BROKER_WITHDRAW)->withdraw.attempt, attempt); /* it was asked for twice */
    assert_int_equal(rig_state(&rig, ref), SESSION_CHATTING);
    rig_fini(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_more_than_messages),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_forgotten),
        cmocka_unit_test(test_confirmed_before_sought),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
