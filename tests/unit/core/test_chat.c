/* test_chat.c - connecting, away and back, grace, and ends of every kind. */
#include "rig.h"

enum { CONN = 1, OTHER_CONN = 2, GRACE = 60000 };

static session_ref start(struct rig *rig) {
    rig_init(rig);
    session_ref ref = rig_open(rig, CONN);
    rig_match(rig, ref, true, true);
    return ref;
}

static void expect_told_end(struct rig *rig, enum end_cause cause, enum side side) {
    const struct peer_frame *ended = expect_peer(rig, PEER_ENDED);
    assert_int_equal(ended->ended.how.cause, cause);
    assert_int_equal(ended->ended.how.side, side);
}

static void expect_end(struct rig *rig, enum end_cause cause, enum side side) {
    const struct broker_request *end = expect_request(rig, BROKER_END);
    assert_int_equal(end->end.cause, cause);
    assert_int_equal(end->end.side, side);
    expect_told_end(rig, cause, side);
}

/* --- connecting --------------------------------------------------------------------------------------------------- */

static void test_hello(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_step(&rig, ((struct event){.kind = EVENT_OPENED, .conn = CONN, .opened.online = 42}));
    (void)rig_take(&rig, ACTION_BIND, CONN, 0, __FILE__, __LINE__);
    assert_true(rig.bound != 0);
    const struct server_frame *hello = expect_told(&rig, CONN, SERVER_HELLO);
    assert_int_equal(hello->hello.online, 42);
    assert_int_equal(hello->hello.max_body_bytes, rig.options.max_body_bytes);
    assert_int_equal(hello->hello.max_frame_bytes, rig.options.max_frame_bytes);
    assert_int_equal(hello->hello.window, rig.options.window);
    assert_int_equal(hello->hello.grace_ms, rig.options.grace_ms);
    assert_int_equal(hello->hello.prefer_ms, rig.options.prefer_ms);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* A slot is used again under another generation: what is said of the old session concerns nobody. */
static void test_slot_used_again(void **state) {
    (void)state;
    struct rig rig;
    session_ref old = start(&rig);
    struct peer_frame frame = rig_peer_frame(&rig, old, PEER_TYPING);
    rig_leave(&rig, old);
    rig_skip(&rig);
    rig_close(&rig, old, CONN);
    session_ref new = rig_open(&rig, OTHER_CONN);
    assert_int_equal((uint32_t) new, (uint32_t)old);
    assert_true(new != old);
    rig_leave(&rig, old);
    rig_fault(&rig, old, ERROR_BAD_JSON);
    rig_close(&rig, old, OTHER_CONN);
    expect_nothing(&rig);
    rig_carry(&rig, frame);
    (void)expect_peer(&rig, PEER_GONE);
    assert_int_equal(rig_state(&rig, new), SESSION_IDLE);
    rig_close(&rig, new, CONN); /* another's connection */
    assert_int_equal(rig_state(&rig, new), SESSION_IDLE);
    rig_close(&rig, new, OTHER_CONN);
    assert_int_equal(core_gauges(rig.core).sessions, 0);
    rig_fini(&rig);
}

static void test_many_sessions(void **state) {
    (void)state;
    enum { MANY = 40 };
    struct rig rig;
    rig_init(&rig);
    session_ref refs[MANY];
    for (conn_ref i = 0; i < MANY; i++)
        refs[i] = rig_open(&rig, i + 1);
    for (conn_ref i = 0; i < MANY; i++) {
        rig_leave(&rig, refs[i]);
        (void)expect_told(&rig, i + 1, SERVER_IDLE);
    }
    assert_int_equal(core_gauges(rig.core).sessions, MANY);
    rig_fini(&rig); /* frees what is left */
}

/* --- ends --------------------------------------------------------------------------------------------------------- */

static void test_leave(void **state) {
    (void)state;
    for (int away = 0; away < 2; away++) {
        struct rig rig;
        session_ref ref = start(&rig);
        if (away)
            rig_peer_with(&rig, ref, PEER_AWAY, away.grace_ms, GRACE);
        rig_skip(&rig);
        rig_leave(&rig, ref);
        expect_ended(&rig, CONN, ENDED_YOU_LEFT);
        expect_end(&rig, END_LEFT, SIDE_SEEKER);
        assert_int_equal(rig_counted(&rig, COUNT_ENDED), 1);
        expect_nothing(&rig);
        assert_int_equal(rig_due_ms(&rig), INT64_MAX);
        rig_leave(&rig, ref);
        (void)expect_told(&rig, CONN, SERVER_IDLE);
        rig_say(&rig, ref, 1, "too late");
        expect_error(&rig, CONN, ERROR_NOT_IN_CHAT);
        rig_fini(&rig);
    }
}

/* What a tombstone means to each side. */
static void test_tombstones(void **state) {
    (void)state;
    static const struct {
        struct tombstone how;
        enum ended_reason seeker;
        enum ended_reason candidate;
    } rows[] = {
        {{END_LEFT, SIDE_SEEKER}, ENDED_YOU_LEFT, ENDED_LEFT},
        {{END_LEFT, SIDE_CANDIDATE}, ENDED_LEFT, ENDED_YOU_LEFT},
        {{END_LOST, SIDE_SEEKER}, ENDED_EXPIRED, ENDED_LOST},
        {{END_LOST, SIDE_CANDIDATE}, ENDED_LOST, ENDED_EXPIRED},
        {{END_EXPIRED, SIDE_SEEKER}, ENDED_EXPIRED, ENDED_EXPIRED},
        {{END_NONE, SIDE_SEEKER}, ENDED_EXPIRED, ENDED_EXPIRED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig rig;
        session_ref ref = start(&rig);
        rig_peer_with(&rig, ref, PEER_ENDED, ended.how, rows[i].how);
        expect_ended(&rig, CONN, rows[i].seeker);
        expect_nothing(&rig);
        rig_find(&rig, ref, true);
        rig_skip(&rig);
        rig_sought(&rig, ref, BROKER_NONE);
        rig_skip(&rig);
        rig_offered(&rig, ref, true);
        rig_skip(&rig);
        rig_outcome(&rig, BROKER_COMMITTED, BROKER_OK, ref, rig_offer_id(), rig_stranger_ticket(true));
        rig_skip(&rig);
        rig_peer_with(&rig, ref, PEER_ENDED, ended.how, rows[i].how);
        expect_ended(&rig, CONN, rows[i].candidate);
        rig_fini(&rig);
    }
}

/* --- the stranger is away ----------------------------------------------------------------------------------------- */

static void test_away_and_lost(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_peer_with(&rig, ref, PEER_AWAY, away.grace_ms, GRACE);
    assert_int_equal(expect_told(&rig, CONN, SERVER_AWAY)->away.grace_ms, GRACE);
    assert_int_equal(rig_due_ms(&rig), GRACE);
    rig.now_ms += 10000;
    rig_peer_with(&rig, ref, PEER_AWAY, away.grace_ms, GRACE); /* known: but it is the newer word */
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), GRACE);
    rig_wait(&rig, GRACE - 1);
    expect_nothing(&rig);
    rig_wait(&rig, 1);
    rig_expire(&rig, ref, END_LOST, SIDE_CANDIDATE);
    expect_ended(&rig, CONN, ENDED_LOST);
    expect_told_end(&rig, END_LOST, SIDE_CANDIDATE);
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_IDLE);
    assert_int_equal(rig_due_ms(&rig), INT64_MAX);
    rig_fini(&rig);
}

