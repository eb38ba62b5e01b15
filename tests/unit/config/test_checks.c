/* test_checks.c - forms of addresses, files, and options that belong together; and what config_print_…() write. */
#include "reading.h"

static char path[64];

static void expect_taken(const char *argument) {
    struct reading reading = read_config(WORDS(argument), NO_WORDS);
    if (!reading.good)
        fail_msg("%s was refused: %s", argument, reading.error);
    config_free(reading.config);
}

/* Refused with a line that begins with the flag and says what it isn't. */
static void expect_refused(const char *flag, const char *value, const char *what) {
    char argument[512], line[700];
    snprintf(argument, sizeof argument, "--%s=%s", flag, value);
    snprintf(line, sizeof line, "--%s: \"%.80s\" is not %s", flag, value, what);
    struct reading reading = read_config(WORDS(argument), NO_WORDS);
    if (reading.good)
        fail_msg("%s was taken", argument);
    assert_memory_equal(reading.error, line, strlen(line));
}

static void test_addresses(void **state) {
    (void)state;
    static const char *const good[] = {"0.0.0.0:8080", "[::]:8080",   ":8080",          "localhost:0", "[::1]:65535",
                                       "a-b.c_d:1",    "1.example:1", "[fe80::1:2]:80", "127.0.0.1:9"};
    static const char *const bad[] = {"8080",     "localhost",  "localhost:",   "localhost:65536", "localhost:-1",
                                      "::1:80",   "[::1]",      "[::1:80",      "[::1]80",         "[]:80",
                                      "[a.b]:80", "1.2.3:80",   "256.0.0.1:80", "a/b:80",          "a:b:80",
                                      "a:080080", "http://a:80"};
    char argument[128];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(argument, sizeof argument, "--listen=%s", good[i]);
        expect_taken(argument);
        snprintf(argument, sizeof argument, "--internal-listen=%s", good[i]);
        expect_taken(argument);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect_refused("listen", bad[i], "an address; use e.g. 0.0.0.0:8080, [::]:8080 or localhost:8080");
        expect_refused("internal-listen", bad[i], "an address; use e.g. 0.0.0.0:8080, [::]:8080 or localhost:8080");
    }
    expect_error(WORDS("--listen="), NO_WORDS, "--listen: is empty; use e.g. 0.0.0.0:8080");
    expect_error(WORDS("--listen=a:1,b"), NO_WORDS,
                 "--listen: \"b\" is not an address; use e.g. 0.0.0.0:8080, [::]:8080 or localhost:8080");
}

static void test_internal_off(void **state) {
    (void)state;
    struct reading reading = read_config(WORDS("--internal-listen", "off"), NO_WORDS);
    expect_good(&reading);
    assert_null(reading.config->internal_listen);
    config_free(reading.config);
}

static void test_origins(void **state) {
    (void)state;
    static const char *const good[] = {"*",          "chat.example.org", "chat.example.org:8443",
                                       "[::1]:8080", "[2001:db8::1]",    "10.1.2.3"};
    static const char *const bad[] = {
        "https://chat.example.org", "a.org/", "*.a.org", "a.org:", "a.org:x", "null?", ":80"};
    char argument[128];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(argument, sizeof argument, "--allowed-origins=%s", good[i]);
        expect_taken(argument);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_refused("allowed-origins", bad[i], "a host; use e.g. chat.example.org");
}

static void test_networks(void **state) {
    (void)state;
    static const char *const good[] = {"10.0.0.0/8", "0.0.0.0/0",     "192.0.2.7", "192.0.2.7/32",
                                       "::/0",       "2001:db8::/32", "::1/128"};
    static const char *const bad[] = {"10.0.0.0/33", "10.0.0/8", "10.0.0.0/",    "10.0.0.0/-1",
                                      "::/129",      "proxy",    "10.0.0.0/8/8", "/8"};
    char argument[128];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(argument, sizeof argument, "--trusted-proxies=%s", good[i]);
        expect_taken(argument);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_refused("trusted-proxies", bad[i], "a network; use e.g. 10.0.0.0/8 or 2001:db8::/32");
}

static void test_tls(void **state) {
    (void)state;
    expect_error(WORDS("--tls-cert=/dev/null"), NO_WORDS, "--tls-cert: needs the certificate's key too; use --tls-key");
    expect_error(WORDS("--tls-key=/dev/null"), NO_WORDS, "--tls-key: needs the key's certificate too; use --tls-cert");
    expect_error(WORDS("--tls-key=/dev/null"), WORDS("PASSERBY_TLS_CERT=/nowhere"),
                 "PASSERBY_TLS_CERT: can't read \"/nowhere\": No such file or directory");
    expect_error(WORDS("--tls-key=/nowhere", "--tls-cert=/dev/null"), NO_WORDS,
                 "--tls-key: can't read \"/nowhere\": No such file or directory");
    struct reading reading = read_config(WORDS("--tls-cert=/dev/null", "--tls-key=/dev/null"), NO_WORDS);
    expect_good(&reading);
    assert_string_equal(reading.config->tls_cert, "/dev/null");
    config_free(reading.config);
}

