/* test_links_sentinel.c - a master that the Sentinels name, and failovers. */
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

enum { URL_CHARS = 300, SERVERS = 2 };

struct bench {
    struct links *links;
    struct redis_process *servers[SERVERS]; /* the first is the master */
    struct redis_process *sentinel;
    char url[URL_CHARS];
};

static int setup(void **state) {
    static struct bench bench;
    bench.links = links_new();
    for (unsigned i = 0; i < SERVERS; i++) /* a failover is quick only if the replica is told at once */
        bench.servers[i] = redis_process_new(LIST("--repl-diskless-sync-delay", "0"));
    bench.sentinel = NULL;
    *state = &bench;
    return 0;
}

static int teardown(void **state) {
    struct bench *bench = *state;
    links_free(bench->links);
    redis_process_free(bench->sentinel);
    for (unsigned i = 0; i < SERVERS; i++)
        redis_process_free(bench->servers[i]);
    return 0;
}

static bool info_has(struct redis_process *server, const char *section, const char *text) {
    return strstr(redis_process_ask(server, "INFO %s", section)->str, text) != NULL;
}

/* The Sentinel has asked the replica how it is: it could make it the master. */
static bool sentinel_knows_replica(struct redis_process *sentinel) {
    const redisReply *reply = redis_process_ask(sentinel, "SENTINEL REPLICAS main");
    if (reply->elements != 1)
        return false;
    const redisReply *replica = reply->element[0];
    for (size_t i = 0; i + 1 < replica->elements; i += 2)
        if (strcmp(replica->element[i]->str, "master-link-status") == 0)
            return strcmp(replica->element[i + 1]->str, "ok") == 0;
    return false;
}

/* The second server follows the first, and a Sentinel knows both. */
static void form(struct bench *bench) {
    redis_process_ask(bench->servers[1], "REPLICAOF 127.0.0.1 %u", redis_process_port(bench->servers[0]));
    bench->sentinel = redis_process_new_sentinel(redis_process_port(bench->servers[0]), NULL);
    LINKS_UNTIL(bench->links, info_has(bench->servers[1], "replication", "master_link_status:up"));
    LINKS_UNTIL(bench->links, sentinel_knows_replica(bench->sentinel));
    snprintf(bench->url, sizeof bench->url, "redis+sentinel://127.0.0.1:%u/main", redis_process_port(bench->sentinel));
}

static void join_two(struct bench *bench) {
    links_join(bench->links, 0, bench->url, NULL);
    links_join(bench->links, 1, bench->url, NULL);
    links_until_up(bench->links);
    links_assert_well(bench->links, 2);
}

/* The second server is the master, and both nodes use it. */
static void assert_followed(struct bench *bench) {
    for (unsigned i = 0; i < 2; i++)
        LINKS_UNTIL(bench->links, bench->links->nodes[i].events[BROKER_LINK_RESUMED] > 0);
    links_until_up(bench->links);
    assert_true(info_has(bench->servers[1], "replication", "role:master"));
    links_assert_well(bench->links, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(redis_process_listeners(bench->servers[1], "i", bench->links->nodes[i].boot), 1);
        assert_int_equal(bench->links->nodes[i].events[BROKER_NODE_GONE], 0);
    }
}

static void test_failover(void **state) {
    struct bench *bench = *state;
    form(bench);
    join_two(bench);
    redis_process_ask(bench->sentinel, "SENTINEL FAILOVER main");
    assert_followed(bench);
    assert_int_equal(redis_process_listeners(bench->servers[0], "i", bench->links->nodes[0].boot), 0);
}

static void test_master_dies(void **state) {
    struct bench *bench = *state;
    form(bench);
    join_two(bench);
    redis_process_stop(bench->servers[0]);
    assert_followed(bench);
}

/* The master stands still, and is replaced meanwhile: what it says when it wakes up interests nobody. */
static void test_master_freezes(void **state) {
    struct bench *bench = *state;
    form(bench);
    join_two(bench);
    redis_process_freeze(bench->servers[0]);
    assert_followed(bench);
    redis_process_thaw(bench->servers[0]);
    LINKS_UNTIL(bench->links, info_has(bench->servers[0], "replication", "role:slave"));
    links_assert_well(bench->links, 2);
}

