/* test_log.c - lines as text and as JSON, whatever their values hold; addresses cut short; several threads. */
#include "passerby/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

enum { TIME_CHARS = 24 /* 2026-01-01T00:00:00.000Z */, MOST = 1 << 20 };

/* stderr, caught in a file. */
struct catch {
    int saved;
    int file;
};

static struct catch catch_begin(void) {
    char path[] = "/tmp/passerby-log-XXXXXX";
    struct catch catch = {dup(STDERR_FILENO), mkstemp(path)};
    assert_true(catch.file >= 0);
    unlink(path);
    dup2(catch.file, STDERR_FILENO);
    return catch;
}

/* Returns what was written; good until the next call. */
static char *catch_end(const struct catch *catch) {
    static char text[MOST];
    dup2(catch->saved, STDERR_FILENO);
    close(catch->saved);
    ssize_t length = pread(catch->file, text, sizeof text - 1, 0);
    close(catch->file);
    assert_true(length >= 0);
    text[length] = '\0';
    return text;
}

/* Logs one pair and expects these two lines behind the time. */
static void expect_logged(const char *value, const char *as_text, const char *as_json) {
    char expected[512];
    for (enum log_format format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
        struct log *log = log_new(LOG_LEVEL_INFO, format);
        struct catch catch = catch_begin();
        log_line(log, LOG_LEVEL_WARNING, "it happened", "value=%s port=%d", value, -7);
        const char *line = catch_end(&catch);
        if (format == LOG_FORMAT_TEXT)
            snprintf(expected, sizeof expected, " warning it happened value=%s port=-7\n", as_text);
        else
            snprintf(expected, sizeof expected,
                     "\",\"level\":\"warning\",\"event\":\"it happened\",\"value\":%s,\"port\":-7}\n", as_json);
        size_t skipped = TIME_CHARS + (format == LOG_FORMAT_JSON ? strlen("{\"time\":\"") : 0);
        assert_true(strlen(line) > skipped);
        assert_string_equal(line + skipped, expected);
        log_free(log);
    }
}

static void test_values(void **state) {
    (void)state;
    expect_logged("word", "word", "\"word\"");
    expect_logged("two words", "\"two words\"", "\"two words\"");
    expect_logged("", "\"\"", "\"\"");
    expect_logged("12", "12", "\"12\""); /* printed by %s: a string */
    expect_logged("a=b", "\"a=b\"", "\"a=b\"");
    expect_logged("say \"hi\" \\", "\"say \\\"hi\\\" \\\\\"", "\"say \\\"hi\\\" \\\\\"");
    expect_logged("\n\t\033[2J", "\"\\u000a\\u0009\\u001b[2J\"", "\"\\u000a\\u0009\\u001b[2J\"");
    expect_logged("\xc3\xa9\xff", "\"\\u00c3\\u00a9\\u00ff\"", "\"\\u00c3\\u00a9\\u00ff\"");
    expect_logged("/a/path:8080", "/a/path:8080", "\"/a/path:8080\"");
}

/* One line with these pairs as text, the time left out. */
#define LINE(...)                                                                                                      \
    do {                                                                                                               \
        struct log *log = log_new(LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);                                                   \
        struct catch catch = catch_begin();                                                                            \
        log_line(log, __VA_ARGS__);                                                                                    \
        line = catch_end(&catch) + TIME_CHARS;                                                                         \
        log_free(log);                                                                                                 \
    } while (0)

static void test_pairs(void **state) {
    (void)state;
    const char *line;
    LINE(LOG_LEVEL_ERROR, "stopping", "%s", "");
    assert_string_equal(line, " error stopping\n");
    LINE(LOG_LEVEL_DEBUG, "a", "b=%u c=%.1f d=e", 4000000000u, 0.5);
    assert_string_equal(line, " debug a b=4000000000 c=0.5 d=e\n");
    LINE(LOG_LEVEL_INFO, "a", "b=%s c=%s",
         "x\x1f"
         "d=y",
         "z"); /* must not forge a pair */
    assert_string_equal(line, " info a pairs=(unprintable)\n");
}

