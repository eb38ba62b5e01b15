/* test_redis_url.c - Redis URLs, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/redis_url.h"

#include <string.h>

#define HOST(name_, port_) {{(char *)(name_), (port_)}}, .host_count = 1

static const struct {
    const char *text;
    struct redis_url is;
    const char *shown; /* NULL: the text itself */
} good[] = {
    {"redis://localhost:6379", {.hosts = HOST("localhost", 6379)}, NULL},
    {"redis://localhost", {.hosts = HOST("localhost", 6379)}, "redis://localhost:6379"},
    {"redis://localhost/", {.hosts = HOST("localhost", 6379)}, "redis://localhost:6379"},
    {"redis://my-redis_1.svc.cluster.local/0",
     {.hosts = HOST("my-redis_1.svc.cluster.local", 6379)},
     "redis://my-redis_1.svc.cluster.local:6379"},
    {"redis://10.1.2.3:7000/15", {.hosts = HOST("10.1.2.3", 7000), .database = 15}, NULL},
    {"redis://h:1/65535", {.hosts = HOST("h", 1), .database = 65535}, NULL},
    {"redis://[::1]:7000", {.hosts = HOST("::1", 7000)}, NULL},
    {"redis://[::1]", {.hosts = HOST("::1", 6379)}, "redis://[::1]:6379"},
    {"redis://[fe80::1%eth0]:1", {.hosts = HOST("fe80::1%eth0", 1)}, NULL},
    {"redis://[::ffff:10.0.0.1]/2",
     {.hosts = HOST("::ffff:10.0.0.1", 6379), .database = 2},
     "redis://[::ffff:10.0.0.1]:6379/2"},
    {"redis://:p%40%2f%25ss@h", {.hosts = HOST("h", 6379), .password = (char *)"p@/%ss"}, "redis://h:6379"},
    {"redis://%75:%C3%A9@h",
     {.hosts = HOST("h", 6379), .user = (char *)"u", .password = (char *)"é"},
     "redis://h:6379"},
    {"redis://u:a:b@c@h:1", {.hosts = HOST("h", 1), .user = (char *)"u", .password = (char *)"a:b@c"}, "redis://h:1"},
    {"rediss://u:p@h:2/3",
     {.tls = true, .hosts = HOST("h", 2), .user = (char *)"u", .password = (char *)"p", .database = 3},
     "rediss://h:2/3"},
    {"unix:/run/redis.sock", {.scheme = REDIS_SCHEME_UNIX, .path = (char *)"/run/redis.sock"}, NULL},
    {"unix:///run/redis.sock?db=4",
     {.scheme = REDIS_SCHEME_UNIX, .path = (char *)"/run/redis.sock", .database = 4},
     "unix:/run/redis.sock?db=4"},
    {"redis+sentinel://:s@a,b:1,[::2]:3/main/5",
     {.scheme = REDIS_SCHEME_SENTINEL,
      .hosts = {{(char *)"a", 26379}, {(char *)"b", 1}, {(char *)"::2", 3}},
      .host_count = 3,
      .name = (char *)"main",
      .password = (char *)"s",
      .database = 5},
     "redis+sentinel://a:26379,b:1,[::2]:3/main/5"},
    {"rediss+sentinel://a/main",
     {.scheme = REDIS_SCHEME_SENTINEL, .tls = true, .hosts = HOST("a", 26379), .name = (char *)"main"},
     "rediss+sentinel://a:26379/main"},
};

static void assert_text(const char *is, const char *should_be) {
    if (should_be == NULL)
        assert_null(is);
    else
        assert_string_equal(is, should_be);
}

static void assert_same(const struct redis_url *is, const struct redis_url *should_be) {
    assert_int_equal(is->scheme, should_be->scheme);
    assert_int_equal(is->tls, should_be->tls);
    assert_int_equal(is->host_count, should_be->host_count);
    for (size_t i = 0; i < should_be->host_count; i++) {
        assert_text(is->hosts[i].name, should_be->hosts[i].name);
        assert_int_equal(is->hosts[i].port, should_be->hosts[i].port);
    }
    assert_text(is->path, should_be->path);
    assert_text(is->name, should_be->name);
    assert_text(is->user, should_be->user);
    assert_text(is->password, should_be->password);
    assert_int_equal(is->database, should_be->database);
}

