/* test_map.c - the hash table against an array indexed by the key. */
#include "base/map.h"

#include "base/random.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

enum { KEYS = 300, STEPS = 200000 };

/* The keys of the model are spread over all 64 bits, 0 and the greatest among them. */
static uint64_t key_of(size_t index) {
    return index == 0 ? 0 : index == 1 ? UINT64_MAX : index % 3 == 0 ? index << 32 : index;
}

static void expect_same(const struct map *map, char *const model[KEYS]) {
    size_t count = 0;
    for (size_t i = 0; i < KEYS; i++) {
        assert_ptr_equal(map_get(map, key_of(i)), model[i]);
        count += model[i] != NULL;
    }
    assert_int_equal(map->count, count);
    assert_true(map->capacity == 0 || map->count * 2 <= map->capacity);
}

static void test_against_model(void **state) {
    (void)state;
    static char values[KEYS];
    char *model[KEYS] = {0};
    struct random random;
    random_init(&random, 3);
    struct map map = {0};
    assert_null(map_get(&map, 1));
    assert_null(map_take(&map, 1));
    for (int i = 0; i < STEPS; i++) {
        size_t which = random_below(&random, KEYS);
        /* Times of growing and times of shrinking take turns, so that the table is crowded and then full of holes. */
        if (random_below(&random, 10) < (i / 5000 % 2 == 0 ? 7u : 3u)) {
            char *value = &values[random_below(&random, KEYS)];
            assert_ptr_equal(map_set(&map, key_of(which), value), model[which]);
            model[which] = value;
        } else {
            assert_ptr_equal(map_take(&map, key_of(which)), model[which]);
            model[which] = NULL;
        }
        if (i % 50 == 0)
            expect_same(&map, model);
    }
    map_fini(&map);
    assert_null(map_get(&map, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