static void test_time(void **state) {
    (void)state;
    struct log *log = log_new(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    struct catch catch = catch_begin();
    log_line(log, LOG_LEVEL_INFO, "x", "%s", "");
    const char *line = catch_end(&catch);
    static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ ";
    for (size_t i = 0; i < strlen(form); i++) {
        if (form[i] == 'd')
            assert_in_range(line[i], '0', '9');
        else
            assert_int_equal(line[i], form[i]);
    }
    log_free(log);
}

static void test_levels(void **state) {
    (void)state;
    for (enum log_level limit = LOG_LEVEL_ERROR; limit <= LOG_LEVEL_DEBUG; limit++) {
        struct log *log = log_new(limit, LOG_FORMAT_TEXT);
        for (enum log_level level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
            struct catch catch = catch_begin();
            log_line(log, level, "x", "%s", "");
            assert_int_equal(*catch_end(&catch) != '\0', level <= limit);
            assert_int_equal(log_enabled(log, level), level <= limit);
        }
        log_free(log);
    }
}

/* One object, whole, with the first pair; `length` letters of this kind were to stand in the second. */
static void expect_whole(char letter, size_t length) {
    static char value[5000];
    memset(value, letter, length);
    value[length] = '\0';
    struct log *log = log_new(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    struct catch catch = catch_begin();
    log_line(log, LOG_LEVEL_INFO, "x", "first=1 value=%s port=%d", value, -8080);
    const char *line = catch_end(&catch);
    size_t size = strlen(line);
    assert_true(size < 2048);
    assert_int_equal(strcspn(line, "\n"), size - 1);
    assert_string_equal(line + size - 2, "}\n");
    assert_non_null(strstr(line, ",\"first\":\"1\""));
    assert_null(strstr(line, ":}"));
    assert_null(strstr(line, ":-}"));
    int quotes = 0;
    for (const char *at = line; *at != '\0'; at++)
        quotes += *at == '"';
    assert_int_equal(quotes % 2, 0);
    log_free(log);
}

/* A line that is too long is cut, but ends, and is still JSON: lengths around each bound, and far above. */
static void test_too_long(void **state) {
    (void)state;
    for (size_t length = 0; length < 1100; length++) {
        expect_whole('a', length);
        expect_whole('\n', length);
    }
    expect_whole('a', 4999);
}

enum { THREADS = 4, LINES = 500 };

static void *write_lines(void *log) {
    for (int i = 0; i < LINES; i++)
        log_line(log, LOG_LEVEL_INFO, "counting", "a=%d b=%s", i, "0123456789012345678901234567890123456789");
    return NULL;
}

static void test_threads(void **state) {
    (void)state;
    struct log *log = log_new(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    struct catch catch = catch_begin();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, log), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    char *rest = catch_end(&catch);
    int lines = 0;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0'; lines++) {
        int number;
        char last;
        assert_int_equal(sscanf(line + TIME_CHARS, " info counting a=%d b=012345678901234567890123456789012345678%c",
                                &number, &last),
                         2);
        assert_int_equal(last, '9');
    }
    assert_int_equal(lines, THREADS * LINES);
    log_free(log);
}

static void test_address(void **state) {
    (void)state;
    static const struct {
        const char *address;
        const char *expected;
    } cases[] = {
        {"203.0.113.7", "203.0.113.x"},
        {"0.0.0.0", "0.0.0.x"},
        {"::ffff:203.0.113.7", "203.0.113.x"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1::x"},
        {"2001:db8::7", "2001:db8:0::x"},
        {"::1", "0:0:0::x"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff::x"},
        {"", "unknown"},
        {"203.0.113.7:80", "unknown"},
        {"host.example", "unknown"},
    };
    char out[LOG_ADDRESS_CHARS];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(log_address(cases[i].address, out), cases[i].expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),  cmocka_unit_test(test_pairs),    cmocka_unit_test(test_time),
        cmocka_unit_test(test_levels),  cmocka_unit_test(test_too_long), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
