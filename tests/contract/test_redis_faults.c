/* test_redis_faults.c - what befalls a Redis and the nodes on it: emptied, restarted, silent, suspected. Nobody keeps
 * anything on a node's behalf: it is told LINK_RESUMED, and tells everything again itself. */
#include "redis_cluster.h"

#include <hiredis/hiredis.h>

#include <string.h>

static const struct tombstone left = {END_LEFT, SIDE_SEEKER};

static void flush(struct cluster *cluster) {
    redis_server_ask(redis_cluster_server(cluster), "FLUSHALL");
}

/* Both nodes tell the chat again. */
static void hold(struct cluster *cluster, const struct redis_pair *pair) {
    const struct party *party[2] = {&pair->seeker.who, &pair->candidate.who};
    for (int side = 0; side < 2; side++) {
        struct broker_event held = cluster_hold(cluster, party[side]->at, pair->seeker.chat, party[0], party[1]);
        assert_int_equal(held.status, BROKER_OK);
    }
}

static void test_flush(void **state) {
    struct cluster *cluster = *state;
    struct redis_pair pair = redis_cluster_chatting(cluster);
    struct ticket waiter = redis_cluster_waits(cluster, 2, 3, "en");
    flush(cluster);
    redis_cluster_take_each(cluster, BROKER_LINK_RESUMED);
    assert_int_equal(cluster_waiting(cluster), 0);

    redis_cluster_waits_again(cluster, &waiter);
    hold(cluster, &pair);
    redis_cluster_assert_goes_on(cluster, &pair);
    struct ticket seeker = cluster_ticket(cluster, 3, 4);
    assert_int_equal(cluster_seek(cluster, &seeker).status, BROKER_OK);
    assert_address(cluster_take(cluster, 2, BROKER_OFFERED).to, waiter.who.at);
    cluster_end(cluster, pair.seeker.who.at, pair.seeker.chat, left);
    redis_cluster_assert_well(cluster);
}

/* Whoever comes first still decides. */
static void test_flush_amid_offers(void **state) {
    struct cluster *cluster = *state;
    struct redis_pair committed = redis_cluster_offered(cluster);
    struct redis_pair aborted = redis_cluster_offered(cluster);
    flush(cluster);
    assert_int_equal(cluster_commit(cluster, &committed.seeker, &committed.candidate).status, BROKER_OK);
    assert_chat(cluster_take(cluster, 0, BROKER_CONFIRMED).chat, committed.seeker.chat);
    assert_int_equal(cluster_abort(cluster, &aborted.seeker).status, BROKER_NONE);
    assert_int_equal(cluster_commit(cluster, &aborted.seeker, &aborted.candidate).status, BROKER_NONE);
    redis_cluster_take_each(cluster, BROKER_LINK_RESUMED);
    cluster_assert_quiet(cluster);

    struct redis_pair again = redis_cluster_chatting(cluster);
    flush(cluster); /* the seeker has not heard of its match, but the candidate tells it again in time */
    hold(cluster, &again);
    struct broker_event late = cluster_abort(cluster, &again.seeker);
    assert_int_equal(late.status, BROKER_OK);
    assert_party(&late.match.peer.who, &again.candidate.who);
    redis_cluster_take_each(cluster, BROKER_LINK_RESUMED);
    cluster_assert_quiet(cluster);
}

/* A side that was resumed keeps its greater fence, whatever its earlier node tells afterwards. */
static void test_flush_after_a_resume(void **state) {
    struct cluster *cluster = *state;
    struct redis_pair pair = redis_cluster_chatting(cluster);
    struct redis_pair before = pair;
    struct claims claims = {.chat = pair.seeker.chat, .side = SIDE_SEEKER, .reliable = pair.seeker.who.reliable};
    struct address moved = cluster_address(cluster, 2, 8);
    struct broker_event rebound = cluster_rebind(cluster, moved, &claims);
    assert_int_equal(rebound.status, BROKER_OK);
    pair.seeker.who = rebound.chat_state.record.party[SIDE_SEEKER];
    assert_address(pair.seeker.who.at, moved);
    flush(cluster);
    hold(cluster, &before);
    hold(cluster, &pair);
    hold(cluster, &before);
    redis_cluster_assert_goes_on(cluster, &pair);
}

