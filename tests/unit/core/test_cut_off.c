/* test_cut_off.c - a node that hears nobody: grace, accusations, ends, and clients that had better go elsewhere. */
#include "telling.h"

/* --- cut off ------------------------------------------------------------------------------------------------------ */

/* Nobody is accused, and every grace stands still: the stranger's, and our own client's. */
static void test_grace_stands_still(void **state) {
    (void)state;
    for (int ours = 0; ours < 2; ours++) {
        struct rig rig;
        session_ref ref = start(&rig);
        rig_peer_with(&rig, ref, PEER_AWAY, away.grace_ms, GRACE);
        rig_skip(&rig);
        if (ours)
            rig_close(&rig, ref, CONN);
        rig_skip(&rig);
        rig.now_ms += 20000;
        rig_lose_link(&rig);
        rig_skip(&rig);
        rig_wait(&rig, 100000);
        rig_skip(&rig); /* `reconnect` */
        rig_wait(&rig, 100000);
        expect_nothing(&rig);
        assert_int_equal(rig_due_ms(&rig), INT64_MAX);
        rig_resume_link(&rig);
        rig_tell(&rig);
        expect_hold(&rig, ref);
        const struct peer_frame *sync = expect_peer(&rig, PEER_SYNC);
        assert_int_equal(sync->state.grace_ms, ours ? GRACE - 20000 : 0);
        assert_int_equal(rig_due_ms(&rig), GRACE - 20000);
        rig_wait(&rig, GRACE - 20000);
        (void)expect_request(&rig, BROKER_LOOKUP);
        rig_fini(&rig);
    }
}

/* A drop during the outage has its whole grace before it; and after any outage nothing ends before all have told. */
static void test_grace_begins_while_cut_off(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_lose_link(&rig);
    rig.now_ms += 10000;
    rig_close(&rig, ref, CONN);
    assert_int_equal(expect_peer(&rig, PEER_AWAY)->away.grace_ms, GRACE);
    rig.now_ms += 5000;
    rig_resume_link(&rig);
    rig_tell(&rig);
    rig_skip(&rig);
    assert_int_equal(rig_due_ms(&rig), GRACE + AWAY_SLACK_MS);
    rig_fini(&rig);

    ref = start(&rig);
    rig_peer_with(&rig, ref, PEER_AWAY, away.grace_ms, GRACE);
    rig_skip(&rig);
    rig.now_ms += GRACE - 1;
    rig_resume_link(&rig); /* without having been cut off */
    rig_tell(&rig);
    rig_skip(&rig);
    assert_int_equal(rig_due_ms(&rig), SETTLE_MS);
    rig_fini(&rig);
}

/* Frozen while it was cut off: that time counts as one outage, not two. */
static void test_frozen_while_cut_off(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_peer_with(&rig, ref, PEER_AWAY, away.grace_ms, GRACE);
    rig_skip(&rig);
    rig_lose_link(&rig);
    rig.now_ms += 8000;
    rig_step(&rig, ((struct event){.kind = EVENT_SHIFT, .shift.gap_ms = 8000}));
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), 12000); /* `reconnect`, and nothing else */
    rig_resume_link(&rig);
    rig_tell(&rig);
    rig_skip(&rig);
    assert_int_equal(rig_due_ms(&rig), GRACE);
    rig_fini(&rig);
}

static void test_nobody_is_accused(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_lose_link(&rig);
    rig_node_gone(&rig);
    expect_nothing(&rig);
    rig_lose_link(&rig); /* said twice */
    rig_resume_link(&rig);
    rig_tell(&rig);
    rig_skip(&rig);
    rig_node_gone(&rig);
    (void)expect_told(&rig, CONN, SERVER_AWAY);
    (void)expect_peer(&rig, PEER_SYNC);
    rig_fini(&rig);
}

/* The link is lost while they tell: they begin anew when it is back. */
static void test_lost_while_telling(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_resume_link(&rig);
    rig_lose_link(&rig);
    assert_true(rig_due_ms(&rig) > 0);
    rig_resume_link(&rig);
    rig_tell(&rig);
    expect_hold(&rig, ref);
    (void)expect_peer(&rig, PEER_SYNC);
    (void)expect_told(&rig, CONN, SERVER_SYNC);
    rig_fini(&rig);
}

/* --- cut off for long --------------------------------------------------------------------------------------------- */

static void expect_reconnect(struct rig *rig, conn_ref conn) {
    assert_in_range(expect_told(rig, conn, SERVER_RECONNECT)->reconnect.after_ms, 0, 10000);
}

/* Whoever has a stranger on another node may find a way there from a third. */
static void test_sent_elsewhere(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    session_ref a = rig_open(&rig, 11), b = rig_open(&rig, 12);
    rig_match_both(&rig, a, true, b, true);
    (void)rig_open(&rig, 13);
    for (int outage = 0; outage < 2; outage++) {
        rig_lose_link(&rig);
        rig_wait(&rig, 19999);
        expect_nothing(&rig);
        rig_wait(&rig, 1);
        expect_reconnect(&rig, CONN);
        expect_nothing(&rig); /* nobody else */
        rig_wait(&rig, 100000);
        expect_nothing(&rig); /* once */
        rig_resume_link(&rig);
        rig_tell(&rig);
        rig_skip(&rig);
        rig_peer_with(&rig, ref, PEER_STATE, state.here, true);
        while (rig_due_ms(&rig) != INT64_MAX) {
            rig_wait(&rig, rig_due_ms(&rig));
            rig_skip(&rig);
        }
    }
    assert_int_equal(rig_state(&rig, ref), SESSION_CHATTING);
    rig_fini(&rig);
}