static void test_secret(void **state) {
    (void)state;
    struct reading reading = read_config(NO_WORDS, WORDS("PASSERBY_SECRET=0123456789abcdef"));
    expect_good(&reading);
    assert_string_equal(reading.config->secret, "0123456789abcdef");
    config_free(reading.config);
    expect_error(NO_WORDS, WORDS("PASSERBY_SECRET=0123456789abcde"),
                 "PASSERBY_SECRET: the secret has 15 characters; use at least 16");
    reading = read_config(NO_WORDS, WORDS("PASSERBY_SECRET="));
    expect_good(&reading);
    assert_null(reading.config->secret);
    config_free(reading.config);
}

static void test_cluster(void **state) {
    (void)state;
    struct reading reading = read_config(WORDS("--redis", "redis://h", "--secret", "0123456789abcdef"), NO_WORDS);
    assert_string_equal(reading.config->redis, "redis://h");
    assert_null(reading.config->redis_relay[0]);
    config_free(reading.config);
    expect_error(WORDS("--redis", "redis://h"), NO_WORDS,
                 "--redis: all nodes of a cluster need the same secret; make one with \"openssl rand -base64 32\" and "
                 "give it to each as PASSERBY_SECRET or --secret-file");
    expect_error(
        NO_WORDS, WORDS("REDIS_URL=redis://h"),
        "PASSERBY_REDIS: all nodes of a cluster need the same secret; make one with \"openssl rand -base64 32\" "
        "and give it to each as PASSERBY_SECRET or --secret-file");
}

#define SECRET "--secret", "0123456789abcdef"

/* No message quotes a URL: it may hold a password. */
static void test_redis_urls(void **state) {
    (void)state;
    struct reading reading = read_config(WORDS("--redis", "redis+sentinel://u:p%2Cq@a,b:1/name", "--redis-relay",
                                               "redis://c,unix:/d", "--redis-relay", "rediss://e", SECRET),
                                         NO_WORDS);
    expect_good(&reading);
    assert_string_equal(reading.config->redis, "redis+sentinel://u:p%2Cq@a,b:1/name");
    expect_list(reading.config->redis_relay, WORDS("redis://c", "unix:/d", "rediss://e"));
    config_free(reading.config);
    expect_error(WORDS("--redis", "redis://:secret@h:x", SECRET), NO_WORDS,
                 "--redis: the port must be a number from 1 to 65535");
    expect_error(WORDS(SECRET), WORDS("REDIS_URL=h:1"),
                 "PASSERBY_REDIS: it must begin with redis://, rediss:// (TLS), redis+sentinel://, "
                 "rediss+sentinel:// or unix:");
    expect_error(WORDS("--redis", "redis://h", "--redis-relay", "redis://a,redis://:secret@", SECRET), NO_WORDS,
                 "--redis-relay: the host is missing");
    expect_error(WORDS("--redis", "redis://h", "--redis-relay", "redis+sentinel://a,b/name", SECRET), NO_WORDS,
                 "--redis-relay: a relay keeps nothing that a failover could save; use redis://, rediss:// or unix:");
    expect_error(WORDS("--redis-relay", "redis://a"), NO_WORDS,
                 "--redis-relay: needs a Redis to join the nodes, too; use --redis");
    expect_error(WORDS("--redis-ca", "/dev/null"), NO_WORDS, "--redis-ca: needs a Redis to trust; use --redis");
    expect_error(WORDS("--redis", "rediss://h", "--redis-ca", "/nonexistent", SECRET), NO_WORDS,
                 "--redis-ca: can't read \"/nonexistent\": No such file or directory");
}

/* The secret that a file with this content gives. */
static void expect_secret(const char *content, const char *secret) {
    write_file(path, content, strlen(content));
    struct reading reading = read_config(WORDS("--secret-file", path), NO_WORDS);
    unlink(path);
    expect_good(&reading);
    assert_string_equal(reading.config->secret, secret);
    config_free(reading.config);
}

static void expect_bad_secret_file(const char *content, size_t length, const char *format) {
    char line[256];
    write_file(path, content, length);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(line, sizeof line, format, path);
#pragma GCC diagnostic pop
    expect_error(WORDS("--secret-file", path), NO_WORDS, line);
    unlink(path);
}

static void test_secret_file(void **state) {
    (void)state;
    expect_secret("0123456789abcdef", "0123456789abcdef");
    expect_secret("0123456789abcdef\n", "0123456789abcdef");
    expect_secret("0123456789abcdef\r\n", "0123456789abcdef");
    expect_secret("0123456789 abcdef \n\n", "0123456789 abcdef \n");
    expect_bad_secret_file("", 0, "--secret-file: the secret has 0 characters; use at least 16");
    expect_bad_secret_file("0123456789abcde\n", 16, "--secret-file: the secret has 15 characters; use at least 16");
    expect_bad_secret_file("0123456789abcdef\0x", 18, "--secret-file: \"%s\" holds a NUL byte; use text");
    expect_error(WORDS("--secret-file=/nowhere"), NO_WORDS,
                 "--secret-file: can't read \"/nowhere\": No such file or directory");
    expect_error(WORDS("--secret-file=/dev/zero"), NO_WORDS, "--secret-file: can't read \"/dev/zero\": File too large");
    expect_error(WORDS("--secret-file=/dev/null"), WORDS("PASSERBY_SECRET=0123456789abcdef"),
                 "--secret-file: the secret is given twice; use --secret-file or --secret");
}

