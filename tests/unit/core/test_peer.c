/* test_peer.c - frames that go astray, fences, frames between two nodes. (What the register says: test_register.c.) */
#include "rig.h"

enum { CONN = 1, NEW_CONN = 2, GRACE = 60000 };

static session_ref start(struct rig *rig) {
    rig_init(rig);
    session_ref ref = rig_open(rig, CONN);
    rig_match(rig, ref, true, true);
    return ref;
}

/* --- GONE --------------------------------------------------------------------------------------------------------- */

/* Who expects to be taken is answered; GONE itself and the ends of things are not, or two nodes would never stop. */
static void test_who_is_answered_gone(void **state) {
    (void)state;
    static const bool answered[] = {
        [PEER_MSG] = true,     [PEER_ACK] = true,    [PEER_TYPING] = true,   [PEER_AWAY] = true,
        [PEER_REBOUND] = true, [PEER_STATE] = false, [PEER_ENDED] = false,   [PEER_MOVED] = false,
        [PEER_GONE] = false,   [PEER_SYNC] = true,   [PEER_DECLINE] = false,
    };
    for (int kind = PEER_MSG; kind <= PEER_DECLINE; kind++)
        for (int where = 0; where < 3; where++) {
            struct rig rig;
            session_ref ref = start(&rig);
            struct peer_frame frame = rig_peer_frame(&rig, ref, (enum peer_kind)kind);
            frame.side = where == 0 ? SIDE_SEEKER : SIDE_CANDIDATE;
            if (where == 0)
                frame.to.generation++; /* nobody there */
            else if (where == 1)
                frame.to.boot = 55; /* not even this node */
            else
                frame.chat.low++; /* in another chat */
            rig_carry(&rig, frame);
            if (answered[kind]) {
                const struct peer_frame *gone = expect_peer(&rig, PEER_GONE);
                assert_true(address_equal(gone->to, frame.from));
                assert_true(address_equal(gone->from, frame.to));
                assert_true(chat_id_equal(gone->chat, frame.chat));
                assert_int_equal(gone->side, side_other(frame.side));
            }
            expect_nothing(&rig);
            assert_int_equal(rig_state(&rig, ref), SESSION_CHATTING);
            rig_fini(&rig);
        }
}

static void test_gone_is_looked_up(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    struct peer_frame gone = rig_peer_frame(&rig, ref, PEER_GONE);
    gone.from = (struct address){THERE, 99, 1};
    rig_carry(&rig, gone); /* from a place where the stranger is no more */
    expect_nothing(&rig);
    rig_peer(&rig, ref, PEER_GONE);
    const struct broker_request *request = expect_request(&rig, BROKER_LOOKUP);
    assert_true(chat_id_equal(request->chat, rig_session(&rig, ref)->chat->id));
    assert_true(address_equal(request->asker, rig_address(&rig, ref)));
    rig_peer(&rig, ref, PEER_GONE);
    expect_nothing(&rig); /* it has been asked */
    rig_broker(&rig, {.kind = BROKER_FOUND,
                      .status = BROKER_DOWN,
                      .to = rig_address(&rig, ref),
                      .chat = rig_session(&rig, ref)->chat->id});
    expect_nothing(&rig);
    rig_peer(&rig, ref, PEER_GONE);
    (void)expect_request(&rig, BROKER_LOOKUP); /* again, as there was no answer */
    rig_fini(&rig);
}

/* --- fences ------------------------------------------------------------------------------------------------------- */

/* From a place that the stranger has left: not obeyed, and told so. */
static void test_stale_fence(void **state) {
    (void)state;
    for (int kind = PEER_MSG; kind <= PEER_SYNC; kind++) {
        if (kind == PEER_MOVED || kind == PEER_GONE)
            continue;
        struct rig rig;
        session_ref ref = start(&rig);
        struct peer_frame stale = rig_peer_frame(&rig, ref, (enum peer_kind)kind);
        struct peer_frame rebound = rig_peer_frame(&rig, ref, PEER_REBOUND);
        rebound.from = (struct address){8, 8, 8};
        rebound.fence = 5;
        rig_carry(&rig, rebound);
        rig_skip(&rig);
        rig_carry(&rig, stale);
        const struct peer_frame *moved = expect_peer(&rig, PEER_MOVED);
        assert_true(address_equal(moved->to, STRANGER));
        assert_int_equal(moved->side, SIDE_CANDIDATE);
        assert_int_equal(moved->fence, 5);
        expect_nothing(&rig);
        assert_int_equal(rig_state(&rig, ref), SESSION_CHATTING);
        rig_fini(&rig);
    }
}

/* A greater fence is news: the stranger resumed elsewhere, and the word of it was lost. What we had said of ourselves
 * went to the earlier place: they may think us away, and would end the chat after the grace. */
