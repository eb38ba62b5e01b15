/* test_resume_forgotten.c - resumes while the register is told again what it has forgotten. */
#include "resuming.h"

/* The chat was made again from the token: the register does not know where the stranger sits. */
static struct broker_event made_again(const struct rig *rig, session_ref ref) {
    struct party unknown = {.person = STRANGER_PERSON, .reliable = true};
    return rig_rebound_event(rig_address(rig, ref), &claims, 1000, unknown, (struct address){0});
}

static session_ref resumed_alone(struct rig *rig) {
    session_ref ref = begin(rig);
    rig_skip(rig);
    rig_broker(rig, made_again(rig, ref));
    rig_skip(rig);
    return ref;
}

static void test_alone(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = begin(&rig);
    rig_skip(&rig);
    rig_broker(&rig, made_again(&rig, ref));
    expect_resumed(&rig, CONN, true, GRACE);
    expect_nothing(&rig); /* above all, nothing to a place that nobody knows */
    rig_say(&rig, ref, 1, "anybody?");
    rig_type(&rig, ref, true);
    expect_nothing(&rig);
    rig_wait(&rig, GRACE);
    rig_expire(&rig, ref, END_LOST, SIDE_SEEKER);
    expect_ended(&rig, CONN, ENDED_LOST);
    expect_nothing(&rig);
    rig_fini(&rig);
}

static void test_alone_and_dropped(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = begin(&rig);
    rig_skip(&rig);
    rig_close(&rig, ref, CONN);
    rig_broker(&rig, made_again(&rig, ref));
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_AWAY);
    rig_wait(&rig, GRACE);
    rig_expire(&rig, ref, END_EXPIRED, SIDE_CANDIDATE); /* nobody else would end it */
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_FREE);
    rig_fini(&rig);
}

