/* suite_match.c - seeking, waiting, withdrawing: who is offered to whom. */
#include "cluster.h"

#include <string.h>

/* What a person wants, in words: topics as letters, everything else by name. */
struct wish {
    const char *topics;
    const char *language;
    bool relaxed;
    uint64_t met; /* a person met before */
};

static void wish(struct ticket *ticket, struct wish wish) {
    for (const char *topic = wish.topics; topic != NULL && *topic != '\0'; topic++)
        ticket->topics.hash[ticket->topics.count++] = 0x10c0 + (uint64_t)*topic;
    if (wish.language != NULL)
        strcpy(ticket->language, wish.language);
    ticket->relaxed = wish.relaxed;
    ticket->recent[RECENT_STRANGERS - 1] = wish.met;
}

static struct ticket wishing(struct cluster *cluster, unsigned node, uint32_t slot, struct wish wants) {
    struct ticket ticket = cluster_ticket(cluster, node, slot);
    wish(&ticket, wants);
    return ticket;
}

/* Seeks a millisecond after everybody before, and has to wait. */
static struct ticket waits(struct cluster *cluster, unsigned node, uint32_t slot, struct wish wants) {
    struct ticket ticket = wishing(cluster, node, slot, wants);
    cluster_advance(cluster, 1);
    struct broker_event event = cluster_seek(cluster, &ticket);
    assert_int_equal(event.status, BROKER_NONE);
    assert_true(event.sought.since_ms > 0);
    ticket.since_ms = event.sought.since_ms;
    return ticket;
}

/* Seeks, and the candidate is offered to. */
static void finds(struct cluster *cluster, const struct ticket *seeker, const struct ticket *candidate) {
    assert_int_equal(cluster_seek(cluster, seeker).status, BROKER_OK);
    struct broker_event offered =
        cluster_take(cluster, cluster_node_of(cluster, candidate->who.at.boot), BROKER_OFFERED);
    assert_address(offered.to, candidate->who.at);
    assert_int_equal(offered.offered.attempt, candidate->attempt);
    assert_chat(offered.chat, seeker->chat);
    assert_ticket(&offered.offered.seeker, seeker);
}

static void finds_nobody(struct cluster *cluster, const struct ticket *seeker) {
    assert_int_equal(cluster_seek(cluster, seeker).status, BROKER_NONE);
}

static void test_first_waits(void **state) {
    struct cluster *cluster = *state;
    struct ticket a = cluster_ticket(cluster, 0, 1);
    struct broker_event sought = cluster_seek(cluster, &a);
    assert_int_equal(sought.status, BROKER_NONE);
    assert_true(sought.sought.since_ms > 0);
    assert_int_equal(cluster_waiting(cluster), 1);
    cluster_assert_quiet(cluster);
}

static void test_second_finds_first(void **state) {
    struct cluster *cluster = *state;
    for (unsigned node = 0; node < 2; node++) { /* another node's, and one's own */
        struct ticket a = waits(cluster, 0, 1, (struct wish){.topics = "xy", .language = "en"});
        struct ticket b = wishing(cluster, node, 2, (struct wish){.topics = "yz", .language = "en", .relaxed = true});
        finds(cluster, &b, &a);
        assert_int_equal(cluster_waiting(cluster), 0);
        cluster_assert_quiet(cluster);
    }
}

enum { FIRST = 1, SECOND = 2 }; /* slots, on nodes 0 and 1 */
#define PERSON_FIRST  ((uint64_t)1 << 32 | FIRST)
#define PERSON_SECOND ((uint64_t)2 << 32 | SECOND)

