/* test_links_relay.c - data inboxes on Redis servers of their own, and what befalls those. */
#include "links.h"

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

enum { URL_CHARS = 64, NODES = 4, RELAYS = 2 };

struct bench {
    struct links *links;
    struct redis_process *main;
    struct redis_process *relays[RELAYS];
    char url[URL_CHARS];
    char relay_urls[RELAYS][URL_CHARS];
};

static void join(struct bench *bench, unsigned at) {
    links_join(bench->links, at, bench->url, LIST(bench->relay_urls[0], bench->relay_urls[1]));
}

static void put_url(char out[URL_CHARS], const struct redis_process *process) {
    snprintf(out, URL_CHARS, "redis://127.0.0.1:%u", redis_process_port(process));
}

static bool all_well(struct bench *bench) {
    for (unsigned i = 0; i < NODES; i++)
        if (bench->links->nodes[i].broker != NULL && links_stats(bench->links, i).relays_down > 0)
            return false;
    return true;
}

static int setup(void **state) {
    static struct bench bench;
    bench.links = links_new();
    bench.main = redis_process_new(NULL);
    put_url(bench.url, bench.main);
    for (unsigned i = 0; i < RELAYS; i++) {
        bench.relays[i] = redis_process_new(NULL);
        put_url(bench.relay_urls[i], bench.relays[i]);
    }
    for (unsigned i = 0; i < NODES; i++)
        join(&bench, i);
    links_until_up(bench.links);
    LINKS_UNTIL(bench.links, all_well(&bench));
    *state = &bench;
    return 0;
}

static int teardown(void **state) {
    struct bench *bench = *state;
    links_free(bench->links);
    for (unsigned i = 0; i < RELAYS; i++)
        redis_process_free(bench->relays[i]);
    redis_process_free(bench->main);
    return 0;
}

static unsigned seen(const struct bench *bench, unsigned at, enum broker_event_kind kind) {
    return bench->links->nodes[at].events[kind];
}

static void test_frames_go_by_relays(void **state) {
    struct bench *bench = *state;
    links_assert_well(bench->links, NODES);
    for (unsigned i = 0; i < RELAYS; i++)
        assert_true(redis_process_calls(bench->relays[i], "publish") >= 2);
    assert_false(redis_process_has(bench->main, "d"));
    assert_false(redis_process_has(bench->relays[0], "i"));
    for (unsigned i = 0; i < NODES; i++) {
        assert_int_equal(links_stats(bench->links, i).dropped, 0);
        assert_int_equal(seen(bench, i, BROKER_NODE_GONE), 0);
    }
}

/* Nodes 0 and 2 live on the relay that dies. Frames to them are dropped; nobody is accused, everything else goes on. */
static void test_relay_dies(void **state) {
    struct bench *bench = *state;
    unsigned resumed[NODES];
    for (unsigned i = 0; i < NODES; i++)
        resumed[i] = seen(bench, i, BROKER_LINK_RESUMED);
    redis_process_stop(bench->relays[0]);
    for (unsigned i = 0; i < NODES; i++)
        LINKS_UNTIL(bench->links, links_stats(bench->links, i).relays_down == 1);
    links_relay(bench->links, 1, 0);
    links_relay(bench->links, 1, 2);
    assert_int_equal(links_stats(bench->links, 1).dropped, 2);
    unsigned before = bench->links->nodes[3].frames;
    links_relay(bench->links, 1, 3);
    LINKS_UNTIL(bench->links, bench->links->nodes[3].frames > before);
    links_until_trouble(bench->links, 1, REDIS_TROUBLE_UNREACHABLE, 6);
    for (unsigned i = 0; i < NODES; i++) {
        assert_true(links_stats(bench->links, i).up);
        assert_int_equal(seen(bench, i, BROKER_LINK_LOST), 0);
        assert_int_equal(seen(bench, i, BROKER_LINK_RESUMED), resumed[i]);
        assert_int_equal(seen(bench, i, BROKER_NODE_GONE), 0);
    }
    redis_process_start(bench->relays[0]);
    for (unsigned i = 0; i < NODES; i++)
        LINKS_UNTIL(bench->links, seen(bench, i, BROKER_LINK_RESUMED) == resumed[i] + 1);
    LINKS_UNTIL(bench->links, all_well(bench));
    links_assert_well(bench->links, NODES);
}

