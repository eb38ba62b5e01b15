/* test_links_main.c - what befalls the connections to the main Redis: killed, restarted, frozen, refused, and mended. */
#include "links.h"

#include <hiredis/hiredis.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

enum { URL_CHARS = 300 };

struct bench {
    struct links *links;
    struct redis_process *server;
    char url[URL_CHARS];
};

static int setup(void **state) {
    static struct bench bench;
    bench.links = links_new();
    bench.server = redis_process_new(NULL);
    snprintf(bench.url, sizeof bench.url, "redis://127.0.0.1:%u", redis_process_port(bench.server));
    *state = &bench;
    return 0;
}

static int teardown(void **state) {
    struct bench *bench = *state;
    links_free(bench->links);
    redis_process_free(bench->server);
    return 0;
}

static const char *url_as(struct bench *bench, const char *who, const char *behind) {
    snprintf(bench->url, sizeof bench->url, "redis://%s127.0.0.1:%u%s", who, redis_process_port(bench->server), behind);
    return bench->url;
}

static void assert_resumed_once(struct bench *bench, unsigned nodes) {
    for (unsigned i = 0; i < nodes; i++) {
        assert_int_equal(bench->links->nodes[i].events[BROKER_LINK_LOST], 1);
        assert_int_equal(bench->links->nodes[i].events[BROKER_LINK_RESUMED], 1);
        assert_int_equal(bench->links->nodes[i].events[BROKER_NODE_GONE], 0);
    }
}

/* --- cut off, and back -------------------------------------------------------------------------------------------- */

static void test_first_connection(void **state) {
    struct bench *bench = *state;
    links_join(bench->links, 0, bench->url, NULL);
    links_join(bench->links, 1, bench->url, NULL);
    assert_false(links_stats(bench->links, 0).has_been_up);
    links_until_up(bench->links);
    links_assert_well(bench->links, 2);
    struct redis_broker_stats stats = links_stats(bench->links, 0);
    assert_int_equal(stats.trouble, REDIS_TROUBLE_NONE);
    assert_true(stats.has_been_up);
    assert_int_equal(stats.resumed, 0);
    for (unsigned i = 0; i < REDIS_TROUBLES; i++)
        assert_int_equal(stats.errors[i], 0);
    assert_int_equal(bench->links->nodes[0].events[BROKER_LINK_RESUMED], 0);
}

static void kill_all(struct bench *bench, const char *type) {
    redis_process_ask(bench->server, "CLIENT KILL TYPE %s", type);
    for (unsigned i = 0; i < 2; i++)
        LINKS_UNTIL(bench->links, bench->links->nodes[i].events[BROKER_LINK_RESUMED] > 0);
    assert_resumed_once(bench, 2);
    links_until_up(bench->links);
    links_assert_well(bench->links, 2);
}

static void join_two(struct bench *bench) {
    links_join(bench->links, 0, bench->url, NULL);
    links_join(bench->links, 1, bench->url, NULL);
    links_until_up(bench->links);
    links_assert_well(bench->links, 2);
}

static void test_commands_killed(void **state) {
    join_two(*state);
    kill_all(*state, "normal");
}

static void test_subscribers_killed(void **state) {
    join_two(*state);
    kill_all(*state, "pubsub");
}

/* Down for long enough that several attempts fail: they are told in one line. */
static void test_restarted_empty(void **state) {
    struct bench *bench = *state;
    join_two(bench);
    redis_process_stop(bench->server);
    for (unsigned i = 0; i < 2; i++)
        links_until_trouble(bench->links, i, REDIS_TROUBLE_UNREACHABLE, 8);
    assert_false(links_stats(bench->links, 0).up);
    assert_true(links_stats(bench->links, 0).has_been_up);
    assert_int_equal(links_stats(bench->links, 0).trouble, REDIS_TROUBLE_UNREACHABLE);
    assert_int_equal(links_logged(bench->links, "Redis can't be reached"), 2);
    redis_process_start(bench->server);
    links_until_up(bench->links);
    assert_resumed_once(bench, 2);
    assert_int_equal(links_stats(bench->links, 0).trouble, REDIS_TROUBLE_NONE);
    links_assert_well(bench->links, 2);
    redis_process_stop(bench->server);
    for (unsigned i = 0; i < 2; i++)
        LINKS_UNTIL(bench->links, !links_stats(bench->links, i).up);
    assert_int_equal(links_logged(bench->links, "Redis can't be reached"), 4); /* news again */
}

static void test_frozen(void **state) {
    struct bench *bench = *state;
    join_two(bench);
    redis_process_freeze(bench->server);
    for (unsigned i = 0; i < 2; i++) {
        links_until_trouble(bench->links, i, REDIS_TROUBLE_SILENT, 1);
        LINKS_UNTIL(bench->links, !links_stats(bench->links, i).up);
    }
    redis_process_thaw(bench->server);
    LINKS_UNTIL(bench->links, links_stats(bench->links, 0).up && links_stats(bench->links, 1).up);
    assert_int_equal(bench->links->nodes[0].events[BROKER_NODE_GONE], 0);
    links_assert_well(bench->links, 2);
}

