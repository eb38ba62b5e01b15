/* test_registry.c - how long the register remembers, to the millisecond. (What it says: tests/contract.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "registry.h"

enum { START_MS = 1000 };

static const struct ticket seeker = {.who = {.at = {1, 1, 1}, .person = 1}, .attempt = 1};
static const struct ticket candidate = {.who = {.at = {2, 2, 2}, .person = 2}, .attempt = 1};

static int setup(void **state) {
    *state = registry_new();
    return 0;
}

static int teardown(void **state) {
    registry_free(*state);
    return 0;
}

static struct chat_id id(uint64_t low) {
    return (struct chat_id){42, low};
}

static void commit(struct registry *registry, uint64_t low, int64_t now_ms) {
    assert_non_null(registry_commit(registry, id(low), &seeker, &candidate, now_ms));
}

static void end(struct registry *registry, uint64_t low, int64_t now_ms) {
    registry_end(registry, id(low), seeker.who.at, (struct tombstone){END_LEFT, SIDE_SEEKER}, now_ms);
}

/* In time. */
static void give_up(struct registry *registry, uint64_t low, int64_t now_ms) {
    struct ticket nobody;
    assert_null(registry_abort(registry, id(low), now_ms, &nobody));
    assert_int_equal(nobody.who.at.boot, 0);
}

/* Nothing is forgotten before that time, and one thing is then. */
static void assert_forgets_at(struct registry *registry, int64_t at_ms) {
    size_t count = registry_count(registry);
    registry_expire(registry, at_ms - 1);
    assert_int_equal(registry_count(registry), count);
    registry_expire(registry, at_ms);
    assert_int_equal(registry_count(registry), count - 1);
}

static void test_given_up(void **state) {
    give_up(*state, 1, START_MS);
    give_up(*state, 1, START_MS + 10); /* the first stands */
    assert_forgets_at(*state, START_MS + REGISTRY_GIVEN_UP_MS);
}

static void test_over(void **state) {
    commit(*state, 1, START_MS);
    end(*state, 1, START_MS + 10);
    end(*state, 1, START_MS + 20);
    assert_non_null(registry_lookup(*state, id(1), START_MS + 30));
    assert_forgets_at(*state, START_MS + 10 + REGISTRY_OVER_MS);
}

static void test_lease(void **state) {
    commit(*state, 1, START_MS);
    commit(*state, 2, START_MS + 1);
    commit(*state, 3, START_MS + 2);
    assert_non_null(registry_lookup(*state, id(1), START_MS + 10));
    struct claims claims = {.chat = id(2), .side = SIDE_CANDIDATE};
    struct address previous;
    assert_non_null(registry_rebind(*state, &claims, 0, (struct address){3, 3, 3}, START_MS + 20, &previous));
    assert_forgets_at(*state, START_MS + 2 + REGISTRY_LEASE_MS);
    assert_null(registry_lookup(*state, id(3), START_MS));
    assert_forgets_at(*state, START_MS + 10 + REGISTRY_LEASE_MS);
    assert_forgets_at(*state, START_MS + 20 + REGISTRY_LEASE_MS);
}

/* Telling it again makes it as good as new. */
static void test_hold(void **state) {
    struct party party[2] = {seeker.who, candidate.who};
    struct address by_candidate = candidate.who.at;
    assert_non_null(registry_hold(*state, id(1), by_candidate, party, START_MS));
    assert_non_null(registry_hold(*state, id(1), by_candidate, party, START_MS + 10));
    assert_int_equal(registry_count(*state), 1);
    end(*state, 1, START_MS + 20);
    assert_non_null(registry_hold(*state, id(1), by_candidate, party, START_MS + 30)); /* over, and not renewed */
    assert_forgets_at(*state, START_MS + 20 + REGISTRY_OVER_MS);
    assert_non_null(registry_hold(*state, id(2), by_candidate, party, START_MS));
    assert_non_null(registry_hold(*state, id(2), by_candidate, party, START_MS + 10));
    assert_forgets_at(*state, START_MS + 10 + REGISTRY_LEASE_MS);
    give_up(*state, 3, START_MS);
    assert_null(registry_hold(*state, id(3), by_candidate, party, START_MS + 10));
    assert_forgets_at(*state, START_MS + REGISTRY_GIVEN_UP_MS);
    give_up(*state, 4, START_MS);
    assert_non_null(registry_hold(*state, id(4), seeker.who.at, party, START_MS + 10));
    assert_int_equal(registry_count(*state), 2); /* that it was given up has its time, and is passed over */
    assert_forgets_at(*state, START_MS + REGISTRY_GIVEN_UP_MS);
    assert_forgets_at(*state, START_MS + 10 + REGISTRY_LEASE_MS);
}

/* The short-lived go while the long-lived stay, whatever the order in which they came. */
static void test_each_state_has_its_time(void **state) {
    commit(*state, 1, START_MS);
    give_up(*state, 2, START_MS);
    commit(*state, 3, START_MS);
    end(*state, 3, START_MS);
    assert_forgets_at(*state, START_MS + REGISTRY_GIVEN_UP_MS);
    assert_forgets_at(*state, START_MS + REGISTRY_OVER_MS);
    assert_forgets_at(*state, START_MS + REGISTRY_LEASE_MS);
    assert_int_equal(registry_count(*state), 0);
}

static void test_looking_leaves_nothing_behind(void **state) {
    struct claims claims = {.chat = id(1), .side = SIDE_SEEKER};
    struct address previous;
    assert_null(registry_lookup(*state, id(1), START_MS));
    assert_null(registry_rebind(*state, &claims, 0, (struct address){3, 3, 3}, START_MS, &previous));
    end(*state, 1, START_MS);
    assert_int_equal(registry_count(*state), 0);
}

static void test_committing_twice(void **state) {
    commit(*state, 1, START_MS);
    commit(*state, 1, START_MS);
    assert_int_equal(registry_count(*state), 1);
    assert_null(registry_commit(*state, id(1), &candidate, &seeker, START_MS)); /* somebody else */
}

static void test_too_late_to_give_up(void **state) {
    const struct ticket named = {.who = candidate.who, .topics = {{11, 22, 33, 44, 55, 66, 77, 88}, MAX_TOPICS}};
    struct ticket found;
    assert_non_null(registry_commit(*state, id(1), &seeker, &named, START_MS));
    const struct chat_record *chat = registry_abort(*state, id(1), START_MS, &found);
    assert_non_null(chat);
    assert_int_equal(chat->party[SIDE_CANDIDATE].person, 2);
    assert_int_equal(found.who.at.slot, 2);
    assert_int_equal(found.who.fence, 1);
    assert_int_equal(found.topics.count, MAX_TOPICS);
    assert_memory_equal(found.topics.hash, named.topics.hash, sizeof found.topics.hash);
    end(*state, 1, START_MS);
    give_up(*state, 1, START_MS); /* it is over */
}

/* Those that are over go by their number, whatever goes on. */
static void test_no_more_than_so_many(void **state) {
    commit(*state, 0, START_MS);
    for (uint64_t low = 1; low <= REGISTRY_TOMBS + 2; low++) {
        commit(*state, low, START_MS);
        end(*state, low, START_MS);
    }
    assert_int_equal(registry_count(*state), REGISTRY_TOMBS + 1);
    assert_non_null(registry_lookup(*state, id(0), START_MS));
    assert_null(registry_lookup(*state, id(2), START_MS));
    assert_int_equal(registry_lookup(*state, id(3), START_MS)->ended.cause, END_LEFT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_more_than_so_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lease, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_state_has_its_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_looking_leaves_nothing_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(test_committing_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_late_to_give_up, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
