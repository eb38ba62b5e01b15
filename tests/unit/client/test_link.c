/* test_link.c - which connection is in use: dialling, losing, moving, pausing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "link.h"

struct rig {
    struct random random;
    struct link link;
};

static void begin(struct rig *rig) {
    random_init(&rig->random, 1);
    link_init(&rig->link, &rig->random);
}

static void expect_order(struct rig *rig, bool dial, unsigned socket) {
    struct link_order order;
    assert_true(link_take_order(&rig->link, &order));
    assert_int_equal(order.dial, dial);
    assert_int_equal(order.socket, socket);
}

static void expect_no_order(struct rig *rig) {
    struct link_order order;
    assert_false(link_take_order(&rig->link, &order));
}

static void expect_state(struct rig *rig, enum link_state state) {
    assert_int_equal(link_state(&rig->link), state);
}

/* A link whose socket 1 has said hello. */
static void begin_open(struct rig *rig, int64_t now_ms) {
    begin(rig);
    link_open(&rig->link, now_ms);
    expect_order(rig, true, 1);
    expect_state(rig, LINK_CONNECTING);
    link_greeted(&rig->link, now_ms);
    expect_state(rig, LINK_OPEN);
    assert_int_equal(link_role(&rig->link, 1), LINK_CURRENT);
    expect_no_order(rig);
}

static void test_opens_once(void **state) {
    (void)state;
    struct rig rig;
    begin(&rig);
    expect_state(&rig, LINK_CLOSED);
    link_open(&rig.link, 0);
    link_open(&rig.link, 0);
    expect_order(&rig, true, 1);
    expect_no_order(&rig);
    assert_int_equal(link_role(&rig.link, 0), LINK_STRANGE);
}

static void test_dials_again_after_a_pause(void **state) {
    (void)state;
    struct rig rig;
    begin_open(&rig, 0);
    assert_int_equal(link_lost(&rig.link, 1, 0, 100), LINK_LOSS_CURRENT);
    expect_state(&rig, LINK_PAUSING);
    int64_t next_ms = link_next_ms(&rig.link);
    assert_in_range(next_ms, 150, 1150);
    link_tick(&rig.link, next_ms - 1);
    expect_no_order(&rig);
    link_tick(&rig.link, next_ms);
    expect_order(&rig, true, 2);
    assert_int_equal(link_next_ms(&rig.link), next_ms + 10000); /* for its hello */
}

/* Each pause is up to twice as long as the one before, but never longer than 15 s; a good connection begins anew. */
static void test_backs_off(void **state) {
    (void)state;
    struct rig rig;
    begin_open(&rig, 0);
    int64_t now_ms = 0, longest_ms = 0;
    unsigned socket = 1;
    for (int i = 0; i < 200; i++) {
        (void)!link_lost(&rig.link, socket, 0, now_ms);
        int64_t pause_ms = link_next_ms(&rig.link) - now_ms;
        assert_in_range(pause_ms, 50, 15050);
        if (i < 4)
            assert_true(pause_ms <= 50 + (1000 << i));
        if (pause_ms > longest_ms)
            longest_ms = pause_ms;
        now_ms = link_next_ms(&rig.link);
        link_tick(&rig.link, now_ms);
        expect_order(&rig, true, ++socket);
    }
    assert_true(longest_ms > 12000);
    link_greeted(&rig.link, now_ms);
    now_ms += 5000;
    assert_int_equal(link_lost(&rig.link, socket, 0, now_ms), LINK_LOSS_CURRENT);
    assert_in_range(link_next_ms(&rig.link) - now_ms, 50, 1050);
}

static void test_hello_takes_too_long(void **state) {
    (void)state;
    struct rig rig;
    begin(&rig);
    link_open(&rig.link, 0);
    expect_order(&rig, true, 1);
    link_tick(&rig.link, 9999);
    expect_no_order(&rig);
    link_tick(&rig.link, 10000);
    expect_order(&rig, false, 1);
    expect_state(&rig, LINK_PAUSING);
}

static void test_hurries(void **state) {
    (void)state;
    struct rig rig;
    begin_open(&rig, 0);
    link_hurry(&rig.link, 0);
    expect_no_order(&rig);
    (void)!link_lost(&rig.link, 1, 0, 0);
    link_hurry(&rig.link, 0);
    expect_order(&rig, true, 2);
    link_tick(&rig.link, 5000);
    expect_no_order(&rig);
}

