/* suite_hold.c - the register is told what it has forgotten, or never knew. */
#include "cluster.h"

enum { HOUR_MS = 3600 * 1000 };

/* A chat that the register does not know: it has forgotten it. */
struct pair {
    struct chat_id chat;
    struct ticket seeker;    /* on node 0 */
    struct ticket candidate; /* on node 1 */
};

static struct pair forgotten(struct cluster *cluster) {
    struct pair pair = {.seeker = cluster_ticket(cluster, 0, 1), .candidate = cluster_ticket(cluster, 1, 2)};
    pair.chat = pair.seeker.chat;
    pair.seeker.attempt = 11;
    pair.candidate.attempt = 22;
    pair.seeker.who.fence = 5;
    pair.candidate.who.fence = 7;
    return pair;
}

static struct broker_event hold(struct cluster *cluster, const struct pair *pair, enum side asker) {
    const struct party *seeker = &pair->seeker.who;
    const struct party *candidate = &pair->candidate.who;
    return cluster_hold(cluster, asker == SIDE_SEEKER ? seeker->at : candidate->at, pair->chat, seeker, candidate);
}

static void assert_record(const struct broker_event *event, const struct pair *pair) {
    assert_int_equal(event->status, BROKER_OK);
    assert_chat(event->chat_state.record.id, pair->chat);
    assert_int_equal(event->chat_state.record.ended.cause, END_NONE);
    assert_party(&event->chat_state.record.party[SIDE_SEEKER], &pair->seeker.who);
    assert_party(&event->chat_state.record.party[SIDE_CANDIDATE], &pair->candidate.who);
}

static void assert_known(struct cluster *cluster, const struct pair *pair) {
    struct broker_event found = cluster_lookup(cluster, cluster_address(cluster, 3, 9), pair->chat);
    assert_record(&found, pair);
}

static struct claims claims_of(const struct pair *pair, enum side side) {
    const struct party *holder = side == SIDE_SEEKER ? &pair->seeker.who : &pair->candidate.who;
    const struct party *peer = side == SIDE_SEEKER ? &pair->candidate.who : &pair->seeker.who;
    return (struct claims){.chat = pair->chat,
                           .side = side,
                           .reliable = holder->reliable,
                           .peer_reliable = peer->reliable,
                           .person = holder->person,
                           .peer = peer->person};
}

static void test_made_again(void **state) {
    struct cluster *cluster = *state;
    for (int side = 0; side < 2; side++) {
        struct pair pair = forgotten(cluster);
        struct broker_event held = hold(cluster, &pair, (enum side)side);
        assert_record(&held, &pair);
        assert_known(cluster, &pair);
        held = hold(cluster, &pair, side_other((enum side)side)); /* the other one tells the same */
        assert_record(&held, &pair);
        cluster_assert_quiet(cluster);
    }
}

/* It is a chat like any other from then on. */
static void test_made_again_goes_on(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = forgotten(cluster);
    assert_int_equal(hold(cluster, &pair, SIDE_CANDIDATE).status, BROKER_OK);
    struct claims claims = claims_of(&pair, SIDE_SEEKER);
    struct address to = cluster_address(cluster, 2, 5);
    struct broker_event rebound = cluster_rebind(cluster, to, &claims);
    assert_int_equal(rebound.status, BROKER_OK);
    assert_address(rebound.chat_state.previous, pair.seeker.who.at);
    assert_true(rebound.chat_state.record.party[SIDE_SEEKER].fence > pair.seeker.who.fence);
    assert_party(&rebound.chat_state.record.party[SIDE_CANDIDATE], &pair.candidate.who);

    struct tombstone how = {END_LEFT, SIDE_CANDIDATE};
    cluster_end(cluster, pair.seeker.who.at, pair.chat, (struct tombstone){END_LEFT, SIDE_SEEKER}); /* has moved */
    cluster_end(cluster, pair.candidate.who.at, pair.chat, how);
    struct broker_event found = cluster_lookup(cluster, to, pair.chat);
    assert_int_equal(found.status, BROKER_OVER);
    assert_int_equal(found.chat_state.record.ended.side, SIDE_CANDIDATE);
}

/* The match was made, and forgotten before the seeker had heard of it. */
static void test_abort_after_made_again(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = forgotten(cluster);
    assert_int_equal(hold(cluster, &pair, SIDE_CANDIDATE).status, BROKER_OK);
    struct broker_event aborted = cluster_abort(cluster, &pair.seeker);
    assert_int_equal(aborted.status, BROKER_OK);
    assert_int_equal(aborted.match.fence, pair.seeker.who.fence);
    assert_party(&aborted.match.peer.who, &pair.candidate.who);
    assert_int_equal(cluster_commit(cluster, &pair.seeker, &pair.candidate).status, BROKER_OK); /* asked twice */
    assert_known(cluster, &pair);
}

