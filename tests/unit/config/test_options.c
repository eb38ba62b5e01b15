/* test_options.c - every row of config.def: its default, its limits, its names in all sources, values that it must refuse. */
#include "reading.h"

#include <ctype.h>
#include <inttypes.h>

enum type { STRING, LIST, NUMBER, DURATION, SIZE, RATE, SWITCH, CHOICE };

struct row {
    enum type type;
    const char *flag;
    size_t offset;
    const char *fallback;
    uint64_t number, burst, least, greatest;
};

#define ROW(type_, field, flag_, ...)                                                                                  \
    {.type = type_, .flag = flag_, .offset = offsetof(struct config, field), __VA_ARGS__},

static const struct row rows[] = {
#define CONFIG_GROUP(title)
#define CONFIG_STRING(field, flag, text, metavar, help) ROW(STRING, field, flag, .fallback = text)
#define CONFIG_LIST(field, flag, text, metavar, help)   ROW(LIST, field, flag, .fallback = text)
#define CONFIG_NUMBER(field, flag, value, low, high, metavar, help)                                                    \
    ROW(NUMBER, field, flag, .number = value, .least = low, .greatest = high)
#define CONFIG_DURATION(field, flag, value, low, high, help)                                                           \
    ROW(DURATION, field, flag, .number = value, .least = low, .greatest = high)
#define CONFIG_SIZE(field, flag, value, low, high, help)                                                               \
    ROW(SIZE, field, flag, .number = value, .least = low, .greatest = high)
#define CONFIG_RATE(field, flag, value, most, help)     ROW(RATE, field, flag, .number = value, .burst = most)
#define CONFIG_SWITCH(field, flag, value, help)         ROW(SWITCH, field, flag, .number = value)
#define CONFIG_CHOICE(field, flag, text, choices, help) ROW(CHOICE, field, flag, .fallback = text)
#include "passerby/config.def"
};

enum { ROWS = sizeof rows / sizeof *rows };

static const void *field(const struct config *config, const struct row *row) {
    return (const char *)config + row->offset;
}

static bool is_scaled(const struct row *row) {
    return row->type == NUMBER || row->type == DURATION || row->type == SIZE;
}

static uint64_t scaled(const struct config *config, const struct row *row) {
    return row->type == DURATION ? *(const uint32_t *)field(config, row) : *(const uint64_t *)field(config, row);
}

/* "--max-body=VALUE", "PASSERBY_MAX_BODY=VALUE" */
static void name_flag(const struct row *row, const char *value, char out[256]) {
    snprintf(out, 256, "--%s=%s", row->flag, value);
}

static void name_variable(const struct row *row, const char *value, char out[256]) {
    int length = snprintf(out, 256, "PASSERBY_%s", row->flag);
    for (int i = 0; i < length; i++)
        out[i] = out[i] == '-' ? '_' : (char)toupper((unsigned char)out[i]);
    snprintf(out + length, 256 - (size_t)length, "=%s", value);
}

static void name_key(const struct row *row, char out[64]) {
    snprintf(out, 64, "%s", row->flag);
    for (; *out != '\0'; out++)
        if (*out == '-')
            *out = '_';
}

/* A number in the row's smallest unit. */
static void spell(const struct row *row, uint64_t number, char out[64]) {
    snprintf(out, 64, "%" PRIu64 "%s", number, row->type == DURATION ? "ms" : "");
}

static void test_defaults(void **state) {
    (void)state;
    struct reading reading = read_config(NO_WORDS, NO_WORDS);
    expect_good(&reading);
    assert_int_equal(reading.command, COMMAND_SERVE);
    for (size_t i = 0; i < ROWS; i++) {
        const void *at = field(reading.config, &rows[i]);
        if (is_scaled(&rows[i]))
            assert_int_equal(scaled(reading.config, &rows[i]), rows[i].number);
        if (rows[i].type == SWITCH)
            assert_int_equal(*(const bool *)at, rows[i].number);
        if (rows[i].type == RATE) {
            assert_int_equal(((const struct rate *)at)->per_second, rows[i].number);
            assert_int_equal(((const struct rate *)at)->burst, rows[i].burst);
        }
        if (rows[i].type == STRING && rows[i].fallback == NULL)
            assert_null(*(char *const *)at);
        if (rows[i].type == STRING && rows[i].fallback != NULL)
            assert_string_equal(*(char *const *)at, rows[i].fallback);
    }
    expect_list(reading.config->listen, WORDS("0.0.0.0:8080", "[::]:8080"));
    expect_list(reading.config->allowed_origins, NO_WORDS);
    assert_int_equal(reading.config->log_level, 2);
    config_free(reading.config);
}