/* The Sentinel still names a server that isn't the master any more: it is not used. */
static void test_outdated_answer(void **state) {
    struct bench *bench = *state;
    form(bench);
    redis_process_stop(bench->sentinel);
    redis_process_ask(bench->servers[0], "REPLICAOF 127.0.0.1 %u", redis_process_free_port());
    redis_process_start(bench->sentinel);
    redis_process_freeze(bench->servers[1]); /* so that the Sentinel can do nothing about it */
    links_join(bench->links, 0, bench->url, NULL);
    links_until_trouble(bench->links, 0, REDIS_TROUBLE_READ_ONLY, 2);
    assert_false(links_stats(bench->links, 0).has_been_up);
    redis_process_thaw(bench->servers[1]);
    redis_process_ask(bench->servers[0], "REPLICAOF NO ONE");
    links_until_up(bench->links);
}

/* The master is another server by now, while the one before goes on as if nothing had been; only the subscriptions
 * break: commands must not stay behind there. */
static void test_master_is_another(void **state) {
    struct bench *bench = *state;
    bench->sentinel = redis_process_new_sentinel(redis_process_port(bench->servers[0]), NULL);
    snprintf(bench->url, sizeof bench->url, "redis+sentinel://127.0.0.1:%u/main", redis_process_port(bench->sentinel));
    join_two(bench);
    redis_process_ask(bench->sentinel, "SENTINEL REMOVE main");
    redis_process_ask(bench->sentinel, "SENTINEL MONITOR main 127.0.0.1 %u 1", redis_process_port(bench->servers[1]));
    redis_process_ask(bench->servers[0], "CLIENT KILL TYPE pubsub");
    assert_followed(bench);
}

/* Of several Sentinels one is dead, one has another name for it, and one knows. */
static void test_several(void **state) {
    struct bench *bench = *state;
    struct redis_process *stranger;
    form(bench);
    stranger = redis_process_new_sentinel(redis_process_port(bench->servers[0]), NULL);
    redis_process_ask(stranger, "SENTINEL REMOVE main");
    snprintf(bench->url, sizeof bench->url, "redis+sentinel://localhost:%u,127.0.0.1:%u,localhost:%u/main",
             redis_process_free_port(), redis_process_port(stranger), redis_process_port(bench->sentinel));
    join_two(bench);
    redis_process_free(stranger);
}

static void test_nobody_knows(void **state) {
    struct bench *bench = *state;
    form(bench);
    snprintf(bench->url, sizeof bench->url, "redis+sentinel://127.0.0.1:%u,127.0.0.1:%u/other",
             redis_process_free_port(), redis_process_port(bench->sentinel));
    links_join(bench->links, 0, bench->url, NULL);
    links_until_trouble(bench->links, 0, REDIS_TROUBLE_SENTINEL, 4);
    assert_int_equal(links_stats(bench->links, 0).trouble, REDIS_TROUBLE_SENTINEL);
    assert_int_equal(links_logged(bench->links, "no Sentinel knows the master"), 1);
    assert_int_equal(links_logged(bench->links, "it knows no master by that name"), 1);
    redis_process_ask(bench->sentinel, "SENTINEL MONITOR other 127.0.0.1 %u 1", redis_process_port(bench->servers[0]));
    links_until_up(bench->links);
}

/* The Sentinels want the same password as the servers. */
static void test_password(void **state) {
    struct bench *bench = *state;
    form(bench);
    redis_process_ask(bench->servers[0], "CONFIG SET requirepass secret");
    redis_process_ask(bench->sentinel, "SENTINEL SET main auth-pass secret");
    redis_process_ask(bench->sentinel, "ACL SETUSER default resetpass >secret");
    links_join(bench->links, 0, bench->url, NULL);
    links_until_trouble(bench->links, 0, REDIS_TROUBLE_SENTINEL, 2);
    assert_int_equal(links_logged(bench->links, "NOAUTH"), 1);
    links_leave(bench->links, 0);
    snprintf(bench->url, sizeof bench->url, "redis+sentinel://:secret@127.0.0.1:%u/main",
             redis_process_port(bench->sentinel));
    join_two(bench);
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        BENCH_TEST(test_failover),        BENCH_TEST(test_master_dies),       BENCH_TEST(test_master_freezes),
        BENCH_TEST(test_outdated_answer), BENCH_TEST(test_several),           BENCH_TEST(test_nobody_knows),
        BENCH_TEST(test_password),        BENCH_TEST(test_master_is_another),
    };
    return cmocka_run_group_tests_name("links_sentinel", tests, NULL, NULL);
}
