/* test_origin.c - which pages may connect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "origin.h"

static const char *const friends[] = {"friend.example", "port.example:8443", "[2001:db8::1]:8080", NULL};
static const char *const anybody[] = {"friend.example", "*", NULL};

static void test_rows(void **state) {
    (void)state;
    static const struct {
        const char *origin;
        const char *host;
        const char *const *allowed;
        bool good;
    } rows[] = {
        {NULL, "a.example", NULL, true},
        {NULL, NULL, NULL, true},
        {"http://a.example", "a.example", NULL, true},
        {"https://a.example", "a.example", NULL, true},
        {"HTTPS://A.Example", "a.eXAMPLE", NULL, true},
        {"http://a.example:80", "a.example", NULL, true},
        {"http://a.example", "a.example:80", NULL, true},
        {"https://a.example", "a.example:443", NULL, true},
        {"https://a.example:443", "a.example", NULL, true},
        {"https://a.example:80", "a.example", NULL, false},
        {"http://a.example:443", "a.example", NULL, false},
        {"http://a.example:8080", "a.example:8080", NULL, true},
        {"http://a.example:8080", "a.example:8081", NULL, false},
        {"http://a.example:8080", "a.example", NULL, false},
        {"http://a.example", "a.example:8080", NULL, false},
        {"http://localhost:8080", "localhost:8080", NULL, true},
        {"http://[::1]:8080", "[::1]:8080", NULL, true},
        {"http://[::1]", "[::1]:80", NULL, true},
        {"http://[::1]", "[::2]", NULL, false},
        {"null", "null", NULL, false},
        {"null", "a.example", friends, false},
        {"", "a.example", NULL, false}, /* there, though empty */
        {"", "a.example", friends, false},
        {",http://a.example", "a.example", NULL, false},
        {"null,http://a.example", "a.example", NULL, false},
        {"http://", "a.example", NULL, false},
        {"://a.example", "a.example", NULL, false},
        {"a.example", "a.example", NULL, false},
        {"http://a.example/", "a.example", NULL, false},
        {"http://a.example@evil.example", "a.example", NULL, false},
        {"http://evil.example", "a.example", NULL, false},
        {"http://a.example.evil.example", "a.example", NULL, false},
        {"http://a.example", NULL, NULL, false},
        {"http://a.example", "", NULL, false},
        {"https://friend.example", "a.example", friends, true},
        {"http://friend.example", "a.example", friends, true},
        {"https://sub.friend.example", "a.example", friends, false},
        {"https://port.example:8443", "a.example", friends, true},
        {"https://port.example", "a.example", friends, false},
        {"http://[2001:DB8::1]:8080", "a.example", friends, true},
        {"http://evil.example", "a.example", friends, false},
        {"http://evil.example", "a.example", anybody, true},
        {"null", "a.example", anybody, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (origin_allowed(rows[i].origin, rows[i].host, rows[i].allowed) != rows[i].good)
            fail_msg("row %zu: origin %s, host %s", i, rows[i].origin, rows[i].host);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
