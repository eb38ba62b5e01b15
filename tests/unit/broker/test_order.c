/* test_order.c - the treap against a sorted array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "order.h"

#include <string.h>

#include "base/random.h"

enum { LINKS = 200 };

struct model {
    struct order order;
    struct order_link links[LINKS];
    struct order_link *sorted[LINKS];
    unsigned count;
};

static unsigned place_of(const struct model *model, const struct order_link *link) {
    unsigned place = 0;
    while (place < model->count && model->sorted[place] != link)
        place++;
    return place;
}

static void insert(struct model *model, struct order_link *link) {
    unsigned place = model->count++;
    for (; place > 0 && order_before(link, model->sorted[place - 1]); place--)
        model->sorted[place] = model->sorted[place - 1];
    model->sorted[place] = link;
    order_insert(&model->order, link);
}

static void take(struct model *model, unsigned place) {
    order_remove(&model->order, model->sorted[place]);
    model->count--;
    memmove(&model->sorted[place], &model->sorted[place + 1], (model->count - place) * sizeof *model->sorted);
}

static void assert_same(const struct model *model) {
    const struct order_link *link = order_first(&model->order);
    for (unsigned i = 0; i < model->count; i++, link = order_next(link))
        assert_ptr_equal(link, model->sorted[i]);
    assert_null(link);
    assert_int_equal(order_empty(&model->order), model->count == 0);
}

static void test_against_an_array(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 1);
    struct model model = {0};
    for (uint64_t i = 0; i < 20000; i++) {
        struct order_link *link = &model.links[random_below(&random, LINKS)];
        unsigned place = place_of(&model, link);
        if (place < model.count) {
            take(&model, place);
        } else {
            link->since_ms = (int64_t)random_below(&random, 20);
            link->arrival = i;
            insert(&model, link);
        }
        assert_same(&model);
    }
    while (model.count > 0)
        take(&model, (unsigned)random_below(&random, model.count));
    assert_same(&model);
}

static unsigned depth(const struct order_link *link) {
    if (link == NULL)
        return 0;
    unsigned earlier = depth(link->child[0]);
    unsigned later = depth(link->child[1]);
    return 1 + (earlier > later ? earlier : later);
}

/* People come in the order of their wait: a plain search tree would be a list of 10,000. */
static void test_stays_shallow(void **state) {
    (void)state;
    static struct order_link links[10000];
    struct order order = {0};
    for (unsigned i = 0; i < 10000; i++) {
        links[i] = (struct order_link){.since_ms = i, .arrival = i};
        order_insert(&order, &links[i]);
    }
    assert_in_range(depth(order.root), 14, 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_an_array),
        cmocka_unit_test(test_stays_shallow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
