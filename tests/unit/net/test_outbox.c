/* test_outbox.c - queued frames, and what the tag rules do to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "outbox.h"

#include <stdlib.h>
#include <string.h>

enum { PLENTY = 1 << 20 };

static enum outbox_put put(struct outbox *outbox, const char *text, uint64_t tag, enum tag_rule rule, size_t most) {
    char room[TRANSPORT_HEADROOM_BYTES + 64];
    memcpy(room + TRANSPORT_HEADROOM_BYTES, text, strlen(text));
    struct transport_frame frame = {room + TRANSPORT_HEADROOM_BYTES, strlen(text), tag, rule, tag == 9};
    return outbox_put(outbox, &frame, most);
}

static void expect_first(struct outbox *outbox, const char *text) {
    struct outbox_frame *frame = outbox_take(outbox);
    assert_non_null(frame);
    assert_int_equal(frame->length, strlen(text));
    assert_memory_equal(outbox_bytes(frame), text, strlen(text));
    memset(outbox_bytes(frame) - TRANSPORT_HEADROOM_BYTES, 0, TRANSPORT_HEADROOM_BYTES);
    free(frame);
}

static void expect_empty(struct outbox *outbox) {
    assert_null(outbox_take(outbox));
    assert_true(outbox_empty(outbox));
    assert_int_equal(outbox->bytes, 0);
}

static void test_order(void **state) {
    (void)state;
    struct outbox outbox = {0};
    assert_int_equal(put(&outbox, "one", 0, TAG_NONE, PLENTY), OUTBOX_QUEUED);
    assert_int_equal(put(&outbox, "two", 0, TAG_NONE, PLENTY), OUTBOX_QUEUED);
    expect_first(&outbox, "one");
    assert_int_equal(put(&outbox, "three", 0, TAG_NONE, PLENTY), OUTBOX_QUEUED);
    expect_first(&outbox, "two");
    expect_first(&outbox, "three");
    expect_empty(&outbox);
    assert_int_equal(put(&outbox, "four", 0, TAG_NONE, PLENTY), OUTBOX_QUEUED);
    outbox_fini(&outbox);
    expect_empty(&outbox);
}

static void test_keep(void **state) {
    (void)state;
    struct outbox outbox = {0};
    assert_int_equal(put(&outbox, "first", 5, TAG_KEEP, PLENTY), OUTBOX_QUEUED);
    assert_int_equal(put(&outbox, "again", 5, TAG_KEEP, PLENTY), OUTBOX_DROPPED);
    assert_int_equal(put(&outbox, "other", 6, TAG_KEEP, PLENTY), OUTBOX_QUEUED);
    expect_first(&outbox, "first");
    assert_int_equal(put(&outbox, "again", 5, TAG_KEEP, PLENTY), OUTBOX_QUEUED);
    expect_first(&outbox, "other");
    expect_first(&outbox, "again");
    expect_empty(&outbox);
}

static void test_replace(void **state) {
    (void)state;
    struct outbox outbox = {0};
    assert_int_equal(put(&outbox, "before", 0, TAG_NONE, PLENTY), OUTBOX_QUEUED);
    assert_int_equal(put(&outbox, "ack 1", 9, TAG_REPLACE, PLENTY), OUTBOX_QUEUED);
    assert_int_equal(put(&outbox, "behind", 0, TAG_NONE, PLENTY), OUTBOX_QUEUED);
    assert_int_equal(put(&outbox, "ack 22", 9, TAG_REPLACE, PLENTY), OUTBOX_QUEUED);
    expect_first(&outbox, "before");
    assert_true(outbox.first->report);
    expect_first(&outbox, "ack 22");
    expect_first(&outbox, "behind");
    expect_empty(&outbox);
    assert_int_equal(put(&outbox, "ack 3", 9, TAG_REPLACE, PLENTY), OUTBOX_QUEUED); /* the last one of the queue */
    assert_int_equal(put(&outbox, "ack 4", 9, TAG_REPLACE, PLENTY), OUTBOX_QUEUED);
    assert_int_equal(put(&outbox, "behind", 0, TAG_NONE, PLENTY), OUTBOX_QUEUED);
    expect_first(&outbox, "ack 4");
    expect_first(&outbox, "behind");
    expect_empty(&outbox);
}

static void test_fresh(void **state) {
    (void)state;
    struct outbox outbox = {0};
    assert_int_equal(put(&outbox, "typing", 0, TAG_FRESH, PLENTY), OUTBOX_QUEUED);
    assert_int_equal(put(&outbox, "typing", 0, TAG_FRESH, PLENTY), OUTBOX_DROPPED);
    expect_first(&outbox, "typing");
    expect_empty(&outbox);
}

static void test_bound(void **state) {
    (void)state;
    struct outbox outbox = {0};
    size_t two = 2 * (4 + OUTBOX_FRAME_OVERHEAD);
    assert_int_equal(put(&outbox, "four", 1, TAG_NONE, two), OUTBOX_QUEUED);
    assert_int_equal(put(&outbox, "four", 2, TAG_REPLACE, two), OUTBOX_QUEUED);
    assert_int_equal(outbox.bytes, two);
    assert_int_equal(put(&outbox, "", 3, TAG_NONE, two), OUTBOX_FULL);
    assert_int_equal(put(&outbox, "five5", 2, TAG_REPLACE, two), OUTBOX_FULL);
    assert_int_equal(put(&outbox, "FOUR", 2, TAG_REPLACE, two), OUTBOX_QUEUED);
    expect_first(&outbox, "four");
    expect_first(&outbox, "FOUR");
    expect_empty(&outbox);
}

static void test_given(void **state) {
    (void)state;
    struct outbox outbox = {0};
    struct transport_frame frame = {NULL, 12345, 5, TAG_NONE, true}; /* its bytes are gone already */
    outbox_put_given(&outbox, &frame);
    assert_int_equal(put(&outbox, "again", 5, TAG_KEEP, PLENTY), OUTBOX_DROPPED);
    assert_int_equal(put(&outbox, "newer", 5, TAG_REPLACE, PLENTY), OUTBOX_QUEUED); /* too late to replace that */
    assert_int_equal(put(&outbox, "newest", 5, TAG_REPLACE, PLENTY), OUTBOX_QUEUED);
    struct outbox_frame *given = outbox_take(&outbox);
    assert_true(given->given && given->report && given->tag == 5 && given->length == 0);
    free(given);
    expect_first(&outbox, "newest");
    expect_empty(&outbox);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order), cmocka_unit_test(test_keep),  cmocka_unit_test(test_replace),
        cmocka_unit_test(test_fresh), cmocka_unit_test(test_bound), cmocka_unit_test(test_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
