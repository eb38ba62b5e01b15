/* test_url.c - the addresses that the commands take, and those they refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "url.h"

#include <string.h>

static void test_good(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool tls;
        const char *host;
        uint16_t port;
        const char *path;
        const char *authority;
    } rows[] = {
        {"ws://localhost:8080/ws", false, "localhost", 8080, "/ws", "localhost:8080"},
        {"ws://localhost", false, "localhost", 80, "/ws", "localhost"},
        {"WSS://chat.example.org", true, "chat.example.org", 443, "/ws", "chat.example.org"},
        {"http://127.0.0.1:80/", false, "127.0.0.1", 80, "/ws", "127.0.0.1"},
        {"https://h:8443/deep/ws?a=b", true, "h", 8443, "/deep/ws?a=b", "h:8443"},
        {"ws://[::1]:8080", false, "::1", 8080, "/ws", "[::1]:8080"},
        {"ws://[::1]/x", false, "::1", 80, "/x", "[::1]"},
        {"ws://h?a", false, "h", 80, "/?a", "h"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct url url;
        char error[URL_ERROR_CHARS];
        if (!url_read_websocket(rows[i].text, &url, error))
            fail_msg("%s: %s", rows[i].text, error);
        assert_int_equal(url.tls, rows[i].tls);
        assert_string_equal(url.host, rows[i].host);
        assert_int_equal(url.port, rows[i].port);
        assert_string_equal(url.path, rows[i].path);
        assert_string_equal(url.authority, rows[i].authority);
    }
}

static void test_bad(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",           "localhost",   "localhost:8080", "ftp://h",        "ws:/h",
        "ws://",      "ws://:80",    "ws://h:",        "ws://h:0",       "ws://h:65536",
        "ws://h:80x", "ws://user@h", "ws://h/#top",    "ws://h/a b",     "ws://h/a\r\nb",
        "ws://[::1",  "ws://[]",     "ws://[::1]80",   "ws://h\xc3\xa4",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct url url;
        char error[URL_ERROR_CHARS];
        if (url_read_websocket(rows[i], &url, error))
            fail_msg("%s was taken", rows[i]);
        assert_null(strpbrk(error, "\r\n"));
    }
}

static void test_too_long(void **state) {
    (void)state;
    char host[URL_HOST_CHARS + 10] = "ws://";
    memset(host + 5, 'h', URL_HOST_CHARS + 1);
    struct url url;
    char error[URL_ERROR_CHARS];
    assert_false(url_read_websocket(host, &url, error));
    host[5 + URL_HOST_CHARS] = '\0';
    assert_true(url_read_websocket(host, &url, error));
    char path[URL_PATH_CHARS + 10] = "ws://h/";
    memset(path + 7, 'p', URL_PATH_CHARS);
    assert_false(url_read_websocket(path, &url, error));
}

static void test_http(void **state) {
    (void)state;
    struct url url;
    char error[URL_ERROR_CHARS];
    assert_true(url_read_http("http://127.0.0.1:9090", &url, error));
    assert_string_equal(url.path, "/readyz");
    assert_true(url_read_http("http://127.0.0.1:9090/livez", &url, error));
    assert_string_equal(url.path, "/livez");
    assert_false(url_read_http("https://127.0.0.1:9090", &url, error));
    assert_false(url_read_http("ws://127.0.0.1:9090", &url, error));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
