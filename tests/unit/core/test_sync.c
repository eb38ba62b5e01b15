/* test_sync.c - telling the broker and the other nodes how things stand, and hearing the same from them. */
#include "telling.h"

enum { HOUR_MS = 3600 * 1000 };

/* --- telling ------------------------------------------------------------------------------------------------------ */

static void test_chats_are_told(void **state) {
    (void)state;
    for (int reliable = 0; reliable < 2; reliable++) {
        struct rig rig;
        rig_init(&rig);
        session_ref ref = rig_open(&rig, CONN);
        rig_match(&rig, ref, reliable, true);
        rig_resume_link(&rig);
        expect_nothing(&rig);
        rig_tell(&rig);
        expect_hold(&rig, ref);
        const struct peer_frame *sync = expect_peer(&rig, PEER_SYNC);
        assert_true(address_equal(sync->to, STRANGER));
        assert_true(sync->state.here);
        assert_int_equal(sync->fence, 1);
        if (reliable)
            (void)expect_told(&rig, CONN, SERVER_SYNC);
        expect_nothing(&rig);
        rig_peer_with(&rig, ref, PEER_STATE, state.here, true);
        expect_nothing(&rig);
        rig_wait(&rig, 10000);
        expect_nothing(&rig); /* once */
        assert_int_equal(rig_due_ms(&rig), INT64_MAX);
        rig_fini(&rig);
    }
}

/* Their node was said to be gone when nobody here had a chat there, or is frozen, and takes what it does not read. The others may
 * be back later than this one. */
static void test_no_answer(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    for (int outage = 0; outage < 2; outage++) {
        rig_resume_link(&rig);
        rig_tell(&rig);
        rig_skip(&rig);
        assert_int_equal(rig_due_ms(&rig), SETTLE_MS);
        rig_lose_link(&rig); /* then silence means nothing */
        assert_int_equal(rig_due_ms(&rig), 20000);
    }
    rig_resume_link(&rig);
    rig_tell(&rig);
    rig_skip(&rig);
    rig_wait(&rig, SETTLE_MS);
    (void)expect_told(&rig, CONN, SERVER_AWAY);
    expect_nothing(&rig);
    rig_peer_with(&rig, ref, PEER_STATE, state.here, true); /* only late */
    (void)expect_told(&rig, CONN, SERVER_BACK);
    expect_nothing(&rig);
    rig_fini(&rig);
}

