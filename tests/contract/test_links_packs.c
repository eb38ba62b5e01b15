/* test_links_packs.c - how frames to another node are packed: when they leave, and how many together. */
#include "links.h"

#include <stdio.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

enum { FEW = 5, WINDOW_FRAMES = 192, WINDOW_MS = 8, SOON_MS = 4 }; /* as redis_relay.c has them */

struct bench {
    struct links *links;
    struct redis_process *server;
    unsigned sent; /* from node 0 to node 1 */
};

static int setup(void **state) {
    static struct bench bench;
    bench = (struct bench){.links = links_new(), .server = redis_process_new(NULL)};
    char url[300];
    snprintf(url, sizeof url, "redis://127.0.0.1:%u", redis_process_port(bench.server));
    links_join(bench.links, 0, url, NULL);
    links_join(bench.links, 1, url, NULL);
    links_until_up(bench.links);
    links_assert_well(bench.links, 2);
    bench.sent = bench.links->nodes[1].frames;
    *state = &bench;
    return 0;
}

static int teardown(void **state) {
    struct bench *bench = *state;
    links_free(bench->links);
    redis_process_free(bench->server);
    return 0;
}

static void say(struct bench *bench, unsigned frames) {
    struct broker *from = bench->links->nodes[0].broker;
    for (; frames > 0; frames--, bench->sent++)
        from->ops->relay(from, bench->links->nodes[1].boot, &bench->sent, sizeof bench->sent);
}

static void say_soon(struct bench *bench, unsigned frames) {
    struct broker *from = bench->links->nodes[0].broker;
    for (; frames > 0; frames--, bench->sent++)
        from->ops->relay_soon(from, bench->links->nodes[1].boot, &bench->sent, sizeof bench->sent);
}

static uint64_t published(const struct bench *bench) {
    return links_stats(bench->links, 0).published;
}

/* Until nothing is collected, or on its way to Redis. */
static void until_answered(struct bench *bench) {
    LINKS_UNTIL(bench->links, links_stats(bench->links, 0).unanswered == 0);
}

static void assert_all_came(struct bench *bench) {
    LINKS_UNTIL(bench->links, bench->links->nodes[1].events[BROKER_RELAYED] >= bench->sent);
    assert_int_equal(bench->links->nodes[1].frames, bench->sent); /* in order */
    assert_int_equal(bench->links->nodes[1].events[BROKER_RELAYED], bench->sent);
}

static void assert_nothing_dropped(struct bench *bench) {
    assert_int_equal(links_stats(bench->links, 0).dropped, 0);
}

/* In a window that is not full, each leaves at the end of its turn, and those of a turn together. */
static void test_few_frames(void **state) {
    struct bench *bench = *state;
    for (unsigned i = 0; i < 20; i++) {
        until_answered(bench);
        uint64_t before = published(bench);
        say(bench, FEW);
        assert_int_equal(published(bench), before);
        uv_run(&bench->links->loop, UV_RUN_NOWAIT);
        assert_int_equal(published(bench), before + 1);
    }
    assert_all_came(bench);
    assert_nothing_dropped(bench);
}

