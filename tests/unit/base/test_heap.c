/* test_heap.c - the deadline heap against a plain array that is searched. */
#include "base/heap.h"

#include "base/random.h"

#include <stdbool.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

enum { ENTRIES = 100, STEPS = 20000 };

/* The model: which entries are in, and when they are due. */
struct model {
    bool in[ENTRIES];
    int64_t at[ENTRIES];
};

static int64_t model_next(const struct model *model) {
    int64_t least = INT64_MAX;
    for (int i = 0; i < ENTRIES; i++)
        if (model->in[i] && model->at[i] < least)
            least = model->at[i];
    return least;
}

static void expect_same(const struct heap *heap, const struct heap_entry *entries, const struct model *model) {
    uint32_t count = 0;
    for (int i = 0; i < ENTRIES; i++) {
        count += model->in[i];
        assert_int_equal(entries[i].place != 0, model->in[i]);
        if (model->in[i])
            assert_int_equal(heap->slots[entries[i].place - 1].at, model->at[i]);
    }
    assert_int_equal(heap->count, count);
    assert_true(heap_next(heap) == model_next(model));
    if (count > 0)
        assert_true(model->at[heap_first(heap) - entries] == model_next(model));
    else
        assert_null(heap_first(heap));
}

static void step(struct heap *heap, struct heap_entry *entries, struct model *model, struct random *random) {
    size_t which = random_below(random, ENTRIES);
    int64_t at = (int64_t)random_below(random, 50) - 25; /* few values: many ties */
    switch (random_below(random, 8)) {
    case 0:
    case 1:
        heap_remove(heap, &entries[which]);
        model->in[which] = false;
        break;
    case 2:
        if (heap->count > 0) {
            which = (size_t)(heap_first(heap) - entries);
            heap_remove(heap, &entries[which]);
            model->in[which] = false;
        }
        break;
    case 3:
        heap_shift(heap, at);
        for (int i = 0; i < ENTRIES; i++)
            model->at[i] += at;
        break;
    default:
        heap_set(heap, &entries[which], at);
        model->in[which] = true;
        model->at[which] = at;
    }
}

static void test_against_model(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 1);
    struct heap heap = {0};
    struct heap_entry entries[ENTRIES] = {0};
    struct model model = {0};
    for (int i = 0; i < STEPS; i++) {
        step(&heap, entries, &model, &random);
        expect_same(&heap, entries, &model);
    }
    heap_fini(&heap);
}

static void test_sorts(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 2);
    struct heap heap = {0};
    static struct heap_entry entries[5000];
    for (size_t i = 0; i < 5000; i++)
        heap_set(&heap, &entries[i], (int64_t)(random_u64(&random) >> 1));
    int64_t before = INT64_MIN;
    for (size_t i = 0; i < 5000; i++) {
        assert_true(heap_next(&heap) >= before);
        before = heap_next(&heap);
        heap_remove(&heap, heap_first(&heap));
    }
    assert_true(heap_next(&heap) == INT64_MAX);
    heap_fini(&heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_sorts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
