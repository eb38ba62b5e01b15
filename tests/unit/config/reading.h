/* reading.h - config_read() in one line: what these tests have in common. */
#ifndef READING_H
#define READING_H

#include "passerby/config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

enum { MOST_WORDS = 16 };

/* What config_read() said. */
struct reading {
    bool good;
    struct config *config;
    enum config_command command;
    char error[512];
};

/* Lists of strings, ended by NULL: READ(ARGS("--workers", "2"), NO_WORDS). */
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_WORDS   ((const char *const[]){NULL})

static inline struct reading read_config(const char *const arguments[], const char *const environment[]) {
    char *argv[MOST_WORDS] = {(char *)"passerby"};
    int argc = 1;
    for (; arguments[argc - 1] != NULL; argc++) {
        assert(argc < MOST_WORDS - 1);
        argv[argc] = (char *)arguments[argc - 1];
    }
    struct reading reading = {0};
    reading.good = config_read(argc, argv, (char *const *)environment, &reading.config, &reading.command, reading.error,
                               sizeof reading.error);
    return reading;
}

static inline void expect_good(const struct reading *reading) {
    if (!reading->good)
        fail_msg("refused: %s", reading->error);
}

/* Reads it, expects exactly this line, and leaves nothing behind. */
static inline void expect_error(const char *const arguments[], const char *const environment[], const char *line) {
    struct reading reading = read_config(arguments, environment);
    assert_false(reading.good);
    assert_string_equal(reading.error, line);
}

static inline void expect_list(char *const *list, const char *const expected[]) {
    for (; *expected != NULL; expected++, list++) {
        assert_non_null(*list);
        assert_string_equal(*list, *expected);
    }
    assert_null(*list);
}

/* A file with that content; `path` needs 64 bytes. The caller unlinks it. */
static inline void write_file(char path[64], const void *content, size_t length) {
    snprintf(path, 64, "/tmp/passerby-config-XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, content, length), (ssize_t)length);
    close(file);
}

#endif