/* A node loses its connection to its relay, and that alone: whoever writes to it meanwhile reaches nobody, and must not
 * take it for dead. */
static void test_listener_killed(void **state) {
    struct bench *bench = *state;
    unsigned resumed = seen(bench, 0, BROKER_LINK_RESUMED);
    redis_process_ask(bench->relays[0], "CLIENT KILL TYPE pubsub");
    struct broker *broker = bench->links->nodes[1].broker;
    broker->ops->relay(broker, bench->links->nodes[0].boot, "lost", 4);
    LINKS_UNTIL(bench->links, seen(bench, 0, BROKER_LINK_RESUMED) > resumed);
    LINKS_UNTIL(bench->links, all_well(bench));
    for (unsigned i = 0; i < NODES; i++) {
        assert_int_equal(seen(bench, i, BROKER_NODE_GONE), 0);
        assert_int_equal(seen(bench, i, BROKER_LINK_LOST), 0);
    }
    links_assert_well(bench->links, NODES);
}

static void test_relay_frozen(void **state) {
    struct bench *bench = *state;
    redis_process_freeze(bench->relays[1]);
    LINKS_UNTIL(bench->links, links_stats(bench->links, 0).relays_down == 1);
    links_until_trouble(bench->links, 1, REDIS_TROUBLE_SILENT, 1);
    assert_true(links_stats(bench->links, 1).up);
    redis_process_thaw(bench->relays[1]);
    LINKS_UNTIL(bench->links, all_well(bench));
    assert_int_equal(seen(bench, 0, BROKER_NODE_GONE), 0);
    links_assert_well(bench->links, NODES);
}

static void test_node_gone(void **state) {
    struct bench *bench = *state;
    uint64_t gone = bench->links->nodes[3].boot;
    links_leave(bench->links, 3);
    LINKS_UNTIL(bench->links, redis_process_listeners(bench->main, "i", gone) == 0);
    LINKS_UNTIL(bench->links, redis_process_listeners(bench->relays[1], "d", gone) == 0);
    struct broker *broker = bench->links->nodes[0].broker;
    broker->ops->relay(broker, gone, "late", 4);
    LINKS_UNTIL(bench->links, seen(bench, 0, BROKER_NODE_GONE) > 0);
    assert_int_equal(bench->links->nodes[0].gone, gone);
    join(bench, 3);
    links_until_up(bench->links);
    LINKS_UNTIL(bench->links, all_well(bench));
    links_assert_well(bench->links, NODES);
}

/* The main Redis is away, and the relays carry frames all the same. */
static void test_main_dies(void **state) {
    struct bench *bench = *state;
    redis_process_stop(bench->main);
    for (unsigned i = 0; i < NODES; i++)
        LINKS_UNTIL(bench->links, !links_stats(bench->links, i).up);
    unsigned before = bench->links->nodes[1].frames;
    links_relay(bench->links, 0, 1);
    LINKS_UNTIL(bench->links, bench->links->nodes[1].frames > before);
    redis_process_start(bench->main);
    links_until_up(bench->links);
    for (unsigned i = 0; i < NODES; i++) {
        LINKS_UNTIL(bench->links, seen(bench, i, BROKER_LINK_RESUMED) > 0);
        assert_int_equal(seen(bench, i, BROKER_LINK_LOST), 1);
        assert_int_equal(seen(bench, i, BROKER_NODE_GONE), 0);
    }
    links_assert_well(bench->links, NODES);
}

static void test_sentinels_are_refused(void **state) {
    struct bench *bench = *state;
    const struct redis_broker_options options = {
        .url = bench->url, .relays = LIST("redis+sentinel://h/name"), .log = bench->links->log};
    const struct broker_listener listener = {0};
    char error[200];
    assert_null(redis_broker_new(&bench->links->loop, &options, 1, &listener, error, sizeof error));
    assert_non_null(strstr(error, "--redis-relay: a relay keeps nothing"));
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        BENCH_TEST(test_frames_go_by_relays),   BENCH_TEST(test_relay_dies), BENCH_TEST(test_listener_killed),
        BENCH_TEST(test_relay_frozen),          BENCH_TEST(test_node_gone),  BENCH_TEST(test_main_dies),
        BENCH_TEST(test_sentinels_are_refused),
    };
    return cmocka_run_group_tests_name("links_relay", tests, NULL, NULL);
}