static const struct {
    const char *comment;
    struct wish a;
    struct wish b;
    bool agree;
} acceptance[] = {
    {"nobody wants anything", {0}, {0}, true},
    {"one topic in common", {.topics = "ab"}, {.topics = "bc"}, true},
    {"no topic in common", {.topics = "ab"}, {.topics = "cd"}, false},
    {"one names topics, the other none", {.topics = "a"}, {0}, false},
    {"the one without topics has relaxed", {.topics = "a"}, {.relaxed = true}, false},
    {"the one with topics has relaxed", {.topics = "a", .relaxed = true}, {0}, true},
    {"other topics, one has relaxed", {.topics = "a", .relaxed = true}, {.topics = "b"}, false},
    {"other topics, both have relaxed", {.topics = "a", .relaxed = true}, {.topics = "b", .relaxed = true}, true},
    {"same language", {.language = "en"}, {.language = "en"}, true},
    {"other language", {.language = "en"}, {.language = "de"}, false},
    {"language prefix", {.language = "e"}, {.language = "en"}, false},
    {"longest language", {.language = "abcdefgh"}, {.language = "abcdefgh"}, true},
    {"longest other language", {.language = "abcdefgh"}, {.language = "abcdefgx"}, false},
    {"one names no language", {.language = "en"}, {0}, true},
    {"other language, one has relaxed", {.language = "en", .relaxed = true}, {.language = "de"}, false},
    {"other language, both relaxed", {.language = "en", .relaxed = true}, {.language = "de", .relaxed = true}, true},
    {"other language, relaxed, no topics against topics",
     {.language = "en", .relaxed = true},
     {.topics = "a", .language = "de", .relaxed = true},
     true},
    {"topic in common, other language", {.topics = "a", .language = "en"}, {.topics = "a", .language = "de"}, false},
    {"topic in common, one names no language", {.topics = "a", .language = "en"}, {.topics = "a"}, true},
    {"topic in common, same language, one has relaxed",
     {.topics = "a", .language = "en", .relaxed = true},
     {.topics = "a", .language = "en"},
     true},
    {"one has met the other", {.met = PERSON_SECOND}, {0}, false},
    {"both have met", {.met = PERSON_SECOND}, {.met = PERSON_FIRST}, false},
    {"the one who has met the other has relaxed", {.met = PERSON_SECOND, .relaxed = true}, {0}, true},
    {"the one who has not met the other has relaxed", {.met = PERSON_SECOND}, {.relaxed = true}, false},
    {"has met somebody else", {.met = 4711}, {0}, true},
    {"eight topics each, one in common", {.topics = "abcdefgh"}, {.topics = "hijklmno"}, true},
    {"the same topic twice", {.topics = "aa"}, {.topics = "ba"}, true},
};

static void test_acceptance(void **state) {
    struct cluster *cluster = *state;
    for (size_t i = 0; i < sizeof acceptance / sizeof *acceptance; i++) {
        for (int turned = 0; turned < 2; turned++) {
            struct ticket a = wishing(cluster, 0, FIRST, acceptance[i].a);
            struct ticket b = wishing(cluster, 1, SECOND, acceptance[i].b);
            const struct ticket *waiter = turned ? &b : &a;
            const struct ticket *seeker = turned ? &a : &b;
            assert_int_equal(cluster_seek(cluster, waiter).status, BROKER_NONE);
            bool agree = cluster_seek(cluster, seeker).status == BROKER_OK;
            if (agree != acceptance[i].agree)
                fail_msg("%s%s: %s", acceptance[i].comment, turned ? " (turned)" : "", agree ? "paired" : "not paired");
            assert_int_equal(cluster_waiting(cluster), agree ? 0 : 2);
            cluster_withdraw(cluster, a.who.at, a.attempt);
            cluster_withdraw(cluster, b.who.at, b.attempt);
            cluster_forget(cluster);
        }
    }
}

static const struct {
    const char *comment;
    struct wish waiting[3]; /* in the order of their wait; they don't accept each other */
    struct wish seeker;
    unsigned best;
} orders[] = {
    {"the longest wait", {{.language = "fr"}, {.language = "en"}, {.language = "de"}}, {0}, 0},
    {"more topics in common go before a longer wait",
     {{.topics = "a", .language = "fr"}, {.topics = "ab", .language = "en"}, {.topics = "abc", .language = "de"}},
     {.topics = "abc"},
     2},
    {"the longest wait of those with as many in common",
     {{.topics = "a", .language = "fr"}, {.topics = "cb", .language = "en"}, {.topics = "ba", .language = "de"}},
     {.topics = "abc"},
     1},
    {"under a later topic, but with more in common",
     {{.topics = "ax", .language = "fr"}, {.topics = "bc", .language = "en"}, {.topics = "c", .language = "de"}},
     {.topics = "abc"},
     1},
    {"the same topic twice counts once",
     {{.topics = "aa", .language = "fr"}, {.topics = "bc", .language = "en"}, {.topics = "aaa", .language = "de"}},
     {.topics = "aabc"},
     1},
    {"a relaxed seeker: a topic in common first",
     {{.language = "en"}, {.topics = "a", .language = "en"}, {.topics = "b", .language = "en"}},
     {.topics = "xa", .language = "en", .relaxed = true},
     1},
    {"a relaxed seeker: a stricter stranger of the own language may have waited longest",
     {{.language = "fr"}, {.language = "en"}, {.language = "de", .relaxed = true}},
     {.language = "en", .relaxed = true},
     1},
    {"a relaxed seeker: a relaxed stranger of another language",
     {{.topics = "y", .language = "en"}, {.language = "fr"}, {.language = "de", .relaxed = true}},
     {.topics = "x", .language = "en", .relaxed = true},
     2},
    {"a relaxed seeker: a topic in common with a relaxed stranger of another language",
     {{.language = "fr"}, {.language = "en"}, {.topics = "a", .language = "de", .relaxed = true}},
     {.topics = "a", .language = "en", .relaxed = true},
     2},
    {"a strict seeker: a relaxed stranger is no worse",
     {{.topics = "b", .language = "en"}, {.language = "en", .relaxed = true}, {.language = "de"}},
     {.language = "en"},
     1},
    {"no language named: anybody's, but the topic counts",
     {{.topics = "b", .language = "en"}, {.topics = "a", .language = "de"}, {.topics = "a", .language = "fr"}},
     {.topics = "a"},
     1},
};

