/* test_register.c - what the register of chats answers, and what follows from it. */
#include "rig.h"

enum { CONN = 1, GRACE = 60000 };

static const struct address ELSEWHERE = {8, 8, 8};

static session_ref start(struct rig *rig) {
    rig_init(rig);
    session_ref ref = rig_open(rig, CONN);
    rig_match(rig, ref, true, true);
    return ref;
}

/* A frame to the stranger has gone astray, and the register was asked. */
static session_ref start_looking(struct rig *rig) {
    session_ref ref = start(rig);
    rig_peer(rig, ref, PEER_GONE);
    (void)expect_request(rig, BROKER_LOOKUP);
    return ref;
}

/* The stranger's grace is over, and the register was asked. */
static session_ref start_due(struct rig *rig) {
    session_ref ref = start(rig);
    rig_peer_with(rig, ref, PEER_AWAY, away.grace_ms, GRACE);
    rig_skip(rig);
    rig_wait(rig, GRACE);
    (void)expect_request(rig, BROKER_LOOKUP);
    return ref;
}

static struct broker_event moved(const struct rig *rig, session_ref ref, bool held) {
    struct broker_event event = rig_found_event(rig, ref, BROKER_OK, held);
    event.chat_state.record.party[SIDE_CANDIDATE].at = ELSEWHERE;
    event.chat_state.record.party[SIDE_CANDIDATE].fence = 5;
    return event;
}

/* All that the session knows of its chat. */
static void expect_hold(struct rig *rig, session_ref ref) {
    const struct broker_request *request = expect_request(rig, BROKER_HOLD);
    const struct session *session = rig_session(rig, ref);
    const struct party *own = &request->hold.party[session->chat->side];
    const struct party *peer = &request->hold.party[side_other(session->chat->side)];
    assert_true(address_equal(request->asker, rig_address(rig, ref)));
    assert_true(chat_id_equal(request->chat, session->chat->id));
    assert_true(address_equal(own->at, rig_address(rig, ref)));
    assert_int_equal(own->person, session->person);
    assert_int_equal(own->fence, session->chat->fence);
    assert_int_equal(own->reliable, session->reliable);
    assert_true(address_equal(peer->at, session->chat->peer.at));
    assert_int_equal(peer->person, session->recent[0]);
    assert_int_equal(peer->fence, session->chat->peer.fence);
    assert_int_equal(peer->reliable, session->chat->peer_reliable);
}

/* --- why it was asked --------------------------------------------------------------------------------------------- */

/* The stranger's node has forgotten them: they are away, and may come back. */
static void test_vanished(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start_looking(&rig);
    rig_found(&rig, ref, BROKER_OK, false);
    assert_int_equal(expect_told(&rig, CONN, SERVER_AWAY)->away.grace_ms, GRACE);
    rig.now_ms += 20000;
    rig_peer(&rig, ref, PEER_GONE);
    (void)expect_request(&rig, BROKER_LOOKUP);
    rig_found(&rig, ref, BROKER_OK, false); /* the grace does not start again */
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), 40000);
    rig_fini(&rig);
}

/* However short the grace: nothing ends before their node can have said that it is back. */
static void test_short_grace(void **state) {
    (void)state;
    struct core_options options = rig_options();
    options.grace_ms = 300;
    struct rig rig;
    rig_init_with(&rig, options);
    session_ref ref = rig_open(&rig, CONN);
    rig_match(&rig, ref, true, true);
    rig_broker(&rig, {.kind = BROKER_NODE_GONE, .node_gone.boot = THERE});
    assert_int_equal(expect_told(&rig, CONN, SERVER_AWAY)->away.grace_ms, 300);
    (void)expect_peer(&rig, PEER_SYNC);
    assert_int_equal(rig_due_ms(&rig), SETTLE_MS);
    rig_fini(&rig);
}

/* The answer to a HOLD is no word on whether the stranger is there. */
static void test_held_is_not_vanished(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_found(&rig, ref, BROKER_OK, true);
    rig_found(&rig, ref, BROKER_OK, false); /* nor is one that nobody waits for any more */
    expect_nothing(&rig);
    rig_peer(&rig, ref, PEER_GONE);
    (void)expect_request(&rig, BROKER_LOOKUP);
    rig_found(&rig, ref, BROKER_OK, true);
    expect_nothing(&rig); /* the LOOKUP is still to be answered */
    rig_found(&rig, ref, BROKER_OK, false);
    (void)expect_told(&rig, CONN, SERVER_AWAY);
    rig_fini(&rig);
}