/* Both nodes are gone, and so is the register: the token alone brings the chat back. */
static void test_resume_from_the_token_alone(void **state) {
    struct cluster *cluster = *state;
    struct redis_pair pair = redis_cluster_chatting(cluster);
    int64_t born_ms = redis_server_now_ms(redis_cluster_server(cluster));
    cluster_advance(cluster, 1000);
    struct claims claims = {
        .chat = pair.seeker.chat, .side = SIDE_SEEKER, .person = 11, .peer = 22, .born_ms = born_ms};
    struct address at[2] = {cluster_address(cluster, 2, 8), cluster_address(cluster, 3, 9)};
    cluster_close(cluster, 0);
    cluster_close(cluster, 1);
    flush(cluster);
    cluster_advance(cluster, 1000);
    struct broker_event first = cluster_rebind(cluster, at[0], &claims);
    assert_int_equal(first.status, BROKER_OK);
    assert_int_equal(first.chat_state.previous.boot, 0);
    assert_int_equal(first.chat_state.record.party[SIDE_SEEKER].person, 11);
    assert_int_equal(first.chat_state.record.party[SIDE_CANDIDATE].at.boot, 0);
    assert_int_equal(first.chat_state.record.party[SIDE_CANDIDATE].person, 22);
    claims.side = SIDE_CANDIDATE;
    struct broker_event second = cluster_rebind(cluster, at[1], &claims);
    assert_int_equal(second.status, BROKER_OK);
    assert_address(second.chat_state.record.party[SIDE_SEEKER].at, at[0]);
    assert_address(second.chat_state.record.party[SIDE_CANDIDATE].at, at[1]);
}

/* A token alone is not enough when its chat can't have been forgotten, or is too old, or is known to be over. */
static void test_tokens_that_bring_nothing_back(void **state) {
    struct cluster *cluster = *state;
    struct redis_server *server = redis_cluster_server(cluster);
    enum { DAY_MS = 24 * 3600 * 1000, TOMBSTONE_S = 600, PAUSE_S = 60 };
    struct address at = cluster_address(cluster, 2, 8);
    struct claims claims = {.chat = {1, 2}, .person = 11, .peer = 22};
    int64_t epoch_ms = redis_server_now_ms(server);
    for (int second = 0; second <= TOMBSTONE_S; second += PAUSE_S) /* Redis keeps its data, as the nodes beat */
        cluster_advance(cluster, PAUSE_S * 1000);
    claims.born_ms = epoch_ms + 500; /* while Redis has had this data: its tombstone has had its time */
    assert_int_equal(cluster_rebind(cluster, at, &claims).status, BROKER_NONE);
    int64_t now_ms = redis_server_now_ms(server);
    claims.born_ms = now_ms - DAY_MS - 1;
    assert_int_equal(cluster_rebind(cluster, at, &claims).status, BROKER_NONE);
    claims.born_ms = now_ms - DAY_MS + 5000; /* but this one may have been */
    assert_int_equal(cluster_rebind(cluster, at, &claims).status, BROKER_OK);
    cluster_end(cluster, at, claims.chat, left);
    assert_int_equal(cluster_rebind(cluster, at, &claims).status, BROKER_OVER);
}

/* A replica that lacked the last writes has become the master, or Redis evicts keys: it has had its data all along, but
 * not this chat. */