/* It is frozen from the beginning: connecting succeeds, as the kernel does that, but nobody answers. */
static void test_frozen_from_the_beginning(void **state) {
    struct bench *bench = *state;
    redis_process_freeze(bench->server);
    links_join(bench->links, 0, bench->url, NULL);
    links_until_trouble(bench->links, 0, REDIS_TROUBLE_SILENT, 1);
    redis_process_thaw(bench->server);
    links_until_up(bench->links);
    assert_int_equal(bench->links->nodes[0].events[BROKER_LINK_RESUMED], 0);
}

static void test_absent_from_the_beginning(void **state) {
    struct bench *bench = *state;
    redis_process_stop(bench->server);
    links_join(bench->links, 0, bench->url, NULL);
    links_until_trouble(bench->links, 0, REDIS_TROUBLE_UNREACHABLE, 6);
    assert_false(links_stats(bench->links, 0).has_been_up);
    assert_int_equal(links_logged(bench->links, "Redis can't be reached"), 1);
    redis_process_start(bench->server);
    links_until_up(bench->links);
}

/* --- refused, and let in ------------------------------------------------------------------------------------------ */

/* The trouble comes again and again, is logged once, never with the password, and goes away once the server is mended. */
static void assert_refused(struct bench *bench, enum redis_trouble trouble) {
    links_join(bench->links, 0, bench->url, NULL);
    links_until_trouble(bench->links, 0, trouble, 6);
    struct redis_broker_stats stats = links_stats(bench->links, 0);
    assert_false(stats.up);
    assert_false(stats.has_been_up);
    assert_int_equal(stats.trouble, trouble);
    assert_int_equal(links_logged(bench->links, redis_trouble_sentence(trouble)), 1);
    assert_int_equal(links_logged(bench->links, "secret"), 0);
}

static void assert_let_in(struct bench *bench) {
    links_until_up(bench->links);
    assert_int_equal(links_stats(bench->links, 0).trouble, REDIS_TROUBLE_NONE);
    assert_int_equal(bench->links->nodes[0].events[BROKER_LINK_RESUMED], 0);
}

static void test_wrong_password(void **state) {
    struct bench *bench = *state;
    redis_process_ask(bench->server, "CONFIG SET requirepass wrong");
    url_as(bench, ":s%65cret@", "");
    assert_refused(bench, REDIS_TROUBLE_AUTH);
    redis_process_ask(bench->server, "CONFIG SET requirepass secret");
    assert_let_in(bench);
}

static void test_no_password(void **state) {
    struct bench *bench = *state;
    redis_process_ask(bench->server, "CONFIG SET requirepass secret");
    assert_refused(bench, REDIS_TROUBLE_AUTH);
    redis_process_ask(bench->server, "CONFIG SET requirepass %s", "");
    assert_let_in(bench);
}

static void test_unknown_user(void **state) {
    struct bench *bench = *state;
    url_as(bench, "stranger:secret@", "");
    assert_refused(bench, REDIS_TROUBLE_AUTH);
    redis_process_ask(bench->server, "ACL SETUSER stranger on >secret ~* &* +@all");
    assert_let_in(bench);
}

static void test_wrong_database(void **state) {
    struct bench *bench = *state;
    url_as(bench, "", "/99");
    assert_refused(bench, REDIS_TROUBLE_DATABASE);
}

static void test_other_database(void **state) {
    struct bench *bench = *state;
    links_join(bench->links, 0, url_as(bench, "", "/7"), NULL);
    links_join(bench->links, 1, bench->url, NULL);
    links_until_up(bench->links);
    links_assert_well(bench->links, 2);
    assert_int_equal(redis_process_ask(bench->server, "DBSIZE")->integer, 0);
    redis_process_ask(bench->server, "SELECT 7");
    assert_true(redis_process_ask(bench->server, "DBSIZE")->integer > 0);
}

/* Whatever the user may not do, it is found out before the node takes itself for connected. */
static void test_no_permission(void **state) {
    static const char *const lacking[] = {"-evalsha", "-hset",     "-publish",     "-subscribe",
                                          "-script",  "resetkeys", "resetchannels"};
    struct bench *bench = *state;
    url_as(bench, "node:secret@", "");
    for (size_t i = 0; i < sizeof lacking / sizeof *lacking; i++) {
        redis_process_ask(bench->server, "ACL SETUSER node reset on >secret ~* &* +@all %s", lacking[i]);
        links_join(bench->links, 0, bench->url, NULL);
        links_until_trouble(bench->links, 0, REDIS_TROUBLE_PERMISSION, 4);
        assert_false(links_stats(bench->links, 0).has_been_up);
        assert_int_equal(links_stats(bench->links, 0).trouble, REDIS_TROUBLE_PERMISSION);
        redis_process_ask(bench->server, "ACL SETUSER node ~* &* +@all");
        assert_let_in(bench);
        links_leave(bench->links, 0);
    }
    assert_int_equal(links_logged(bench->links, "secret"), 0);
}