/* Who resumes on such a node had better try another. */
static void test_resume_while_cut_off(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    struct claims claims = {
        .chat = {5, 6}, .side = SIDE_SEEKER, .reliable = true, .person = 12, .peer = STRANGER_PERSON};
    rig_lose_link(&rig);
    rig_resume(&rig, ref, &claims);
    (void)expect_request(&rig, BROKER_REBIND);
    struct broker_event down = {
        .kind = BROKER_REBOUND, .status = BROKER_DOWN, .to = rig_address(&rig, ref), .chat = claims.chat};
    rig_broker(&rig, down);
    expect_nothing(&rig); /* not cut off for long */
    rig_wait(&rig, 20000);
    (void)expect_request(&rig, BROKER_REBIND);
    expect_reconnect(&rig, CONN);
    rig_broker(&rig, down);
    expect_nothing(&rig); /* it has been told */
    rig_wait(&rig, 100000);
    expect_nothing(&rig); /* it had better not be resumed here behind its back */

    session_ref late = rig_open(&rig, OTHER_CONN);
    rig_resume(&rig, late, &claims);
    (void)expect_request(&rig, BROKER_REBIND);
    down.to = rig_address(&rig, late);
    rig_broker(&rig, down);
    expect_reconnect(&rig, OTHER_CONN);
    rig_close(&rig, late, OTHER_CONN);
    rig_resume_link(&rig);
    rig_skip(&rig);
    rig_wait(&rig, SETTLE_MS - 1);
    expect_nothing(&rig);
    rig_wait(&rig, 1); /* who has not gone by then is resumed here after all */
    assert_true(address_equal(expect_request(&rig, BROKER_REBIND)->asker, rig_address(&rig, ref)));
    rig_fini(&rig);
}

/* --- ends that were not heard ------------------------------------------------------------------------------------- */

static void expect_end(struct rig *rig, struct chat_id chat, enum end_cause cause) {
    const struct broker_request *end = expect_request(rig, BROKER_END);
    const struct peer_frame *ended = expect_peer(rig, PEER_ENDED);
    assert_true(chat_id_equal(end->chat, chat));
    assert_int_equal(end->end.cause, cause);
    assert_true(chat_id_equal(ended->chat, chat));
    assert_int_equal(ended->ended.how.cause, cause);
    assert_true(address_equal(ended->to, STRANGER));
}

/* Who leaves while the node is cut off, or shortly before that is noticed, has left all the same. */
static void test_ends_are_said_again(void **state) {
    (void)state;
    for (int before = 0; before < 2; before++) {
        struct rig rig;
        session_ref ref = start(&rig);
        struct chat_id chat = rig_session(&rig, ref)->chat->id;
        if (!before)
            rig_lose_link(&rig);
        rig_leave(&rig, ref);
        expect_ended(&rig, CONN, ENDED_YOU_LEFT);
        expect_end(&rig, chat, END_LEFT);
        rig.now_ms += 5000;
        if (before)
            rig_lose_link(&rig);
        rig.now_ms += 100000;
        struct address at = {HERE, (uint32_t)ref, (uint32_t)(ref >> 32)};
        rig_resume_link(&rig);
        expect_end(&rig, chat, END_LEFT);
        (void)expect_request(&rig, BROKER_LOOKUP); /* the stranger may have moved since */
        expect_nothing(&rig);
        struct broker_event over = {.kind = BROKER_FOUND, .status = BROKER_OVER, .to = at, .chat = chat};
        over.chat_state.record.party[SIDE_CANDIDATE].at = (struct address){8, 8, 8};
        rig_broker(&rig, over);
        assert_true(address_equal(expect_peer(&rig, PEER_ENDED)->to, (struct address){8, 8, 8}));
        expect_nothing(&rig);
        rig_fini(&rig);
    }
}

/* Our client has left a chat while the node was cut off, and the register is asked what it has of it. */
static struct broker_event asked_after_leaving(struct rig *rig, session_ref ref) {
    struct broker_event found = rig_found_event(rig, ref, BROKER_OK, false);
    rig_lose_link(rig);
    rig_leave(rig, ref);
    rig_skip(rig);
    rig_resume_link(rig);
    expect_end(rig, found.chat, END_LEFT);
    (void)expect_request(rig, BROKER_LOOKUP);
    expect_nothing(rig);
    return found;
}

