/* test_address.c - addresses, ranges, and the client behind proxies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "address.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

static struct net_address parsed(const char *text) {
    struct net_address address;
    if (!address_parse(text, strlen(text), &address))
        fail_msg("%s is an address", text);
    return address;
}

static void expect_same(const struct net_address *a, const char *text) {
    struct net_address b = parsed(text);
    char shown[INET6_ADDRSTRLEN];
    if (memcmp(a, &b, sizeof b) != 0)
        fail_msg("%s instead of %s", inet_ntop(AF_INET6, a->bytes, shown, sizeof shown), text);
}

static void test_addresses(void **state) {
    (void)state;
    struct net_address address = parsed("192.0.2.1");
    expect_same(&address, "::ffff:192.0.2.1");
    static const char *const bad[] = {
        "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "::1::", "1.2.3.4 ", "[::1]", "localhost", "1:2:3:4:5:6:7:8:9", NULL};
    for (const char *const *text = bad; *text != NULL; text++)
        if (address_parse(*text, strlen(*text), &address))
            fail_msg("%s is no address", *text);
}

static void test_nodes(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *address; /* NULL = not one */
    } rows[] = {
        {"192.0.2.43", "192.0.2.43"},
        {"192.0.2.43:47011", "192.0.2.43"},
        {"2001:db8::17", "2001:db8::17"},
        {"[2001:db8:cafe::17]", "2001:db8:cafe::17"},
        {"[2001:db8:cafe::17]:4711", "2001:db8:cafe::17"},
        {"::ffff:10.1.2.3", "10.1.2.3"},
        {"unknown", NULL},
        {"_gazonk", NULL},
        {"192.0.2.43:", NULL},
        {"192.0.2.43:port", NULL},
        {"192.0.2.43:123456", NULL},
        {"[2001:db8::17", NULL},
        {"[2001:db8::17]x", NULL},
        {"[192.0.2.43]", NULL},
        {"[]", NULL},
        {"[", NULL},
        {":", NULL},
        {"", NULL},
        {"2001:db8::17%eth0", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct net_address address;
        bool good = address_parse_node(rows[i].text, strlen(rows[i].text), &address);
        if (good != (rows[i].address != NULL))
            fail_msg("'%s' is %s", rows[i].text, good ? "taken" : "refused");
        if (good)
            expect_same(&address, rows[i].address);
    }
}

static void test_ranges(void **state) {
    (void)state;
    static const struct {
        const char *range;
        const char *address;
        bool in;
    } rows[] = {
        {"10.0.0.0/8", "10.255.255.255", true},      {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "::ffff:10.1.1.1", true},     {"192.168.4.0/22", "192.168.7.255", true},
        {"192.168.4.0/22", "192.168.8.0", false},    {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},           {"0.0.0.0/0", "255.1.2.3", true},
        {"0.0.0.0/0", "2001:db8::1", false},         {"2001:db8::/33", "2001:db8:7fff::", true},
        {"2001:db8::/33", "2001:db8:8000::", false}, {"::/0", "1.2.3.4", true},
    };
    struct net_range range;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct net_address address = parsed(rows[i].address);
        assert_true(address_parse_range(rows[i].range, &range));
        if (address_in_range(&address, &range) != rows[i].in)
            fail_msg("%s in %s: wrong", rows[i].address, rows[i].range);
    }
    static const char *const bad[] = {"",       "/8",  "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
                                      "::/129", "a/8", NULL};
    for (const char *const *text = bad; *text != NULL; text++)
        if (address_parse_range(*text, &range))
            fail_msg("%s is no range", *text);
}

static void test_localhost(void **state) {
    (void)state;
    static const char *const others[] = {
        "127.0.0.6", "127.1.0.1", "127.0.0.0", "::", "::2", "1::1", "::127.0.0.1", NULL};
    struct net_address address = parsed("127.0.0.1");
    assert_true(address_is_localhost(&address));
    address = parsed("::1");
    assert_true(address_is_localhost(&address));
    for (const char *const *text = others; *text != NULL; text++) {
        address = parsed(*text);
        if (address_is_localhost(&address))
            fail_msg("%s is not", *text);
    }
}