/* Each link fails for a reason of its own: each is logged once, not one after the other at every retry. */
static void test_no_permission_at_all(void **state) {
    struct bench *bench = *state;
    redis_process_ask(bench->server, "ACL SETUSER node reset on >secret");
    links_join(bench->links, 0, url_as(bench, "node:secret@", ""), NULL);
    links_until_trouble(bench->links, 0, REDIS_TROUBLE_PERMISSION, 8);
    assert_int_equal(links_logged(bench->links, "link=commands"), 1);
    assert_int_equal(links_logged(bench->links, "link=subscriber"), 1);
}

static void test_replica(void **state) {
    struct bench *bench = *state;
    redis_process_ask(bench->server, "REPLICAOF 127.0.0.1 1");
    assert_refused(bench, REDIS_TROUBLE_READ_ONLY);
    redis_process_ask(bench->server, "REPLICAOF NO ONE");
    assert_let_in(bench);
}

/* It becomes a replica while the links stand: no more use, and a change of mind is noticed. */
static void test_turned_replica(void **state) {
    struct bench *bench = *state;
    join_two(bench);
    redis_process_ask(bench->server, "REPLICAOF 127.0.0.1 1");
    for (unsigned i = 0; i < 2; i++) {
        LINKS_UNTIL(bench->links, !links_stats(bench->links, i).up);
        links_until_trouble(bench->links, i, REDIS_TROUBLE_READ_ONLY, 2);
    }
    redis_process_ask(bench->server, "REPLICAOF NO ONE");
    links_until_up(bench->links);
    links_assert_well(bench->links, 2);
}

/* Something else has put a string where our nodes are: nothing works, nothing crashes, and the operator is told. */
static void test_foreign_key(void **state) {
    struct bench *bench = *state;
    redis_process_ask(bench->server, "SET {pb}:n foreign");
    assert_refused(bench, REDIS_TROUBLE_TYPE);
    redis_process_ask(bench->server, "DEL {pb}:n");
    assert_let_in(bench);
}

/* --- garbage ------------------------------------------------------------------------------------------------------ */

static void test_garbage(void **state) {
    struct bench *bench = *state;
    static const struct {
        const char *bytes;
        size_t length;
    } messages[] = {
        {"", 0},
        {"O", 1},
        {"Oxyz", 4},
        {"C", 1},
        {"C 1 2 3", 7},
        {"F\0\0\0", 4},
        {"F\377\377\377\377", 5},
        {"F\1\0\0\0", 5},
        {"O\0\0\0", 4},
        {"F\0\0\0\1x", 6},
    };
    enum { MESSAGES = sizeof messages / sizeof *messages };
    join_two(bench);
    for (size_t i = 0; i < MESSAGES; i++)
        redis_process_ask(bench->server, "PUBLISH {pb}:%s:%016llx %b", i % 2 == 0 ? "i" : "d",
                          (unsigned long long)bench->links->nodes[0].boot, messages[i].bytes, messages[i].length);
    for (int i = 0; i < 2; i++)
        redis_process_ask(bench->server, "PUBLISH {pb}:i:%016llx %s", (unsigned long long)bench->links->nodes[0].boot,
                          "~of a later day");
    LINKS_UNTIL(bench->links, links_stats(bench->links, 0).unknown == 2);
    assert_int_equal(links_stats(bench->links, 0).garbage, MESSAGES);
    assert_int_equal(links_logged(bench->links, "garbage"), 1);
    assert_int_equal(links_logged(bench->links, "another version"), 1);
    assert_int_equal(links_stats(bench->links, 1).garbage, 0);
    assert_true(links_stats(bench->links, 0).up);
    links_assert_well(bench->links, 2);
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        BENCH_TEST(test_first_connection),
        BENCH_TEST(test_commands_killed),
        BENCH_TEST(test_subscribers_killed),
        BENCH_TEST(test_restarted_empty),
        BENCH_TEST(test_frozen),
        BENCH_TEST(test_frozen_from_the_beginning),
        BENCH_TEST(test_absent_from_the_beginning),
        BENCH_TEST(test_wrong_password),
        BENCH_TEST(test_no_password),
        BENCH_TEST(test_unknown_user),
        BENCH_TEST(test_wrong_database),
        BENCH_TEST(test_other_database),
        BENCH_TEST(test_no_permission),
        BENCH_TEST(test_no_permission_at_all),
        BENCH_TEST(test_replica),
        BENCH_TEST(test_turned_replica),
        BENCH_TEST(test_foreign_key),
        BENCH_TEST(test_garbage),
    };
    return cmocka_run_group_tests_name("links_main", tests, NULL, NULL);
}
