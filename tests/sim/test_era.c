/* test_era.c - the simulator itself: a seed replays, things happen, and every wrong that is done on purpose is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "era.h"

enum { STEPS = 20000, ERAS_AT_MOST = 200 };

static void run(struct world *world, bool redis, uint64_t era, enum lie lie) {
    struct world_options options = {.seed = era_seed(1, era), .redis = redis, .nodes = 3, .clients = 24, .lie = lie};
    era_run(world, &options, STEPS);
}

static void test_a_seed_replays(void **state) {
    (void)state;
    for (uint64_t era = 0; era < 6; era++) {
        struct world first, second;
        run(&first, era % 2 == 0, era, LIE_NONE);
        run(&second, era % 2 == 0, era, LIE_NONE);
        assert_string_equal(first.failure, "");
        assert_int_equal(first.digest, second.digest);
        assert_int_equal(first.step, second.step);
        world_close(&first);
        world_close(&second);
    }
}

static void test_things_happen(void **state) {
    (void)state;
    struct tally sum = {0};
    for (uint64_t era = 0; era < 30; era++) {
        struct world world;
        run(&world, false, era, LIE_NONE);
        assert_string_equal(world.failure, "");
#define TALLY_ADD(name) sum.name += world.tally.name;
        TALLY_ROWS(TALLY_ADD)
#undef TALLY_ADD
        world_close(&world);
    }
    assert_true(sum.chats > 500 && sum.shown > 5000 && sum.ends > 1000);
    assert_true(sum.resumes > 100 && sum.lost > 5 && sum.expired > 5 && sum.superseded > 5 && sum.resent > 100);
    assert_true(sum.crashes > 5 && sum.drains > 5 && sum.drops > 100 && sum.stalls > 50 && sum.slow > 0);
}

static void test_outages_happen(void **state) {
    (void)state;
    struct tally sum = {0};
    for (uint64_t era = 0; era < 40; era++) {
        struct world world;
        run(&world, true, era, LIE_NONE);
        assert_string_equal(world.failure, "");
        for (int i = 0; i < OUTAGES; i++)
            sum.outages[i] += world.tally.outages[i];
        sum.survived += world.tally.survived;
        sum.doubles += world.tally.doubles;
        sum.fled += world.tally.fled;
        world_close(&world);
    }
    for (int i = 0; i < OUTAGES; i++)
        assert_true(sum.outages[i] > 5);
    assert_true(sum.survived > 50 && sum.doubles > 20 && sum.fled > 20);
}

/* What is never seen to fail proves nothing. */
static void test_every_lie_is_seen(void **state) {
    (void)state;
#define LIE_WORD(lie, word) word,
    static const char *const words[] = {LIE_ROWS(LIE_WORD)};
#undef LIE_WORD
    for (int lie = LIE_NONE + 1; lie < LIES; lie++) {
        bool seen = false;
        for (uint64_t era = 0; era < ERAS_AT_MOST && !seen; era++) {
            struct world world;
            run(&world, lie >= LIE_SYNC, era, (enum lie)lie);
            seen = world_failed(&world);
            world_close(&world);
        }
        if (!seen)
            fail_msg("nobody saw the lie \"%s\"", words[lie]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_seed_replays),
        cmocka_unit_test(test_things_happen),
        cmocka_unit_test(test_outages_happen),
        cmocka_unit_test(test_every_lie_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