/* Our previous place on this node knows better. */
static void test_not_alone(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref old = rig_open(&rig, CONN);
    rig_match(&rig, old, true, true);
    struct claims ours = rig_claims(&rig, old);
    session_ref new = rig_open(&rig, NEW_CONN);
    rig_resume(&rig, new, &ours);
    rig_skip(&rig);
    struct party unknown = {.person = STRANGER_PERSON, .reliable = true};
    rig_broker(&rig, rig_rebound_event(rig_address(&rig, new), &ours, 1000, unknown, rig_address(&rig, old)));
    expect_closed(&rig, CONN, CLOSE_SUPERSEDED);
    assert_true(address_equal(expect_peer(&rig, PEER_REBOUND)->to, STRANGER));
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* --- the stranger is found ---------------------------------------------------------------------------------------- */

static struct peer_frame from_stranger(const struct rig *rig, session_ref ref, enum peer_kind kind) {
    struct peer_frame frame = rig_peer_frame(rig, ref, kind);
    frame.from = STRANGER;
    frame.fence = 7;
    return frame;
}

static void assert_talks(struct rig *rig, session_ref ref) {
    rig_say(rig, ref, 1, "x");
    assert_true(address_equal(expect_peer(rig, PEER_MSG)->to, STRANGER));
    assert_int_equal(rig_due_ms(rig), INT64_MAX);
}

/* The register has been told by somebody else where they are. */
static session_ref found_by_register(struct rig *rig) {
    session_ref ref = resumed_alone(rig);
    struct broker_event held = rig_found_event(rig, ref, BROKER_OK, true);
    held.chat_state.record.party[SIDE_SEEKER].at = STRANGER;
    held.chat_state.record.party[SIDE_SEEKER].fence = 7;
    rig_broker(rig, held);
    (void)expect_told(rig, CONN, SERVER_BACK);
    (void)expect_peer(rig, PEER_SYNC); /* for they may not know where we are */
    expect_nothing(rig);
    return ref;
}

/* They resume as well; their node tells us, or the register. */
static void test_found(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = resumed_alone(&rig);
    rig_carry(&rig, from_stranger(&rig, ref, PEER_REBOUND));
    (void)expect_told(&rig, CONN, SERVER_BACK);
    assert_true(expect_peer(&rig, PEER_STATE)->state.here);
    expect_nothing(&rig);
    assert_talks(&rig, ref);
    rig_fini(&rig);

    ref = resumed_alone(&rig);
    struct peer_frame sync = from_stranger(&rig, ref, PEER_SYNC);
    sync.state.here = true;
    rig_carry(&rig, sync);
    (void)expect_told(&rig, CONN, SERVER_BACK);
    rig_skip(&rig);
    assert_talks(&rig, ref);
    rig_fini(&rig);

    ref = found_by_register(&rig);
    struct peer_frame answer = from_stranger(&rig, ref, PEER_STATE);
    answer.state.here = true;
    rig_carry(&rig, answer);
    expect_nothing(&rig);
    assert_talks(&rig, ref);
    rig_fini(&rig);
}

/* Their node may have been said to be gone before we knew that they are there: nobody says so again. */
static void test_found_in_vain(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = found_by_register(&rig);
    rig_wait(&rig, GREETING_TIMEOUT_MS - 1);
    expect_nothing(&rig);
    rig_wait(&rig, 1);
    (void)expect_told(&rig, CONN, SERVER_AWAY);
    expect_nothing(&rig);
    for (int outage = 0; outage < 3;
         outage++) { /* it may be that frames don't get there: they are asked again, not given up */
        rig_wait(&rig, GRACE);
        (void)expect_request(&rig, BROKER_LOOKUP);
        rig_found(&rig, ref, BROKER_OK, false);
        (void)expect_peer(&rig, PEER_SYNC);
        expect_nothing(&rig);
    }
    rig_broker(&rig, {.kind = BROKER_NODE_GONE, .node_gone.boot = STRANGER.boot});
    expect_nothing(&rig); /* our client knows that they are away */
    rig_wait(&rig, GRACE);
    rig_expire(&rig, ref, END_LOST, SIDE_SEEKER);
    expect_ended(&rig, CONN, ENDED_LOST);
    rig_fini(&rig);

    ref = found_by_register(&rig); /* they say themselves that they are away */
    rig_wait(&rig, GREETING_TIMEOUT_MS);
    (void)expect_told(&rig, CONN, SERVER_AWAY);
    struct peer_frame away = from_stranger(&rig, ref, PEER_AWAY);
    away.away.grace_ms = GRACE;
    rig_carry(&rig, away);
    rig_wait(&rig, GRACE);
    rig_expire(&rig, ref, END_LOST, SIDE_SEEKER);
    expect_ended(&rig, CONN, ENDED_LOST);
    rig_fini(&rig);

    ref = found_by_register(&rig);
    rig_broker(&rig, {.kind = BROKER_LINK_LOST}); /* who hears nobody accuses nobody */
    rig_wait(&rig, GREETING_TIMEOUT_MS);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* --- answers and frames that cross -------------------------------------------------------------------------------- */

/* The register has moved us here, and its answer is still on its way: frames that are here already are not for somebody
 * who is gone. */
static void test_frames_before_rebound(void **state) {
    (void)state;
    for (int kind = PEER_MSG; kind <= PEER_SYNC; kind++) {
        struct rig rig;
        session_ref ref = begin(&rig);
        rig_skip(&rig);
        struct peer_frame frame = {.kind = (enum peer_kind)kind,
                                   .to = rig_address(&rig, ref),
                                   .from = STRANGER,
                                   .chat = claims.chat,
                                   .side = SIDE_SEEKER,
                                   .fence = 1};
        rig_carry(&rig, frame);
        expect_nothing(&rig);
        assert_int_equal(rig_state(&rig, ref), SESSION_REBINDING);
        rig_fini(&rig);
    }
}

/* Asked for twice, as the first answer was late: the greater fence is ours. */
static void test_rebound_twice(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = greet(&rig);
    rebind_ok(&rig, ref, &claims, 9, rig_address(&rig, ref));
    assert_int_equal(expect_peer(&rig, PEER_REBOUND)->fence, 9);
    expect_nothing(&rig);
    rig_peer_with(&rig, ref, PEER_STATE, state.here, true);
    expect_resumed(&rig, CONN, false, 0);
    rig_say(&rig, ref, 1, "x");
    assert_int_equal(expect_peer(&rig, PEER_MSG)->fence, 9);
    rebind_ok(&rig, ref, &claims, 5, rig_address(&rig, ref)); /* the other way round */
    expect_nothing(&rig);
    rig_say(&rig, ref, 2, "x");
    assert_int_equal(expect_peer(&rig, PEER_MSG)->fence, 9);
    rig_fini(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone),         cmocka_unit_test(test_alone_and_dropped),
        cmocka_unit_test(test_not_alone),     cmocka_unit_test(test_found),
        cmocka_unit_test(test_found_in_vain), cmocka_unit_test(test_frames_before_rebound),
        cmocka_unit_test(test_rebound_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