static void test_while_under_way(void **state) {
    struct bench *bench = *state;
    uint64_t before = published(bench);
    redis_process_freeze(bench->server);
    for (unsigned i = 0; i < 20; i++) {
        say(bench, FEW);
        uv_run(&bench->links->loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(published(bench), before + 1);
    redis_process_thaw(bench->server);
    assert_all_came(bench);
    assert_int_equal(published(bench), before + 2);
    assert_nothing_dropped(bench);
}

static void until_next_window(struct bench *bench) {
    uv_loop_t *loop = &bench->links->loop;
    until_answered(bench);
    uint64_t before_ms = uv_now(loop);
    LINKS_UNTIL(bench->links, uv_now(loop) - before_ms >= WINDOW_MS);
}

/* A window is filled in so many turns, and one frame follows, by itself. On a machine that pauses for longer, no window is full. */
static void fill_window(struct bench *bench, unsigned turns) {
    uv_loop_t *loop = &bench->links->loop;
    until_next_window(bench);
    uint64_t begun_ms = uv_now(loop);
    for (unsigned i = 0; i < turns; i++) {
        say(bench, WINDOW_FRAMES / turns);
        until_answered(bench);
    }
    bool full = uv_now(loop) - begun_ms < WINDOW_MS;
    uint64_t before = published(bench);
    say(bench, 1);
    LINKS_UNTIL(bench->links, published(bench) == before + 1);
    assert_true(!full || uv_now(loop) - begun_ms >= WINDOW_MS);
    until_answered(bench);
    assert_int_equal(published(bench), before + 1);
    say(bench, FEW); /* the next window has room */
    uv_run(loop, UV_RUN_NOWAIT);
    assert_int_equal(published(bench), before + 2);
}

static void test_full_window(void **state) {
    struct bench *bench = *state;
    for (unsigned i = 0; i < 10; i++)
        fill_window(bench, 1);
    for (unsigned i = 0; i < 10; i++)
        fill_window(bench, 4);
    assert_all_came(bench);
    assert_nothing_dropped(bench);
}

/* What waits leaves together, in the turn that was ordered for it, if nothing else brings one. */
static void test_window_ends_by_itself(void **state) {
    struct bench *bench = *state;
    uv_loop_t *loop = &bench->links->loop;
    for (unsigned i = 0; i < 10; i++) {
        until_next_window(bench);
        say(bench, WINDOW_FRAMES);
        until_answered(bench);
        uint64_t before = published(bench);
        uv_timer_stop(&bench->links->metronome);
        for (unsigned j = 0; j < 3; j++) {
            say(bench, FEW);
            uv_run(loop, UV_RUN_NOWAIT);
        }
        if (published(bench) == before) /* else the machine has paused longer */
            assert_in_range(uv_backend_timeout(loop), 0, WINDOW_MS);
        uv_timer_again(&bench->links->metronome);
        until_answered(bench);
        assert_in_range(published(bench) - before, 1, 3);
    }
    assert_all_came(bench);
    assert_nothing_dropped(bench);
}

/* It counts what leaves for one Redis, whoever it is for. */
static void test_many_nodes(void **state) {
    struct bench *bench = *state;
    struct broker *from = bench->links->nodes[0].broker;
    uv_loop_t *loop = &bench->links->loop;
    until_next_window(bench);
    uint64_t before = published(bench), begun_ms = uv_now(loop);
    for (unsigned i = 1; i <= WINDOW_FRAMES; i++)
        from->ops->relay(from, i, "x", 1);
    LINKS_UNTIL(bench->links, published(bench) == before + WINDOW_FRAMES);
    say(bench, 1);
    LINKS_UNTIL(bench->links, published(bench) == before + WINDOW_FRAMES + 1);
    assert_true(uv_now(loop) - begun_ms >= WINDOW_MS);
    assert_all_came(bench);
}

/* What nobody waits for, alone: at the end of its turn. */
static void test_soon_alone(void **state) {
    struct bench *bench = *state;
    for (unsigned i = 0; i < 10; i++) {
        until_next_window(bench);
        uint64_t before = published(bench);
        say_soon(bench, FEW);
        uv_run(&bench->links->loop, UV_RUN_NOWAIT);
        assert_int_equal(published(bench), before + 1);
    }
    assert_all_came(bench);
    assert_nothing_dropped(bench);
}

/* Shortly after a pack it waits: true, with what was published before. On a machine that pauses it doesn't. */
static bool waits_soon(struct bench *bench, uint64_t *before) {
    until_answered(bench);
    say(bench, 1);
    until_answered(bench);
    *before = published(bench);
    say_soon(bench, FEW);
    uv_run(&bench->links->loop, UV_RUN_NOWAIT);
    return published(bench) == *before;
}

static void test_soon_goes_along(void **state) {
    struct bench *bench = *state;
    uint64_t before;
    for (unsigned i = 0; i < 10; i++) {
        LINKS_UNTIL(bench->links, waits_soon(bench, &before));
        say(bench, 1);
        uv_run(&bench->links->loop, UV_RUN_NOWAIT);
        assert_int_equal(published(bench), before + 1);
    }
    assert_all_came(bench);
    assert_nothing_dropped(bench);
}

/* In the turn that was ordered for it, if nothing else brings one. */
static void test_soon_leaves_by_itself(void **state) {
    struct bench *bench = *state;
    uv_loop_t *loop = &bench->links->loop;
    uint64_t before;
    for (unsigned i = 0; i < 10; i++) {
        LINKS_UNTIL(bench->links, waits_soon(bench, &before));
        uv_timer_stop(&bench->links->metronome);
        assert_in_range(uv_backend_timeout(loop), 0, SOON_MS);
        uv_timer_again(&bench->links->metronome);
        until_answered(bench);
        assert_int_equal(published(bench), before + 1);
    }
    assert_all_came(bench);
    assert_nothing_dropped(bench);
}

/* In a full window it waits as all do. */
static void test_soon_in_a_full_window(void **state) {
    struct bench *bench = *state;
    uv_loop_t *loop = &bench->links->loop;
    until_next_window(bench);
    uint64_t begun_ms = uv_now(loop), before = published(bench);
    say(bench, WINDOW_FRAMES);
    LINKS_UNTIL(bench->links, published(bench) == before + 1);
    until_answered(bench);
    say_soon(bench, FEW);
    LINKS_UNTIL(bench->links, published(bench) == before + 2);
    assert_true(uv_now(loop) - begun_ms >= WINDOW_MS);
    assert_all_came(bench);
}

/* Who closes says what waits. */
static void test_closing(void **state) {
    struct bench *bench = *state;
    until_answered(bench);
    say(bench, WINDOW_FRAMES);
    until_answered(bench);
    say(bench, FEW);
    links_leave(bench->links, 0);
    assert_all_came(bench);
}

static void test_closing_while_under_way(void **state) {
    struct bench *bench = *state;
    redis_process_freeze(bench->server);
    say(bench, WINDOW_FRAMES);
    uv_run(&bench->links->loop, UV_RUN_NOWAIT);
    say(bench, FEW);
    links_leave(bench->links, 0);
    redis_process_thaw(bench->server);
    assert_all_came(bench);
}

/* More than a pack's bound does not wait, not even for the end of the turn. */
static void test_bytes_are_bounded(void **state) {
    enum { FRAMES = 100000 };
    struct bench *bench = *state;
    until_answered(bench);
    say(bench, WINDOW_FRAMES);
    until_answered(bench);
    uint64_t before = published(bench);
    say(bench, FRAMES);
    assert_in_range(published(bench) - before, 2, 20);
    assert_all_came(bench);
    assert_in_range(published(bench) - before, 3, 20);
    assert_nothing_dropped(bench);
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        BENCH_TEST(test_few_frames),
        BENCH_TEST(test_while_under_way),
        BENCH_TEST(test_full_window),
        BENCH_TEST(test_window_ends_by_itself),
        BENCH_TEST(test_many_nodes),
        BENCH_TEST(test_soon_alone),
        BENCH_TEST(test_soon_goes_along),
        BENCH_TEST(test_soon_leaves_by_itself),
        BENCH_TEST(test_soon_in_a_full_window),
        BENCH_TEST(test_closing),
        BENCH_TEST(test_closing_while_under_way),
        BENCH_TEST(test_bytes_are_bounded),
    };
    return cmocka_run_group_tests_name("links_packs", tests, NULL, NULL);
}
