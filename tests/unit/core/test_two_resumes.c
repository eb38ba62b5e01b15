/* test_two_resumes.c - two resumes of one side under way at once: the place with the client wins, whatever the order in
 * which the register has carried them out. */
#include "resuming.h"

/* A chat with the stranger elsewhere, told that our side was resumed for somebody who has gone. */
static session_ref told_of_nobody(struct rig *rig) {
    rig_init(rig);
    session_ref ref = rig_open(rig, CONN);
    rig_match(rig, ref, true, true);
    struct peer_frame moved = rig_peer_frame(rig, ref, PEER_MOVED);
    moved.from = ELSEWHERE;
    moved.side = SIDE_SEEKER;
    moved.fence = 9;
    rig_carry(rig, moved);
    return ref;
}

static struct peer_frame moved_to(const struct rig *rig, session_ref ref, uint64_t fence, bool here) {
    struct peer_frame moved = rig_peer_frame(rig, ref, PEER_MOVED);
    moved.side = SIDE_SEEKER;
    moved.fence = fence;
    moved.moved.here = here;
    return moved;
}

static struct broker_event answer(const struct rig *rig, session_ref ref, struct address at, uint64_t fence) {
    struct claims ours = rig_claims(rig, ref);
    return rig_rebound_event(at, &ours, fence, chat_peer(rig_session(rig, ref)), ELSEWHERE);
}

static void test_stays(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = told_of_nobody(&rig);
    const struct broker_request *rebind = expect_request(&rig, BROKER_REBIND);
    struct claims ours = rig_claims(&rig, ref);
    assert_int_equal(rebind->rebind.only_from, 9);
    assert_true(address_equal(rebind->asker, rig_address(&rig, ref)));
    assert_memory_equal(&rebind->rebind.claims, &ours, sizeof ours);
    expect_nothing(&rig);

    rig_broker(&rig, answer(&rig, ref, rig_address(&rig, ref), 10));
    const struct peer_frame *moved = expect_peer(&rig, PEER_MOVED); /* to the one without a client */
    assert_true(address_equal(moved->to, ELSEWHERE));
    assert_int_equal(moved->fence, 10);
    assert_true(moved->moved.here);
    assert_int_equal(expect_peer(&rig, PEER_REBOUND)->fence, 10);
    (void)expect_told(&rig, CONN, SERVER_SYNC);
    expect_nothing(&rig);
    rig_say(&rig, ref, 1, "still here");
    assert_int_equal(expect_peer(&rig, PEER_MSG)->fence, 10);
    rig_fini(&rig);
}

/* The stranger has come back elsewhere meanwhile: no grace of theirs ends, unless they don't answer. */
static void test_stays_and_the_stranger_is_back(void **state) {
    (void)state;
    const struct address theirs = {8, 8, 8};
    for (int answers = 0; answers < 2; answers++) {
        struct rig rig;
        session_ref ref = told_of_nobody(&rig);
        rig_skip(&rig);
        rig_peer_with(&rig, ref, PEER_AWAY, away.grace_ms, 100);
        rig_skip(&rig);
        struct broker_event stays = answer(&rig, ref, rig_address(&rig, ref), 10);
        stays.chat_state.record.party[SIDE_CANDIDATE].at = theirs;
        stays.chat_state.record.party[SIDE_CANDIDATE].fence = 5;
        rig_broker(&rig, stays);
        (void)expect_told(&rig, CONN, SERVER_BACK);
        (void)expect_peer(&rig, PEER_MOVED);
        assert_true(address_equal(expect_peer(&rig, PEER_REBOUND)->to, theirs));
        (void)expect_told(&rig, CONN, SERVER_SYNC);
        assert_int_equal(rig_due_ms(&rig), GREETING_TIMEOUT_MS);
        if (answers)
            rig_peer_with(&rig, ref, PEER_STATE, state.here, true);
        rig_wait(&rig, GREETING_TIMEOUT_MS);
        if (!answers)
            (void)expect_told(&rig, CONN, SERVER_AWAY);
        expect_nothing(&rig);
        rig_fini(&rig);
    }
}

