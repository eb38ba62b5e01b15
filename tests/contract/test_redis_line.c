/* test_redis_line.c - match.lua against line.c: the same searches, many of them in one call, have the same outcome.
 *
 * All tickets are of one node, so that its requests are carried out in their order; and no two have waited as long, so
 * that there is exactly one right answer. Most of them are one person's, who has met another one: those don't suit each
 * other, so that the queues get longer than a page, and somebody who would rather not meet that person must look far
 * behind. */
#include "redis_cluster.h"

#include "line.h"

#include "base/random.h"

#include <hiredis/hiredis.h>

#include <stdio.h>
#include <string.h>

enum { PLACES = 300, ROUNDS = 200, MOST_REQUESTS = 100, TOPICS = 12, SEED = 4711, CROWD = 1, RIVAL = 2 };

struct outcome {
    struct chat_id chat;
    bool found;
    struct address candidate;
};

struct world {
    struct cluster *cluster;
    struct line *line;
    struct random random;
    uint32_t attempts[PLACES];
    int64_t since_ms[PLACES];
    int64_t times;
    struct outcome expected[MOST_REQUESTS]; /* of the seeks of this round */
    unsigned seeks;
    unsigned found;
    uint64_t longest;
};

static unsigned below(struct world *world, unsigned bound) {
    return (unsigned)random_below(&world->random, bound);
}

static struct ticket ticket_at(struct world *world, unsigned place) {
    static const char *const languages[] = {"", "en", "de", "gsw"};
    struct ticket ticket = cluster_ticket(world->cluster, 0, place);
    ticket.who.person = place % 100 < 70 ? CROWD : place % 100 < 80 ? RIVAL : 1000 + place;
    ticket.attempt = world->attempts[place];
    ticket.since_ms = world->since_ms[place];
    ticket.relaxed = below(world, 8) == 0;
    for (unsigned i = below(world, 3); i > 0; i--)
        ticket.topics.hash[ticket.topics.count++] = 0x70b1c + below(world, TOPICS);
    strcpy(ticket.language, languages[below(world, 4)]);
    for (unsigned i = 1; i < RECENT_STRANGERS; i++)
        ticket.recent[i] = below(world, 2) == 0 ? 0 : 1000 + below(world, PLACES);
    if (ticket.who.person == CROWD)
        ticket.recent[0] = RIVAL;
    else if (below(world, 2) == 0)
        ticket.recent[0] = CROWD;
    return ticket;
}

static void seek(struct world *world, unsigned place) {
    world->attempts[place]++;
    if (world->since_ms[place] == 0 || below(world, 3) == 0) /* somewhere among the others */
        world->since_ms[place] = (++world->times * 7919) % 100003 + 1;
    struct ticket ticket = ticket_at(world, place);
    struct broker_request request = {.kind = BROKER_SEEK, .asker = ticket.who.at, .chat = ticket.chat, .seek = ticket};
    cluster_request(world->cluster, 0, &request);

    struct outcome *outcome = &world->expected[world->seeks++];
    struct ticket candidate;
    *outcome = (struct outcome){.chat = ticket.chat};
    outcome->found = line_seek(world->line, &ticket, &candidate);
    if (outcome->found)
        outcome->candidate = candidate.who.at;
    world->found += outcome->found;
}

static void withdraw(struct world *world, unsigned place) {
    struct broker_request request = {.kind = BROKER_WITHDRAW, .asker = cluster_address(world->cluster, 0, place)};
    request.withdraw.attempt = world->attempts[place] - (below(world, 3) == 0);
    cluster_request(world->cluster, 0, &request);
    line_withdraw(world->line, request.asker, request.withdraw.attempt);
}

/* The answers come in the order of the requests, and so do the offers. */
static void check(struct world *world) {
    for (unsigned i = 0; i < world->seeks; i++) {
        const struct outcome *expected = &world->expected[i];
        struct broker_event sought = cluster_take(world->cluster, 0, BROKER_SOUGHT);
        assert_int_equal(sought.status, expected->found ? BROKER_OK : BROKER_NONE);
        if (!expected->found)
            continue;
        struct broker_event offered = cluster_take(world->cluster, 0, BROKER_OFFERED);
        assert_chat(offered.chat, expected->chat);
        assert_address(offered.to, expected->candidate);
    }
    cluster_assert_quiet(world->cluster);
    assert_int_equal(cluster_waiting(world->cluster), line_count(world->line));
}