static void test_elsewhere(void **state) {
    (void)state;
    for (int held = 0; held < 2; held++) {
        struct rig rig;
        session_ref ref = start_looking(&rig);
        rig_broker(&rig, moved(&rig, ref, held));
        (void)expect_told(&rig, CONN, SERVER_BACK); /* whoever moved has resumed */
        const struct peer_frame *sync = expect_peer(&rig, PEER_SYNC);
        assert_true(address_equal(sync->to, ELSEWHERE)); /* who may not know where we are, either */
        assert_true(sync->state.here);
        expect_nothing(&rig);
        rig_say(&rig, ref, 1, "x");
        assert_true(address_equal(expect_peer(&rig, PEER_MSG)->to, ELSEWHERE));
        rig_fini(&rig);
    }
}

static void test_elsewhere_while_away(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_close(&rig, ref, CONN);
    rig_skip(&rig);
    rig.now_ms += 10000;
    rig_broker(&rig, moved(&rig, ref, true));
    const struct peer_frame *sync = expect_peer(&rig, PEER_SYNC);
    assert_false(sync->state.here);
    assert_int_equal(sync->state.grace_ms, GRACE - 10000);
    expect_nothing(&rig);
    rig_fini(&rig);
}

static struct broker_event elsewhere(const struct rig *rig, session_ref ref, enum broker_status status, bool held) {
    struct broker_event event = rig_found_event(rig, ref, status, held);
    event.chat_state.record.party[SIDE_SEEKER].at = ELSEWHERE;
    event.chat_state.record.party[SIDE_SEEKER].fence++;
    event.chat_state.record.ended = (struct tombstone){END_LEFT, SIDE_CANDIDATE};
    return event;
}

/* Our side is elsewhere by now, and nobody is here. */
static void test_superseded(void **state) {
    (void)state;
    for (int over = 0; over < 2; over++)
        for (int held = 0; held < 2; held++) {
            struct rig rig;
            session_ref ref = start(&rig);
            rig_close(&rig, ref, CONN);
            rig_skip(&rig);
            rig_broker(&rig, elsewhere(&rig, ref, over ? BROKER_OVER : BROKER_OK, held));
            expect_nothing(&rig);
            assert_int_equal(rig_state(&rig, ref), SESSION_FREE);
            rig_fini(&rig);
        }
}

/* Our client is here: it may have come back to here after it was there, so it is thrown out by no word of the register
 * alone (test_asked.c). That the chat is over it hears. */
static void test_client_elsewhere(void **state) {
    (void)state;
    for (int held = 0; held < 2; held++) {
        struct rig rig;
        session_ref ref = start(&rig);
        rig_broker(&rig, elsewhere(&rig, ref, BROKER_OK, held));
        assert_true(address_equal(expect_peer(&rig, PEER_SYNC)->to, ELSEWHERE));
        expect_nothing(&rig);
        assert_int_equal(rig_state(&rig, ref), SESSION_CHATTING);
        rig_broker(&rig, elsewhere(&rig, ref, BROKER_OVER, held));
        (void)expect_peer(&rig, PEER_ENDED);
        (void)expect_told(&rig, CONN, SERVER_ENDED);
        expect_nothing(&rig);
        rig_fini(&rig);
    }
}

/* Our own place with a greater fence: a rebind that was thought to have failed was carried out as well. */
static void test_own_fence(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    struct broker_event event = rig_found_event(&rig, ref, BROKER_OK, true);
    event.chat_state.record.party[SIDE_SEEKER].fence = 6;
    rig_broker(&rig, event);
    expect_nothing(&rig);
    rig_say(&rig, ref, 1, "x");
    assert_int_equal(expect_peer(&rig, PEER_MSG)->fence, 6);
    rig_fini(&rig);
}

/* A register that knows less than we do is told. */
static void test_register_is_behind(void **state) {
    (void)state;
    for (int side = 0; side < 2; side++) {
        struct rig rig;
        session_ref ref = start(&rig);
        rig_session(&rig, ref)->chat->fence = 3;
        rig_session(&rig, ref)->chat->peer.fence = 3;
        struct broker_event event = rig_found_event(&rig, ref, BROKER_OK, false);
        event.chat_state.record.party[side].fence = 2;
        rig_broker(&rig, event);
        expect_hold(&rig, ref);
        expect_nothing(&rig);
        rig_fini(&rig);
    }
}