static void test_good(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct redis_url url;
        const char *error;
        char shown[REDIS_URL_TEXT_CHARS];
        if (!redis_url_parse(good[i].text, &url, &error))
            fail_msg("%s: %s", good[i].text, error);
        assert_same(&url, &good[i].is);
        redis_url_text(&url, shown);
        assert_string_equal(shown, good[i].shown != NULL ? good[i].shown : good[i].text);
        redis_url_fini(&url);
    }
}

static const struct {
    const char *text;
    const char *says; /* part of the error */
} bad[] = {
    {"", "must begin with"},
    {"localhost:6379", "must begin with"},
    {"http://h", "must begin with"},
    {"redis:/h", "must begin with"},
    {"Redis://h", "must begin with"},
    {"redis://", "host is missing"},
    {"redis://:1", "host is missing"},
    {"redis://u:p@", "host is missing"},
    {"redis:///1", "host is missing"},
    {"redis://[]:1", "host is missing"},
    {"redis://h:", "port"},
    {"redis://h:0", "port"},
    {"redis://h:65536", "port"},
    {"redis://h:0006379", "port"},
    {"redis://h:1x", "port"},
    {"redis://h:-1", "port"},
    {"redis://[::1]x", "port"},
    {"redis://[::1]:", "port"},
    {"redis://h/x", "database"},
    {"redis://h/-1", "database"},
    {"redis://h/1/2", "database"},
    {"redis://h/9999999", "database"},
    {"redis://h/65536", "database"},
    {"redis://h/1?x=y", "database"},
    {"redis://h?x=y", "host must be"},
    {"redis://h h", "host must be"},
    {"redis://a,b", "redis+sentinel://"},
    {"redis://u@h", "user:password"},
    {"redis://:@h", "user:password"},
    {"redis://u:@h", "user:password"},
    {"redis://:a/b@h", "%2F"},
    {"redis://u:%zz@h", "hexadecimal"},
    {"redis://u:%4@h", "hexadecimal"},
    {"redis://u:%00@h", "hexadecimal"},
    {"redis://%:p@h", "hexadecimal"},
    {"redis://[::1", "']'"},
    {"redis://::1:6379", "brackets"},
    {"redis://[h]:1", "brackets"},
    {"redis://[::1::]:1", "brackets"},
    {"unix:", "begin with '/'"},
    {"unix:run", "begin with '/'"},
    {"unix:/run?x=1", "db=number"},
    {"unix:/run?db=x", "database"},
    {"redis+sentinel://a", "name by which"},
    {"redis+sentinel://a/", "name by which"},
    {"redis+sentinel://a,/n", "host is missing"},
    {"redis+sentinel://a/n/x", "database"},
    {"redis+sentinel://a,b,c,d,e,f,g,h,i/n", "more than 8"},
};

static void test_bad(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct redis_url url;
        const char *error;
        if (redis_url_parse(bad[i].text, &url, &error))
            fail_msg("%s: taken", bad[i].text);
        if (strstr(error, bad[i].says) == NULL)
            fail_msg("%s: %s", bad[i].text, error);
        redis_url_fini(&url);
    }
}

/* What sun_path can't hold would be cut, and mean another socket. */
static void test_long_paths(void **state) {
    (void)state;
    char text[200] = "unix:/";
    struct redis_url url;
    const char *error;
    memset(text + strlen("unix:/"), 'x', 106);
    assert_true(redis_url_parse(text, &url, &error));
    redis_url_fini(&url);
    text[strlen("unix:/") + 106] = 'x';
    assert_false(redis_url_parse(text, &url, &error));
    assert_non_null(strstr(error, "longer"));
}

/* A text that does not fit is cut, not overrun. */
static void test_long_texts(void **state) {
    (void)state;
    char text[1000] = "redis+sentinel://";
    char shown[REDIS_URL_TEXT_CHARS];
    struct redis_url url;
    const char *error;
    for (int i = 0; i < 4; i++) {
        memset(text + strlen(text), 'a', 60);
        strcat(text, i < 3 ? "," : "/name/1");
    }
    assert_true(redis_url_parse(text, &url, &error));
    redis_url_text(&url, shown);
    assert_int_equal(strlen(shown), REDIS_URL_TEXT_CHARS - 1);
    redis_url_fini(&url);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_long_paths),
        cmocka_unit_test(test_long_texts),
    };
    return cmocka_run_group_tests_name("redis_url", tests, NULL, NULL);
}