static void test_away_and_back(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_peer_with(&rig, ref, PEER_AWAY, away.grace_ms, GRACE);
    rig_skip(&rig);
    struct peer_frame rebound = rig_peer_frame(&rig, ref, PEER_REBOUND);
    rebound.from = (struct address){3, 3, 3};
    rebound.fence = 2;
    rig_carry(&rig, rebound);
    (void)expect_told(&rig, CONN, SERVER_BACK);
    const struct peer_frame *answer = expect_peer(&rig, PEER_STATE);
    assert_true(answer->state.here);
    assert_true(address_equal(answer->to, rebound.from));
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), INT64_MAX);
    rebound.fence = 3;
    rig_carry(&rig, rebound); /* `back` follows every resume, whether `away` came before or not */
    (void)expect_told(&rig, CONN, SERVER_BACK);
    (void)expect_peer(&rig, PEER_STATE);
    rig_say(&rig, ref, 1, "x");
    assert_true(address_equal(expect_peer(&rig, PEER_MSG)->to, rebound.from));
    rig_fini(&rig);
}

/* Somebody who speaks is not away, whatever was thought. */
static void test_speaking_is_back(void **state) {
    (void)state;
    static const enum peer_kind kinds[] = {PEER_MSG, PEER_ACK, PEER_TYPING};
    static const enum server_kind told[] = {SERVER_MSG, SERVER_ACK, SERVER_TYPING};
    for (size_t i = 0; i < 3; i++) {
        struct rig rig;
        session_ref ref = start(&rig);
        rig_broker(&rig, {.kind = BROKER_NODE_GONE, .node_gone.boot = THERE});
        assert_int_equal(expect_told(&rig, CONN, SERVER_AWAY)->away.grace_ms, GRACE);
        (void)expect_peer(&rig, PEER_SYNC);
        rig_broker(&rig, {.kind = BROKER_NODE_GONE, .node_gone.boot = THERE}); /* the answer to that SYNC, perhaps */
        expect_nothing(&rig);
        rig_peer_with(&rig, ref, PEER_SYNC, state.grace_ms, GRACE); /* not a word of their client */
        (void)expect_told(&rig, CONN, SERVER_SYNC);
        (void)expect_peer(&rig, PEER_STATE);
        rig_peer(&rig, ref, kinds[i]);
        (void)expect_told(&rig, CONN, SERVER_BACK);
        (void)expect_told(&rig, CONN, told[i]);
        assert_int_equal(rig_due_ms(&rig), INT64_MAX);
        rig_fini(&rig);
    }
}