static void test_limits_together(void **state) {
    (void)state;
    expect_error(WORDS("--max-body=16k"), NO_WORDS, "--max-frame: is too small for --max-body; use at least 16640");
    expect_error(WORDS("--max-frame=2255"), NO_WORDS, "--max-frame: is too small for --max-body; use at least 2256");
    expect_taken("--max-frame=2256");
    expect_error(WORDS("--ping-interval=60s"), NO_WORDS,
                 "--dead-after: is not longer than --ping-interval; use more than 60000ms");
    expect_taken("--dead-after=25001ms");
}

static void test_rates_off(void **state) {
    (void)state;
    struct reading reading = read_config(WORDS("--rate-limits=off", "--connect-rate=1/2"), NO_WORDS);
    expect_good(&reading);
    assert_int_equal(reading.config->message_rate.per_second, 0);
    assert_int_equal(reading.config->find_rate.per_second, 0);
    assert_int_equal(reading.config->connect_rate.per_second, 0);
    config_free(reading.config);
    reading = read_config(WORDS("--find-rate=off"), NO_WORDS);
    expect_good(&reading);
    assert_int_equal(reading.config->find_rate.per_second, 0);
    assert_int_equal(reading.config->message_rate.per_second, 10);
    config_free(reading.config);
}

/* --- what is printed ------------------------------------------------------------------------------------------------ */

/* What a config_print_…() writes. The caller frees it. */
static char *printed(void (*print)(FILE *out)) {
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    print(out);
    fclose(out);
    return text;
}

/* A file of all defaults changes nothing, and mentions every option. */
static void test_printed_defaults(void **state) {
    (void)state;
    char *text = printed(config_print_defaults);
    write_file(path, text, strlen(text));
    free(text);
    struct reading file = read_config(WORDS("--config", path), NO_WORDS);
    struct reading none = read_config(NO_WORDS, NO_WORDS);
    unlink(path);
    expect_good(&file);
    expect_good(&none);
#define CONFIG_GROUP(title)
#define CONFIG_STRING(field, flag, fallback, metavar, help)                                                            \
    if (none.config->field == NULL)                                                                                    \
        assert_null(file.config->field);                                                                               \
    else                                                                                                               \
        assert_string_equal(file.config->field, none.config->field);
#define CONFIG_LIST(field, ...)     expect_list(file.config->field, (const char *const *)none.config->field);
#define CONFIG_NUMBER(field, ...)   assert_int_equal(file.config->field, none.config->field);
#define CONFIG_DURATION(field, ...) assert_int_equal(file.config->field, none.config->field);
#define CONFIG_SIZE(field, ...)     assert_int_equal(file.config->field, none.config->field);
#define CONFIG_RATE(field, ...)     assert_memory_equal(&file.config->field, &none.config->field, sizeof(struct rate));
#define CONFIG_SWITCH(field, ...)   assert_int_equal(file.config->field, none.config->field);
#define CONFIG_CHOICE(field, ...)   assert_int_equal(file.config->field, none.config->field);
#include "passerby/config.def"
    config_free(file.config);
    config_free(none.config);
}

static void test_printed_options(void **state) {
    (void)state;
    static const char *const flags[] = {
#define CONFIG_GROUP(title)
#define CONFIG_STRING(field, flag, ...)   flag,
#define CONFIG_LIST(field, flag, ...)     flag,
#define CONFIG_NUMBER(field, flag, ...)   flag,
#define CONFIG_DURATION(field, flag, ...) flag,
#define CONFIG_SIZE(field, flag, ...)     flag,
#define CONFIG_RATE(field, flag, ...)     flag,
#define CONFIG_SWITCH(field, flag, ...)   flag,
#define CONFIG_CHOICE(field, flag, ...)   flag,
#include "passerby/config.def"
    };
    char *help = printed(config_print_help);
    char *markdown = printed(config_print_markdown);
    char *man = printed(config_print_man);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        char wanted[64];
        snprintf(wanted, sizeof wanted, "\n  --%s ", flags[i]);
        assert_non_null(strstr(help, wanted));
        snprintf(wanted, sizeof wanted, "| `--%s ", flags[i]);
        assert_non_null(strstr(markdown, wanted));
    }
    assert_non_null(strstr(man, "\\fB\\-\\-max\\-body\\fR \\fISIZE\\fR\n"));
    free(markdown);
    free(man);
    for (const char *line = help; *line != '\0'; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 80);
    free(help);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_internal_off),
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_secret),
        cmocka_unit_test(test_cluster),
        cmocka_unit_test(test_redis_urls),
        cmocka_unit_test(test_secret_file),
        cmocka_unit_test(test_limits_together),
        cmocka_unit_test(test_rates_off),
        cmocka_unit_test(test_printed_defaults),
        cmocka_unit_test(test_printed_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