/* Meanwhile our side has come to a third place: that is asked whether the client is there. */
static void test_refused(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = told_of_nobody(&rig);
    rig_skip(&rig);
    struct broker_event refused = answer(&rig, ref, (struct address){8, 8, 8}, 11);
    refused.to = rig_address(&rig, ref);
    rig_broker(&rig, refused);
    const struct peer_frame *question = expect_peer(&rig, PEER_SYNC);
    assert_true(address_equal(question->to, ((struct address){8, 8, 8})));
    assert_int_equal(question->fence, 11);
    expect_nothing(&rig);
    rig_carry(&rig, moved_to(&rig, ref, 11, true));
    expect_closed(&rig, CONN, CLOSE_SUPERSEDED);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* The chat has ended meanwhile: how, the register says when it is asked. */
static void test_over_meanwhile(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = told_of_nobody(&rig);
    rig_skip(&rig);
    struct broker_event over = answer(&rig, ref, ELSEWHERE, 9);
    over.to = rig_address(&rig, ref);
    over.status = BROKER_OVER;
    rig_broker(&rig, over);
    (void)expect_request(&rig, BROKER_LOOKUP);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* What others say of the empty place is no news; what they say of a later one is. */
static void test_others_say_so_too(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = told_of_nobody(&rig);
    rig_skip(&rig);
    struct peer_frame moved = rig_peer_frame(&rig, ref, PEER_MOVED);
    moved.side = SIDE_SEEKER;
    moved.fence = 9;
    moved.moved.here = true;
    rig_carry(&rig, moved);
    expect_nothing(&rig);
    rig_broker(&rig, answer(&rig, ref, rig_address(&rig, ref), 0)); /* lost, and late: no answer at all */
    expect_nothing(&rig);
    struct broker_event held = rig_found_event(&rig, ref, BROKER_OK, true);
    held.chat_state.record.party[SIDE_SEEKER].at = ELSEWHERE;
    held.chat_state.record.party[SIDE_SEEKER].fence = 9;
    rig_broker(&rig, held);
    assert_int_equal(expect_request(&rig, BROKER_REBIND)->rebind.only_from, 9);
    expect_nothing(&rig);
    moved.fence = 10;
    rig_carry(&rig, moved);
    expect_closed(&rig, CONN, CLOSE_SUPERSEDED);
    rig_fini(&rig);
}

/* Nobody is here, either: the later place is as good. */
static void test_away(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    rig_match(&rig, ref, true, true);
    rig_close(&rig, ref, CONN);
    rig_skip(&rig);
    struct peer_frame moved = rig_peer_frame(&rig, ref, PEER_MOVED);
    moved.side = SIDE_SEEKER;
    moved.fence = 9;
    rig_carry(&rig, moved);
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_FREE);
    rig_fini(&rig);
}

/* The resume without a client says so. */
static void test_dropped(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = begin(&rig);
    rig_skip(&rig);
    rig_close(&rig, ref, CONN);
    rebind_ok(&rig, ref, &claims, 4, ELSEWHERE);
    assert_false(expect_peer(&rig, PEER_MOVED)->moved.here);
    (void)expect_peer(&rig, PEER_REBOUND);
    (void)expect_peer(&rig, PEER_AWAY);
    rig_fini(&rig);

    for (int closes_first = 0; closes_first < 2; closes_first++) { /* asked while cut off: it was not carried out */
        rig_init(&rig);
        ref = rig_open(&rig, CONN);
        rig_broker(&rig, {.kind = BROKER_LINK_LOST});
        rig_resume(&rig, ref, &claims);
        rig_skip(&rig);
        if (closes_first)
            rig_close(&rig, ref, CONN);
        rebind_fails(&rig, ref, BROKER_DOWN, (struct tombstone){0});
        if (!closes_first)
            rig_close(&rig, ref, CONN);
        expect_nothing(&rig);
        assert_int_equal(rig_state(&rig, ref), SESSION_FREE);
        rig_fini(&rig);
    }
}

/* --- a resume without a client, and without an answer ------------------------------------------------------------- */

static struct broker_event found(struct rig *rig, session_ref ref, enum broker_status status, struct address own) {
    struct broker_event event = {
        .kind = BROKER_FOUND, .status = status, .to = rig_address(rig, ref), .chat = claims.chat};
    event.chat_state.record.id = claims.chat;
    event.chat_state.record.party[claims.side] = (struct party){.at = own, .fence = 9};
    event.chat_state.record.party[side_other(claims.side)] = (struct party){.at = STRANGER, .fence = 1};
    return event;
}

/* The broker was down, and the client has gone: was the chat moved here? */
static session_ref in_doubt(struct rig *rig, bool closes_first) {
    session_ref ref = begin(rig);
    rig_skip(rig);
    if (closes_first)
        rig_close(rig, ref, CONN);
    rebind_fails(rig, ref, BROKER_DOWN, (struct tombstone){0});
    if (!closes_first)
        rig_close(rig, ref, CONN);
    expect_nothing(rig);
    rig_wait(rig, BROKER_RETRY_MS);
    (void)expect_request(rig, BROKER_LOOKUP);
    expect_nothing(rig); /* no REBIND: the client may have resumed elsewhere */
    return ref;
}

static void test_doubt(void **state) {
    (void)state;
    for (int closes_first = 0; closes_first < 2; closes_first++) {
        struct rig rig;
        session_ref ref = in_doubt(&rig, closes_first);
        struct address at = rig_address(&rig, ref);
        rig_broker(&rig, found(&rig, ref, BROKER_DOWN, at));
        rig_wait(&rig, BROKER_RETRY_MS);
        (void)expect_request(&rig, BROKER_LOOKUP);
        rig_broker(&rig, found(&rig, ref, BROKER_OK, at));
        const struct peer_frame *moved = expect_peer(&rig, PEER_MOVED);
        assert_true(address_equal(moved->to, STRANGER));
        assert_int_equal(moved->side, claims.side);
        assert_int_equal(moved->fence, 9);
        assert_false(moved->moved.here);
        expect_nothing(&rig);
        assert_int_equal(rig_state(&rig, ref), SESSION_FREE);
        rig_fini(&rig);
    }
}

/* What was asked before LINK_RESUMED was heard, and has no answer yet, was asked of a broker that could be reached. */
static void test_asked_before_link_resumed(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    rig_broker(&rig, {.kind = BROKER_LINK_LOST});
    rig_resume(&rig, ref, &claims);
    (void)expect_request(&rig, BROKER_REBIND);
    rig_broker(&rig, {.kind = BROKER_LINK_RESUMED});
    rig_close(&rig, ref, CONN);
    rebind_fails(&rig, ref, BROKER_DOWN, (struct tombstone){0});
    rig_wait(&rig, BROKER_RETRY_MS);
    (void)expect_request(&rig, BROKER_LOOKUP);
    expect_nothing(&rig);
    rig_fini(&rig);
}

static void test_not_moved(void **state) {
    (void)state;
    static const enum broker_status statuses[] = {BROKER_OK, BROKER_NONE, BROKER_OVER};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct rig rig;
        session_ref ref = in_doubt(&rig, true);
        rig_broker(&rig, found(&rig, ref, statuses[i], ELSEWHERE));
        expect_nothing(&rig);
        assert_int_equal(rig_state(&rig, ref), SESSION_FREE);
        rig_fini(&rig);
    }
}

