/* suite_chat.c - the register: commit against abort, rebind, end, lookup. */
#include "cluster.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };

/* Two tickets that name enough for a mix-up to show, on nodes 0 and 1. */
struct pair {
    struct ticket seeker;
    struct ticket candidate;
};

static struct pair pair_new(struct cluster *cluster) {
    struct pair pair = {cluster_ticket(cluster, 0, 1), cluster_ticket(cluster, 1, 2)};
    pair.seeker.attempt = 11;
    pair.seeker.topics = (struct topics){.hash = {0xa, 0xb}, .count = 2};
    pair.candidate.attempt = 22;
    pair.candidate.topics = (struct topics){.hash = {0xb, 0xc, 0xd}, .count = 3};
    pair.candidate.language[0] = 'e';
    return pair;
}

/* They are matched, but nobody has committed. */
static struct pair matched(struct cluster *cluster) {
    struct pair pair = pair_new(cluster);
    assert_int_equal(cluster_seek(cluster, &pair.candidate).status, BROKER_NONE);
    assert_int_equal(cluster_seek(cluster, &pair.seeker).status, BROKER_OK);
    cluster_take(cluster, 1, BROKER_OFFERED);
    cluster_assert_quiet(cluster);
    return pair;
}

static struct pair chatting(struct cluster *cluster) {
    struct pair pair = matched(cluster);
    assert_int_equal(cluster_commit(cluster, &pair.seeker, &pair.candidate).status, BROKER_OK);
    cluster_take(cluster, 0, BROKER_CONFIRMED);
    cluster_assert_quiet(cluster);
    pair.seeker.who.fence = pair.candidate.who.fence = 1;
    return pair;
}

static struct claims claims_of(const struct pair *pair, enum side side) {
    const struct ticket *holder = side == SIDE_SEEKER ? &pair->seeker : &pair->candidate;
    const struct ticket *peer = side == SIDE_SEEKER ? &pair->candidate : &pair->seeker;
    return (struct claims){
        .chat = pair->seeker.chat,
        .side = side,
        .reliable = holder->who.reliable,
        .peer_reliable = peer->who.reliable,
        .person = holder->who.person,
        .peer = peer->who.person,
    };
}

static void assert_record(const struct broker_event *event, const struct pair *pair) {
    assert_chat(event->chat_state.record.id, pair->seeker.chat);
    assert_party(&event->chat_state.record.party[SIDE_SEEKER], &pair->seeker.who);
    assert_party(&event->chat_state.record.party[SIDE_CANDIDATE], &pair->candidate.who);
}

static void assert_old_record(const struct broker_event *event, const struct pair *pair) {
    assert_chat(event->chat_state.record.id, pair->seeker.chat);
    assert_old_party(&event->chat_state.record.party[SIDE_SEEKER], &pair->seeker.who);
    assert_old_party(&event->chat_state.record.party[SIDE_CANDIDATE], &pair->candidate.who);
}

static void assert_over(struct broker_event event, struct tombstone how) {
    assert_int_equal(event.status, BROKER_OVER);
    assert_int_equal(event.chat_state.record.ended.cause, how.cause);
    assert_int_equal(event.chat_state.record.ended.side, how.side);
}

/* What an event of a match says about the other side. */
static void assert_match(const struct broker_event *event, const struct ticket *self, const struct ticket *peer) {
    assert_int_equal(event->status, BROKER_OK);
    assert_address(event->to, self->who.at);
    assert_int_equal(event->match.attempt, self->attempt);
    assert_int_equal(event->match.fence, self->who.fence);
    assert_party(&event->match.peer.who, &peer->who);
    assert_int_equal(event->match.peer.who.fence, peer->who.fence);
    assert_int_equal(event->match.peer.topics.count, peer->topics.count);
    for (unsigned i = 0; i < peer->topics.count; i++)
        assert_int_equal(event->match.peer.topics.hash[i], peer->topics.hash[i]);
}

