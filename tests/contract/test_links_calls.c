/* test_links_calls.c - how requests are put together into calls of scripts: when they leave, and how many together. */
#include "links.h"

#include <hiredis/hiredis.h>

#include <stdio.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

enum { FEW = 4, TURNS = 20, MOST_REQUESTS = 128, MANY_REQUESTS = 32 /* as redis_call.c has them */ };

struct bench {
    struct links *links;
    struct redis_process *server;
    unsigned asked;
};

static void join(struct bench *bench) {
    char url[300];
    snprintf(url, sizeof url, "redis://127.0.0.1:%u", redis_process_port(bench->server));
    links_join(bench->links, 0, url, NULL);
    links_until_up(bench->links);
}

static int setup(void **state) {
    static struct bench bench;
    bench = (struct bench){.links = links_new(), .server = redis_process_new(NULL)};
    join(&bench);
    *state = &bench;
    return 0;
}

static int teardown(void **state) {
    struct bench *bench = *state;
    links_free(bench->links);
    redis_process_free(bench->server);
    return 0;
}

/* Each HOLDs a chat of its own. */
static void ask(struct bench *bench, unsigned requests) {
    struct links_node *node = &bench->links->nodes[0];
    for (; requests > 0; requests--) {
        struct broker_request request = {
            .kind = BROKER_HOLD, .asker = {node->boot, 1, 1}, .chat = {.high = 4711, .low = ++bench->asked}};
        request.hold.party[SIDE_SEEKER].at = request.asker;
        node->broker->ops->request(node->broker, &request);
    }
}

static void turn(struct bench *bench) {
    uv_run(&bench->links->loop, UV_RUN_NOWAIT);
}

static void until_answered(struct bench *bench) {
    LINKS_UNTIL(bench->links, links_stats(bench->links, 0).unanswered == 0);
}

/* Each question has had its answer. */
static void assert_all_answered(struct bench *bench, enum broker_status status) {
    struct links_node *node = &bench->links->nodes[0];
    LINKS_UNTIL(bench->links, node->events[BROKER_FOUND] >= bench->asked);
    assert_int_equal(node->events[BROKER_FOUND], bench->asked);
    assert_int_equal(node->last.status, status);
}

/* Of scripts, but for beats, which alone ask how all nodes are. */
static unsigned long calls(struct bench *bench) {
    unsigned long all = redis_process_calls(bench->server, "evalsha");
    return all - redis_process_calls(bench->server, "hgetall");
}

/* Redis stands still: many are under way, and so a few wait. */
static void let_some_wait(struct bench *bench) {
    until_answered(bench);
    redis_process_freeze(bench->server);
    ask(bench, MANY_REQUESTS);
    turn(bench);
    ask(bench, FEW);
    turn(bench);
}

static void test_few_requests(void **state) {
    struct bench *bench = *state;
    for (unsigned i = 0; i < TURNS; i++) {
        until_answered(bench);
        unsigned long before = calls(bench);
        ask(bench, FEW);
        turn(bench);
        assert_all_answered(bench, BROKER_OK);
        until_answered(bench);
        assert_int_equal(calls(bench), before + 1);
    }
}

/* Many are under way, and the rest is one call. A beat may be one of the many. */
static void test_while_many_are_under_way(void **state) {
    struct bench *bench = *state;
    until_answered(bench);
    unsigned long before = calls(bench);
    redis_process_freeze(bench->server);
    for (unsigned i = 0; i < TURNS; i++) {
        ask(bench, FEW);
        turn(bench);
    }
    redis_process_thaw(bench->server);
    assert_all_answered(bench, BROKER_OK);
    until_answered(bench);
    assert_int_equal(calls(bench), before + MANY_REQUESTS / FEW + 1);
}

/* Looks for a stranger: by another script. */
static void seek(struct bench *bench) {
    struct links_node *node = &bench->links->nodes[0];
    struct ticket ticket = {.who = {.at = {node->boot, 2, 1}, .person = 1, .fence = 1},
                            .chat = {.high = 4712, .low = 1}};
    node->broker->ops->request(
        node->broker,
        &(struct broker_request){.kind = BROKER_SEEK, .asker = ticket.who.at, .chat = ticket.chat, .seek = ticket});
}

/* When a full call leaves, what was asked for before goes with it: else it would wait for as long as others fill calls. */
static void test_nobody_is_left_behind(void **state) {
    struct bench *bench = *state;
    until_answered(bench);
    redis_process_freeze(bench->server);
    ask(bench, MANY_REQUESTS);
    turn(bench);
    seek(bench);
    turn(bench);
    ask(bench, MOST_REQUESTS);
    redis_process_thaw(bench->server);
    LINKS_UNTIL(bench->links, bench->links->nodes[0].events[BROKER_SOUGHT] > 0);
    assert_all_answered(bench, BROKER_OK);
    assert_int_equal(bench->links->nodes[0].last.kind, BROKER_FOUND); /* it was not the last */
}

/* A full one does not wait, not even for the end of the turn. */
static void test_requests_are_bounded(void **state) {
    struct bench *bench = *state;
    until_answered(bench);
    unsigned long before = calls(bench);
    redis_process_freeze(bench->server);
    ask(bench, 2 * MOST_REQUESTS + FEW);
    turn(bench);
    ask(bench, FEW);
    redis_process_thaw(bench->server);
    assert_all_answered(bench, BROKER_OK);
    until_answered(bench);
    assert_int_equal(calls(bench), before + 3);
}

/* Who closes says what waits. */
static void test_closing(void **state) {
    struct bench *bench = *state;
    let_some_wait(bench);
    links_leave(bench->links, 0);
    redis_process_thaw(bench->server);
    const int64_t until_ms = links_patience_ms();
    while (redis_process_ask(bench->server, "KEYS {pb}:c:*")->elements < bench->asked)
        links_turn(bench->links, until_ms, "what was said last is in the register");
}

/* Both what is under way and what waits is answered, and nothing waits for it afterwards. */
static void test_link_breaks(void **state) {
    struct bench *bench = *state;
    let_some_wait(bench);
    redis_process_stop(bench->server);
    assert_all_answered(bench, BROKER_DOWN);
    redis_process_start(bench->server);
    LINKS_UNTIL(bench->links, links_stats(bench->links, 0).up);
    ask(bench, FEW);
    assert_all_answered(bench, BROKER_OK);
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        BENCH_TEST(test_few_requests),         BENCH_TEST(test_while_many_are_under_way),
        BENCH_TEST(test_requests_are_bounded), BENCH_TEST(test_closing),
        BENCH_TEST(test_link_breaks),          BENCH_TEST(test_nobody_is_left_behind),
    };
    return cmocka_run_group_tests_name("links_calls", tests, NULL, NULL);
}