/* Their node was back before we heard that it was gone: it has said SYNC, and won't say it again. */
static void test_back_before_gone(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_peer_with(&rig, ref, PEER_SYNC, state.here, true);
    rig_skip(&rig);
    rig_broker(&rig, {.kind = BROKER_NODE_GONE, .node_gone.boot = THERE});
    (void)expect_told(&rig, CONN, SERVER_AWAY);
    assert_true(address_equal(expect_peer(&rig, PEER_SYNC)->to, STRANGER));
    rig_peer_with(&rig, ref, PEER_STATE, state.here, true);
    (void)expect_told(&rig, CONN, SERVER_BACK);
    assert_int_equal(rig_due_ms(&rig), INT64_MAX);
    rig_fini(&rig);
}

static void test_other_nodes_gone(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    (void)rig_open(&rig, OTHER_CONN);
    rig_broker(&rig, {.kind = BROKER_NODE_GONE, .node_gone.boot = 99});
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* --- we are away -------------------------------------------------------------------------------------------------- */

static void test_drop(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_close(&rig, ref, CONN);
    const struct peer_frame *away = expect_peer(&rig, PEER_AWAY);
    assert_int_equal(away->away.grace_ms, GRACE);
    assert_int_equal(rig_counted(&rig, COUNT_AWAY), 1);
    expect_nothing(&rig);
    struct core_gauges gauges = core_gauges(rig.core);
    assert_int_equal(gauges.away, 1);
    assert_int_equal(gauges.chatting, 1);
    rig_peer_msg(&rig, ref, 1, "x", true); /* nobody to tell: the stranger's client keeps it */
    rig_peer(&rig, ref, PEER_TYPING);
    rig_peer(&rig, ref, PEER_ACK);
    expect_nothing(&rig);
    rig_peer_with(&rig, ref, PEER_ENDED, ended.how, ((struct tombstone){END_LEFT, SIDE_CANDIDATE}));
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_FREE);
    rig_fini(&rig);
}

/* The stranger's node ends the chat when our grace is over. If it is silent, we forget it without a word. */
static void test_drop_forgotten(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_close(&rig, ref, CONN);
    rig_skip(&rig);
    assert_int_equal(rig_due_ms(&rig), GRACE + AWAY_SLACK_MS);
    rig_wait(&rig, GRACE + AWAY_SLACK_MS);
    expect_nothing(&rig);
    assert_int_equal(rig_counted(&rig, COUNT_ENDED), 0);
    assert_int_equal(rig_state(&rig, ref), SESSION_FREE);
    rig_fini(&rig);
}

