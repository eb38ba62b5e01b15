/* test_text.c - counting, trimming and folding of Unicode text. */
#include "text.h"

#include "random_text.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <jansson.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})

static void test_valid(void **state) {
    (void)state;
    static const struct {
        struct text text;
        bool valid;
        const char *comment;
    } rows[] = {
        {{"", 0}, true, "empty"},
        {{"a\0b", 3}, true, "NUL"},
        {{"\x7f", 1}, true, "last of one byte"},
        {{"\xc2\x80", 2}, true, "first of two bytes"},
        {{"\xdf\xbf", 2}, true, "last of two bytes"},
        {{"\xe0\xa0\x80", 3}, true, "first of three bytes"},
        {{"\xed\x9f\xbf", 3}, true, "before the surrogates"},
        {{"\xee\x80\x80", 3}, true, "after the surrogates"},
        {{"\xef\xbf\xbf", 3}, true, "non-character"},
        {{"\xf0\x90\x80\x80", 4}, true, "first of four bytes"},
        {{"\xf4\x8f\xbf\xbf", 4}, true, "U+10FFFF"},
        {{"\x80", 1}, false, "continuation alone"},
        {{"\xc3", 1}, false, "cut short"},
        {{"\xe2\x82", 2}, false, "cut short"},
        {{"\xf0\x9f\x98", 3}, false, "cut short"},
        {{"\xc3(", 2}, false, "no continuation"},
        {{"\xc0\x80", 2}, false, "overlong NUL"},
        {{"\xc1\xbf", 2}, false, "overlong"},
        {{"\xe0\x9f\xbf", 3}, false, "overlong"},
        {{"\xf0\x8f\xbf\xbf", 4}, false, "overlong"},
        {{"\xed\xa0\x80", 3}, false, "surrogate"},
        {{"\xed\xbf\xbf", 3}, false, "surrogate"},
        {{"\xf4\x90\x80\x80", 4}, false, "above U+10FFFF"},
        {{"\xf8\x88\x80\x80\x80", 5}, false, "five bytes"},
        {{"\xff", 1}, false, "no UTF-8 byte"},
        {{"plain then bad \xff", 16}, false, "late"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (utf8_valid(rows[i].text.at, rows[i].text.length) != rows[i].valid)
            fail_msg("row %zu: %s", i, rows[i].comment);
}

/* jansson checks UTF-8 by itself: two opinions on random bytes must agree. */
static void test_valid_agrees_with_jansson(void **state) {
    (void)state;
    struct random random;
    struct buffer text = {0};
    random_init(&random, 1);
    size_t invalid = 0;
    for (int round = 0; round < 20000; round++) {
        random_text(&random, 1 + random_below(&random, 4), &text);
        if (random_below(&random, 2) == 0)
            text.bytes[random_below(&random, text.length)] ^= (char)(1u << random_below(&random, 8));
        json_t *string = json_stringn(text.bytes, text.length);
        invalid += string == NULL;
        assert_int_equal(utf8_valid(text.bytes, text.length), string != NULL);
        json_decref(string);
    }
    assert_true(invalid > 1000);
    buffer_fini(&text);
}

static void test_count(void **state) {
    (void)state;
    assert_int_equal(text_count(TEXT("")), 0);
    assert_int_equal(text_count(TEXT("abc")), 3);
    assert_int_equal(text_count(TEXT("a\0b")), 3);
    assert_int_equal(text_count(TEXT("é€😀")), 3);
}

static void check_trim(struct text text, struct text expected) {
    struct text trimmed = text_trim(text);
    assert_int_equal(trimmed.length, expected.length);
    if (expected.length > 0)
        assert_memory_equal(trimmed.at, expected.at, expected.length);
}

static void test_trim(void **state) {
    (void)state;
    check_trim(TEXT(""), TEXT(""));
    check_trim(TEXT("a"), TEXT("a"));
    check_trim(TEXT(" \t\n\v\f\r"), TEXT(""));
    check_trim(TEXT("  a b  "), TEXT("a b"));
    check_trim(TEXT("\u3000\u2003é\u00a0\u2029"), TEXT("é"));
    check_trim(TEXT("\xc2\x85\u1680x\u2028\u205f\u202f"), TEXT("x"));
    check_trim(TEXT("\u200b"), TEXT("\u200b")); /* ZERO WIDTH SPACE is no White_Space */
    check_trim(TEXT("\0 "), TEXT("\0"));
    check_trim(TEXT(" 😀 "), TEXT("😀"));
}

/* The 25 code points of the Unicode property White_Space, and no other. */
static void test_white_space_is_the_property(void **state) {
    (void)state;
    size_t found = 0;
    struct buffer text = {0};
    for (utf8proc_int32_t code_point = 0; code_point <= 0x10ffff; code_point++) {
        if (code_point == 0xd800)
            code_point = 0xe000;
        buffer_clear(&text);
        append_code_point(&text, code_point);
        found += text_trim((struct text){text.bytes, text.length}).length == 0;
    }
    assert_int_equal(found, 25);
    buffer_fini(&text);
}

static bool folds_alike(struct text a, struct text b) {
    size_t a_length, b_length;
    char *a_folded = text_fold(a, &a_length);
    char *b_folded = text_fold(b, &b_length);
    bool alike = a_length == b_length && memcmp(a_folded, b_folded, a_length) == 0;
    free(a_folded);
    free(b_folded);
    return alike;
}

static void test_fold(void **state) {
    (void)state;
    assert_true(folds_alike(TEXT(""), TEXT("")));
    assert_true(folds_alike(TEXT("Chess"), TEXT("cHESS")));
    assert_true(folds_alike(TEXT("STRASSE"), TEXT("straße")));
    assert_true(folds_alike(TEXT("\u00c9"), TEXT("e\u0301")));
    assert_true(folds_alike(TEXT("Σίσυφος"), TEXT("ΣΊΣΥΦΟΣ")));
    assert_true(folds_alike(TEXT("ПРИВЕТ"), TEXT("привет")));
    assert_true(folds_alike(TEXT("\u212b"), TEXT("å")));                         /* ANGSTROM SIGN */
    assert_true(folds_alike(TEXT("\u1fb4"), TEXT("\u03b1\u0345\u0301")));        /* marks in another order */
    assert_true(folds_alike(TEXT("\u0391\u0345\u0323"), TEXT("α\u0323\u0345"))); /* U+0345 folds to a letter */
    assert_true(folds_alike(TEXT("\U00010400"), TEXT("\U00010428")));            /* Deseret */
    assert_false(folds_alike(TEXT("e"), TEXT("é")));
    assert_false(folds_alike(TEXT("a"), TEXT("a\0")));
    assert_false(folds_alike(TEXT("a b"), TEXT("ab")));
}

/* Canonically equivalent texts fold to the same bytes, and those are valid UTF-8. */
static void test_fold_ignores_the_normal_form(void **state) {
    (void)state;
    struct random random;
    struct buffer text = {0};
    random_init(&random, 2);
    for (int round = 0; round < 5000; round++) {
        random_text(&random, random_below(&random, 33), &text);
        utf8proc_uint8_t *decomposed = NULL;
        utf8proc_ssize_t length = utf8proc_map((utf8proc_uint8_t *)text.bytes, (utf8proc_ssize_t)text.length,
                                               &decomposed, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
        assert_true(length >= 0);
        struct text original = {text.bytes, text.length};
        assert_true(folds_alike(original, (struct text){(char *)decomposed, (size_t)length}));
        size_t folded_length;
        char *folded = text_fold(original, &folded_length);
        assert_true(utf8_valid(folded, folded_length));
        free(folded);
        free(decomposed);
    }
    buffer_fini(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_valid_agrees_with_jansson),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_trim),
        cmocka_unit_test(test_white_space_is_the_property),
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_fold_ignores_the_normal_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