static void test_order(void **state) {
    struct cluster *cluster = *state;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct ticket waiting[3];
        for (unsigned j = 0; j < 3; j++)
            waiting[j] = waits(cluster, j % 2, j, orders[i].waiting[j]);
        struct ticket seeker = wishing(cluster, 2, 9, orders[i].seeker);
        assert_int_equal(cluster_seek(cluster, &seeker).status, BROKER_OK);
        const struct ticket *best = &waiting[orders[i].best];
        if (cluster_left(cluster, cluster_node_of(cluster, best->who.at.boot), BROKER_OFFERED) != 1)
            fail_msg("%s: somebody else was chosen", orders[i].comment);
        struct broker_event offered =
            cluster_take(cluster, cluster_node_of(cluster, best->who.at.boot), BROKER_OFFERED);
        if (!address_equal(offered.to, best->who.at))
            fail_msg("%s: number %u was chosen", orders[i].comment, offered.to.slot);
        for (unsigned j = 0; j < 3; j++)
            cluster_withdraw(cluster, waiting[j].who.at, 1);
        cluster_forget(cluster);
    }
}

static void test_strangers_met_are_passed_over(void **state) {
    struct cluster *cluster = *state;
    struct ticket a = waits(cluster, 0, 1, (struct wish){.language = "en"});
    struct ticket b = waits(cluster, 1, 2, (struct wish){.language = "de"});
    struct ticket c = cluster_ticket(cluster, 2, 3);
    c.recent[0] = a.who.person;
    finds(cluster, &c, &b);
    assert_int_equal(cluster_waiting(cluster), 1);
}

static void test_seek_replaces(void **state) {
    struct cluster *cluster = *state;
    struct ticket a = waits(cluster, 0, 1, (struct wish){.language = "en"});
    struct ticket again = wishing(cluster, 0, 1, (struct wish){.language = "de"});
    again.attempt = 2;
    finds_nobody(cluster, &again);
    assert_int_equal(cluster_waiting(cluster), 1);

    struct ticket english = waits(cluster, 1, 2, (struct wish){.language = "en"});
    struct ticket german = wishing(cluster, 1, 3, (struct wish){.language = "de"});
    finds(cluster, &german, &again);
    struct ticket second = wishing(cluster, 2, 4, (struct wish){.language = "en"});
    finds(cluster, &second, &english);
    assert_int_equal(cluster_waiting(cluster), 0);
    cluster_withdraw(cluster, a.who.at, a.attempt);
    cluster_assert_quiet(cluster);
}

static void test_same_attempt_may_relax(void **state) {
    struct cluster *cluster = *state;
    struct ticket a = waits(cluster, 0, 1, (struct wish){.topics = "a", .language = "en"});
    struct ticket b = waits(cluster, 1, 2, (struct wish){.topics = "b", .language = "de"});
    a.relaxed = true;
    assert_int_equal(cluster_seek(cluster, &a).sought.since_ms, a.since_ms);
    b.relaxed = true;
    finds(cluster, &b, &a);
}

