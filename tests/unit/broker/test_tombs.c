/* test_tombs.c - how long, and how many; against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tombs.h"

enum { LIFE_MS = 1000, MOST = 3000, ADDED = 20000 };

static struct chat_id id(uint64_t n) {
    return (struct chat_id){n * 0x9e3779b97f4a7c15u, n};
}

static struct tombstone how(uint64_t n) {
    return (struct tombstone){(enum end_cause)(n % 4), (enum side)(n / 4 % 2)};
}

static void assert_known(const struct tombs *tombs, uint64_t n, bool known) {
    struct tombstone found;
    assert_int_equal(tombs_find(tombs, id(n), &found), known);
    if (known) {
        assert_int_equal(found.cause, how(n).cause);
        assert_int_equal(found.side, how(n).side);
    }
}

static void test_empty(void **state) {
    (void)state;
    struct tombs tombs;
    tombs_init(&tombs, LIFE_MS, MOST);
    assert_known(&tombs, 1, false);
    tombs_expire(&tombs, INT64_MAX);
    tombs_fini(&tombs);
}

static void test_time(void **state) {
    (void)state;
    /* also where the lower half of the clock, and its sign, turn over */
    for (int64_t start = 1; start < INT64_C(1) << 34; start += (INT64_C(1) << 31) - LIFE_MS / 4) {
        struct tombs tombs;
        tombs_init(&tombs, LIFE_MS, MOST);
        for (uint64_t n = 0; n < LIFE_MS / 2; n++)
            tombs_add(&tombs, id(n), how(n), start + (int64_t)n);
        for (uint64_t n = 0; n < LIFE_MS / 2; n++) {
            tombs_expire(&tombs, start + (int64_t)n + LIFE_MS - 1);
            assert_known(&tombs, n, true);
            tombs_expire(&tombs, start + (int64_t)n + LIFE_MS);
            assert_known(&tombs, n, false);
        }
        assert_int_equal(tombs.count, 0);
        tombs_fini(&tombs);
    }
}

/* A storm and its end, several times: what is known is always the last ones, and what they take goes with them. */
static void test_storms(void **state) {
    (void)state;
    struct tombs tombs;
    tombs_init(&tombs, LIFE_MS, MOST);
    int64_t now_ms = 1;
    for (uint64_t n = 0; n < ADDED; n++) {
        now_ms += n % 5000 < 4000 ? n % 10 == 0 : 10; /* ten a millisecond, or one in ten of them */
        tombs_expire(&tombs, now_ms);
        tombs_add(&tombs, id(n), how(n), now_ms);
        assert_true(tombs.count <= MOST);
        assert_known(&tombs, n, true);
        assert_known(&tombs, n + 1 - tombs.count, true);
        if (n >= tombs.count)
            assert_known(&tombs, n - tombs.count, false);
    }
    assert_true(tombs.capacity < MOST / 4);
    for (uint64_t n = ADDED - tombs.count; n < ADDED; n++)
        assert_known(&tombs, n, true);
    tombs_fini(&tombs);
}

/* Whatever the ids are. */
static void test_one_bucket(void **state) {
    (void)state;
    struct tombs tombs;
    tombs_init(&tombs, LIFE_MS, 100);
    for (uint64_t n = 0; n < 300; n++) {
        tombs_add(&tombs, (struct chat_id){n, n}, how(n), 1);
        struct tombstone found;
        for (uint64_t m = 0; m <= n; m++)
            assert_int_equal(tombs_find(&tombs, (struct chat_id){m, m}, &found), n - m < 100);
    }
    tombs_fini(&tombs);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_storms),
        cmocka_unit_test(test_one_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
