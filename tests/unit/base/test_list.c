/* test_list.c - the list against an array of numbers. */
#include "base/list.h"

#include "base/random.h"

#include <string.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

enum { ITEMS = 20, STEPS = 20000 };

struct item {
    int number;
    struct list link;
};

/* The model: the numbers in order. */
struct model {
    int numbers[ITEMS];
    size_t count;
};

static size_t model_find(const struct model *model, int number) {
    size_t at = 0;
    while (at < model->count && model->numbers[at] != number)
        at++;
    return at;
}

static void model_insert(struct model *model, size_t at, int number) {
    memmove(&model->numbers[at + 1], &model->numbers[at], (model->count - at) * sizeof *model->numbers);
    model->numbers[at] = number;
    model->count++;
}

static void model_remove(struct model *model, size_t at) {
    model->count--;
    memmove(&model->numbers[at], &model->numbers[at + 1], (model->count - at) * sizeof *model->numbers);
}

static void expect_same(const struct list *list, const struct model *model) {
    assert_int_equal(list_empty(list), model->count == 0);
    const struct list *link = list->next;
    for (size_t i = 0; i < model->count; i++, link = link->next) {
        assert_int_equal(list_entry(link, struct item, link)->number, model->numbers[i]);
        assert_ptr_equal(link->next->previous, link);
    }
    assert_ptr_equal(link, list);
}

static void test_against_model(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 4);
    struct item items[ITEMS];
    struct list list;
    struct model model = {0};
    list_init(&list);
    for (int i = 0; i < ITEMS; i++) {
        items[i].number = i;
        list_init(&items[i].link);
    }
    for (int i = 0; i < STEPS; i++) {
        struct item *item = &items[random_below(&random, ITEMS)];
        size_t at = model_find(&model, item->number);
        if (at < model.count) {
            list_remove(&item->link);
            list_remove(&item->link); /* twice is harmless */
            model_remove(&model, at);
        } else if (model.count > 0 && random_below(&random, 2) == 0) {
            size_t before = random_below(&random, model.count);
            list_insert_before(&items[model.numbers[before]].link, &item->link);
            model_insert(&model, before, item->number);
        } else {
            list_append(&list, &item->link);
            model_insert(&model, model.count, item->number);
        }
        expect_same(&list, &model);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