static void test_resume_after_lost_writes(void **state) {
    struct cluster *cluster = *state;
    struct redis_server *server = redis_cluster_server(cluster);
    redis_cluster_pass(cluster, 60); /* since it has its data: sooner, all have just told everything */
    struct redis_pair pair = redis_cluster_chatting(cluster);
    struct claims claims = {.chat = pair.seeker.chat, .side = SIDE_SEEKER, .person = 11, .peer = 22};
    claims.born_ms = redis_server_now_ms(server);
    cluster_advance(cluster, 1000);
    const redisReply *lost =
        redis_server_ask(server, "EVAL %s 0", "return redis.call('DEL', redis.call('KEYS', '{pb}:c:*')[1])");
    assert_int_equal(lost->integer, 1);
    struct broker_event rebound = cluster_rebind(cluster, cluster_address(cluster, 2, 8), &claims);
    assert_int_equal(rebound.status, BROKER_OK);
    assert_int_equal(rebound.chat_state.record.party[SIDE_CANDIDATE].person, 22);
    redis_cluster_take_each(cluster, BROKER_LINK_RESUMED); /* who knows what else was lost */
    struct broker_event held = cluster_hold(cluster, pair.candidate.who.at, pair.seeker.chat, &pair.seeker.who,
                                            &pair.candidate.who); /* their node tells it again, later */
    assert_int_equal(held.status, BROKER_OK);
    assert_address(held.chat_state.record.party[SIDE_SEEKER].at, cluster_address(cluster, 2, 8));
    assert_address(held.chat_state.record.party[SIDE_CANDIDATE].at, pair.candidate.who.at);
}

static void poll_all(struct cluster *cluster) {
    for (unsigned node = 0; node < CLUSTER_NODES; node++) {
        cluster->nodes[node].polling = true;
        cluster->nodes[node].broker->ops->poll(cluster->nodes[node].broker, cluster->now_ms);
        cluster->nodes[node].polling = false;
    }
}

static void request_all_kinds(struct cluster *cluster, const struct redis_pair *pair) {
    struct broker_request request = {.kind = BROKER_SEEK, .asker = pair->seeker.who.at, .chat = pair->seeker.chat};
    request.seek = pair->seeker;
    cluster_request(cluster, 0, &request);
    request.kind = BROKER_ABORT;
    request.abort.attempt = 1;
    cluster_request(cluster, 0, &request);
    request.kind = BROKER_LOOKUP;
    cluster_request(cluster, 0, &request);
    request.kind = BROKER_REBIND;
    request.rebind.claims = (struct claims){.chat = request.chat};
    cluster_request(cluster, 0, &request);
    request.kind = BROKER_COMMIT;
    request.asker = pair->candidate.who.at;
    request.commit.seeker = pair->seeker;
    request.commit.candidate = pair->candidate;
    cluster_request(cluster, 1, &request);
    request.kind = BROKER_HOLD;
    request.hold.party[SIDE_SEEKER] = pair->seeker.who;
    request.hold.party[SIDE_CANDIDATE] = pair->candidate.who;
    cluster_request(cluster, 1, &request);
    static const struct {
        unsigned node;
        enum broker_event_kind kind;
    } answers[] = {{0, BROKER_SOUGHT},  {0, BROKER_ABORTED},   {0, BROKER_FOUND},
                   {0, BROKER_REBOUND}, {1, BROKER_COMMITTED}, {1, BROKER_FOUND}};
    poll_all(cluster);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        assert_int_equal(cluster_take(cluster, answers[i].node, answers[i].kind).status, BROKER_DOWN);
}

/* What was ended or withdrawn while Redis was away is so when it is back, even though Redis has forgotten the chat, and
 * whoever has not heard of the end tells it again. */
static void test_restart_empty(void **state) {
    struct cluster *cluster = *state;
    struct redis_pair ended = redis_cluster_chatting(cluster);
    struct redis_pair pair = redis_cluster_chatting(cluster);
    struct ticket gone = redis_cluster_waits(cluster, 3, 4, "de");
    redis_server_stop(redis_cluster_server(cluster));
    redis_cluster_wait_until_down(cluster);

    request_all_kinds(cluster, &pair);
    struct broker_request end = {.kind = BROKER_END, .asker = ended.seeker.who.at, .chat = ended.seeker.chat};
    end.end = left;
    cluster_request(cluster, 0, &end);
    struct broker_request withdraw = {.kind = BROKER_WITHDRAW, .asker = gone.who.at, .withdraw.attempt = gone.attempt};
    cluster_request(cluster, 3, &withdraw);
    cluster_relay(cluster, 0, cluster->nodes[1].boot, "lost", 4);
    poll_all(cluster);

    redis_server_start(redis_cluster_server(cluster));
    redis_cluster_take_each(cluster, BROKER_LINK_LOST);
    redis_cluster_take_each(cluster, BROKER_LINK_RESUMED);
    cluster_assert_quiet(cluster);
    assert_int_equal(cluster_waiting(cluster), 0);
    hold(cluster, &pair);
    redis_cluster_assert_goes_on(cluster, &pair);
    struct broker_event held =
        cluster_hold(cluster, ended.candidate.who.at, ended.seeker.chat, &ended.seeker.who, &ended.candidate.who);
    assert_int_equal(held.status, BROKER_OVER);
    assert_int_equal(held.chat_state.record.ended.cause, END_LEFT);
    redis_cluster_assert_well(cluster);
}

