/* test_buffer.c - the buffer against a fixed array that is large enough. */
#include "base/buffer.h"

#include "base/random.h"

#include <stdio.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

enum { MOST = 20000, STEPS = 5000 };

struct model {
    char bytes[MOST];
    size_t length;
};

static void fill(char *bytes, size_t length, struct random *random) {
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)random_u64(random);
}

static void step(struct buffer *buffer, struct model *model, struct random *random) {
    char bytes[300];
    size_t length = random_below(random, sizeof bytes);
    char *end = model->bytes + model->length;
    fill(bytes, length, random);
    switch (random_below(random, 5)) {
    case 0:
        buffer_append(buffer, bytes, length);
        memcpy(end, bytes, length);
        model->length += length;
        break;
    case 1:
        memcpy(buffer_reserve(buffer, length), bytes, length);
        buffer->length += length;
        memcpy(end, bytes, length);
        model->length += length;
        break;
    case 2:
        buffer_printf(buffer, "%zu-%s", length, "text");
        model->length += (size_t)sprintf(end, "%zu-%s", length, "text");
        break;
    case 3:
        buffer_string(buffer, "a string");
        model->length += (size_t)sprintf(end, "a string");
        break;
    default:
        length = random_below(random, model->length + 1);
        buffer_consume(buffer, length);
        model->length -= length;
        memmove(model->bytes, model->bytes + length, model->length);
    }
}

static void test_against_model(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 5);
    struct buffer buffer = {0};
    static struct model model;
    for (int i = 0; i < STEPS; i++) {
        if (model.length > MOST - 400) {
            buffer_clear(&buffer);
            model.length = 0;
        }
        step(&buffer, &model, &random);
        assert_int_equal(buffer.length, model.length);
        assert_true(buffer.length <= buffer.capacity);
        assert_memory_equal(buffer.bytes, model.bytes, model.length);
    }
    buffer_fini(&buffer);
    assert_null(buffer.bytes);
    assert_int_equal(buffer.length, 0);
}

static void test_empty(void **state) {
    (void)state;
    struct buffer buffer = {0};
    buffer_append(&buffer, NULL, 0);
    assert_int_equal(buffer.length, 0);
    assert_non_null(buffer_reserve(&buffer, 0));
    buffer_consume(&buffer, 0);
    buffer_fini(&buffer);
}

/* n appends may move the bytes O(log n) times, not O(n). */
static void test_doubles(void **state) {
    (void)state;
    struct buffer buffer = {0};
    int moves = 0;
    for (int i = 0; i < 100000; i++) {
        size_t before = buffer.capacity;
        buffer_append(&buffer, "x", 1);
        moves += buffer.capacity != before;
    }
    assert_true(moves < 20);
    buffer_fini(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_doubles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