/* Options whose limits another option narrows get that other one too. */
static void companions(const struct row *row, uint64_t number, const char *arguments[3]) {
    if (strcmp(row->flag, "max-body") == 0 && number > 16000)
        arguments[1] = "--max-frame=1m";
    if (strcmp(row->flag, "max-frame") == 0)
        arguments[1] = "--max-body=1";
    if (strcmp(row->flag, "dead-after") == 0)
        arguments[1] = "--ping-interval=100ms";
}

static void expect_taken(const struct row *row, uint64_t number) {
    char value[64], flag[256];
    spell(row, number, value);
    name_flag(row, value, flag);
    const char *arguments[] = {flag, NULL, NULL};
    companions(row, number, arguments);
    struct reading reading = read_config(arguments, NO_WORDS);
    expect_good(&reading);
    assert_int_equal(scaled(reading.config, row), number);
    config_free(reading.config);
}

static void expect_out_of_range(const struct row *row, const char *value) {
    char flag[256], start[320];
    name_flag(row, value, flag);
    struct reading reading = read_config(WORDS(flag), NO_WORDS);
    assert_false(reading.good);
    snprintf(start, sizeof start, "--%s: %s is out of range; use ", row->flag, value);
    assert_memory_equal(reading.error, start, strlen(start));
}

static void test_limits(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        if (!is_scaled(row))
            continue;
        bool narrowed = strcmp(row->flag, "max-frame") == 0;    /* 256, but a body of 1 byte takes 257 */
        bool coupled = strcmp(row->flag, "ping-interval") == 0; /* at most an hour, but less than dead-after */
        expect_taken(row, narrowed ? row->least + 1 : row->least);
        expect_taken(row, coupled ? 59999 : row->greatest);
        char value[64];
        spell(row, row->greatest + 1, value);
        expect_out_of_range(row, value);
        if (row->least > 0) {
            spell(row, row->least - 1, value);
            expect_out_of_range(row, value);
        }
        spell(row, UINT64_MAX, value);
        expect_out_of_range(row, value);
        expect_out_of_range(row, row->type == DURATION ? "99999999999999999999999h" : "99999999999999999999999");
    }
}

/* Text that is no value of the type. */
static const struct bad {
    enum type type;
    const char *value;
    const char *message;
} bad_values[] = {
    {NUMBER, "", "\"\" is not a number; use a whole number"},
    {NUMBER, "x", "\"x\" is not a number; use a whole number"},
    {NUMBER, "-1", "\"-1\" is not a number; use a whole number"},
    {NUMBER, "+1", "\"+1\" is not a number; use a whole number"},
    {NUMBER, " 1", "\" 1\" is not a number; use a whole number"},
    {NUMBER, "1 ", "\"1 \" is not a number; use a whole number"},
    {NUMBER, "1.5", "\"1.5\" is not a number; use a whole number"},
    {NUMBER, "0x10", "\"0x10\" is not a number; use a whole number"},
    {NUMBER, "1k", "\"1k\" is not a number; use a whole number"},
    {DURATION, "", "\"\" is not a duration; use e.g. 500ms, 10s, 2m or 1h"},
    {DURATION, "5 parsecs", "\"5 parsecs\" is not a duration; use e.g. 500ms, 10s, 2m or 1h"},
    {DURATION, "10", "\"10\" is not a duration; use e.g. 500ms, 10s, 2m or 1h"},
    {DURATION, "s", "\"s\" is not a duration; use e.g. 500ms, 10s, 2m or 1h"},
    {DURATION, "10s5", "\"10s5\" is not a duration; use e.g. 500ms, 10s, 2m or 1h"},
    {DURATION, "-10s", "\"-10s\" is not a duration; use e.g. 500ms, 10s, 2m or 1h"},
    {DURATION, "1d", "\"1d\" is not a duration; use e.g. 500ms, 10s, 2m or 1h"},
    {SIZE, "", "\"\" is not a size; use e.g. 512, 16k, 64m or 1g"},
    {SIZE, "big", "\"big\" is not a size; use e.g. 512, 16k, 64m or 1g"},
    {SIZE, "16kk", "\"16kk\" is not a size; use e.g. 512, 16k, 64m or 1g"},
    {SIZE, "-1", "\"-1\" is not a size; use e.g. 512, 16k, 64m or 1g"},
    {RATE, "", "\"\" is not a rate; use rate/burst, e.g. 10/30, or off"},
    {RATE, "10", "\"10\" is not a rate; use rate/burst, e.g. 10/30, or off"},
    {RATE, "10/", "\"10/\" is not a rate; use rate/burst, e.g. 10/30, or off"},
    {RATE, "/10", "\"/10\" is not a rate; use rate/burst, e.g. 10/30, or off"},
    {RATE, "1/2/3", "\"1/2/3\" is not a rate; use rate/burst, e.g. 10/30, or off"},
    {RATE, "0/10", "0/10 is out of range; use 1 to 1000000 for each, or off"},
    {RATE, "10/0", "10/0 is out of range; use 1 to 1000000 for each, or off"},
    {RATE, "1/1000001", "1/1000001 is out of range; use 1 to 1000000 for each, or off"},
    {SWITCH, "", "\"\" is not a switch; use on or off"},
    {SWITCH, "yes", "\"yes\" is not a switch; use on or off"},
};