/* Behind new links may be a master that has not heard of the last withdrawals: what a node has there leaves the line, and
 * only what the node tells again is in it. */
static void test_tickets_behind_new_links(void **state) {
    struct cluster *cluster = *state;
    struct redis_server *server = redis_cluster_server(cluster);
    redis_cluster_waits(cluster, 1, 3, "de"); /* withdrawn, had this master been the one to hear it */
    struct ticket waits = redis_cluster_waits(cluster, 3, 4, "fr");
    redis_cluster_pass(cluster, 1);
    assert_int_equal(cluster_waiting(cluster), 2);
    redis_server_ask(server, "CLIENT KILL TYPE normal SKIPME yes");
    redis_cluster_wait_until_down(cluster);
    redis_cluster_take_each(cluster, BROKER_LINK_LOST);
    redis_cluster_take_each(cluster, BROKER_LINK_RESUMED);
    redis_cluster_pass(cluster, 1);
    assert_int_equal(cluster_waiting(cluster), 0);
    redis_cluster_waits_again(cluster, &waits);
    redis_cluster_pass(cluster, 1);
    assert_int_equal(cluster_waiting(cluster), 1);
    cluster_withdraw(cluster, waits.who.at, waits.attempt);
    redis_cluster_assert_well(cluster);
}

static void assert_gone(struct cluster *cluster, unsigned node, uint64_t boot) {
    assert_int_equal(cluster_take(cluster, node, BROKER_NODE_GONE).node_gone.boot, boot);
    assert_int_equal(cluster_left(cluster, node, BROKER_NODE_GONE), 0);
}

/* Its people are out of the line, the others are told once, and it is told when it is heard again. */
static void test_silent_node(void **state) {
    struct cluster *cluster = *state;
    uint64_t boot = cluster->nodes[0].boot;
    struct ticket waiter = redis_cluster_waits(cluster, 0, 1, "en");
    for (int times = 0; times < 2; times++) {
        redis_cluster_freeze(cluster, 0, true);
        redis_cluster_pass(cluster, 3);
        cluster_assert_quiet(cluster);
        redis_cluster_pass(cluster, 2);
        for (unsigned node = 1; node < CLUSTER_NODES; node++)
            assert_gone(cluster, node, boot);
        struct ticket seeker = redis_cluster_waits(cluster, 1, 2, "en");
        redis_cluster_pass(cluster, 3);
        cluster_assert_quiet(cluster); /* it is not said again */
        cluster_withdraw(cluster, seeker.who.at, seeker.attempt);

        redis_cluster_freeze(cluster, 0, false);
        redis_cluster_pass(cluster, 1);
        cluster_take(cluster, 0, BROKER_LINK_RESUMED);
        cluster_assert_quiet(cluster);
        redis_cluster_waits_again(cluster, &waiter);
    }
    cluster_withdraw(cluster, waiter.who.at, waiter.attempt);
    redis_cluster_assert_well(cluster);
}

/* Who has sought in a Redis that was emptied, and falls silent before its next beat, is noticed; should it be heard again,
 * it is told that it was forgotten, though another has written it down. */
