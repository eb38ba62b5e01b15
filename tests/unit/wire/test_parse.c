/* test_parse.c - which texts are JSON objects, and what becomes of those that jansson alone would refuse. */
#include "parse.h"

#include "base/buffer.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct row {
    const char *text;
    size_t length;
    bool accepted;
};

#define ROW(literal, accepted)                                                                                         \
    { (literal), sizeof(literal) - 1, (accepted) }

static void check_rows(const struct row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char *exact = malloc(rows[i].length > 0 ? rows[i].length : 1); /* so that ASan sees a read behind the end */
        memcpy(exact, rows[i].text, rows[i].length);
        json_t *root = parse_object(exact, rows[i].length);
        free(exact);
        if ((root != NULL) != rows[i].accepted)
            fail_msg("row %zu: %s", i, rows[i].text);
        json_decref(root);
    }
}

#define CHECK_ROWS(rows) check_rows((rows), sizeof(rows) / sizeof *(rows))

static void test_grammar(void **state) {
    (void)state;
    static const struct row rows[] = {
        ROW("{}", true),
        ROW(" \t\r\n{ \"a\" : [ ] } ", true),
        ROW("{\"a\":\"\\u00e9\\ud83d\\ude00\\n\\/\"}", true),
        ROW("{\"a\":\"\\u0000\"}", true),
        ROW("{\"a\":-0,\"b\":1E+2,\"c\":0.5e-3}", true),
        ROW("", false),
        ROW(" ", false),
        ROW("[]", false),
        ROW("1", false),
        ROW("\"a\"", false),
        ROW("null", false),
        ROW("{", false),
        ROW("{}}", false),
        ROW("{}{}", false),
        ROW("{}\0", false),
        ROW("\xef\xbb\xbf{}", false), /* RFC 8259 section 8.1: no byte order mark */
        ROW("{\"a\":1,}", false),
        ROW("{a:1}", false),
        ROW("{'a':1}", false),
        ROW("{\"a\":01}", false),
        ROW("{\"a\":1.}", false),
        ROW("{\"a\":.5}", false),
        ROW("{\"a\":+1}", false),
        ROW("{\"a\":0x10}", false),
        ROW("{\"a\":NaN}", false),
        ROW("{\"a\":Infinity}", false),
        ROW("{\"a\":True}", false),
        ROW("{\"a\":\"\t\"}", false),
        ROW("{\"a\":\"\0\"}", false),
        ROW("{\"a\":\"\\x41\"}", false),
        ROW("{\"a\":\"\\u12\"}", false),
        ROW("{\"a\":\"\\ud800\"}", false), /* surrogates alone, in the wrong order, and as UTF-8 */
        ROW("{\"a\":\"\\udc00\\ud800\"}", false),
        ROW("{\"a\":\"\\ud800x\"}", false),
        ROW("{\"a\":\"\xed\xa0\x80\"}", false),
        ROW("{\"a\":\"\xff\"}", false),
        ROW("{\"a\":\"\xc0\x80\"}", false),
        ROW("{\"a\":1 // no comments\n}", false),
    };
    CHECK_ROWS(rows);
}

static void test_beyond_jansson(void **state) {
    (void)state;
    static const struct row rows[] = {
        ROW("{\"a\":1e400}", true),
        ROW("{\"a\":-1E+999}", true),
        ROW("{\"a\":[1e400,2,1.5e309,{\"b\":1e1000}]}", true),
        ROW("{\"a\\u0000b\":1}", true),
        ROW("{\"\\u0000\\u0000\" \n:\"\\u0000\",\"n\":1e400}", true),
        ROW("{\"1e400\":1e400}", true),
        ROW("{\"a\":1e400", false),
        ROW("{\"a\":1e400,\"b", false),
        ROW("{\"a\":1e400,\"b\\", false),
        ROW("{\"a\":1e400,\"b\"", false),
        ROW("{\"a\":1e400,\"b\":\"\\u00", false),
        ROW("{\"a\":1e400}x", false),
        ROW("{\"a\":1e400}\0", false),
        ROW("{\"a\":1e400,\"b\":01e400}", false),
        ROW("{\"a\":1e400,\"b\":+1e400}", false),
        ROW("{\"a\":1e400,\"b\":--1e400}", false),
        ROW("{\"a\":1e400,\"b\":1.1.1e400}", false),
        ROW("{\"a\":1e400,\"b\":10000.e400}", false),
        ROW("{\"a\":1e400,\"b\":.1e400}", false),
        ROW("{\"a\":1e400,\"b\":1e400e400}", false),
        ROW("{\"a\":1e400,\"b\":1e+}", false),
        ROW("{\"a\":1e400,\"b\":-}", false),
        ROW("{\"a\":1e400,\"b\":0x1p9999}", false),
        ROW("{\"a\":1e400,\"b\":1e400-1}", false),
        ROW("{\"a\":1e400,\"b\":true1e400}", false),
        ROW("{\"a\":1e400 1e400}", false),
        ROW("{\"a\\u0000\":1,\"b\\u000\":1}", false),
        ROW("{\"a\\u0000\":1,\"b\\\\u0000\":\"\\ud800\"}", false),
    };
    CHECK_ROWS(rows);
}