static void test_newer_fence(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    struct peer_frame frame = rig_peer_frame(&rig, ref, PEER_MSG);
    frame.from = (struct address){8, 8, 8};
    frame.fence = 5;
    frame.msg.seq = 1;
    rig_carry(&rig, frame);
    (void)expect_told(&rig, CONN, SERVER_BACK);
    (void)expect_told(&rig, CONN, SERVER_MSG);
    const struct peer_frame *sync = expect_peer(&rig, PEER_SYNC);
    assert_true(address_equal(sync->to, frame.from));
    assert_true(sync->state.here);
    rig_ack(&rig, ref, 1);
    assert_true(address_equal(expect_peer(&rig, PEER_ACK)->to, frame.from));
    rig_fini(&rig);
}

/* Who says how they stand is answered anyway, and must not be answered twice; who ends the chat wants no answer. */
static void test_newer_fence_answered_once(void **state) {
    (void)state;
    static const enum peer_kind kinds[] = {PEER_SYNC, PEER_REBOUND, PEER_ENDED};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct rig rig;
        session_ref ref = start(&rig);
        struct peer_frame frame = rig_peer_frame(&rig, ref, kinds[i]);
        frame.from = (struct address){8, 8, 8};
        frame.fence = 5;
        if (kinds[i] == PEER_ENDED)
            frame.ended.how = (struct tombstone){END_LEFT, frame.side};
        else
            frame.state.here = true;
        rig_carry(&rig, frame);
        int answers = 0;
        for (size_t at = 0; at < rig.count; at++)
            answers += rig.actions[at].kind == ACTION_PEER;
        assert_int_equal(answers, kinds[i] != PEER_ENDED);
        rig_skip(&rig);
        rig_fini(&rig);
    }
}

/* The register listens to the place that a side has now. One that it had before, and that has read of the newer one, can
 * end the chat for us, and not there: we can. */
static void test_ended_from_elsewhere(void **state) {
    (void)state;
    enum { FROM_THERE, FROM_ELSEWHERE, OF_NEWS, CASES };
    for (int which = 0; which < CASES; which++) {
        struct rig rig;
        session_ref ref = start(&rig);
        struct peer_frame ended = rig_peer_frame(&rig, ref, PEER_ENDED);
        ended.ended.how = (struct tombstone){END_LEFT, ended.side};
        if (which == FROM_ELSEWHERE)
            ended.from = (struct address){8, 8, 8};
        if (which == OF_NEWS)
            ended.fence++;
        struct address at = rig_address(&rig, ref);
        rig_carry(&rig, ended);
        if (which == OF_NEWS)
            (void)expect_told(&rig, CONN, SERVER_BACK);
        if (which != FROM_THERE) {
            const struct broker_request *end = expect_request(&rig, BROKER_END);
            assert_true(address_equal(end->asker, at));
            assert_true(chat_id_equal(end->chat, ended.chat));
            assert_int_equal(end->end.cause, END_LEFT);
            assert_int_equal(end->end.side, ended.side);
        }
        expect_ended(&rig, CONN, ENDED_LEFT);
        expect_nothing(&rig);
        rig_fini(&rig);
    }
}

static void test_moved(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    struct peer_frame moved = rig_peer_frame(&rig, ref, PEER_MOVED);
    moved.moved.here = true;
    moved.fence = 9; /* of the stranger's side: theirs is not ours to leave */
    rig_carry(&rig, moved);
    expect_nothing(&rig);
    moved.side = SIDE_SEEKER;
    moved.fence = 1; /* our own place */
    rig_carry(&rig, moved);
    expect_nothing(&rig);
    moved.fence = 2;
    rig_carry(&rig, moved);
    expect_closed(&rig, CONN, CLOSE_SUPERSEDED);
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_FREE);
    rig_fini(&rig);
}

static void test_moved_while_away(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_close(&rig, ref, CONN);
    rig_skip(&rig);
    struct peer_frame moved = rig_peer_frame(&rig, ref, PEER_MOVED);
    moved.side = SIDE_SEEKER;
    moved.fence = 2;
    rig_carry(&rig, moved);
    expect_nothing(&rig);
    assert_int_equal(core_gauges(rig.core).sessions, 0);
    rig_fini(&rig);
}

/* --- two nodes ---------------------------------------------------------------------------------------------------- */

/* Carries the next frame of that kind from one node to the other. */
static void carry(struct rig *from, struct rig *to, enum peer_kind kind) {
    struct peer_frame frame = *expect_peer(from, kind);
    assert_int_equal(frame.to.boot, to->options.boot);
    rig_carry(to, frame);
}