/* The stranger's node passes that on to where it knows them to be; but no old news, and not to whom it is old news. */
static void test_passed_on(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    rig_match(&rig, ref, true, true);
    struct peer_frame moved = rig_peer_frame(&rig, ref, PEER_MOVED);
    moved.from = ELSEWHERE;
    moved.fence = 9;
    rig_carry(&rig, moved);
    const struct peer_frame *onward = expect_peer(&rig, PEER_MOVED);
    assert_true(address_equal(onward->to, STRANGER));
    assert_true(address_equal(onward->from, ELSEWHERE));
    assert_true(chat_id_equal(onward->chat, moved.chat));
    assert_int_equal(onward->side, moved.side);
    assert_int_equal(onward->fence, 9);
    assert_false(onward->moved.here);
    moved.moved.here = true;
    rig_carry(&rig, moved);
    expect_nothing(&rig);
    moved.moved.here = false;
    moved.fence = rig_session(&rig, ref)->chat->peer.fence;
    rig_carry(&rig, moved);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* An empty place is not where the stranger is. */
static void test_passed_on_too_early(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = begin(&rig);
    rig_skip(&rig);
    rig_carry(&rig, ((struct peer_frame){.kind = PEER_MOVED,
                                         .to = rig_address(&rig, ref),
                                         .from = ELSEWHERE,
                                         .chat = claims.chat,
                                         .side = side_other(claims.side),
                                         .fence = 8}));
    rebind_ok(&rig, ref, &claims, 4, (struct address){0});
    assert_true(address_equal(expect_peer(&rig, PEER_REBOUND)->to, STRANGER));
    rig_fini(&rig);
}

/* Both on this node: the session with the connection keeps the chat. */
static void test_dropped_here(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref old = rig_open(&rig, CONN);
    rig_match(&rig, old, true, true);
    struct claims ours = rig_claims(&rig, old);
    session_ref new = rig_open(&rig, NEW_CONN);
    rig_resume(&rig, new, &ours);
    rig_skip(&rig);
    rig_close(&rig, new, NEW_CONN);
    rig_broker(&rig,
               rig_rebound_event(rig_address(&rig, new), &ours, 2, rig_stranger_party(true), rig_address(&rig, old)));
    const struct broker_request *rebind = expect_request(&rig, BROKER_REBIND);
    assert_int_equal(rebind->rebind.only_from, 2);
    assert_true(address_equal(rebind->asker, rig_address(&rig, old)));
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, old), SESSION_CHATTING);
    assert_int_equal(rig_state(&rig, new), SESSION_FREE);
    struct broker_event held = rig_found_event(&rig, old, BROKER_OK, true);
    held.chat_state.record.party[SIDE_SEEKER].at = rig_address(&rig, new); /* nobody is there, as we can see */
    held.chat_state.record.party[SIDE_SEEKER].fence = 3;
    rig_broker(&rig, held);
    assert_int_equal(expect_request(&rig, BROKER_REBIND)->rebind.only_from, 3);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* --- the word of the later one comes before the answer to the earlier one ----------------------------------------- */