static void test_silent_since_flush(void **state) {
    struct cluster *cluster = *state;
    uint64_t boot = cluster->nodes[0].boot;
    (void)redis_cluster_waits(cluster, 0, 1, "en");
    redis_cluster_freeze(cluster, 0, true);
    redis_server_ask(redis_cluster_server(cluster), "HDEL {pb}:n epoch %016llx", (unsigned long long)boot);
    redis_cluster_pass(cluster, 1);
    redis_cluster_freeze(cluster, 0, false);
    redis_cluster_pass(cluster, 1);
    redis_cluster_take_each(cluster, BROKER_LINK_RESUMED);

    redis_cluster_freeze(cluster, 0, true);
    redis_server_ask(redis_cluster_server(cluster), "HDEL {pb}:n epoch %016llx", (unsigned long long)boot);
    redis_cluster_pass(cluster, 6);
    for (unsigned node = 1; node < CLUSTER_NODES; node++)
        assert_gone(cluster, node, boot);
    redis_cluster_freeze(cluster, 0, false);
    redis_cluster_pass(cluster, 1);
    redis_cluster_take_each(cluster, BROKER_LINK_RESUMED);
    assert_int_equal(cluster_waiting(cluster), 0);
    redis_cluster_assert_well(cluster);
}

/* A node that was not heard for a minute is forgotten; it is told that, too. */
static void test_forgotten_node(void **state) {
    struct cluster *cluster = *state;
    redis_cluster_freeze(cluster, 0, true);
    redis_cluster_pass(cluster, 80);
    assert_int_equal(redis_server_ask(redis_cluster_server(cluster), "HEXISTS {pb}:n %016llx",
                                      (unsigned long long)cluster->nodes[0].boot)
                         ->integer,
                     0);
    for (unsigned node = 1; node < CLUSTER_NODES; node++)
        assert_gone(cluster, node, cluster->nodes[0].boot);
    redis_cluster_freeze(cluster, 0, false);
    redis_cluster_pass(cluster, 1);
    cluster_take(cluster, 0, BROKER_LINK_RESUMED);
    redis_cluster_assert_well(cluster);
}

/* When Redis itself stood still, nobody was heard: that is nobody's fault. Nor is it when its clock was put back. */
static void test_redis_stood_still(void **state) {
    struct cluster *cluster = *state;
    struct ticket waiter = redis_cluster_waits(cluster, 0, 1, "en");
    cluster_advance(cluster, 10000);
    redis_cluster_pass(cluster, 2);
    cluster_assert_quiet(cluster);
    redis_server_advance(redis_cluster_server(cluster), -3600 * 1000);
    redis_cluster_pass(cluster, 5);
    cluster_assert_quiet(cluster);
    assert_int_equal(cluster_waiting(cluster), 1);

    redis_cluster_freeze(cluster, 0, true); /* who falls silent then is noticed all the same */
    redis_server_advance(redis_cluster_server(cluster), -3600 * 1000);
    redis_cluster_pass(cluster, 6);
    for (unsigned node = 1; node < CLUSTER_NODES; node++)
        assert_gone(cluster, node, waiter.who.at.boot);
    redis_cluster_freeze(cluster, 0, false);
}

/* A node that let an offer time out is passed over until it is heard again, and then seeks again. */
static void test_suspected_node(void **state) {
    struct cluster *cluster = *state;
    struct ticket first = redis_cluster_waits(cluster, 1, 1, "");
    struct ticket seeker = cluster_ticket(cluster, 0, 2);
    seeker.relaxed = true;
    struct broker_event sought = cluster_seek(cluster, &seeker);
    assert_int_equal(sought.status, BROKER_OK);
    assert_int_equal(sought.sought.node, first.who.at.boot);
    cluster_take(cluster, 1, BROKER_OFFERED);
    struct ticket second = redis_cluster_waits(cluster, 1, 3, "");
    redis_cluster_freeze(cluster, 1, true);
    redis_cluster_pass(cluster, 2);
    assert_int_equal(cluster_abort(cluster, &seeker).status, BROKER_NONE);
    seeker.attempt++;
    seeker.chat.low += 1000;
    seeker.since_ms = sought.sought.since_ms;
    assert_int_equal(cluster_seek(cluster, &seeker).status, BROKER_NONE);
    cluster_assert_quiet(cluster);

    redis_cluster_freeze(cluster, 1, false);
    redis_cluster_pass(cluster, 1);
    cluster_take(cluster, 1, BROKER_LINK_RESUMED);
    cluster_assert_quiet(cluster);
    second.attempt++;
    assert_int_equal(cluster_seek(cluster, &second).status, BROKER_OK);
    assert_address(cluster_take(cluster, 0, BROKER_OFFERED).to, seeker.who.at);
    cluster_assert_quiet(cluster);
}

