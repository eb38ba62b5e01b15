/* test_random.c - known answers, bounds, and a rough look at the spread. */
#include "base/random.h"

#include <stdbool.h>
#include <string.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

/* SplitMix64 from 0 gives these (the first numbers of its authors' reference program). */
static void test_seed(void **state) {
    (void)state;
    static const uint64_t expected[4] = {0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f,
                                         0xf88bb8a8724c81ec};
    struct random random;
    random_init(&random, 0);
    assert_memory_equal(random.state, expected, sizeof expected);
}

/* xoshiro256** from the state 1, 2, 3, 4: by hand from its definition for the first, then its reference program's. */
static void test_known_answers(void **state) {
    (void)state;
    static const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240};
    struct random random = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_true(random_u64(&random) == expected[i]);
}

static void test_same_seed_same_bits(void **state) {
    (void)state;
    struct random a, b, c;
    random_init(&a, 42);
    random_init(&b, 42);
    random_init(&c, 43);
    bool differs = false;
    for (int i = 0; i < 1000; i++) {
        uint64_t bits = random_u64(&a);
        assert_true(bits == random_u64(&b));
        differs = differs || bits != random_u64(&c);
    }
    assert_true(differs);
}

static void test_below(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 6);
    int seen[10] = {0};
    for (int i = 0; i < 100000; i++) {
        uint64_t number = random_below(&random, 10);
        assert_true(number < 10);
        seen[number]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(seen[i], 9500, 10500);
    assert_int_equal(random_below(&random, 1), 0);
    for (int i = 0; i < 1000; i++)
        assert_true(random_below(&random, UINT64_MAX) < UINT64_MAX);
}

/* Of many secrets no byte position is constant, and the bytes behind are not touched. */
static void test_secret(void **state) {
    (void)state;
    uint8_t all_or[33] = {0}, all_and[33];
    memset(all_and, 0xff, sizeof all_and);
    for (int i = 0; i < 200; i++) {
        uint8_t bytes[33] = {[32] = 0x55};
        random_secret(bytes, 32);
        assert_int_equal(bytes[32], 0x55);
        for (int j = 0; j < 32; j++) {
            all_or[j] |= bytes[j];
            all_and[j] &= bytes[j];
        }
    }
    for (int j = 0; j < 32; j++) {
        assert_int_equal(all_or[j], 0xff);
        assert_int_equal(all_and[j], 0);
    }
    random_secret(NULL, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seed),  cmocka_unit_test(test_known_answers), cmocka_unit_test(test_same_seed_same_bits),
        cmocka_unit_test(test_below), cmocka_unit_test(test_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
