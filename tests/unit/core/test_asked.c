/* test_asked.c - the register has our side elsewhere, and our client is here: does it mean this place, or that one? */
#include "resuming.h"

enum { LATER = 9 };

/* A HOLD or a LOOKUP tells of the later place, which is asked. */
static void learn(struct rig *rig, session_ref ref, bool held) {
    struct broker_event event = rig_found_event(rig, ref, BROKER_OK, held);
    event.chat_state.record.party[SIDE_SEEKER].at = ELSEWHERE;
    event.chat_state.record.party[SIDE_SEEKER].fence = LATER;
    rig_broker(rig, event);
    const struct peer_frame *question = expect_peer(rig, PEER_SYNC);
    assert_true(address_equal(question->to, ELSEWHERE));
    assert_true(address_equal(question->from, rig_address(rig, ref)));
    assert_true(chat_id_equal(question->chat, rig_session(rig, ref)->chat->id));
    assert_int_equal(question->side, SIDE_SEEKER);
    assert_int_equal(question->fence, LATER);
    expect_nothing(rig);
    assert_int_equal(rig_state(rig, ref), SESSION_CHATTING);
}

static session_ref start(struct rig *rig) {
    rig_init(rig);
    session_ref ref = rig_open(rig, CONN);
    rig_match(rig, ref, true, true);
    learn(rig, ref, true);
    return ref;
}

static struct peer_frame from_there(const struct rig *rig, session_ref ref, enum peer_kind kind, enum side side) {
    struct peer_frame frame = rig_peer_frame(rig, ref, kind);
    frame.from = ELSEWHERE;
    frame.side = side;
    frame.fence = LATER;
    return frame;
}

static void expect_stays(struct rig *rig, session_ref ref) {
    const struct broker_request *rebind = expect_request(rig, BROKER_REBIND);
    assert_int_equal(rebind->rebind.only_from, LATER);
    assert_true(address_equal(rebind->asker, rig_address(rig, ref)));
    expect_nothing(rig);
    assert_int_equal(rig_state(rig, ref), SESSION_CHATTING);
}

static void test_there(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    struct peer_frame moved = from_there(&rig, ref, PEER_MOVED, SIDE_SEEKER);
    moved.moved.here = true;
    rig_carry(&rig, moved);
    expect_closed(&rig, CONN, CLOSE_SUPERSEDED);
    expect_nothing(&rig);
    rig_fini(&rig);
}

static void test_not_there(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_carry(&rig, from_there(&rig, ref, PEER_MOVED, SIDE_SEEKER));
    expect_stays(&rig, ref);
    rig_fini(&rig);
}

static void test_gone(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    struct peer_frame other = from_there(&rig, ref, PEER_GONE, SIDE_CANDIDATE);
    other.fence++; /* what was asked of another place */
    rig_carry(&rig, other);
    expect_nothing(&rig);
    rig_carry(&rig, from_there(&rig, ref, PEER_GONE, SIDE_CANDIDATE));
    expect_stays(&rig, ref);
    rig_carry(&rig, from_there(&rig, ref, PEER_GONE, SIDE_CANDIDATE)); /* asked twice */
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* The question gets lost: it comes again with the next HOLD. A node that is cut off for a moment is waited for. */
static void test_node_gone(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    for (int times = 1; times < 3; times++) {
        rig_broker(&rig, {.kind = BROKER_NODE_GONE, .node_gone.boot = ELSEWHERE.boot});
        expect_nothing(&rig);
        rig_wait(&rig, 70000);
        (void)expect_request(&rig, BROKER_HOLD);
        learn(&rig, ref, times % 2 == 0);
    }
    rig_broker(&rig, {.kind = BROKER_NODE_GONE, .node_gone.boot = 77});
    expect_nothing(&rig);
    rig_broker(&rig, {.kind = BROKER_NODE_GONE, .node_gone.boot = ELSEWHERE.boot});
    expect_stays(&rig, ref);
    rig_fini(&rig);
}

/* --- the place that is asked -------------------------------------------------------------------------------------- */

static void test_is_asked(void **state) {
    (void)state;
    for (int here = 0; here < 2; here++)
        for (uint64_t asked = 0; asked < 2; asked++) {
            struct rig rig;
            rig_init(&rig);
            session_ref ref = rig_open(&rig, CONN);
            rig_match(&rig, ref, true, true);
            if (!here)
                rig_close(&rig, ref, CONN);
            rig_skip(&rig);
            struct peer_frame question = from_there(&rig, ref, PEER_SYNC, SIDE_SEEKER);
            question.fence = rig_session(&rig, ref)->chat->fence + asked; /* the register moved us here twice */
            rig_carry(&rig, question);
            const struct peer_frame *moved = expect_peer(&rig, PEER_MOVED);
            assert_true(address_equal(moved->to, ELSEWHERE));
            assert_int_equal(moved->side, SIDE_SEEKER);
            assert_int_equal(moved->fence, question.fence);
            assert_int_equal(moved->moved.here, here);
            expect_nothing(&rig);
            rig_fini(&rig);
        }
}

/* The answer tells which question it is to. */
static void test_no_chat(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    rig_match(&rig, ref, true, true);
    struct peer_frame question = from_there(&rig, ref, PEER_SYNC, SIDE_SEEKER);
    question.to.generation++;
    rig_carry(&rig, question);
    const struct peer_frame *gone = expect_peer(&rig, PEER_GONE);
    assert_int_equal(gone->side, SIDE_CANDIDATE);
    assert_int_equal(gone->fence, LATER);
    expect_nothing(&rig);
    rig_fini(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there),     cmocka_unit_test(test_not_there), cmocka_unit_test(test_gone),
        cmocka_unit_test(test_node_gone), cmocka_unit_test(test_is_asked),  cmocka_unit_test(test_no_chat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
