/* test_sources.c - the command line, the environment and the file: who wins, and what each refuses. */
#include "reading.h"

static char path[64];

/* Reads with this JSON file and no more. */
static struct reading read_file(const char *content, size_t length) {
    write_file(path, content, length);
    struct reading reading = read_config(WORDS("--config", path), NO_WORDS);
    unlink(path);
    return reading;
}

static void test_later_sources_win(void **state) {
    (void)state;
    static const char content[] = "{\"workers\": 2, \"window\": 2, \"listen\": [\"f:1\", \"f:2\"], \"grace\": \"2s\"}";
    write_file(path, content, strlen(content));
    struct reading reading =
        read_config(WORDS("--workers", "4", "--listen", "a:1", "--listen=b:2,c:3", "--config", path),
                    WORDS("HOME=/", "PASSERBY_WORKERS=3", "PASSERBY_WINDOW=3", "PASSERBY_LISTEN=e:1", "PORT=99"));
    unlink(path);
    expect_good(&reading);
    assert_int_equal(reading.config->workers, 4);
    assert_int_equal(reading.config->window, 3);
    assert_int_equal(reading.config->grace_ms, 2000);
    assert_int_equal(reading.config->prefer_ms, 8000);
    expect_list(reading.config->listen, WORDS("a:1", "b:2", "c:3"));
    config_free(reading.config);
}

static void test_last_flag_wins(void **state) {
    (void)state;
    struct reading reading = read_config(WORDS("serve", "--workers=2", "--workers", "3"), NO_WORDS);
    expect_good(&reading);
    assert_int_equal(reading.config->workers, 3);
    config_free(reading.config);
}

static void test_port(void **state) {
    (void)state;
    struct reading reading = read_config(NO_WORDS, WORDS("PORT=1234"));
    expect_good(&reading);
    expect_list(reading.config->listen, WORDS("0.0.0.0:1234", "[::]:1234"));
    config_free(reading.config);
    reading = read_config(NO_WORDS, WORDS("PASSERBY_LISTEN=e:1", "PORT=1234"));
    expect_good(&reading);
    expect_list(reading.config->listen, WORDS("e:1"));
    config_free(reading.config);
    reading = read_config(NO_WORDS, WORDS("PORT="));
    expect_good(&reading);
    config_free(reading.config);
    expect_error(NO_WORDS, WORDS("PORT=http"), "PORT: \"http\" is not a port; use 0 to 65535");
    expect_error(NO_WORDS, WORDS("PORT=65536"), "PORT: \"65536\" is not a port; use 0 to 65535");
    expect_error(NO_WORDS, WORDS("PORT=-1"), "PORT: \"-1\" is not a port; use 0 to 65535");
}

static void test_file_forms(void **state) {
    (void)state;
    static const char content[] =
        "{\"max_body\": 100, \"window\": \"5\", \"rate_limits\": \"on\","
        " \"connect_rate\": \"5/6\", \"secret\": null, \"allowed_origins\": [\"a.org\", \"b.org:1\"],"
        " \"trusted_proxies\": \"10.0.0.0/8, ::1\", \"log_format\": \"json\"}";
    struct reading reading = read_file(content, strlen(content));
    expect_good(&reading);
    assert_int_equal(reading.config->max_body_bytes, 100);
    assert_int_equal(reading.config->window, 5);
    assert_int_equal(reading.config->connect_rate.per_second, 5);
    assert_int_equal(reading.config->connect_rate.burst, 6);
    assert_null(reading.config->secret);
    assert_int_equal(reading.config->log_format, 1);
    expect_list(reading.config->allowed_origins, WORDS("a.org", "b.org:1"));
    expect_list(reading.config->trusted_proxies, WORDS("10.0.0.0/8", "::1"));
    config_free(reading.config);
}

static void test_file_by_variable(void **state) {
    (void)state;
    char variable[128];
    write_file(path, "{\"window\": 9}", 13);
    snprintf(variable, sizeof variable, "PASSERBY_CONFIG=%s", path);
    struct reading reading = read_config(NO_WORDS, WORDS(variable));
    unlink(path);
    expect_good(&reading);
    assert_int_equal(reading.config->window, 9);
    config_free(reading.config);
    expect_error(NO_WORDS, WORDS("PASSERBY_CONFIG=/nowhere/x.json"),
                 "PASSERBY_CONFIG: can't read \"/nowhere/x.json\": No such file or directory");
}