static void test_keys(void **state) {
    (void)state;
    struct net_address a = parsed("192.0.2.1");
    struct net_address b = parsed("192.0.2.2");
    struct net_address c = parsed("2001:db8::1");
    struct net_address d = parsed("2001:db8::ffff:1:2:3");
    struct net_address e = parsed("2001:db8:0:1::1");
    struct net_address zero = parsed("::");
    assert_true(address_key(&a) != address_key(&b));
    assert_true(address_key(&c) == address_key(&d));
    assert_true(address_key(&c) != address_key(&e));
    assert_true(address_key(&zero) != 0);
}

static void test_sockets(void **state) {
    (void)state;
    struct net_address address;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    inet_pton(AF_INET, "198.51.100.7", &v4.sin_addr);
    assert_true(address_from_socket((const struct sockaddr *)&v4, &address));
    expect_same(&address, "198.51.100.7");
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    inet_pton(AF_INET6, "2001:db8::7", &v6.sin6_addr);
    assert_true(address_from_socket((const struct sockaddr *)&v6, &address));
    expect_same(&address, "2001:db8::7");
    struct sockaddr local = {.sa_family = AF_UNIX};
    assert_false(address_from_socket(&local, &address));
}

static void test_clients(void **state) {
    (void)state;
    struct net_range trusted[2];
    assert_true(address_parse_range("10.0.0.0/8", &trusted[0]));
    assert_true(address_parse_range("fd00::/8", &trusted[1]));
    static const struct {
        const char *peer;
        const char *x_forwarded_for;
        const char *forwarded;
        const char *client;
    } rows[] = {
        {"192.0.2.1", "203.0.113.9", NULL, "192.0.2.1"}, /* not from a proxy: not believed */
        {"10.0.0.1", NULL, NULL, "10.0.0.1"},
        {"10.0.0.1", "203.0.113.9", NULL, "203.0.113.9"},
        {"10.0.0.1", "1.1.1.1, 203.0.113.9", NULL,
         "203.0.113.9"}, /* what stands left of it, the client may have written */
        {"10.0.0.1", "203.0.113.9, 10.0.0.7", NULL, "203.0.113.9"},
        {"10.0.0.1", "203.0.113.9,10.0.0.7 , fd00::1", NULL, "203.0.113.9"},
        {"10.0.0.1", "10.0.0.9", NULL, "10.0.0.9"},
        {"10.0.0.1", "203.0.113.9, garbage", NULL, "10.0.0.1"},
        {"10.0.0.1", "garbage, 10.0.0.7", NULL, "10.0.0.7"},
        {"10.0.0.1", "", NULL, "10.0.0.1"},
        {"10.0.0.1", ",", NULL, "10.0.0.1"},
        {"10.0.0.1", NULL, "for=203.0.113.9", "203.0.113.9"},
        {"10.0.0.1", NULL, "For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"},
        {"10.0.0.1", NULL, "for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"},
        {"10.0.0.1", NULL, "proto=http; by=203.0.113.43; for=192.0.2.60", "192.0.2.60"},
        {"10.0.0.1", NULL, "for=192.0.2.43, for=198.51.100.17;host=\"a,b;for=1.1.1.1\"", "198.51.100.17"},
        {"10.0.0.1", NULL, "for=192.0.2.43, for=\"10.0.0.8:80\"", "192.0.2.43"},
        {"10.0.0.1", NULL, "for=unknown", "10.0.0.1"},
        {"10.0.0.1", NULL, "for=_hidden, for=10.0.0.8", "10.0.0.8"},
        {"10.0.0.1", NULL, "proto=https", "10.0.0.1"},
        {"10.0.0.1", NULL, "for=", "10.0.0.1"},
        {"10.0.0.1", NULL, "for=\"", "10.0.0.1"},
        {"10.0.0.1", NULL, ";;;", "10.0.0.1"},
        {"10.0.0.1", "203.0.113.9", "for=192.0.2.43", "203.0.113.9"},
        {"10.0.0.1", "", "for=192.0.2.43", "10.0.0.1"}, /* there, though empty: the other is not asked */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct net_address client =
            address_client(parsed(rows[i].peer), trusted, 2, rows[i].x_forwarded_for, rows[i].forwarded);
        expect_same(&client, rows[i].client);
    }
    struct net_address nobody_trusted = address_client(parsed("10.0.0.1"), NULL, 0, "203.0.113.9", NULL);
    expect_same(&nobody_trusted, "10.0.0.1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_nodes), cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_localhost), cmocka_unit_test(test_keys),  cmocka_unit_test(test_sockets),
        cmocka_unit_test(test_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