/* A chat between `a` (the seeker) and `b`, on two nodes. */
static void match_across(struct rig *a_rig, session_ref a, struct rig *b_rig, session_ref b) {
    rig_find(b_rig, b, true);
    rig_skip(b_rig);
    rig_sought(b_rig, b, BROKER_NONE);
    rig_skip(b_rig);
    rig_find(a_rig, a, true);
    rig_skip(a_rig);
    rig_sought(a_rig, a, BROKER_OK);
    struct ticket of_a = rig_session(a_rig, a)->search->ticket, of_b = rig_session(b_rig, b)->search->ticket;
    of_a.who.fence = of_b.who.fence = 1;
    rig_broker(b_rig, {.kind = BROKER_OFFERED,
                       .to = of_b.who.at,
                       .chat = of_a.chat,
                       .offered = {.attempt = of_b.attempt, .seeker = of_a}});
    rig_skip(b_rig);
    rig_outcome(b_rig, BROKER_COMMITTED, BROKER_OK, b, of_a.chat, of_a);
    rig_skip(b_rig);
    rig_outcome(a_rig, BROKER_CONFIRMED, BROKER_OK, a, of_a.chat, of_b);
    rig_skip(a_rig);
}

static void test_across_two_nodes(void **state) {
    (void)state;
    struct rig one, two;
    struct core_options options = rig_options();
    rig_init_with(&one, options);
    options.boot = THERE;
    rig_init_with(&two, options);
    session_ref a = rig_open(&one, CONN), b = rig_open(&two, CONN);
    match_across(&one, a, &two, b);

    rig_say(&one, a, 1, "hi");
    carry(&one, &two, PEER_MSG);
    assert_int_equal(expect_told(&two, CONN, SERVER_MSG)->msg.seq, 1);
    rig_ack(&two, b, 1);
    carry(&two, &one, PEER_ACK);
    assert_int_equal(expect_told(&one, CONN, SERVER_ACK)->ack.seq, 1);

    /* b drops, and resumes at a's node. */
    struct claims of_b = rig_claims(&two, b);
    struct party a_party = {.at = rig_address(&one, a), .person = of_b.peer, .fence = 1, .reliable = true};
    rig_close(&two, b, CONN);
    carry(&two, &one, PEER_AWAY);
    (void)expect_told(&one, CONN, SERVER_AWAY);
    session_ref b2 = rig_open(&one, NEW_CONN);
    rig_resume(&one, b2, &of_b);
    rig_skip(&one);
    rig_broker(&one, rig_rebound_event(rig_address(&one, b2), &of_b, 2, a_party, rig_address(&two, b)));
    (void)expect_told(&one, CONN, SERVER_BACK);
    assert_false(expect_told(&one, NEW_CONN, SERVER_RESUMED)->resumed.peer_away);
    carry(&one, &two, PEER_MOVED);
    assert_int_equal(core_gauges(two.core).sessions, 0);

    rig_say(&one, a, 2, "still there?");
    assert_int_equal(expect_told(&one, NEW_CONN, SERVER_MSG)->msg.seq, 2);
    rig_ack(&one, b2, 9); /* above what was passed on: b's new node can't know, a's can */
    expect_nothing(&one);
    rig_ack(&one, b2, 9);
    expect_nothing(&one);
    rig_say(&one, b2, 1, "yes"); /* the base */
    assert_int_equal(expect_told(&one, CONN, SERVER_MSG)->msg.seq, 1);
    rig_leave(&one, a);
    expect_ended(&one, CONN, ENDED_YOU_LEFT);
    expect_ended(&one, NEW_CONN, ENDED_LEFT);
    (void)expect_request(&one, BROKER_END);
    expect_nothing(&one);
    expect_nothing(&two);
    rig_fini(&one);
    rig_fini(&two);
}

/* A node that was frozen thaws with a session whose chat has moved: it is fenced, and its client is told so. */
static void test_frozen_node(void **state) {
    (void)state;
    struct rig one, two;
    struct core_options options = rig_options();
    rig_init_with(&one, options);
    options.boot = THERE;
    rig_init_with(&two, options);
    session_ref a = rig_open(&one, CONN), b = rig_open(&two, CONN);
    match_across(&one, a, &two, b);
    struct peer_frame rebound = rig_peer_frame(&one, a, PEER_REBOUND); /* b has resumed on a third node */
    rebound.from = (struct address){3, 3, 3};
    rebound.fence = 2;
    rig_carry(&one, rebound);
    rig_skip(&one);
    rig_say(&two, b, 1, "I was asleep");
    carry(&two, &one, PEER_MSG);
    carry(&one, &two, PEER_MOVED);
    expect_closed(&two, CONN, CLOSE_SUPERSEDED);
    expect_nothing(&one);
    expect_nothing(&two);
    rig_fini(&one);
    rig_fini(&two);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_answered_gone),
        cmocka_unit_test(test_gone_is_looked_up),
        cmocka_unit_test(test_stale_fence),
        cmocka_unit_test(test_newer_fence),
        cmocka_unit_test(test_newer_fence_answered_once),
        cmocka_unit_test(test_ended_from_elsewhere),
        cmocka_unit_test(test_moved),
        cmocka_unit_test(test_moved_while_away),
        cmocka_unit_test(test_across_two_nodes),
        cmocka_unit_test(test_frozen_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