enum { BAD_VALUES = sizeof bad_values / sizeof *bad_values };

static void test_bad_values(void **state) {
    (void)state;
    char flag[256], variable[256], name[256], line[512];
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < BAD_VALUES; j++) {
            if (bad_values[j].type != rows[i].type)
                continue;
            name_flag(&rows[i], bad_values[j].value, flag);
            snprintf(line, sizeof line, "--%s: %s", rows[i].flag, bad_values[j].message);
            expect_error(WORDS(flag), NO_WORDS, line);

            name_variable(&rows[i], bad_values[j].value, variable);
            name_variable(&rows[i], "", name);
            name[strlen(name) - 1] = '\0';
            snprintf(line, sizeof line, "%s: %s", name, bad_values[j].message);
            expect_error(NO_WORDS, WORDS(variable), line);
        }
    }
    expect_error(WORDS("--log-level=loud"), NO_WORDS,
                 "--log-level: \"loud\" is unknown; use error, warning, info or debug");
    expect_error(WORDS("--log-format=xml"), NO_WORDS, "--log-format: \"xml\" is unknown; use text or json");
    expect_error(WORDS("--log-format=tex"), NO_WORDS, "--log-format: \"tex\" is unknown; use text or json");
}

/* A bad value in the file is blamed on the file and its key, for every row that can have one. */
static void test_bad_values_in_file(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].type == STRING || rows[i].type == LIST)
            continue;
        char key[64], content[128], path[64], start[160];
        name_key(&rows[i], key);
        int length = snprintf(content, sizeof content, "{\n  \"%s\": \"?\"}", key);
        write_file(path, content, (size_t)length);
        struct reading reading = read_config(WORDS("--config", path), NO_WORDS);
        unlink(path);
        assert_false(reading.good);
        snprintf(start, sizeof start, "%s: \"%s\": \"?\" is ", path, key);
        assert_memory_equal(reading.error, start, strlen(start));
    }
}

static void test_units(void **state) {
    (void)state;
    static const struct {
        const char *flag;
        uint32_t ms;
    } durations[] = {{"--grace=0", 0},        {"--grace=500ms", 500},    {"--grace=10s", 10000}, {"--grace=2m", 120000},
                     {"--grace=1h", 3600000}, {"--grace=24h", 86400000}, {"--grace=007s", 7000}};
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
        struct reading reading = read_config(WORDS(durations[i].flag), NO_WORDS);
        expect_good(&reading);
        assert_int_equal(reading.config->grace_ms, durations[i].ms);
        config_free(reading.config);
    }
    static const struct {
        const char *flag;
        uint64_t bytes;
    } sizes[] = {{"--queue-memory=65536", 65536},
                 {"--queue-memory=64k", 65536},
                 {"--queue-memory=2M", 2097152},
                 {"--queue-memory=3g", 3221225472}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct reading reading = read_config(WORDS(sizes[i].flag), NO_WORDS);
        expect_good(&reading);
        assert_int_equal(reading.config->queue_memory_bytes, sizes[i].bytes);
        config_free(reading.config);
    }
}

/* Each row can be set by all three sources, under the names that follow from its flag. */
static void test_names(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        if (!is_scaled(&rows[i]))
            continue;
        uint64_t number = rows[i].number == rows[i].least ? rows[i].least + 1 : rows[i].number - 1;
        char value[64], flag[256], variable[256], key[64], content[256], path[64];
        spell(&rows[i], number, value);
        name_flag(&rows[i], value, flag);
        name_variable(&rows[i], value, variable);
        name_key(&rows[i], key);
        int length = snprintf(content, sizeof content, "{\"%s\": \"%s\"}", key, value);
        write_file(path, content, (size_t)length);
        struct reading readings[] = {
            read_config(WORDS(flag), NO_WORDS),
            read_config(NO_WORDS, WORDS(variable)),
            read_config(WORDS("--config", path), NO_WORDS),
        };
        unlink(path);
        for (size_t j = 0; j < 3; j++) {
            expect_good(&readings[j]);
            assert_int_equal(scaled(readings[j].config, &rows[i]), number);
            config_free(readings[j].config);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),           cmocka_unit_test(test_limits), cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_bad_values_in_file), cmocka_unit_test(test_units),  cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