static void test_place_in_the_line(void **state) {
    struct cluster *cluster = *state;
    struct ticket a = waits(cluster, 0, 1, (struct wish){.language = "en"});
    struct ticket b = waits(cluster, 1, 2, (struct wish){.language = "de"});
    assert_true(a.since_ms < b.since_ms);

    cluster_advance(cluster, 5000);
    a.attempt = 2; /* with its place */
    struct broker_event sought = cluster_seek(cluster, &a);
    assert_int_equal(sought.status, BROKER_NONE);
    assert_int_equal(sought.sought.since_ms, a.since_ms);
    struct ticket c = cluster_ticket(cluster, 2, 3);
    finds(cluster, &c, &a);

    struct ticket d = waits(cluster, 0, 4, (struct wish){.language = "en"});
    cluster_advance(cluster, 1);
    b.attempt = 2;
    b.since_ms = 0; /* to the end of the line */
    sought = cluster_seek(cluster, &b);
    assert_true(sought.sought.since_ms > d.since_ms);
    c = cluster_ticket(cluster, 2, 3);
    finds(cluster, &c, &d);
}

static void test_place_after_a_match(void **state) {
    struct cluster *cluster = *state;
    struct ticket a = waits(cluster, 0, 1, (struct wish){.language = "en"});
    struct ticket b = waits(cluster, 1, 2, (struct wish){.language = "de"});
    cluster_advance(cluster, 100);
    struct ticket c = cluster_ticket(cluster, 2, 3);
    struct broker_event sought = cluster_seek(cluster, &c);
    assert_int_equal(sought.status, BROKER_OK);
    assert_true(sought.sought.since_ms > b.since_ms); /* the seeker has a place, too */
    cluster_take(cluster, 0, BROKER_OFFERED);
    a.attempt = 2; /* the match fails: the candidate goes back to where it was */
    finds_nobody(cluster, &a);
    struct ticket d = cluster_ticket(cluster, 3, 4);
    finds(cluster, &d, &a);
    assert_int_equal(cluster_waiting(cluster), 1);
}

static void test_withdraw(void **state) {
    struct cluster *cluster = *state;
    struct ticket a = waits(cluster, 0, 1, (struct wish){.topics = "abcdefgh", .language = "en", .relaxed = true});
    cluster_withdraw(cluster, a.who.at, a.attempt);
    assert_int_equal(cluster_waiting(cluster), 0);
    cluster_withdraw(cluster, a.who.at, a.attempt); /* unknown tickets are no error */
    cluster_withdraw(cluster, cluster_address(cluster, 3, 99), 1);

    struct ticket b = cluster_ticket(cluster, 1, 2);
    finds_nobody(cluster, &b);
    cluster_assert_quiet(cluster);
}

static void test_withdraw_of_an_earlier_attempt(void **state) {
    struct cluster *cluster = *state;
    struct ticket a = waits(cluster, 0, 1, (struct wish){0});
    a.attempt = 2;
    finds_nobody(cluster, &a);
    cluster_withdraw(cluster, a.who.at, 1);
    struct ticket later = a;
    later.who.at.generation++; /* the slot's next session */
    cluster_withdraw(cluster, later.who.at, 2);
    assert_int_equal(cluster_waiting(cluster), 1);
    struct ticket b = cluster_ticket(cluster, 1, 2);
    finds(cluster, &b, &a);
}

static void test_withdraw_of_a_matched_ticket(void **state) {
    struct cluster *cluster = *state;
    struct ticket a = waits(cluster, 0, 1, (struct wish){0});
    struct ticket b = cluster_ticket(cluster, 1, 2);
    finds(cluster, &b, &a);
    cluster_withdraw(cluster, a.who.at, a.attempt);
    cluster_withdraw(cluster, b.who.at, b.attempt);
    assert_int_equal(cluster_waiting(cluster), 0);
    cluster_assert_quiet(cluster);
}

static void test_never_oneself(void **state) {
    struct cluster *cluster = *state;
    struct ticket a = waits(cluster, 0, 1, (struct wish){.relaxed = true});
    a.attempt = 2;
    finds_nobody(cluster, &a); /* the same session */
    struct ticket moved = cluster_ticket(cluster, 1, 2);
    moved.who.person = a.who.person;
    moved.relaxed = true;
    finds_nobody(cluster, &moved); /* the same person */
    assert_int_equal(cluster_waiting(cluster), 2);
}