static void test_bad_files(void **state) {
    (void)state;
    static const struct {
        const char *content;
        const char *message;
    } cases[] = {
        {"", "line 1, column 0: not JSON: '[' or '{' expected"},
        {"{\n  \"window\": 3,\n}", "line 3, column 1: not JSON: string or '}' expected"},
        {"{\"window\": 3, \"window\": 4}", "line 1, column 22: not JSON: duplicate object key"},
        {"{\"window\": 3} x", "line 1, column 15: not JSON: end of file expected"},
        {"{\"secret\": \"\xff\"}", "line 1, column 12: not JSON: unable to decode byte 0xff"},
        {"[3]", "not a JSON object; see passerby config --defaults"},
        {"{\"wimdow\": 3}", "\"wimdow\" is no key; did you mean \"window\"?"},
        {"{\"max-body\": 3}", "\"max-body\" is no key; did you mean \"max_body\"?"},
        {"{\"colour of the sky\": 3}", "\"colour of the sky\" is no key; see passerby config --defaults"},
        {"{\"window\": 65}", "\"window\": 65 is out of range; use 1 to 64"},
        {"{\"window\": 1.5}", "\"window\": \"1.5\" is not a number; use a whole number"},
        {"{\"window\": true}", "\"window\": \"on\" is not a number; use a whole number"},
        {"{\"window\": [1]}", "\"window\": is of the wrong kind; use a string"},
        {"{\"window\": {}}", "\"window\": is of the wrong kind; use a string"},
        {"{\"grace\": 60}", "\"grace\": \"60\" is not a duration; use e.g. 500ms, 10s, 2m or 1h"},
        {"{\"listen\": {}}", "\"listen\": is of the wrong kind; use an array of strings"},
        {"{\"listen\": [\"a:1\", 8080]}", "\"listen\": element 2 is not a string; use an array of strings"},
        {"{\"listen\": []}", "\"listen\": is empty; use e.g. 0.0.0.0:8080"},
        {"{\"listen\": [\"nowhere\"]}",
         "\"listen\": \"nowhere\" is not an address; use e.g. 0.0.0.0:8080, [::]:8080 or localhost:8080"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading reading = read_file(cases[i].content, strlen(cases[i].content));
        char line[512];
        snprintf(line, sizeof line, "%s: %s", path, cases[i].message);
        assert_false(reading.good);
        assert_string_equal(reading.error, line);
    }
    expect_error(WORDS("--config=/"), NO_WORDS, "--config: can't read \"/\": Is a directory");
    expect_error(WORDS("--config=/dev/zero"), NO_WORDS, "--config: can't read \"/dev/zero\": File too large");
}

/* An error in the file must not show what stands there: it may be the secret. */
static void test_file_error_hides_content(void **state) {
    (void)state;
    static const char content[] = "{\"secret\": \"correct horse battery staple\" \"window\": 3}";
    struct reading reading = read_file(content, strlen(content));
    assert_false(reading.good);
    assert_null(strstr(reading.error, "horse"));
    static const char broken[] = "{\"secret\": \"correct horse battery staple\n\"}";
    reading = read_file(broken, strlen(broken));
    assert_false(reading.good);
    assert_null(strstr(reading.error, "horse"));
}

static void test_bad_arguments(void **state) {
    (void)state;
    expect_error(WORDS("--gracee", "1s"), NO_WORDS, "--gracee: no such option; did you mean --grace?");
    expect_error(WORDS("--max_body=1"), NO_WORDS, "--max_body: no such option; did you mean --max-body?");
    expect_error(WORDS("--frobnicate=1"), NO_WORDS, "--frobnicate: no such option; see passerby --help");
    expect_error(WORDS("-p", "1"), NO_WORDS, "-p: no such option; see passerby --help");
    expect_error(WORDS("--"), NO_WORDS, "--: no such option; see passerby --help");
    expect_error(WORDS("--check"), NO_WORDS, "--check: no such option; see passerby --help");
    expect_error(WORDS("--workers"), NO_WORDS, "--workers: needs a value; use --workers=N");
    expect_error(WORDS("--workers", "--window", "3"), NO_WORDS, "--workers: needs a value; use --workers=N");
    expect_error(WORDS("--config"), NO_WORDS, "--config: needs a value; use --config=FILE");
    expect_error(WORDS("start"), NO_WORDS,
                 "\"start\": no such command; use serve, chat, probe, healthcheck, config or help");
    expect_error(WORDS(""), NO_WORDS, "\"\": no such command; use serve, chat, probe, healthcheck, config or help");
    expect_error(WORDS("--window=1", "extra"), NO_WORDS,
                 "\"extra\": no such command; use serve, chat, probe, healthcheck, config or help");
    expect_error(WORDS("config"), NO_WORDS, "config: needs to know what; use --check, --defaults, --man or --markdown");
    expect_error(WORDS("config", "--check", "--window=0"), NO_WORDS, "--window: 0 is out of range; use 1 to 64");
}

static void test_one_line(void **state) {
    (void)state;
    expect_error(WORDS("--window=\n\033[2J"), NO_WORDS, "--window: \"??[2J\" is not a number; use a whole number");
    char flag[4000];
    memset(flag, 'x', sizeof flag - 1);
    flag[sizeof flag - 1] = '\0';
    memcpy(flag, "--listen=", 9);
    struct reading reading = read_config(WORDS(flag), NO_WORDS);
    assert_false(reading.good);
    assert_non_null(strstr(reading.error, "is not an address; use e.g."));
    memcpy(flag, "--xxxxxxx", 9);
    reading = read_config(WORDS(flag), NO_WORDS);
    assert_false(reading.good);
    assert_non_null(strstr(reading.error, "no such option"));
}

static void test_bad_variables(void **state) {
    (void)state;
    expect_error(NO_WORDS, WORDS("PASSERBY_GRACEE=1s"),
                 "PASSERBY_GRACEE: no such variable; did you mean PASSERBY_GRACE?");
    expect_error(NO_WORDS, WORDS("PASSERBY_MAX_BODYS=1"),
                 "PASSERBY_MAX_BODYS: no such variable; did you mean PASSERBY_MAX_BODY?");
    expect_error(NO_WORDS, WORDS("PASSERBY_ALLOWED_ORIGIN=a"),
                 "PASSERBY_ALLOWED_ORIGIN: no such variable; did you mean PASSERBY_ALLOWED_ORIGINS?");
    expect_error(NO_WORDS, WORDS("PASSERBY_GRACE=soon"),
                 "PASSERBY_GRACE: \"soon\" is not a duration; use e.g. 500ms, 10s, 2m or 1h");
}

/* What Kubernetes sets for services called passerby and passerby-redis, and what scripts around it may use. */
static void test_foreign_variables(void **state) {
    (void)state;
    struct reading reading =
        read_config(NO_WORDS, WORDS("PASSERBY_SERVICE_HOST=10.0.0.1", "PASSERBY_SERVICE_PORT=80",
                                    "PASSERBY_SERVICE_PORT_HTTP=80", "PASSERBY_PORT=tcp://10.0.0.1:80",
                                    "PASSERBY_PORT_80_TCP=tcp://10.0.0.1:80", "PASSERBY_PORT_80_TCP_PROTO=tcp",
                                    "PASSERBY_PORT_80_TCP_PORT=80", "PASSERBY_PORT_80_TCP_ADDR=10.0.0.1",
                                    "PASSERBY_REDIS_SERVICE_HOST=10.0.0.2", "PASSERBY_REDIS_PORT=tcp://10.0.0.2:6379"));
    expect_good(&reading);
    config_free(reading.config);
    reading = read_config(NO_WORDS, WORDS("PASSERBY_BIN=x", "PASSERBY_URL=y", "PASSERBY_=", "PASSERBY_PORT=80",
                                          "PASSERBY_WEBSOCKET_ENDPOINT_FOR_TESTS=z", "passerby_grace=1", "PASSERBY"));
    expect_good(&reading);
    config_free(reading.config);
}

static void test_commands(void **state) {
    (void)state;
    static const struct {
        const char *words[3];
        enum config_command command;
    } cases[] = {
        {{"serve"}, COMMAND_SERVE},
        {{"help"}, COMMAND_HELP},
        {{"--help"}, COMMAND_HELP},
        {{"-h"}, COMMAND_HELP},
        {{"--version"}, COMMAND_VERSION},
        {{"config", "--help"}, COMMAND_HELP},
        {{"config", "--check"}, COMMAND_CONFIG_CHECK},
        {{"config", "--defaults"}, COMMAND_CONFIG_DEFAULTS},
        {{"config", "--man"}, COMMAND_CONFIG_MAN},
        {{"config", "--markdown"}, COMMAND_CONFIG_MARKDOWN},
        {{"--help", "nonsense"}, COMMAND_HELP},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool reads_sources = cases[i].command == COMMAND_SERVE || cases[i].command == COMMAND_CONFIG_CHECK;
        struct reading reading =
            read_config(cases[i].words, reads_sources ? NO_WORDS : WORDS("PASSERBY_GRACE=nonsense"));
        expect_good(&reading);
        assert_int_equal(reading.command, cases[i].command);
        config_free(reading.config);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_later_sources_win),
        cmocka_unit_test(test_last_flag_wins),
        cmocka_unit_test(test_port),
        cmocka_unit_test(test_file_forms),
        cmocka_unit_test(test_file_by_variable),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_file_error_hides_content),
        cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_one_line),
        cmocka_unit_test(test_bad_variables),
        cmocka_unit_test(test_foreign_variables),
        cmocka_unit_test(test_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
