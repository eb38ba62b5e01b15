/* test_encoding.c - content codings and entity tags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "encoding.h"

static void test_choice(void **state) {
    (void)state;
    static const struct {
        const char *accept;
        bool gzip;
        bool brotli;
        enum encoding chosen;
    } rows[] = {
        {NULL, true, true, ENCODING_PLAIN},
        {"", true, true, ENCODING_PLAIN},
        {"gzip, deflate, br", true, true, ENCODING_BROTLI},
        {"gzip, deflate, br", true, false, ENCODING_GZIP},
        {"gzip, deflate, br", false, false, ENCODING_PLAIN},
        {"gzip", true, true, ENCODING_GZIP},
        {"GZIP", true, true, ENCODING_GZIP},
        {"br;q=0.5, gzip;q=0.8", true, true, ENCODING_GZIP},
        {"br; q=0.8 ,gzip; q=0.5", true, true, ENCODING_BROTLI},
        {"br;q=0, gzip;q=0", true, true, ENCODING_PLAIN},
        {"gzip;q=0.5, identity", true, true, ENCODING_PLAIN},
        {"gzip;q=0.5, identity;q=0.5", true, true, ENCODING_GZIP},
        {"*", true, true, ENCODING_BROTLI},
        {"*;q=0.5, gzip", true, true, ENCODING_GZIP},
        {"*;q=0, gzip", true, true, ENCODING_GZIP},
        {"brotli, gzipped", true, true, ENCODING_PLAIN},
        {"gzip;q=nonsense", true, true, ENCODING_PLAIN},
        {"gzip;q=7", true, true, ENCODING_PLAIN},
        {"gzip;q=nan", true, true, ENCODING_PLAIN},
        {",,;;q=1,gzip", true, true, ENCODING_GZIP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (encoding_choose(rows[i].accept, rows[i].gzip, rows[i].brotli) != rows[i].chosen)
            fail_msg("row %zu: %s", i, rows[i].accept);
}

static void test_tags(void **state) {
    (void)state;
    static const struct {
        const char *header;
        bool matches;
    } rows[] = {
        {NULL, false},
        {"", false},
        {"*", true},
        {"\"abc\"", true},
        {"\"abc-br\"", true},
        {"W/\"abc-gzip\"", true},
        {"\"x\", \"abc\"", true},
        {"\"x\",W/\"abc-br\"", true},
        {"\"abcd\"", false},
        {"\"abc-zstd\"", false},
        {"\"ab\"", false},
        {"\"abc", false},
        {"abc", false},
        {"\"x\", \"y\"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (encoding_tag_matches(rows[i].header, "\"abc\"") != rows[i].matches)
            fail_msg("row %zu: %s", i, rows[i].header);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_choice), cmocka_unit_test(test_tags)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
