/* test_check.c - what the checker must not hold against a node: it can't be known, or is not so yet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "client.h"
#include "cluster.h"
#include "fake_broker.h"
#include "hear.h"
#include "outage.h"
#include "presence.h"

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

/* --- who is out of reach ------------------------------------------------------------------------------------------ */

static void run_for_a_second(struct world *world) {
    for (int64_t end_us = world->now_us + SECOND_US; world->now_us < end_us;) {
        world_run_ready(world);
        world_pass(world, end_us);
    }
    outage_watch(world);
}

/* A node that stood still when Redis closed one of its connections takes itself to be well when it goes on: others can't
 * reach it before it has learnt of that, and has opened another. */
static void test_a_severed_link_is_out_of_reach(void **state) {
    (void)state;
    struct world world;
    open_world(&world, true);
    struct server *server = &world.servers[1];
    const struct fake_broker *broker = fake_broker_of(server->courier.real);
    while (!fake_broker_settled(broker, 5 * SECOND_US))
        run_for_a_second(&world);
    presence_disturbed(&world, server);
    fake_link_sever(broker->links[FAKE_LINK_RELAY_IN]);
    cluster_freeze(&world, server, world.now_us + 10 * SECOND_US);
    world.now_us += 10 * SECOND_US;
    cluster_thaw(&world, server);
    outage_watch(&world);
    assert_true(server->unreachable_us >= 0);
    for (int i = 0; i < 20; i++)
        run_for_a_second(&world);
    assert_true(server->unreachable_us < 0);
    assert_string_equal(world.failure, "");
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_may_be_somebody_else_has_met_nobody),
        cmocka_unit_test(test_who_was_somebody_else_is_not_known_again),
        cmocka_unit_test(test_a_severed_link_is_out_of_reach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
