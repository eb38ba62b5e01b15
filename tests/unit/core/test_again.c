/* test_again.c - a search for the stranger of an earlier chat, and for nobody else (PROTOCOL.md, "The same stranger
 * again"). */
#include "searching.h"

enum { ME = 0x1e, HASH = 0xc0ffee };

static struct claims claims_of(const struct rig *rig) {
    return (struct claims){
        .chat = {5, 6}, .person = ME, .peer = STRANGER_PERSON, .born_ms = 1700000000000 + rig->now_ms};
}

static void find_again(struct rig *rig, session_ref ref, const struct claims *claims) {
    struct client_frame frame = rig_find_frame(true, (const char *const[RIG_TOPICS]){"ignored"});
    memcpy(frame.find.language, "de", 3);
    frame.find.again = true;
    frame.find.again_hash = HASH;
    rig_step(rig, ((struct event){.kind = EVENT_RECEIVED, .session = ref, .received = {&frame, claims}}));
}

/* A fresh session that has said so; not answered yet. */
static session_ref seek_again(struct rig *rig, struct claims *claims) {
    rig_init(rig);
    session_ref ref = rig_open(rig, CONN);
    *claims = claims_of(rig);
    find_again(rig, ref, claims);
    rig_skip(rig);
    return ref;
}

static void assert_only_for_them(const struct ticket *ticket) {
    assert_int_equal(ticket->who.person, ME);
    assert_int_equal(ticket->topics.count, 1);
    assert_int_equal(ticket->topics.hash[0], HASH);
    assert_string_equal(ticket->language, "");
    assert_false(ticket->relaxed);
    for (int i = 0; i < RECENT_STRANGERS; i++)
        assert_int_equal(ticket->recent[i], 0);
}

static void test_the_ticket(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    rig_match(&rig, ref, true, true); /* somebody was met */
    struct claims claims = claims_of(&rig);
    find_again(&rig, ref, &claims); /* and is left */
    expect_ended(&rig, CONN, ENDED_YOU_LEFT);
    assert_only_for_them(&rig_session(&rig, ref)->search->ticket);
    rig_skip(&rig);
    rig_sought(&rig, ref, BROKER_NONE);
    assert_true(expect_told(&rig, CONN, SERVER_WAITING)->waiting.again);
    assert_int_equal(rig_due_ms(&rig), REASSERT_MS); /* it never relaxes */
    rig_broker(&rig, {.kind = BROKER_LINK_RESUMED});
    rig_skip(&rig);
    rig_wait(&rig, 60000);
    rig_skip(&rig);
    assert_only_for_them(&rig_session(&rig, ref)->search->ticket); /* told again */
    rig_fini(&rig);
}

/* It is who it was, and no topic is told. */
static void test_matched(void **state) {
    (void)state;
    struct rig rig;
    struct claims claims;
    session_ref ref = seek_again(&rig, &claims);
    rig_sought(&rig, ref, BROKER_OK);
    rig_skip(&rig);
    struct ticket stranger = rig_stranger_ticket(true);
    stranger.topics = (struct topics){.hash = {HASH}, .count = 1};
    struct chat_id chat = rig_session(&rig, ref)->search->ticket.chat;
    rig_outcome(&rig, BROKER_CONFIRMED, BROKER_OK, ref, chat, stranger);
    const struct action *action = expect_sent(&rig, CONN, SERVER_MATCHED);
    assert_int_equal(action->send.frame.matched.topic_count, 0);
    assert_int_equal(action->send.claims.person, ME);
    assert_int_equal(rig_session(&rig, ref)->person, ME);
    rig_fini(&rig);
}

/* Another find takes its place, and it is itself again. */
static void test_anybody_after_all(void **state) {
    (void)state;
    struct rig rig;
    struct claims claims;
    session_ref ref = seek_again(&rig, &claims);
    rig_sought(&rig, ref, BROKER_NONE);
    rig_skip(&rig);
    rig_find_topics(&rig, ref, true, "music");
    assert_false(expect_told(&rig, CONN, SERVER_WAITING)->waiting.again);
    const struct ticket *ticket = &expect_request(&rig, BROKER_SEEK)->seek;
    assert_int_equal(ticket->who.person, rig_session(&rig, ref)->person);
    assert_true(ticket->who.person != ME);
    assert_int_equal(ticket->topics.hash[0], 'm');
    assert_int_equal(ticket->since_ms, 77); /* in the old place */
    rig_sought(&rig, ref, BROKER_NONE);
    rig_skip(&rig);
    find_again(&rig, ref, &claims);
    assert_true(expect_told(&rig, CONN, SERVER_WAITING)->waiting.again);
    assert_only_for_them(&expect_request(&rig, BROKER_SEEK)->seek);
    rig_fini(&rig);
}

/* And costs nothing: the chat that it is in goes on. */
static void test_bad_tokens(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    rig_match(&rig, ref, true, true);
    struct claims claims = claims_of(&rig);
    claims.born_ms -= AGAIN_MS;
    rig.now_ms++;
    find_again(&rig, ref, &claims);
    assert_int_equal(expect_told(&rig, CONN, SERVER_ERROR)->error.code, ERROR_BAD_FIELD);
    find_again(&rig, ref, NULL);
    assert_int_equal(expect_told(&rig, CONN, SERVER_ERROR)->error.code, ERROR_BAD_FIELD);
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_CHATTING);
    claims.born_ms++;
    find_again(&rig, ref, &claims);
    expect_ended(&rig, CONN, ENDED_YOU_LEFT);
    rig_skip(&rig);
    rig_fini(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_ticket),
        cmocka_unit_test(test_matched),
        cmocka_unit_test(test_anybody_after_all),
        cmocka_unit_test(test_bad_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