/* Both the offers and the searches name a session at most once, whatever order the answers come in. */
static void test_exclusive(void **state) {
    struct cluster *cluster = *state;
    enum { PEOPLE = 400 };
    struct ticket tickets[PEOPLE];
    for (uint32_t i = 0; i < PEOPLE; i++) {
        static const char *const languages[] = {"", "en", "de"};
        tickets[i] =
            wishing(cluster, i % CLUSTER_NODES, i, (struct wish){.language = languages[i % 3], .relaxed = i % 5 == 0});
        struct broker_request request = {.kind = BROKER_SEEK, .asker = tickets[i].who.at, .seek = tickets[i]};
        cluster_request(cluster, i % CLUSTER_NODES, &request);
    }
    cluster_settle(cluster);

    bool taken[PEOPLE] = {false};
    unsigned offers = 0;
    unsigned found = 0;
    for (unsigned node = 0; node < CLUSTER_NODES; node++) {
        for (unsigned left = cluster_left(cluster, node, BROKER_OFFERED); left > 0; left--, offers++) {
            struct broker_event offered = cluster_take(cluster, node, BROKER_OFFERED);
            uint32_t seeker = offered.offered.seeker.who.at.slot;
            assert_int_not_equal(offered.to.slot, seeker);
            assert_false(taken[offered.to.slot]);
            assert_false(taken[seeker]);
            taken[offered.to.slot] = taken[seeker] = true;
        }
        for (unsigned left = cluster_left(cluster, node, BROKER_SOUGHT); left > 0; left--)
            found += cluster_take(cluster, node, BROKER_SOUGHT).status == BROKER_OK;
    }
    assert_int_equal(found, offers);
    assert_true(offers > PEOPLE / 3);
    assert_int_equal(cluster_waiting(cluster), PEOPLE - 2 * offers);
    cluster_assert_quiet(cluster);
}

static void test_closed_node(void **state) {
    struct cluster *cluster = *state;
    waits(cluster, 0, 1, (struct wish){.topics = "a", .language = "en"});
    waits(cluster, 0, 2, (struct wish){.topics = "b", .language = "en"});
    struct ticket c = waits(cluster, 1, 3, (struct wish){.language = "de"});
    cluster_close(cluster, 0);
    struct ticket d = wishing(cluster, 2, 4, (struct wish){.topics = "ab", .relaxed = true});
    finds(cluster, &d, &c);
    assert_int_equal(cluster_waiting(cluster), 0);
    cluster_join(cluster, 0);
    cluster_settle(cluster); /* it may take a while until it can be reached */
    struct ticket e = wishing(cluster, 0, 1, (struct wish){.topics = "a"});
    finds_nobody(cluster, &e);
}

/* With the nodes' answers still under way. */
static void test_closed_after_the_offer(void **state) {
    struct cluster *cluster = *state;
    waits(cluster, 0, 1, (struct wish){0});
    struct ticket b = cluster_ticket(cluster, 1, 2);
    struct broker_request request = {.kind = BROKER_SEEK, .asker = b.who.at, .seek = b};
    cluster_request(cluster, 1, &request);
    cluster_close(cluster, 0);
    cluster_settle(cluster);
    struct broker_event sought = cluster_take(cluster, 1, BROKER_SOUGHT);
    if (sought.status == BROKER_OK) { /* the offer is lost with the node: the seeker gives up, and seeks again */
        assert_int_equal(cluster_abort(cluster, &b).status, BROKER_NONE);
        b.attempt++;
        b.since_ms = sought.sought.since_ms;
        finds_nobody(cluster, &b);
    }
    assert_int_equal(cluster_waiting(cluster), 1);
}

int suite_match(const struct fixture *fixture) {
    const struct CMUnitTest tests[] = {
        CLUSTER_TEST(test_first_waits, fixture),
        CLUSTER_TEST(test_second_finds_first, fixture),
        CLUSTER_TEST(test_acceptance, fixture),
        CLUSTER_TEST(test_order, fixture),
        CLUSTER_TEST(test_strangers_met_are_passed_over, fixture),
        CLUSTER_TEST(test_seek_replaces, fixture),
        CLUSTER_TEST(test_same_attempt_may_relax, fixture),
        CLUSTER_TEST(test_place_in_the_line, fixture),
        CLUSTER_TEST(test_place_after_a_match, fixture),
        CLUSTER_TEST(test_withdraw, fixture),
        CLUSTER_TEST(test_withdraw_of_an_earlier_attempt, fixture),
        CLUSTER_TEST(test_withdraw_of_a_matched_ticket, fixture),
        CLUSTER_TEST(test_never_oneself, fixture),
        CLUSTER_TEST(test_exclusive, fixture),
        CLUSTER_TEST(test_closed_node, fixture),
        CLUSTER_TEST(test_closed_after_the_offer, fixture),
    };
    return cmocka_run_group_tests_name(fixture->name, tests, NULL, NULL);
}