static void test_held_chats_are_told(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_close(&rig, ref, CONN);
    rig_skip(&rig);
    rig.now_ms += 10000;
    rig_resume_link(&rig);
    rig_tell(&rig);
    expect_hold(&rig, ref);
    const struct peer_frame *sync = expect_peer(&rig, PEER_SYNC);
    assert_false(sync->state.here);
    assert_int_equal(sync->state.grace_ms, GRACE - 10000);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* Both sides on this node: only the register has to be told. */
static void test_chats_of_one_node(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref a = rig_open(&rig, CONN), b = rig_open(&rig, OTHER_CONN);
    rig_match_both(&rig, a, true, b, true);
    rig_resume_link(&rig);
    rig_tell(&rig);
    expect_hold(&rig, a);
    expect_nothing(&rig);
    rig_wait(&rig, rig_due_ms(&rig));
    expect_hold(&rig, b);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* The other side's place is on this node, and nobody is there: no frame would find out. */
static void test_nobody_on_this_node(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_session(&rig, ref)->chat->peer.at = (struct address){HERE, 5, 1};
    rig_resume_link(&rig);
    rig_tell(&rig);
    expect_hold(&rig, ref);
    (void)expect_request(&rig, BROKER_LOOKUP);
    expect_nothing(&rig);
    rig_found(&rig, ref, BROKER_OK, false);
    (void)expect_told(&rig, CONN, SERVER_AWAY);
    rig_fini(&rig);
}

/* … or will be at once, when the register has answered. */
static void test_somebody_soon(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref a = rig_open(&rig, CONN), b = rig_open(&rig, OTHER_CONN);
    rig_find(&rig, b, true);
    rig_skip(&rig);
    rig_sought(&rig, b, BROKER_NONE);
    rig_skip(&rig);
    rig_find(&rig, a, true);
    rig_skip(&rig);
    struct ticket of_a = rig_session(&rig, a)->search->ticket, of_b = rig_session(&rig, b)->search->ticket;
    rig_broker(&rig, {.kind = BROKER_OFFERED,
                      .to = of_b.who.at,
                      .chat = of_a.chat,
                      .offered = {.attempt = of_b.attempt, .seeker = of_a}});
    rig_skip(&rig);
    rig_outcome(&rig, BROKER_CONFIRMED, BROKER_OK, a, of_a.chat, of_b); /* before COMMITTED */
    rig_skip(&rig);
    rig_resume_link(&rig);
    rig_tell(&rig);
    expect_hold(&rig, a);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* … or not at all: whoever is there resumes another chat. */
static void test_somebody_else(void **state) {
    (void)state;
    for (int same = 0; same < 2; same++) {
        struct rig rig;
        session_ref ref = start(&rig);
        session_ref there = rig_open(&rig, OTHER_CONN);
        struct claims claims = {.chat = {5, 6}, .side = SIDE_CANDIDATE, .reliable = true, .person = STRANGER_PERSON};
        if (same)
            claims.chat = rig_session(&rig, ref)->chat->id;
        rig_resume(&rig, there, &claims);
        rig_skip(&rig);
        rig_session(&rig, ref)->chat->peer.at = rig_address(&rig, there);
        rig_resume_link(&rig);
        rig_tell(&rig);
        expect_hold(&rig, ref);
        if (!same)
            (void)expect_request(&rig, BROKER_LOOKUP);
        expect_nothing(&rig);
        rig_fini(&rig);
    }
}

static void test_greeting_is_repeated(void **state) {
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
    rig_resume_link(&rig);
    rig_tell(&rig);
    expect_hold(&rig, ref);
    (void)expect_peer(&rig, PEER_REBOUND);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* Who waits seeks again, in the old place; an offer to the earlier ticket still counts. */
static void test_searches_are_told(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    session_ref ref = rig_open(&rig, CONN);
    rig_find(&rig, ref, true);
    rig_skip(&rig);
    rig_sought(&rig, ref, BROKER_NONE);
    rig_skip(&rig);
    uint32_t attempt = rig_session(&rig, ref)->attempt;
    rig_resume_link(&rig);
    rig_tell(&rig);
    const struct broker_request *seek = expect_request(&rig, BROKER_SEEK);
    assert_int_equal(seek->seek.since_ms, 77);
    assert_int_equal(seek->seek.attempt, attempt + 1);
    expect_nothing(&rig);
    rig_broker(&rig, {.kind = BROKER_OFFERED,
                      .to = rig_address(&rig, ref),
                      .chat = rig_offer_id(),
                      .offered = {.attempt = attempt, .seeker = rig_stranger_ticket(true)}});
    expect_nothing(&rig);
    rig_sought(&rig, ref, BROKER_NONE);
    (void)expect_request(&rig, BROKER_WITHDRAW);
    (void)expect_request(&rig, BROKER_COMMIT);
    expect_nothing(&rig); /* above all no second `waiting` */
    rig_fini(&rig);
}

/* A node that is going away looks for nobody. */
static void test_drained(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    session_ref waiting = rig_open(&rig, OTHER_CONN);
    rig_find(&rig, waiting, true);
    rig_skip(&rig);
    rig_sought(&rig, waiting, BROKER_NONE);
    rig_skip(&rig);
    rig_step(&rig, (struct event){.kind = EVENT_DRAIN});
    rig_skip(&rig);
    rig_resume_link(&rig);
    rig_tell(&rig);
    expect_hold(&rig, ref);
    (void)expect_peer(&rig, PEER_SYNC);
    (void)expect_told(&rig, CONN, SERVER_SYNC);
    expect_nothing(&rig);
    rig_wait(&rig, 1000);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* Many tell within a second, not all at once; a second reason meanwhile makes them all tell again. */
static void test_telling_is_spread(void **state) {
    (void)state;
    enum { MANY = 100, PARTS = 20, PART_MS = 50 };
    struct rig rig;
    rig_init(&rig);
    for (conn_ref conn = 1; conn <= MANY; conn++)
        rig_match(&rig, rig_open(&rig, conn), true, true);
    rig_resume_link(&rig);
    unsigned holds = 0;
    int64_t began_ms = rig.now_ms, done_ms = 0;
    for (unsigned part = 0; part < 100 && rig_due_ms(&rig) <= PART_MS; part++) {
        rig_wait(&rig, rig_due_ms(&rig));
        unsigned now = 0;
        for (size_t i = 0; i < rig.count; i++)
            now += rig.actions[i].kind == ACTION_REQUEST && rig.actions[i].request.kind == BROKER_HOLD;
        assert_in_range(now, 1, MANY / PARTS + 1);
        holds += now;
        rig_skip(&rig);
        if (holds == MANY)
            done_ms = done_ms == 0 ? rig.now_ms : done_ms;
        if (part == 3) {
            rig_resume_link(&rig);
            assert_true(holds < MANY);
        }
    }
    assert_int_equal(holds, 2 * MANY);
    assert_in_range(done_ms - began_ms, 500, 1000);
    rig_fini(&rig);
}

/* A frozen node may have been given up, and its connections cut; a short hiccup is none. */
static void test_after_a_gap(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_step(&rig, ((struct event){.kind = EVENT_SHIFT, .shift.gap_ms = 999}));
    assert_int_equal(rig_due_ms(&rig), INT64_MAX);
    rig_step(&rig, ((struct event){.kind = EVENT_SHIFT, .shift.gap_ms = 1000}));
    rig_wait(&rig, CATCH_UP_MS - 1);
    expect_nothing(&rig);
    rig_wait(&rig, 1);
    expect_hold(&rig, ref);
    (void)expect_peer(&rig, PEER_SYNC);
    (void)expect_told(&rig, CONN, SERVER_SYNC);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* … and what was said to it meanwhile is read before it tells anything: it may be news of its own chats. */
static void test_news_after_a_gap(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_step(&rig, ((struct event){.kind = EVENT_SHIFT, .shift.gap_ms = 10000}));
    rig_wait(&rig, CATCH_UP_MS - 1);
    struct peer_frame moved = rig_peer_frame(&rig, ref, PEER_MOVED);
    moved.side = rig_session(&rig, ref)->chat->side;
    moved.fence = 5;
    moved.moved.here = true;
    rig_carry(&rig, moved);
    expect_closed(&rig, CONN, CLOSE_SUPERSEDED);
    rig_wait(&rig, 10000);
    expect_nothing(&rig); /* no HOLD of what it does not hold */
    rig_fini(&rig);
}

/* Leases are renewed, rarely, while there are chats. */
static void test_renewal(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig.now_ms += HOUR_MS - 1;
    rig_wait(&rig, 0);
    expect_nothing(&rig);
    for (int i = 0; i < 3; i++) {
        rig_wait(&rig, i == 0 ? 1 : HOUR_MS);
        expect_hold(&rig, ref);
        expect_nothing(&rig);
        rig_found(&rig, ref, BROKER_OK, true);
    }
    rig_leave(&rig, ref);
    rig_skip(&rig);
    rig_wait(&rig, HOUR_MS);
    expect_nothing(&rig);
    assert_int_equal(core_deadline(rig.core), INT64_MAX);
    rig_fini(&rig);
}

/* --- SYNC from the stranger's node -------------------------------------------------------------------------------- */

static void test_sync_mends_away(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_peer_with(&rig, ref, PEER_SYNC, state.grace_ms, 5000); /* their AWAY was lost */
    assert_int_equal(expect_told(&rig, CONN, SERVER_AWAY)->away.grace_ms, 5000);
    (void)expect_told(&rig, CONN, SERVER_SYNC);
    assert_true(expect_peer(&rig, PEER_STATE)->state.here);
    rig_peer_with(&rig, ref, PEER_SYNC, state.here, true);
    (void)expect_told(&rig, CONN, SERVER_BACK); /* on which our client sends again: no need of `sync` */
    (void)expect_peer(&rig, PEER_STATE);
    expect_nothing(&rig);
    assert_int_equal(rig_due_ms(&rig), INT64_MAX);
    rig_fini(&rig);
}

static void test_sync_while_away(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    rig_close(&rig, ref, CONN);
    rig_skip(&rig);
    rig.now_ms += 20000;
    rig_peer_with(&rig, ref, PEER_SYNC, state.here, true);
    const struct peer_frame *answer = expect_peer(&rig, PEER_STATE);
    assert_false(answer->state.here);
    assert_int_equal(answer->state.grace_ms, GRACE - 20000);
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* The stranger's resume was lost together with other frames. */
static void test_sync_from_a_new_place(void **state) {
    (void)state;
    struct rig rig;
    session_ref ref = start(&rig);
    struct peer_frame sync = rig_peer_frame(&rig, ref, PEER_SYNC);
    sync.from = (struct address){8, 8, 8};
    sync.fence = 5;
    sync.state.here = true;
    rig_carry(&rig, sync);
    (void)expect_told(&rig, CONN, SERVER_BACK);
    (void)expect_told(&rig, CONN, SERVER_SYNC);
    assert_true(address_equal(expect_peer(&rig, PEER_STATE)->to, sync.from));
    expect_nothing(&rig);
    rig_fini(&rig);
}

/* … where nobody is: whoever is at the one before may not have heard of it, and stays there. */
static void test_sync_from_an_empty_place(void **state) {
    (void)state;
    static const enum peer_kind kinds[] = {PEER_SYNC, PEER_STATE, PEER_AWAY};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct rig rig;
        session_ref ref = start(&rig);
        struct peer_frame news = rig_peer_frame(&rig, ref, kinds[i]);
        news.from = (struct address){8, 8, 8};
        news.fence = 5;
        rig_carry(&rig, news);
        const struct peer_frame *moved = expect_peer(&rig, PEER_MOVED);
        assert_true(address_equal(moved->to, STRANGER));
        assert_int_equal(moved->side, news.side);
        assert_int_equal(moved->fence, 5);
        assert_false(moved->moved.here);
        (void)expect_told(&rig, CONN, SERVER_BACK);
        (void)expect_told(&rig, CONN, SERVER_AWAY);
        rig_skip(&rig);
        rig_carry(&rig, news); /* no news any more */
        for (size_t j = 0; j < rig.count; j++)
            assert_false(rig.actions[j].kind == ACTION_PEER && rig.actions[j].peer.kind == PEER_MOVED);
        rig_skip(&rig);
        rig_fini(&rig);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chats_are_told),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_held_chats_are_told),
        cmocka_unit_test(test_chats_of_one_node),
        cmocka_unit_test(test_nobody_on_this_node),
        cmocka_unit_test(test_somebody_soon),
        cmocka_unit_test(test_somebody_else),
        cmocka_unit_test(test_greeting_is_repeated),
        cmocka_unit_test(test_searches_are_told),
        cmocka_unit_test(test_drained),
        cmocka_unit_test(test_telling_is_spread),
        cmocka_unit_test(test_after_a_gap),
        cmocka_unit_test(test_news_after_a_gap),
        cmocka_unit_test(test_renewal),
        cmocka_unit_test(test_sync_from_an_empty_place),
        cmocka_unit_test(test_sync_mends_away),
        cmocka_unit_test(test_sync_while_away),
        cmocka_unit_test(test_sync_from_a_new_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