static void test_while_greeting(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    struct claims claims = {
        .chat = {5, 6}, .side = SIDE_SEEKER, .reliable = true, .person = 12, .peer = STRANGER_PERSON};
    rig_resume(&rig, ref, &claims);
    rig_skip(&rig);
    rig_broker(&rig,
               rig_rebound_event(rig_address(&rig, ref), &claims, 2, rig_stranger_party(true), (struct address){0}));
    rig_skip(&rig);
    rig_peer(&rig, ref, PEER_GONE);
    (void)expect_request(&rig, BROKER_LOOKUP);
    rig_broker(&rig, moved(&rig, ref, false));
    assert_true(address_equal(expect_peer(&rig, PEER_REBOUND)->to, ELSEWHERE));
    expect_nothing(&rig);
    rig_peer_with(&rig, ref, PEER_STATE, state.here, true);
    assert_false(expect_told(&rig, CONN, SERVER_RESUMED)->resumed.peer_away);
    rig_fini(&rig);
}

/* --- it is over, or forgotten ------------------------------------------------------------------------------------- */

static void test_over(void **state) {
    (void)state;
    for (int held = 0; held < 2; held++) {
        struct rig rig;
        session_ref ref = start(&rig);
        struct broker_event event = rig_found_event(&rig, ref, BROKER_OVER, held);
        event.chat_state.record.ended = (struct tombstone){END_LEFT, SIDE_CANDIDATE};
        rig_broker(&rig, event);
        expect_ended(&rig, CONN, ENDED_LEFT);
        (void)expect_peer(&rig, PEER_ENDED); /* who may not have heard of it, either */
        expect_nothing(&rig);
        rig_broker(&rig, event); /* a second answer */
        expect_nothing(&rig);
        rig_fini(&rig);
    }
}

/* It may have forgotten everything, and then the chat goes on: nothing is ended on its account. */
static void test_unknown(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start_looking(&rig);
    rig_found(&rig, ref, BROKER_NONE, false);
    assert_int_equal(expect_told(&rig, CONN, SERVER_AWAY)->away.grace_ms, GRACE);
    expect_hold(&rig, ref);
    expect_nothing(&rig);
    rig_found(&rig, ref, BROKER_OK, true);
    expect_nothing(&rig);
    rig_peer_with(&rig, ref, PEER_SYNC, state.here, true); /* they were there all the time */
    (void)expect_told(&rig, CONN, SERVER_BACK);
    (void)expect_peer(&rig, PEER_STATE);
    expect_nothing(&rig); /* they resend on `back`, so no `sync` */
    rig_fini(&rig);
}

/* … but for a match that its seeker gave up, and may have heard of before: then it must not be left alone in it. */
static void test_given_up(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    enum side side = rig_session(&rig, ref)->chat->side;
    rig_found(&rig, ref, BROKER_NONE, true);
    expect_ended(&rig, CONN, ENDED_LOST);
    const struct peer_frame *ended = expect_peer(&rig, PEER_ENDED);
    assert_true(address_equal(ended->to, STRANGER));
    assert_int_equal(ended->ended.how.cause, END_LOST);
    assert_int_equal(ended->ended.how.side, side); /* so that the stranger hears `lost`, too */
    expect_nothing(&rig);
    rig_fini(&rig);
}

static void test_unreachable(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_found(&rig, ref, BROKER_DOWN, true);
    expect_nothing(&rig);
    assert_in_range(rig_due_ms(&rig), 1000, 10000); /* a lease must not run out for it */
    rig_wait(&rig, rig_due_ms(&rig));
    expect_hold(&rig, ref);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* --- the grace is over -------------------------------------------------------------------------------------------- */

/* The stranger has resumed elsewhere, and we had not heard of it. */
static void test_due_but_resumed(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start_due(&rig);
    rig_broker(&rig, moved(&rig, ref, false));
    (void)expect_told(&rig, CONN, SERVER_BACK);
    (void)expect_peer(&rig, PEER_SYNC);
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), GREETING_TIMEOUT_MS); /* they are to answer */
    rig_fini(&rig);
}

/* They come back while the register is being asked: the answer is too late to end anything. */
static void test_due_but_back(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start_due(&rig);
    rig_peer(&rig, ref, PEER_REBOUND);
    (void)expect_told(&rig, CONN, SERVER_BACK);
    (void)expect_peer(&rig, PEER_STATE);
    rig_found(&rig, ref, BROKER_OK, false);
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_CHATTING);
    rig_fini(&rig);
}

/* The register has forgotten the chat: until everybody can have told it again, it can't say who came back. */
static void test_due_but_unknown(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start_due(&rig);
    rig_found(&rig, ref, BROKER_NONE, false);
    expect_hold(&rig, ref);
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), SETTLE_MS);
    rig_wait(&rig, SETTLE_MS);
    rig_expire(&rig, ref, END_LOST, SIDE_CANDIDATE);
    expect_ended(&rig, CONN, ENDED_LOST);
    rig_skip(&rig);
    rig_fini(&rig);
}