static void test_commit(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = matched(cluster);
    struct broker_event committed = cluster_commit(cluster, &pair.seeker, &pair.candidate);
    struct broker_event confirmed = cluster_take(cluster, 0, BROKER_CONFIRMED);
    pair.seeker.who.fence = pair.candidate.who.fence = 1;
    assert_match(&committed, &pair.candidate, &pair.seeker);
    assert_chat(confirmed.chat, pair.seeker.chat);
    assert_match(&confirmed, &pair.seeker, &pair.candidate);
    cluster_assert_quiet(cluster);

    struct broker_event found = cluster_lookup(cluster, cluster_address(cluster, 3, 9), pair.seeker.chat);
    assert_int_equal(found.status, BROKER_OK);
    assert_int_equal(found.chat_state.record.ended.cause, END_NONE);
    assert_record(&found, &pair);
}

static void test_commit_keeps_greater_fences(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = matched(cluster);
    pair.seeker.who.fence = 5;
    pair.candidate.who.fence = 9;
    struct broker_event committed = cluster_commit(cluster, &pair.seeker, &pair.candidate);
    struct broker_event confirmed = cluster_take(cluster, 0, BROKER_CONFIRMED);
    assert_match(&committed, &pair.candidate, &pair.seeker);
    assert_match(&confirmed, &pair.seeker, &pair.candidate);
}

/* A newer search of the same session is another matter: its node decides which of the two counts. */
static void test_commit_leaves_newer_searches(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = matched(cluster);
    struct ticket again = pair.seeker;
    again.attempt++;
    assert_int_equal(cluster_seek(cluster, &again).status, BROKER_NONE);
    assert_int_equal(cluster_commit(cluster, &pair.seeker, &pair.candidate).status, BROKER_OK);
    assert_int_equal(cluster_waiting(cluster), 1);
}

static void test_abort_first(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = matched(cluster);
    assert_int_equal(cluster_abort(cluster, &pair.seeker).status, BROKER_NONE);
    assert_int_equal(cluster_commit(cluster, &pair.seeker, &pair.candidate).status, BROKER_NONE);
    cluster_assert_quiet(cluster); /* not confirmed */
    struct address anybody = cluster_address(cluster, 3, 9);
    assert_int_equal(cluster_lookup(cluster, anybody, pair.seeker.chat).status, BROKER_NONE);
    struct claims claims = claims_of(&pair, SIDE_SEEKER);
    assert_int_equal(cluster_rebind(cluster, anybody, &claims).status, BROKER_NONE);
    cluster_end(cluster, pair.seeker.who.at, pair.seeker.chat, (struct tombstone){END_LEFT, SIDE_SEEKER});
    assert_int_equal(cluster_abort(cluster, &pair.seeker).status, BROKER_NONE);
    assert_int_equal(cluster_commit(cluster, &pair.seeker, &pair.candidate).status, BROKER_NONE);
    assert_int_equal(cluster_lookup(cluster, anybody, pair.seeker.chat).status, BROKER_NONE);
}

static void test_commit_first(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = chatting(cluster);
    struct broker_event aborted = cluster_abort(cluster, &pair.seeker);
    assert_match(&aborted, &pair.seeker, &pair.candidate);
    assert_int_equal(cluster_lookup(cluster, pair.seeker.who.at, pair.seeker.chat).status, BROKER_OK);
}

/* Both at once, in both orders and many times: the two sides must read the same outcome. */
static void test_commit_and_abort_race(void **state) {
    struct cluster *cluster = *state;
    for (int i = 0; i < 200; i++) {
        struct pair pair = matched(cluster);
        struct broker_request requests[2] = {
            {.kind = BROKER_COMMIT, .asker = pair.candidate.who.at, .chat = pair.seeker.chat},
            {.kind = BROKER_ABORT, .asker = pair.seeker.who.at, .chat = pair.seeker.chat},
        };
        requests[0].commit.seeker = pair.seeker;
        requests[0].commit.candidate = pair.candidate;
        requests[1].abort.attempt = pair.seeker.attempt;
        bool abort_first = i % 2 == 0;
        cluster_request(cluster, !abort_first, &requests[abort_first]);
        cluster_request(cluster, abort_first, &requests[!abort_first]);
        cluster_settle(cluster);
        struct broker_event committed = cluster_take(cluster, 1, BROKER_COMMITTED);
        struct broker_event aborted = cluster_take(cluster, 0, BROKER_ABORTED);
        assert_int_equal(committed.status, aborted.status);
        assert_int_equal(cluster_left(cluster, 0, BROKER_CONFIRMED), committed.status == BROKER_OK);
        cluster_forget(cluster);
    }
}

