/* test_base64url.c - RFC 4648's vectors, round trips, and writings that are refused. */
#include "base/base64url.h"

#include "base/random.h"

#include <string.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

static void expect_pair(const char *bytes, size_t length, const char *chars) {
    char out[64] = {0};
    unsigned char back[64];
    assert_int_equal(BASE64URL_CHARS(length), strlen(chars));
    assert_int_equal(base64url_encode(bytes, length, out), strlen(chars));
    assert_string_equal(out, chars);
    assert_true(base64url_decode(chars, back, length));
    assert_memory_equal(back, bytes, length);
}

static void test_vectors(void **state) {
    (void)state;
    expect_pair("", 0, "");
    expect_pair("f", 1, "Zg");
    expect_pair("fo", 2, "Zm8");
    expect_pair("foo", 3, "Zm9v");
    expect_pair("foob", 4, "Zm9vYg");
    expect_pair("fooba", 5, "Zm9vYmE");
    expect_pair("foobar", 6, "Zm9vYmFy");
    expect_pair("\xfb\xff\xfe", 3, "-__-"); /* the two characters that differ from base64 */
}

static void test_round_trips(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 7);
    for (int i = 0; i < 2000; i++) {
        unsigned char bytes[40], back[40];
        char chars[BASE64URL_CHARS(40)];
        size_t length = random_below(&random, sizeof bytes + 1);
        for (size_t j = 0; j < length; j++)
            bytes[j] = (unsigned char)random_u64(&random);
        assert_int_equal(base64url_encode(bytes, length, chars), BASE64URL_CHARS(length));
        assert_true(base64url_decode(chars, back, length));
        assert_memory_equal(back, bytes, length);
    }
}

/* Of all characters in the last place of one byte's writing, only four are good: the unused bits must be 0. */
static void test_one_writing(void **state) {
    (void)state;
    int good = 0;
    for (int c = 0; c < 256; c++) {
        unsigned char byte;
        char chars[2] = {'Z', (char)c};
        good += base64url_decode(chars, &byte, 1);
    }
    assert_int_equal(good, 4);
}

static void test_foreign_characters(void **state) {
    (void)state;
    int good = 0;
    for (int c = 0; c < 256; c++) {
        unsigned char bytes[3];
        char chars[4] = {'Z', 'm', (char)c, 'v'};
        good += base64url_decode(chars, bytes, 3);
    }
    assert_int_equal(good, 64);
    unsigned char bytes[3];
    assert_false(base64url_decode("Zm+v", bytes, 3));
    assert_false(base64url_decode("Zm/v", bytes, 3));
    assert_false(base64url_decode("Zm==", bytes, 3));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_one_writing),
        cmocka_unit_test(test_foreign_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