/* Read by strtod, but no JSON: it must not become some. */
static void test_hexadecimal_is_not_tamed(void **state) {
    (void)state;
    struct buffer text = {0};
    buffer_string(&text, "{\"a\":1e400,\"b\":0x");
    for (int i = 0; i < 300; i++)
        buffer_string(&text, "1");
    buffer_string(&text, "}");
    assert_null(parse_object(text.bytes, text.length));
    buffer_fini(&text);
}

/* A quote behind a backslash ends no string. */
static void test_escaped_quotes(void **state) {
    (void)state;
    static const char text[] = "{\"n\":1e400,\"s\":\"\\\"1e400\\\\\",\"\\\"\\u0000\":0}";
    json_t *root = parse_object(text, sizeof text - 1);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "s")), "\"1e400\\");
    json_decref(root);
}

static void test_tamed_values(void **state) {
    (void)state;
    static const char text[] =
        "{\"big\":1e400,\"small\":2.5e308,\"text\":\"1e400 \\u0000\",\"x\\\\u0000\":7,\"\\u0000\":1e307}";
    json_t *root = parse_object(text, sizeof text - 1);
    assert_non_null(root);
    assert_true(json_real_value(json_object_get(root, "big")) == -1);
    assert_true(json_real_value(json_object_get(root, "small")) == -1);
    assert_int_equal(json_string_length(json_object_get(root, "text")), 7);
    assert_memory_equal(json_string_value(json_object_get(root, "text")), "1e400 \0", 7);
    assert_true(json_real_value(json_object_get(root, "x\\u0000")) == 7);
    assert_int_equal(json_object_size(root), 5);
    json_decref(root);
}

static void test_numbers_are_reals(void **state) {
    (void)state;
    static const char text[] = "{\"a\":1,\"a\":123456789012345678901234567890,\"b\":-0}";
    json_t *root = parse_object(text, sizeof text - 1);
    assert_non_null(root);
    assert_true(json_real_value(json_object_get(root, "a")) == 123456789012345678901234567890.0);
    assert_true(json_is_real(json_object_get(root, "b")));
    json_decref(root);
}

static void test_integer_of_many_digits(void **state) {
    (void)state;
    struct buffer text = {0};
    buffer_string(&text, "{\"a\":");
    for (int i = 0; i < 5000; i++)
        buffer_string(&text, "9");
    buffer_string(&text, "}");
    json_t *root = parse_object(text.bytes, text.length);
    assert_non_null(root);
    assert_true(json_real_value(json_object_get(root, "a")) == -1);
    json_decref(root);
    buffer_fini(&text);
}

static void test_deep_nesting(void **state) {
    (void)state;
    static const struct {
        size_t depth;
        bool accepted;
    } rows[] = {{1000, true}, {3000, false}, {500000, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer text = {0};
        buffer_string(&text, "{\"a\":");
        memset(buffer_reserve(&text, rows[i].depth), '[', rows[i].depth);
        text.length += rows[i].depth;
        memset(buffer_reserve(&text, rows[i].depth), ']', rows[i].depth);
        text.length += rows[i].depth;
        buffer_string(&text, "}");
        json_t *root = parse_object(text.bytes, text.length);
        assert_int_equal(root != NULL, rows[i].accepted);
        json_decref(root);
        buffer_fini(&text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grammar),
        cmocka_unit_test(test_beyond_jansson),
        cmocka_unit_test(test_hexadecimal_is_not_tamed),
        cmocka_unit_test(test_escaped_quotes),
        cmocka_unit_test(test_tamed_values),
        cmocka_unit_test(test_numbers_are_reals),
        cmocka_unit_test(test_integer_of_many_digits),
        cmocka_unit_test(test_deep_nesting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