static void test_one_candidate_only(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = chatting(cluster);
    struct ticket other = cluster_ticket(cluster, 2, 3);
    assert_int_equal(cluster_commit(cluster, &pair.seeker, &other).status, BROKER_NONE);
    struct broker_event found = cluster_lookup(cluster, pair.seeker.who.at, pair.seeker.chat);
    assert_record(&found, &pair);
    cluster_assert_quiet(cluster);
}

static void test_commit_without_the_seekers_node(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = matched(cluster);
    cluster_close(cluster, 0);
    assert_int_equal(cluster_commit(cluster, &pair.seeker, &pair.candidate).status, BROKER_NONE);
}

static void test_rebind(void **state) {
    struct cluster *cluster = *state;
    for (int i = 0; i < 2; i++) {
        enum side side = i == 0 ? SIDE_SEEKER : SIDE_CANDIDATE;
        struct pair pair = chatting(cluster);
        struct ticket *holder = side == SIDE_SEEKER ? &pair.seeker : &pair.candidate;
        struct claims claims = claims_of(&pair, side);
        claims.reliable = !claims.reliable;
        for (unsigned move = 1; move <= 3; move++) { /* to other nodes, and back to its own */
            struct address to = cluster_address(cluster, ((unsigned)side + move + 1) % CLUSTER_NODES, 50 + move);
            struct address from = holder->who.at;
            struct broker_event rebound = cluster_rebind(cluster, to, &claims);
            assert_int_equal(rebound.status, BROKER_OK);
            uint64_t fence = rebound.chat_state.record.party[side].fence;
            assert_true(fence > holder->who.fence); /* by how much is the broker's affair */
            holder->who.at = to;
            holder->who.fence = fence;
            holder->who.reliable = claims.reliable;
            assert_address(rebound.chat_state.previous, from);
            assert_record(&rebound, &pair);
        }
        cluster_assert_quiet(cluster);
    }
}

/* Compare and set: a rebind that depends on where the side is. */
static void test_rebind_only_from(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = chatting(cluster);
    struct claims claims = claims_of(&pair, SIDE_SEEKER);
    struct address first = cluster_address(cluster, 2, 5), second = cluster_address(cluster, 3, 6);
    struct broker_event rebound = cluster_rebind(cluster, first, &claims);
    uint64_t fence = rebound.chat_state.record.party[SIDE_SEEKER].fence;

    struct broker_request request = {.kind = BROKER_REBIND, .asker = second, .chat = claims.chat};
    request.rebind.claims = claims;
    request.rebind.only_from = pair.seeker.who.fence; /* it has gone on from there */
    cluster_request(cluster, 3, &request);
    cluster_settle(cluster);
    rebound = cluster_take(cluster, 3, BROKER_REBOUND);
    assert_int_equal(rebound.status, BROKER_OK);
    assert_address(rebound.chat_state.record.party[SIDE_SEEKER].at, first);
    assert_int_equal(rebound.chat_state.record.party[SIDE_SEEKER].fence, fence);

    request.rebind.only_from = fence;
    cluster_request(cluster, 3, &request);
    cluster_settle(cluster);
    rebound = cluster_take(cluster, 3, BROKER_REBOUND);
    assert_address(rebound.chat_state.record.party[SIDE_SEEKER].at, second);
    assert_address(rebound.chat_state.previous, first);
    assert_true(rebound.chat_state.record.party[SIDE_SEEKER].fence > fence);
}

