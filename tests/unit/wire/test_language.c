/* test_language.c - the shape of language tags; most rows are the examples of RFC 5646, appendix A and section 2. */
#include "language.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static void test_well_formed(void **state) {
    (void)state;
    static const struct {
        const char *tag;
        const char *primary;
    } rows[] = {
        {"de", "de"},
        {"DE", "de"},
        {"pt-BR", "pt"},
        {"zh-Hant", "zh"},
        {"zh-cmn-Hans-CN", "zh"},
        {"zh-yue-HK", "zh"},
        {"sr-Latn-RS", "sr"},
        {"sl-rozaj-biske", "sl"},
        {"de-CH-1901", "de"},
        {"hy-Latn-IT-arevela", "hy"},
        {"es-419", "es"},
        {"sl-nedis", "sl"},
        {"de-CH-x-phonebk", "de"},
        {"az-Arab-x-AZE-derbend", "az"},
        {"qaa-Qaaa-QM-x-southern", "qaa"},
        {"en-US-u-islamcal", "en"},
        {"zh-CN-a-myext-x-private", "zh"},
        {"en-a-myext-b-another", "en"},
        {"en-0-digit", "en"},
        {"abc-def-ghi-jkl", "abc"},
        {"abcd", "abcd"},
        {"abcde-Latn", "abcde"},
        {"ABCDEFGH", "abcdefgh"},
        {"en-GB-oed", "en"},
        {"EN-gb-OED", "en"},
        {"sgn-BE-FR", "sgn"},
        {"sgn-BE-NL", "sgn"},
        {"sgn-CH-DE", "sgn"},
        {"art-lojban", "art"},
        {"zh-min-nan", "zh"},
        {"x-whatever", ""},
        {"X-a", ""},
        {"i-klingon", ""},
        {"I-Default", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char primary[MAX_LANGUAGE_BYTES + 1];
        if (!language_primary((struct text){rows[i].tag, strlen(rows[i].tag)}, primary))
            fail_msg("%s is refused", rows[i].tag);
        assert_string_equal(primary, rows[i].primary);
    }
}

static void test_malformed(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",
        "-",
        "a",
        "d3",
        "12",
        "abcdefghi",
        "de-",
        "-de",
        "de--CH",
        "de_CH",
        "de CH",
        "dé",
        "de-419-DE",         /* two regions */
        "de-Latn-Latn",      /* two scripts */
        "de-1x",             /* nothing has that shape */
        "de-12",             /* a region of digits has three */
        "de-abcdefghi",      /* nine letters */
        "de-abc1",           /* a variant of four begins with a digit */
        "abc-def-ghi-jkl-m", /* an extension without subtags */
        "en-a",
        "en-a-b",
        "en-a-b-cd",
        "en-u-islamcal-",
        "en-x",
        "en-x-",
        "en-x-abcdefghi",
        "x",
        "x-",
        "x-abcdefghi",
        "x-a-",
        "x-a--b",
        "i-klingon-",
        "abc-def-ghi-jkl-mno", /* four extended language subtags */
        "de-abcd1-1901-ab",    /* no region behind a variant */
        "i",
        "i-a",
        "a-DE",
        "abcd-def", /* extended language subtags follow two or three letters only */
        "sgn-BE-FRA",
        "*",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char primary[MAX_LANGUAGE_BYTES + 1];
        if (language_primary((struct text){rows[i], strlen(rows[i])}, primary))
            fail_msg("'%s' is accepted", rows[i]);
    }
}

static void test_nul_is_no_letter(void **state) {
    (void)state;
    char primary[MAX_LANGUAGE_BYTES + 1];
    assert_false(language_primary((struct text){"de\0", 3}, primary));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_well_formed),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_nul_is_no_letter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