static void test_many_at_once(void **state) {
    struct world world = {.cluster = *state, .line = line_new()};
    random_init(&world.random, SEED);
    for (unsigned round = 0; round < ROUNDS; round++) {
        world.seeks = 0;
        for (unsigned i = 1 + below(&world, MOST_REQUESTS); i > 0; i--) {
            if (below(&world, 5) == 0)
                withdraw(&world, below(&world, PLACES));
            else
                seek(&world, below(&world, PLACES));
        }
        cluster_settle(world.cluster);
        check(&world);
        cluster_forget(world.cluster);
        if (line_count(world.line) > world.longest)
            world.longest = line_count(world.line);
    }
    print_message("seed %d: %u found, at most %u waited\n", SEED, world.found, (unsigned)world.longest);
    assert_true(world.found > 500);
    assert_true(world.longest > 60);
    line_free(world.line);

    for (unsigned place = 0; place < PLACES; place++)
        cluster_withdraw(world.cluster, cluster_address(world.cluster, 0, place), world.attempts[place]);
    struct redis_server *server = redis_cluster_server(world.cluster);
    assert_int_equal(redis_server_ask(server, "EXISTS {pb}:t {pb}:l")->integer, 0);
}

/* Behind any number of elders who don't suit. */
static void test_elders_hide_nobody(void **state) {
    struct cluster *cluster = *state;
    enum { ELDERS = 100 };
    for (unsigned i = 0; i < ELDERS; i++) {
        struct ticket elder = cluster_ticket(cluster, i % CLUSTER_NODES, i);
        elder.who.person = CROWD;
        assert_int_equal(cluster_seek(cluster, &elder).status, BROKER_NONE);
    }
    cluster_advance(cluster, 1);
    struct ticket stranger = cluster_ticket(cluster, 1, ELDERS);
    stranger.recent[0] = CROWD;
    assert_int_equal(cluster_seek(cluster, &stranger).status, BROKER_NONE);
    struct ticket seeker = cluster_ticket(cluster, 2, ELDERS);
    seeker.recent[0] = CROWD;
    assert_int_equal(cluster_seek(cluster, &seeker).status, BROKER_OK);
    assert_address(cluster_take(cluster, 1, BROKER_OFFERED).to, stranger.who.at);
}

/* However many languages are waited under: who names none finds the only one who suits. */
static void test_languages_hide_nobody(void **state) {
    struct cluster *cluster = *state;
    enum { LANGUAGES = 600 };
    const uint32_t chosen = LANGUAGES / 2;
    struct address stranger = {0};
    for (uint32_t i = 0; i < LANGUAGES; i++) {
        struct ticket elder = cluster_ticket(cluster, i % CLUSTER_NODES, i);
        elder.who.person = i == chosen ? RIVAL : CROWD;
        snprintf(elder.language, sizeof elder.language, "l%u", i);
        assert_int_equal(cluster_seek(cluster, &elder).status, BROKER_NONE);
        if (i == chosen)
            stranger = elder.who.at;
    }
    struct ticket seeker = cluster_ticket(cluster, 2, LANGUAGES);
    seeker.recent[0] = CROWD;
    assert_int_equal(cluster_seek(cluster, &seeker).status, BROKER_OK);
    assert_address(cluster_take(cluster, chosen % CLUSTER_NODES, BROKER_OFFERED).to, stranger);
    struct redis_server *server = redis_cluster_server(cluster);
    assert_int_equal(redis_server_ask(server, "SCARD {pb}:l")->integer, LANGUAGES - 1);
}

/* Two strangers whose numbers, side by side, hold a third one's in the middle are not that one. */
static void test_numbers_side_by_side(void **state) {
    struct cluster *cluster = *state;
    struct ticket waiter = cluster_ticket(cluster, 1, 1);
    waiter.recent[0] = 0x1111111100000001;
    waiter.recent[1] = 0x0000000222222222;
    assert_int_equal(cluster_seek(cluster, &waiter).status, BROKER_NONE);
    struct ticket seeker = cluster_ticket(cluster, 0, 2);
    seeker.who.person = 0x0000000100000002;
    assert_int_equal(cluster_seek(cluster, &seeker).status, BROKER_OK);
    assert_address(cluster_take(cluster, 1, BROKER_OFFERED).to, waiter.who.at);
}

static int suite(const struct fixture *fixture) {
    const struct CMUnitTest tests[] = {
        CLUSTER_TEST(test_many_at_once, fixture),
        CLUSTER_TEST(test_elders_hide_nobody, fixture),
        CLUSTER_TEST(test_languages_hide_nobody, fixture),
        CLUSTER_TEST(test_numbers_side_by_side, fixture),
    };
    return cmocka_run_group_tests_name("redis line", tests, NULL, NULL);
}

int main(void) {
    return redis_cluster_main(suite);
}