static void test_unknown_chats(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = pair_new(cluster);
    struct claims claims = claims_of(&pair, SIDE_CANDIDATE);
    struct address asker = cluster_address(cluster, 2, 9);
    assert_int_equal(cluster_rebind(cluster, asker, &claims).status, BROKER_NONE);
    assert_int_equal(cluster_lookup(cluster, asker, claims.chat).status, BROKER_NONE);
    cluster_end(cluster, asker, claims.chat, (struct tombstone){END_LEFT, SIDE_SEEKER});
    assert_int_equal(cluster_lookup(cluster, asker, claims.chat).status, BROKER_NONE);
    cluster_assert_quiet(cluster);
}

/* Ids that share a half are different. */
static void test_similar_chat_ids(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = chatting(cluster);
    struct address asker = cluster_address(cluster, 2, 9);
    struct chat_id id = pair.seeker.chat;
    assert_int_equal(cluster_lookup(cluster, asker, (struct chat_id){id.high, id.low + 1000}).status, BROKER_NONE);
    assert_int_equal(cluster_lookup(cluster, asker, (struct chat_id){id.high + 1, id.low}).status, BROKER_NONE);
    struct pair other = chatting(cluster);
    cluster_end(cluster, pair.seeker.who.at, pair.seeker.chat, (struct tombstone){END_LEFT, SIDE_SEEKER});
    assert_int_equal(cluster_lookup(cluster, asker, other.seeker.chat).status, BROKER_OK);
}

static void test_end(void **state) {
    struct cluster *cluster = *state;
    const enum end_cause causes[] = {END_LEFT, END_LOST, END_EXPIRED};
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
        struct pair pair = chatting(cluster);
        struct tombstone how = {causes[i], i % 2 == 0 ? SIDE_CANDIDATE : SIDE_SEEKER};
        cluster_end(cluster, pair.candidate.who.at, pair.seeker.chat, how);
        cluster_end(cluster, pair.seeker.who.at, pair.seeker.chat,
                    (struct tombstone){END_LEFT, !how.side}); /* too late */
        cluster_assert_quiet(cluster);                        /* not answered */

        struct broker_event found = cluster_lookup(cluster, pair.seeker.who.at, pair.seeker.chat);
        assert_over(found, how);
        assert_old_record(&found, &pair);
        struct claims claims = claims_of(&pair, SIDE_SEEKER);
        struct broker_event rebound = cluster_rebind(cluster, cluster_address(cluster, 3, 9), &claims);
        assert_over(rebound, how);
        assert_old_record(&rebound, &pair); /* nothing was rebound */
    }
}

static void test_end_is_for_those_who_sit_there(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = chatting(cluster);
    struct chat_id chat = pair.seeker.chat;
    struct tombstone how = {END_LEFT, SIDE_SEEKER};
    struct claims claims = claims_of(&pair, SIDE_SEEKER);
    struct address moved = cluster_address(cluster, 3, 9);
    assert_int_equal(cluster_rebind(cluster, moved, &claims).status, BROKER_OK);

    cluster_end(cluster, pair.seeker.who.at, chat, how); /* the place that was left */
    cluster_end(cluster, cluster_address(cluster, 2, 9), chat, how);
    assert_int_equal(cluster_lookup(cluster, moved, chat).status, BROKER_OK);
    cluster_end(cluster, moved, chat, how);
    assert_over(cluster_lookup(cluster, moved, chat), how);
}

/* The candidate has left before the seeker heard of the match: it had better look for somebody else. */
static void test_abort_after_the_end(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = chatting(cluster);
    struct tombstone how = {END_LEFT, SIDE_CANDIDATE};
    cluster_end(cluster, pair.candidate.who.at, pair.seeker.chat, how);
    assert_int_equal(cluster_abort(cluster, &pair.seeker).status, BROKER_NONE);
    assert_int_equal(cluster_commit(cluster, &pair.seeker, &pair.candidate).status, BROKER_NONE);
    assert_over(cluster_lookup(cluster, pair.seeker.who.at, pair.seeker.chat), how);
}