/* A failover has taken the register back to before our side was here. */
static void test_ends_of_a_forgotten_place(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    struct chat *chat = rig_session(&rig, ref)->chat;
    chat->fence = 7;
    enum side side = (enum side)chat->side;
    struct broker_event found = asked_after_leaving(&rig, ref);
    struct party now = found.chat_state.record.party[side];
    found.chat_state.record.party[side].at = (struct address){8, 8, 8};
    found.chat_state.record.party[side].fence = 2;
    rig_broker(&rig, found);
    const struct broker_request *hold = expect_request(&rig, BROKER_HOLD);
    assert_true(address_equal(hold->asker, now.at));
    assert_memory_equal(&hold->hold.party[side].at, &now.at, sizeof now.at);
    assert_int_equal(hold->hold.party[side].fence, 7);
    assert_int_equal(hold->hold.party[side].person, now.person);
    expect_end(&rig, found.chat, END_LEFT);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* A resume has moved our side to another session of this node, which waits for the answer in vain. */
static void test_ends_of_an_empty_place(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    enum side side = (enum side)rig_session(&rig, ref)->chat->side;
    session_ref waiting = rig_open(&rig, OTHER_CONN);
    struct claims claims = rig_claims(&rig, ref);
    rig_resume(&rig, waiting, &claims);
    rig_skip(&rig);
    struct broker_event found = asked_after_leaving(&rig, ref);
    found.chat_state.record.party[side].at = rig_address(&rig, waiting);
    found.chat_state.record.party[side].fence = 9;
    rig_broker(&rig, found);
    const struct broker_request *end = expect_request(&rig, BROKER_END);
    assert_true(address_equal(end->asker, rig_address(&rig, waiting)));
    (void)expect_peer(&rig, PEER_ENDED);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* … to one that has the chat: it goes on there. */
static void test_ends_of_what_goes_on(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    struct claims claims = rig_claims(&rig, ref);
    struct broker_event found = asked_after_leaving(&rig, ref);
    session_ref there = rig_open(&rig, OTHER_CONN);
    rig_resume(&rig, there, &claims);
    rig_skip(&rig);
    struct party other = found.chat_state.record.party[side_other(claims.side)];
    rig_broker(&rig, rig_rebound_event(rig_address(&rig, there), &claims, 9, other, rig_address(&rig, ref)));
    rig_skip(&rig);
    found.chat_state.record.party[claims.side].at = rig_address(&rig, there);
    found.chat_state.record.party[claims.side].fence = 9;
    rig_broker(&rig, found);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* The register may have gone back to what it knew before we were here: it is told, lest it does not obey. */
static void test_ends_before_telling(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    struct chat_id chat = rig_session(&rig, ref)->chat->id;
    rig_resume_link(&rig);
    rig_leave(&rig, ref);
    assert_true(chat_id_equal(expect_request(&rig, BROKER_HOLD)->chat, chat));
    expect_ended(&rig, CONN, ENDED_YOU_LEFT);
    expect_end(&rig, chat, END_LEFT);
    expect_nothing(&rig);
    rig_fini(&rig);
}

static void test_old_ends_are_not(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_leave(&rig, ref);
    rig_skip(&rig);
    rig.now_ms += 40000;
    rig_resume_link(&rig);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* The end crossed with our HOLD, which may have made the chat again: the end is said by who hears it as well. */
static void test_ends_that_crossed(void **state) {
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct rig rig;
        session_ref ref = start(&rig);
        rig_resume_link(&rig);
        rig_tell(&rig);
        rig_skip(&rig);
        if (late)
            rig.now_ms += 60000;
        rig_peer_with(&rig, ref, PEER_ENDED, ended.how, ((struct tombstone){END_LEFT, SIDE_CANDIDATE}));
        expect_ended(&rig, CONN, ENDED_LEFT);
        if (!late)
            assert_int_equal(expect_request(&rig, BROKER_END)->end.side, SIDE_CANDIDATE);
        expect_nothing(&rig);
        rig_fini(&rig);
    }
}

static void test_ends_are_bounded(void **state) {
    (void)state;
    enum { MANY = 5000, KEPT = 4096 };
    struct rig rig;
    session_ref ref = start(&rig);
    rig_lose_link(&rig);
    for (int i = 0; i < MANY; i++) {
        if (i > 0)
            rig_match(&rig, ref, true, true);
        rig_leave(&rig, ref);
        rig_skip(&rig);
    }
    assert_int_equal(rig.core->farewell_count, KEPT);
    rig_fini(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grace_stands_still),        cmocka_unit_test(test_grace_begins_while_cut_off),
        cmocka_unit_test(test_frozen_while_cut_off),      cmocka_unit_test(test_nobody_is_accused),
        cmocka_unit_test(test_lost_while_telling),        cmocka_unit_test(test_sent_elsewhere),
        cmocka_unit_test(test_resume_while_cut_off),      cmocka_unit_test(test_ends_are_said_again),
        cmocka_unit_test(test_ends_of_a_forgotten_place), cmocka_unit_test(test_ends_of_an_empty_place),
        cmocka_unit_test(test_ends_of_what_goes_on),      cmocka_unit_test(test_ends_before_telling),
        cmocka_unit_test(test_old_ends_are_not),          cmocka_unit_test(test_ends_that_crossed),
        cmocka_unit_test(test_ends_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