/* The node goes away: the new connection is dialled while the old one works. */
static void test_moves(void **state) {
    (void)state;
    struct rig rig;
    begin_open(&rig, 0);
    link_reconnect(&rig.link, 300, 0);
    link_tick(&rig.link, 299);
    expect_no_order(&rig);
    link_tick(&rig.link, 300);
    expect_order(&rig, true, 2);
    expect_state(&rig, LINK_OPEN);
    link_greeted(&rig.link, 400);
    assert_int_equal(link_role(&rig.link, 1), LINK_FORMER);
    assert_int_equal(link_role(&rig.link, 2), LINK_CURRENT);
    expect_no_order(&rig);
    link_settle(&rig.link);
    expect_order(&rig, false, 1);
    assert_int_equal(link_role(&rig.link, 1), LINK_STRANGE);
    assert_int_equal(link_lost(&rig.link, 1, 1000, 500), LINK_LOSS_NONE);
    assert_true(link_next_ms(&rig.link) == INT64_MAX);
}

static void test_former_one_is_not_kept_for_ever(void **state) {
    (void)state;
    struct rig rig;
    begin_open(&rig, 0);
    link_renew(&rig.link, 0);
    link_renew(&rig.link, 0);
    expect_order(&rig, true, 2);
    link_greeted(&rig.link, 0);
    link_tick(&rig.link, 10000);
    expect_order(&rig, false, 1);
    expect_no_order(&rig);
}

/* The old connection breaks while the new one is dialled: no second one is. */
static void test_loses_the_old_while_it_moves(void **state) {
    (void)state;
    struct rig rig;
    begin_open(&rig, 0);
    link_renew(&rig.link, 0);
    expect_order(&rig, true, 2);
    assert_int_equal(link_lost(&rig.link, 1, 1012, 10), LINK_LOSS_CURRENT);
    expect_state(&rig, LINK_CONNECTING);
    link_tick(&rig.link, 9000);
    expect_no_order(&rig);
}

static void test_close_codes(void **state) {
    (void)state;
    static const struct {
        unsigned code;
        enum link_loss loss;
        enum link_state state;
        int64_t longest_ms;
    } rows[] = {
        {1000, LINK_LOSS_CURRENT, LINK_PAUSING, 1050},     {1012, LINK_LOSS_CURRENT, LINK_PAUSING, 1050},
        {1013, LINK_LOSS_CURRENT, LINK_PAUSING, 8050},     {4001, LINK_LOSS_CURRENT, LINK_PAUSING, 1050},
        {4499, LINK_LOSS_CURRENT, LINK_PAUSING, 1050},     {4501, LINK_LOSS_REFUSED, LINK_CLOSED, INT64_MAX},
        {4503, LINK_LOSS_REFUSED, LINK_CLOSED, INT64_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig rig;
        begin_open(&rig, 0);
        assert_int_equal(link_lost(&rig.link, 1, rows[i].code, 0), rows[i].loss);
        expect_state(&rig, rows[i].state);
        assert_true(link_next_ms(&rig.link) <= rows[i].longest_ms);
        assert_int_equal(link_next_ms(&rig.link) == INT64_MAX, rows[i].state == LINK_CLOSED);
    }
}

static void test_drops(void **state) {
    (void)state;
    struct rig rig;
    begin_open(&rig, 0);
    link_drop(&rig.link, 0);
    expect_order(&rig, false, 1);
    expect_state(&rig, LINK_PAUSING);
    link_drop(&rig.link, 0);
    expect_no_order(&rig);
}

static void test_shuts(void **state) {
    (void)state;
    struct rig rig;
    begin_open(&rig, 0);
    link_renew(&rig.link, 0);
    expect_order(&rig, true, 2);
    link_greeted(&rig.link, 0);
    link_renew(&rig.link, 0);
    expect_order(&rig, true, 3);
    link_shut(&rig.link);
    expect_order(&rig, false, 3);
    expect_order(&rig, false, 2);
    expect_order(&rig, false, 1);
    expect_state(&rig, LINK_CLOSED);
    assert_true(link_next_ms(&rig.link) == INT64_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opens_once),
        cmocka_unit_test(test_dials_again_after_a_pause),
        cmocka_unit_test(test_backs_off),
        cmocka_unit_test(test_hello_takes_too_long),
        cmocka_unit_test(test_hurries),
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_former_one_is_not_kept_for_ever),
        cmocka_unit_test(test_loses_the_old_while_it_moves),
        cmocka_unit_test(test_close_codes),
        cmocka_unit_test(test_drops),
        cmocka_unit_test(test_shuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