static void test_tombstones_are_kept_for_a_while(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = chatting(cluster);
    struct tombstone how = {END_LOST, SIDE_SEEKER};
    cluster_end(cluster, pair.candidate.who.at, pair.seeker.chat, how);
    cluster_advance(cluster, 5 * MINUTE_MS);
    assert_over(cluster_lookup(cluster, pair.seeker.who.at, pair.seeker.chat), how);
    cluster_advance(cluster, 6 * MINUTE_MS); /* looking it up does not renew it */
    assert_int_equal(cluster_lookup(cluster, pair.seeker.who.at, pair.seeker.chat).status, BROKER_NONE);
}

static void test_chats_are_forgotten_at_last(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = chatting(cluster);
    for (int i = 0; i < 3; i++) { /* each lookup renews the lease */
        cluster_advance(cluster, 2 * HOUR_MS);
        assert_int_equal(cluster_lookup(cluster, pair.seeker.who.at, pair.seeker.chat).status, BROKER_OK);
    }
    cluster_advance(cluster, 2 * HOUR_MS);
    struct claims claims = claims_of(&pair, SIDE_SEEKER); /* and so does a resume */
    assert_int_equal(cluster_rebind(cluster, pair.seeker.who.at, &claims).status, BROKER_OK);
    cluster_advance(cluster, 2 * HOUR_MS);
    assert_int_equal(cluster_lookup(cluster, pair.seeker.who.at, pair.seeker.chat).status, BROKER_OK);
    cluster_advance(cluster, 8 * 24 * HOUR_MS);
    assert_int_equal(cluster_lookup(cluster, pair.seeker.who.at, pair.seeker.chat).status, BROKER_NONE);
}

/* The register outlives the nodes. */
static void test_rebind_after_a_node_is_gone(void **state) {
    struct cluster *cluster = *state;
    struct pair pair = chatting(cluster);
    struct address lost = pair.candidate.who.at;
    cluster_close(cluster, 1);
    struct claims claims = claims_of(&pair, SIDE_CANDIDATE);
    struct broker_event rebound = cluster_rebind(cluster, cluster_address(cluster, 2, 4), &claims);
    assert_int_equal(rebound.status, BROKER_OK);
    assert_address(rebound.chat_state.previous, lost);
    assert_true(rebound.chat_state.record.party[SIDE_CANDIDATE].fence > 1);
}

int suite_chat(const struct fixture *fixture) {
    const struct CMUnitTest tests[] = {
        CLUSTER_TEST(test_commit, fixture),
        CLUSTER_TEST(test_commit_keeps_greater_fences, fixture),
        CLUSTER_TEST(test_commit_leaves_newer_searches, fixture),
        CLUSTER_TEST(test_abort_first, fixture),
        CLUSTER_TEST(test_commit_first, fixture),
        CLUSTER_TEST(test_commit_and_abort_race, fixture),
        CLUSTER_TEST(test_one_candidate_only, fixture),
        CLUSTER_TEST(test_commit_without_the_seekers_node, fixture),
        CLUSTER_TEST(test_rebind, fixture),
        CLUSTER_TEST(test_rebind_only_from, fixture),
        CLUSTER_TEST(test_unknown_chats, fixture),
        CLUSTER_TEST(test_similar_chat_ids, fixture),
        CLUSTER_TEST(test_end, fixture),
        CLUSTER_TEST(test_end_is_for_those_who_sit_there, fixture),
        CLUSTER_TEST(test_abort_after_the_end, fixture),
        CLUSTER_TEST(test_tombstones_are_kept_for_a_while, fixture),
        CLUSTER_TEST(test_chats_are_forgotten_at_last, fixture),
        CLUSTER_TEST(test_rebind_after_a_node_is_gone, fixture),
    };
    return cmocka_run_group_tests_name(fixture->name, tests, NULL, NULL);
}