static session_ref overtaken(struct rig *rig, bool here) {
    session_ref ref = begin(rig);
    rig_skip(rig);
    rig_carry(rig, ((struct peer_frame){.kind = PEER_MOVED,
                                        .to = rig_address(rig, ref),
                                        .from = ELSEWHERE,
                                        .chat = claims.chat,
                                        .side = claims.side,
                                        .fence = 6,
                                        .moved.here = here}));
    expect_nothing(rig);
    return ref;
}

static void test_overtaken(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = overtaken(&rig, true);
    rebind_ok(&rig, ref, &claims, 5, (struct address){0});
    expect_closed(&rig, CONN, CLOSE_SUPERSEDED);
    expect_nothing(&rig);
    assert_int_equal(rig_state(&rig, ref), SESSION_FREE);
    rig_fini(&rig);

    ref = overtaken(&rig, false);
    rebind_ok(&rig, ref, &claims, 5, (struct address){0});
    (void)expect_peer(&rig, PEER_REBOUND);
    assert_int_equal(expect_request(&rig, BROKER_REBIND)->rebind.only_from, 6);
    expect_nothing(&rig);
    rig_fini(&rig);

    ref = overtaken(&rig, true); /* asked again since, it has come after the other */
    rebind_ok(&rig, ref, &claims, 7, (struct address){0});
    (void)expect_peer(&rig, PEER_REBOUND);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* The stranger has moved since the register read their place. */
static void test_stranger_overtakes(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = begin(&rig);
    rig_skip(&rig);
    rig_carry(&rig, ((struct peer_frame){.kind = PEER_REBOUND,
                                         .to = rig_address(&rig, ref),
                                         .from = ELSEWHERE,
                                         .chat = claims.chat,
                                         .side = SIDE_SEEKER,
                                         .fence = 8}));
    expect_nothing(&rig);
    rebind_ok(&rig, ref, &claims, 4, (struct address){0});
    assert_true(address_equal(expect_peer(&rig, PEER_REBOUND)->to, ELSEWHERE));
    expect_nothing(&rig);
    rig_fini(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stays),
        cmocka_unit_test(test_stays_and_the_stranger_is_back),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_over_meanwhile),
        cmocka_unit_test(test_others_say_so_too),
        cmocka_unit_test(test_away),
        cmocka_unit_test(test_dropped),
        cmocka_unit_test(test_dropped_here),
        cmocka_unit_test(test_doubt),
        cmocka_unit_test(test_asked_before_link_resumed),
        cmocka_unit_test(test_not_moved),
        cmocka_unit_test(test_passed_on),
        cmocka_unit_test(test_passed_on_too_early),
        cmocka_unit_test(test_overtaken),
        cmocka_unit_test(test_stranger_overtakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
