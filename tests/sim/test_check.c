/* test_check.c - what the checker must not hold against a node: it can't be known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "client.h"
#include "cluster.h"
#include "hear.h"

static void open_world(struct world *world, bool redis) {
    struct climate climate = {
        .core = {.max_body_bytes = 200, .max_frame_bytes = 16384, .window = 4, .grace_ms = 5000, .prefer_ms = 1000},
        .kernel_bytes = 10000,
        .queue_bytes = 20000,
        .sharded = true,
    };
    struct world_options options = {.seed = 1, .redis = redis, .nodes = 2, .clients = 2};
    world_open(world, &options, &climate, &hear_audience);
}

/* --- who has met -------------------------------------------------------------------------------------------------- */

/* The node tells both clients of a match, on new connections of the same two people. */
static void match(struct world *world, const char *id, bool doubtful) {
    for (uint32_t i = 0; i < 2; i++) {
        struct pipe *pipe = pipe_open(world, &world->servers[0], &world->clients[i], i);
        pipe->link.phase = PHASE_WAITING;
        pipe->link.person = 1;
        pipe->link.doubtful = doubtful && i == 1;
        pipe->link.find_us = world->now_us;
        struct heard heard = {.kind = SERVER_MATCHED, .chat = {id, strlen(id)}};
        check_sent(world, pipe, &heard);
    }
}

static void test_who_may_be_somebody_else_has_met_nobody(void **state) {
    (void)state;
    static const bool doubtful[][2] = {{false, false}, {false, true}, {true, true}};
    for (size_t i = 0; i < sizeof doubtful / sizeof *doubtful; i++) {
        struct world world;
        open_world(&world, false);
        match(&world, "one", doubtful[i][0]);
        assert_string_equal(world.failure, "");
        match(&world, "two", doubtful[i][1]);
        if (i == 0)
            assert_non_null(strstr(world.failure, "whom it has met"));
        else
            assert_string_equal(world.failure, "");
        world_close(&world);
    }
}

/* Who was told of somebody who may have been another can't know them again. */
static void test_who_was_somebody_else_is_not_known_again(void **state) {
    (void)state;
    struct world world;
    open_world(&world, false);
    match(&world, "one", true);
    struct stranger as_it_seemed = {1, 1, 0};
    assert_false(client_met(&world.clients[0], 1, as_it_seemed));
    assert_true(client_may_have_met(&world.clients[0], 1, as_it_seemed));
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_may_be_somebody_else_has_met_nobody),
        cmocka_unit_test(test_who_was_somebody_else_is_not_known_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