/* A search that is withdrawn is aborted soon after its offer: that says nothing about the candidate's node. */
static void test_abort_in_time(void **state) {
    struct cluster *cluster = *state;
    redis_cluster_waits(cluster, 1, 1, "");
    struct ticket seeker = cluster_ticket(cluster, 0, 2);
    assert_int_equal(cluster_seek(cluster, &seeker).status, BROKER_OK);
    cluster_take(cluster, 1, BROKER_OFFERED);
    struct ticket second = redis_cluster_waits(cluster, 1, 3, "");
    redis_cluster_freeze(cluster, 1, true);
    assert_int_equal(cluster_abort(cluster, &seeker).status, BROKER_NONE);
    struct ticket other = cluster_ticket(cluster, 0, 4);
    assert_int_equal(cluster_seek(cluster, &other).sought.node, second.who.at.boot);
    redis_cluster_freeze(cluster, 1, false);
    redis_cluster_pass(cluster, 1);
    assert_int_equal(cluster_left(cluster, 1, BROKER_LINK_RESUMED), 0);
}

/* While something is refused each time, everything is told again ever more seldom; and once it is not any more. */
static void test_refused_for_long(void **state) {
    struct cluster *cluster = *state;
    struct redis_server *server = redis_cluster_server(cluster);
    enum { SECONDS = 40, MOST_TOLD = 12 /* after 0, 1, 3, 7, … beats, of which there are a few in each second here */ };
    redis_server_ask(server, "SET {pb}:l foreign");
    unsigned told = 0;
    for (int second = 0; second < SECONDS; second++) {
        struct ticket seeker = cluster_ticket(cluster, 0, 3);
        strcpy(seeker.language, "en"); /* or it would have nothing to do with that key */
        told = cluster_left(cluster, 0, BROKER_LINK_RESUMED);
        assert_int_equal(cluster_seek(cluster, &seeker).status, BROKER_DOWN);
        redis_cluster_pass(cluster, 1);
    }
    assert_in_range(told, 3, MOST_TOLD);
    assert_int_equal(cluster_left(cluster, 1, BROKER_LINK_RESUMED), 0);
    redis_server_ask(server, "DEL {pb}:l");
    redis_cluster_pass(cluster, 2 * SECONDS);
    assert_int_equal(cluster_left(cluster, 0, BROKER_LINK_RESUMED), told + 1); /* the last refusal, too */
    cluster_forget(cluster);
    redis_cluster_assert_well(cluster);
}

static int suite(const struct fixture *fixture) {
    const struct CMUnitTest tests[] = {
        CLUSTER_TEST(test_flush, fixture),
        CLUSTER_TEST(test_flush_amid_offers, fixture),
        CLUSTER_TEST(test_flush_after_a_resume, fixture),
        CLUSTER_TEST(test_resume_from_the_token_alone, fixture),
        CLUSTER_TEST(test_tokens_that_bring_nothing_back, fixture),
        CLUSTER_TEST(test_resume_after_lost_writes, fixture),
        CLUSTER_TEST(test_restart_empty, fixture),
        CLUSTER_TEST(test_tickets_behind_new_links, fixture),
        CLUSTER_TEST(test_silent_node, fixture),
        CLUSTER_TEST(test_silent_since_flush, fixture),
        CLUSTER_TEST(test_forgotten_node, fixture),
        CLUSTER_TEST(test_redis_stood_still, fixture),
        CLUSTER_TEST(test_suspected_node, fixture),
        CLUSTER_TEST(test_abort_in_time, fixture),
        CLUSTER_TEST(test_refused_for_long, fixture),
    };
    return cmocka_run_group_tests_name("redis faults", tests, NULL, NULL);
}

int main(void) {
    return redis_cluster_main(suite);
}