/* Of each side the place with the greater fence stands, whoever tells it, and in whatever order. */
static void test_greater_fences_win(void **state) {
    struct cluster *cluster = *state;
    for (int first = 0; first < 2; first++) {
        struct pair pair = forgotten(cluster);
        struct pair by_seeker = pair, by_candidate = pair;
        by_seeker.seeker.who.at =
            cluster_address(cluster, 2, 6); /* each has moved, and the other has not heard of it */
        by_seeker.seeker.who.fence = 9;
        by_candidate.candidate.who.at = cluster_address(cluster, 3, 7);
        by_candidate.candidate.who.fence = 8;
        struct pair merged = {pair.chat, by_seeker.seeker, by_candidate.candidate};
        struct broker_event held =
            first == 0 ? hold(cluster, &by_seeker, SIDE_SEEKER) : hold(cluster, &by_candidate, SIDE_CANDIDATE);
        assert_record(&held, first == 0 ? &by_seeker : &by_candidate);
        held = first == 0 ? hold(cluster, &by_candidate, SIDE_CANDIDATE) : hold(cluster, &by_seeker, SIDE_SEEKER);
        assert_record(&held, &merged);
        held = hold(cluster, &pair, SIDE_SEEKER); /* a node that was frozen */
        assert_record(&held, &merged);
        assert_known(cluster, &merged);
    }
}

static void test_equal_fences(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = forgotten(cluster);
    assert_int_equal(hold(cluster, &pair, SIDE_SEEKER).status, BROKER_OK);
    struct pair other = pair;
    other.seeker.who.at = cluster_address(cluster, 2, 6);
    struct broker_event held = hold(cluster, &other, SIDE_SEEKER);
    assert_record(&held, &pair);
}

/* Made again by somebody who does not know where the other one sits. */
static void test_unknown_place(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = forgotten(cluster);
    struct pair half = pair;
    half.candidate.who.at = (struct address){0};
    half.candidate.who.fence = 0;
    struct broker_event held = hold(cluster, &half, SIDE_SEEKER);
    assert_record(&held, &half);
    held = hold(cluster, &pair, SIDE_CANDIDATE);
    assert_record(&held, &pair);
    held = hold(cluster, &half, SIDE_SEEKER); /* which tells the one who did not know */
    assert_record(&held, &pair);
}

static void test_over_stays_over(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = forgotten(cluster);
    assert_int_equal(hold(cluster, &pair, SIDE_SEEKER).status, BROKER_OK);
    struct tombstone how = {END_LOST, SIDE_CANDIDATE};
    cluster_end(cluster, pair.seeker.who.at, pair.chat, how);
    struct pair newer = pair;
    newer.candidate.who.at = cluster_address(cluster, 3, 7);
    newer.candidate.who.fence = 50;
    struct broker_event held = hold(cluster, &newer, SIDE_CANDIDATE);
    assert_int_equal(held.status, BROKER_OVER);
    assert_int_equal(held.chat_state.record.ended.cause, how.cause);
    assert_int_equal(held.chat_state.record.ended.side, how.side);
    assert_old_party(&held.chat_state.record.party[SIDE_CANDIDATE], &pair.candidate.who); /* as it ended */
    assert_int_equal(cluster_lookup(cluster, pair.seeker.who.at, pair.chat).status, BROKER_OVER);
}

static void test_given_up_stays_given_up(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = forgotten(cluster);
    assert_int_equal(cluster_abort(cluster, &pair.seeker).status, BROKER_NONE);
    assert_int_equal(hold(cluster, &pair, SIDE_CANDIDATE).status, BROKER_NONE);
    assert_int_equal(cluster_lookup(cluster, pair.seeker.who.at, pair.chat).status, BROKER_NONE);
    assert_int_equal(cluster_commit(cluster, &pair.seeker, &pair.candidate).status, BROKER_NONE);
}

/* … unless its seeker, who alone may have given it up, says that it goes on. */
static void test_given_up_and_forgotten(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = forgotten(cluster);
    assert_int_equal(cluster_abort(cluster, &pair.seeker).status, BROKER_NONE);
    struct broker_event held = hold(cluster, &pair, SIDE_SEEKER);
    assert_record(&held, &pair);
    held = hold(cluster, &pair, SIDE_CANDIDATE);
    assert_record(&held, &pair);
    assert_known(cluster, &pair);
}

static void test_lease_is_renewed(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = forgotten(cluster);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(hold(cluster, &pair, SIDE_SEEKER).status, BROKER_OK);
        cluster_advance(cluster, 2 * HOUR_MS);
        cluster_forget(cluster);
    }
    assert_known(cluster, &pair);
    cluster_advance(cluster, 8 * 24 * HOUR_MS);
    cluster_forget(cluster);
    assert_int_equal(cluster_lookup(cluster, pair.seeker.who.at, pair.chat).status, BROKER_NONE);
}

int suite_hold(const struct fixture *fixture) {
    const struct CMUnitTest tests[] = {
        CLUSTER_TEST(test_made_again, fixture),
        CLUSTER_TEST(test_made_again_goes_on, fixture),
        CLUSTER_TEST(test_abort_after_made_again, fixture),
        CLUSTER_TEST(test_greater_fences_win, fixture),
        CLUSTER_TEST(test_equal_fences, fixture),
        CLUSTER_TEST(test_unknown_place, fixture),
        CLUSTER_TEST(test_over_stays_over, fixture),
        CLUSTER_TEST(test_given_up_stays_given_up, fixture),
        CLUSTER_TEST(test_given_up_and_forgotten, fixture),
        CLUSTER_TEST(test_lease_is_renewed, fixture),
    };
    return cmocka_run_group_tests_name(fixture->name, tests, NULL, NULL);
}