static void test_due_but_unreachable(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start_due(&rig);
    rig_found(&rig, ref, BROKER_DOWN, false);
    assert_int_equal(rig_due_ms(&rig), BROKER_RETRY_MS);
    rig_wait(&rig, BROKER_RETRY_MS);
    rig_expire(&rig, ref, END_LOST, SIDE_CANDIDATE);
    expect_ended(&rig, CONN, ENDED_LOST);
    rig_skip(&rig);
    rig_fini(&rig);
}

/* END was refused, as our side was resumed elsewhere in between: nobody is told that it ended. */
static void test_end_refused(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start_due(&rig);
    rig_found(&rig, ref, BROKER_OK, false);
    (void)expect_request(&rig, BROKER_END);
    (void)expect_request(&rig, BROKER_LOOKUP);
    rig_broker(&rig, elsewhere(&rig, ref, BROKER_OK, false));
    assert_true(address_equal(expect_peer(&rig, PEER_SYNC)->to, ELSEWHERE));
    expect_nothing(&rig);
    rig_fini(&rig);

    ref = start_due(&rig); /* END was lost */
    rig_found(&rig, ref, BROKER_OK, false);
    rig_skip(&rig);
    rig_found(&rig, ref, BROKER_OK, false);
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), BROKER_RETRY_MS);
    rig_fini(&rig);
}

/* A broker that never answers is asked again. */
static void test_no_answer(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start_due(&rig);
    assert_in_range(rig_due_ms(&rig), 1000, 60000);
    rig_wait(&rig, rig_due_ms(&rig));
    rig_expire(&rig, ref, END_LOST, SIDE_CANDIDATE);
    expect_ended(&rig, CONN, ENDED_LOST);
    rig_skip(&rig);
    rig_fini(&rig);
}

/* --- nobody sits here --------------------------------------------------------------------------------------------- */

/* The end crossed with our HOLD, which made the chat again. */
static void test_nobody_sits_here(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    struct broker_event event = rig_found_event(&rig, ref, BROKER_OK, true);
    rig_peer_with(&rig, ref, PEER_ENDED, ended.how, ((struct tombstone){END_LEFT, SIDE_CANDIDATE}));
    rig_skip(&rig);
    rig_broker(&rig, event);
    const struct broker_request *end = expect_request(&rig, BROKER_END);
    assert_int_equal(end->end.cause, END_LEFT);
    assert_int_equal(end->end.side, SIDE_CANDIDATE);
    expect_nothing(&rig);
    struct broker_event moved_here = event; /* a resume has moved our side to another session, which has gone as well */
    struct party *own = &moved_here.chat_state.record.party[SIDE_SEEKER];
    own->at.generation++;
    rig_broker(&rig, moved_here);
    assert_true(address_equal(expect_request(&rig, BROKER_END)->asker, own->at));
    own->at.boot = THERE;
    rig_broker(&rig, moved_here);
    assert_true(address_equal(expect_request(&rig, BROKER_END)->asker, event.to));
    expect_nothing(&rig);
    event.status = BROKER_OVER; /* it knows */
    rig_broker(&rig, event);
    expect_nothing(&rig);
    rig_fini(&rig);

    ref = start(&rig); /* our side has moved: whether it is over is not known here */
    event = rig_found_event(&rig, ref, BROKER_OK, true);
    struct peer_frame moved_away = rig_peer_frame(&rig, ref, PEER_MOVED);
    moved_away.side = SIDE_SEEKER;
    moved_away.fence = 9;
    rig_carry(&rig, moved_away);
    rig_skip(&rig);
    rig_broker(&rig, event);
    expect_nothing(&rig);
    rig_fini(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vanished),
        cmocka_unit_test(test_short_grace),
        cmocka_unit_test(test_held_is_not_vanished),
        cmocka_unit_test(test_elsewhere),
        cmocka_unit_test(test_elsewhere_while_away),
        cmocka_unit_test(test_superseded),
        cmocka_unit_test(test_client_elsewhere),
        cmocka_unit_test(test_own_fence),
        cmocka_unit_test(test_register_is_behind),
        cmocka_unit_test(test_while_greeting),
        cmocka_unit_test(test_over),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_due_but_resumed),
        cmocka_unit_test(test_due_but_back),
        cmocka_unit_test(test_due_but_unknown),
        cmocka_unit_test(test_due_but_unreachable),
        cmocka_unit_test(test_end_refused),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_nobody_sits_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
