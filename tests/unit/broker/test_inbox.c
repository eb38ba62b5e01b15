/* test_inbox.c - letters come out as they went in, and own what they carry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inbox.h"

#include <stdlib.h>
#include <string.h>

static void post(struct inbox *inbox, uint32_t attempt) {
    struct broker_event event = {.kind = BROKER_SOUGHT, .sought.attempt = attempt};
    inbox_post(inbox, letter_new(&event));
}

static void assert_next(struct inbox *inbox, uint32_t attempt) {
    struct letter *letter = inbox_take(inbox);
    assert_non_null(letter);
    assert_int_equal(letter->event.sought.attempt, attempt);
    free(letter);
}

static void test_first_in_first_out(void **state) {
    (void)state;
    struct inbox inbox = {0};
    assert_true(inbox_empty(&inbox));
    assert_null(inbox_take(&inbox));
    post(&inbox, 1);
    post(&inbox, 2);
    assert_next(&inbox, 1);
    post(&inbox, 3);
    assert_next(&inbox, 2);
    assert_next(&inbox, 3);
    assert_true(inbox_empty(&inbox));
    post(&inbox, 4); /* it has been empty in between */
    assert_next(&inbox, 4);
}

static void test_move(void **state) {
    (void)state;
    struct inbox from = {0};
    struct inbox to = {0};
    inbox_move(&from, &to);
    assert_true(inbox_empty(&to));
    post(&from, 1);
    post(&from, 2);
    inbox_move(&from, &to);
    assert_true(inbox_empty(&from));
    post(&from, 3);
    inbox_move(&from, &to);
    inbox_move(&from, &to);
    post(&to, 4);
    for (uint32_t attempt = 1; attempt <= 4; attempt++)
        assert_next(&to, attempt);
    assert_true(inbox_empty(&to));
}

static void test_bytes_are_copied(void **state) {
    (void)state;
    char bytes[] = "hello";
    struct broker_event event = {.kind = BROKER_RELAYED, .relayed = {bytes, sizeof bytes}};
    struct letter *letter = letter_new(&event);
    memset(bytes, 'x', sizeof bytes);
    assert_string_equal(letter->event.relayed.bytes, "hello");
    free(letter);

    event.relayed.bytes = NULL;
    event.relayed.length = 0;
    letter = letter_new(&event);
    assert_int_equal(letter->event.relayed.length, 0);
    free(letter);
}

static void test_the_end_frees_what_is_left(void **state) {
    (void)state;
    struct inbox inbox = {0};
    post(&inbox, 1);
    post(&inbox, 2);
    inbox_fini(&inbox); /* LeakSanitizer looks */
    assert_true(inbox_empty(&inbox));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_in_first_out),
        cmocka_unit_test(test_move),
        cmocka_unit_test(test_bytes_are_copied),
        cmocka_unit_test(test_the_end_frees_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