/* A grace of the stranger's that they came back from does not lengthen ours. */
static void test_drop_after_back(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_peer_with(&rig, ref, PEER_AWAY, away.grace_ms, 2 * GRACE);
    rig_skip(&rig);
    rig_peer(&rig, ref, PEER_REBOUND);
    rig_skip(&rig);
    rig_close(&rig, ref, CONN);
    rig_skip(&rig);
    assert_int_equal(rig_due_ms(&rig), GRACE + AWAY_SLACK_MS);
    for (int i = 0; i < ERRORS_ALLOWED; i++)
        rig_fault(&rig, ref, ERROR_BAD_JSON); /* there is no connection that could have said it */
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_AWAY);
    rig_fini(&rig);
}

/* Both away: the later grace counts, whoever's it is. */
static void test_both_away(void **state) {
    (void)state;
    for (int ours_later = 0; ours_later < 2; ours_later++) {
        struct rig rig;
        session_ref ref = start(&rig);
        if (ours_later)
            rig_peer_with(&rig, ref, PEER_AWAY, away.grace_ms, GRACE);
        else
            rig_close(&rig, ref, CONN);
        rig_skip(&rig);
        rig.now_ms += 50000;
        if (ours_later)
            rig_close(&rig, ref, CONN);
        else
            rig_peer_with(&rig, ref, PEER_AWAY, away.grace_ms, GRACE);
        rig_skip(&rig);
        assert_int_equal(rig_due_ms(&rig), GRACE);
        rig_wait(&rig, GRACE);
        rig_expire(&rig, ref, END_EXPIRED, SIDE_SEEKER);
        expect_told_end(&rig, END_EXPIRED, SIDE_SEEKER);
        expect_nothing(&rig);
        assert_int_equal(rig_state(&rig, ref), SESSION_FREE);
        rig_fini(&rig);
    }
}

/* The stranger resumes while we are away: they hear for how long we are held, the later grace included. */
static void test_rebound_while_away(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_close(&rig, ref, CONN);
    rig_skip(&rig);
    rig.now_ms += 10000;
    rig_peer_with(&rig, ref, PEER_AWAY, away.grace_ms, GRACE); /* held until 70 s now */
    rig_skip(&rig);
    rig.now_ms += 20000;
    rig_peer_with(&rig, ref, PEER_REBOUND, fence, 2);
    const struct peer_frame *answer = expect_peer(&rig, PEER_STATE);
    assert_false(answer->state.here);
    assert_int_equal(answer->state.grace_ms, 40000);
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), 40000 + AWAY_SLACK_MS); /* the stranger's node ends it */
    rig.now_ms += 45000;
    rig_peer_with(&rig, ref, PEER_REBOUND, fence, 3);
    assert_int_equal(expect_peer(&rig, PEER_STATE)->state.grace_ms, 0);
    rig_fini(&rig);
}

static void test_both_away_in_one_core(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref a = rig_open(&rig, CONN), b = rig_open(&rig, OTHER_CONN);
    rig_match_both(&rig, a, true, b, true);
    rig_close(&rig, a, CONN);
    assert_int_equal(expect_told(&rig, OTHER_CONN, SERVER_AWAY)->away.grace_ms, GRACE);
    rig.now_ms += 30000;
    rig_close(&rig, b, OTHER_CONN);
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), GRACE);
    rig_wait(&rig, GRACE - 1);
    assert_int_equal(core_gauges(rig.core).away, 2);
    rig_wait(&rig, 1);
    (void)expect_request(&rig, BROKER_LOOKUP); /* each for itself */
    rig_expire(&rig, a, END_EXPIRED, SIDE_SEEKER);
    expect_nothing(&rig); /* which the other heard, as it sits here */
    assert_int_equal(core_gauges(rig.core).sessions, 0);
    rig_fini(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_slot_used_again),
        cmocka_unit_test(test_many_sessions),
        cmocka_unit_test(test_leave),
        cmocka_unit_test(test_tombstones),
        cmocka_unit_test(test_away_and_lost),
        cmocka_unit_test(test_away_and_back),
        cmocka_unit_test(test_speaking_is_back),
        cmocka_unit_test(test_back_before_gone),
        cmocka_unit_test(test_other_nodes_gone),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_drop_forgotten),
        cmocka_unit_test(test_drop_after_back),
        cmocka_unit_test(test_both_away),
        cmocka_unit_test(test_rebound_while_away),
        cmocka_unit_test(test_both_away_in_one_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
