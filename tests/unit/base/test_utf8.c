/* test_utf8.c - what is UTF-8, and what only looks like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"

#include <string.h>

/* The bytes of a code point, by the definition (RFC 3629 section 3). */
static size_t encode(uint32_t point, char out[4]) {
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)((0xf00 >> length) | point);
    return length;
}

static void test_every_code_point(void **state) {
    (void)state;
    for (uint32_t point = 0; point < 0x120000; point++) {
        char text[16] = "ascii, 8";
        size_t length = 8 + encode(point, text + 8);
        bool good = point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
        if (utf8_valid(text, length) != good)
            fail_msg("U+%X", point);
        if (length > 9 && utf8_valid(text, length - 1))
            fail_msg("U+%X without its last byte", point);
    }
}

static void test_what_only_looks_like_it(void **state) {
    (void)state;
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x80\x80",
                                      "\xe0\x9f\xbf",
                                      "\xf0\x80\x80\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf5\x80\x80\x80",
                                      "\xfe",
                                      "\xff",
                                      "a\xc3z",
                                      "\xe2\x82z",
                                      "12345678\xff",
                                      "1234567\xff",
                                      NULL};
    for (const char *const *text = bad; *text != NULL; text++)
        assert_false(utf8_valid(*text, strlen(*text)));
    assert_true(utf8_valid("", 0));
    assert_true(utf8_valid("a\0b", 3));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_code_point),
                                       cmocka_unit_test(test_what_only_looks_like_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
