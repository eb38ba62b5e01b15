/* test_admission.c - the limits on connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admission.h"

#include <pthread.h>

static void expect(struct admission *admission, uint64_t key, int64_t now_us, enum admission_verdict verdict,
                   uint32_t retry_ms) {
    uint32_t retry = 0;
    assert_int_equal(admission_enter(admission, key, now_us, &retry), verdict);
    if (verdict == ADMISSION_HASTE)
        assert_int_equal(retry, retry_ms);
    else
        assert_true((retry > 0) == (verdict == ADMISSION_CROWD));
}

static void test_total(void **state) {
    (void)state;
    struct admission *admission = admission_new(2, 0, (struct rate){0});
    expect(admission, 1, 0, ADMITTED, 0);
    expect(admission, 1, 0, ADMITTED, 0);
    expect(admission, 2, 0, ADMISSION_FULL, 0);
    admission_leave(admission, 1);
    expect(admission, 2, 0, ADMITTED, 0);
    expect(admission, 3, 0, ADMISSION_FULL, 0);
    assert_int_equal(admission_remembered(admission), 0);
    admission_free(admission);
}

static void test_per_address(void **state) {
    (void)state;
    struct admission *admission = admission_new(100, 2, (struct rate){0});
    expect(admission, 1, 0, ADMITTED, 0);
    expect(admission, 1, 0, ADMITTED, 0);
    expect(admission, 1, 0, ADMISSION_CROWD, 0);
    expect(admission, 2, 0, ADMITTED, 0);
    admission_leave(admission, 1);
    expect(admission, 1, 0, ADMITTED, 0);
    expect(admission, 1, 0, ADMISSION_CROWD, 0);
    admission_free(admission);
}

static void test_rate(void **state) {
    (void)state;
    struct admission *admission = admission_new(1000, 0, (struct rate){.per_second = 2, .burst = 3});
    expect(admission, 1, 0, ADMITTED, 0);
    expect(admission, 1, 0, ADMITTED, 0);
    expect(admission, 1, 0, ADMITTED, 0);
    expect(admission, 1, 0, ADMISSION_HASTE, 500);
    expect(admission, 2, 0, ADMITTED, 0);
    expect(admission, 1, 400000, ADMISSION_HASTE, 100);
    expect(admission, 1, 500000, ADMITTED, 0);
    expect(admission, 1, 500000, ADMISSION_HASTE, 500);
    for (int64_t second = 10; second < 20; second++) { /* rested: the burst is back, and no more than that */
        expect(admission, 1, second * 10000000, ADMITTED, 0);
        expect(admission, 1, second * 10000000, ADMITTED, 0);
        expect(admission, 1, second * 10000000, ADMITTED, 0);
        expect(admission, 1, second * 10000000, ADMISSION_HASTE, 500);
    }
    admission_free(admission);
}

static void expect_counts(struct admission *admission, int64_t now_us, size_t count,
                          const struct admission_count expected[]) {
    struct admission_count taken[8];
    assert_int_equal(admission_take_counts(admission, now_us, taken, 8), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(taken[i].key, expected[i].key);
        assert_int_equal(taken[i].connections, expected[i].connections);
    }
}

static void test_several_processes(void **state) {
    (void)state;
    struct admission *admission = admission_new(100, 3, (struct rate){0});
    expect_counts(admission, 0, 0, NULL);
    expect(admission, 1, 0, ADMITTED, 0);
    expect(admission, 2, 0, ADMITTED, 0);
    expect(admission, 2, 0, ADMITTED, 0);
    expect_counts(admission, 0, 2, (struct admission_count[]){{1, 1}, {2, 2}});
    expect_counts(admission, 1000000, 0, NULL);
    expect_counts(admission, 20000000, 2,
                  (struct admission_count[]){{1, 1}, {2, 2}}); /* told again, lest it be forgotten */

    admission_set_elsewhere(admission, 1, 2);
    admission_set_elsewhere(admission, 3, 3); /* nobody of there is here: it is asked when somebody comes */
    expect(admission, 3, 0, ADMITTED, 0);
    expect(admission, 1, 0, ADMISSION_CROWD, 0);
    expect_counts(admission, 21000000, 2, (struct admission_count[]){{3, 1}, {1, 1}}); /* refused: asked anew */
    admission_set_elsewhere(admission, 1, 1);
    expect(admission, 1, 0, ADMITTED, 0);
    expect(admission, 1, 0, ADMISSION_CROWD, 0);
    admission_forget_elsewhere(admission);
    expect(admission, 1, 0, ADMITTED, 0);
    expect(admission, 1, 0, ADMISSION_CROWD, 0); /* its own three */

    expect_counts(admission, 22000000, 1, (struct admission_count[]){{1, 3}});
    admission_leave(admission, 3);
    for (int i = 0; i < 4; i++) /* the hand goes round: what was not told yet stays */
        expect(admission, 4, 0, i < 3 ? ADMITTED : ADMISSION_CROWD, 0);
    expect_counts(admission, 23000000, 2, (struct admission_count[]){{3, 0}, {4, 3}});
    expect_counts(admission, 60000000, 3, (struct admission_count[]){{2, 2}, {1, 3}, {4, 3}});
    admission_free(admission);
}

static void test_forgets(void **state) {
    (void)state;
    struct admission *admission = admission_new(1000000, 5, (struct rate){.per_second = 10, .burst = 1});
    int64_t now_us = 0;
    for (uint64_t key = 1; key <= 100000; key++) {
        now_us += 1000;
        expect(admission, key, now_us, ADMITTED, 0);
        admission_leave(admission, key);
    }
    /* Each says something for 100 ms, in which 100 others come. */
    assert_true(admission_remembered(admission) <= 300);
    admission_free(admission);
}

static void test_keeps_who_is_connected(void **state) {
    (void)state;
    struct admission *admission = admission_new(1000000, 1, (struct rate){0});
    expect(admission, 7, 0, ADMITTED, 0);
    for (uint64_t key = 100; key < 1100; key++) {
        expect(admission, key, (int64_t)key, ADMITTED, 0);
        admission_leave(admission, key);
    }
    expect(admission, 7, 5000, ADMISSION_CROWD, 0);
    assert_true(admission_remembered(admission) < 10);
    admission_free(admission);
}

static void test_nobody_limits(void **state) {
    (void)state;
    expect(NULL, 1, 0, ADMITTED, 0);
    admission_leave(NULL, 1);
    admission_free(NULL);
}

static void *come_and_go(void *argument) {
    struct admission *admission = argument;
    uint32_t retry;
    for (int i = 0; i < 20000; i++)
        if (admission_enter(admission, (uint64_t)i % 5 + 1, i, &retry) == ADMITTED)
            admission_leave(admission, (uint64_t)i % 5 + 1);
    return NULL;
}

static void test_threads(void **state) {
    (void)state;
    struct admission *admission = admission_new(2, 1, (struct rate){0});
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, come_and_go, admission);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    expect(admission, 1, 0, ADMITTED, 0);
    expect(admission, 2, 0, ADMITTED, 0);
    expect(admission, 3, 0, ADMISSION_FULL, 0);
    admission_free(admission);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_total),         cmocka_unit_test(test_per_address),
        cmocka_unit_test(test_rate),          cmocka_unit_test(test_several_processes),
        cmocka_unit_test(test_forgets),       cmocka_unit_test(test_keeps_who_is_connected),
        cmocka_unit_test(test_nobody_limits), cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
