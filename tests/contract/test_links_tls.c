/* test_links_tls.c - TLS to Redis: whom it believes, and whom not; or, in a build without it, that it says so. */
#include "links.h"

#include "base/memory.h"

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

enum { PATH_CHARS = 128, URL_CHARS = 300 };

static void assert_refused_at_start(struct links *links, const char *url, const char *ca, const char *says) {
    const struct redis_broker_options options = {.url = url, .tls_ca = ca, .log = links->log};
    const struct broker_listener listener = {0};
    char error[300] = "";
    assert_null(redis_broker_new(&links->loop, &options, 1, &listener, error, sizeof error));
    if (strstr(error, says) == NULL)
        fail_msg("%s", error);
}

#if PASSERBY_REDIS_TLS

struct bench {
    struct links *links;
    struct redis_process *server;
    char directory[PATH_CHARS];
    char certificate[PATH_CHARS]; /* of whom it is believed, signed by itself */
    char key[PATH_CHARS];
    char stranger[PATH_CHARS]; /* another's */
    unsigned port;
    char url[URL_CHARS];
};

static void make_certificate(struct bench *bench, const char *name, const char *names, char path[PATH_CHARS]) {
    char command[4 * PATH_CHARS];
    snprintf(path, PATH_CHARS, "%.60s/%s.pem", bench->directory, name);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=%s -addext "
             "subjectAltName=%s -out %s -keyout %.60s/%s.key 2>/dev/null",
             name, names, path, bench->directory, name);
    assert_int_equal(system(command), 0);
}

static void start(struct bench *bench, const char *names) {
    char port[8];
    make_certificate(bench, "server", names, bench->certificate);
    snprintf(bench->key, sizeof bench->key, "%.60s/server.key", bench->directory);
    bench->port = redis_process_free_port();
    snprintf(port, sizeof port, "%u", bench->port);
    bench->server = redis_process_new(LIST("--tls-port", port, "--tls-cert-file", bench->certificate, "--tls-key-file",
                                           bench->key, "--tls-auth-clients", "no", "--tls-replication", "yes",
                                           "--tls-ca-cert-file", bench->certificate));
}

static const char *url_of(struct bench *bench, const char *scheme, const char *host, unsigned port) {
    snprintf(bench->url, sizeof bench->url, "%s://%s:%u", scheme, host, port);
    return bench->url;
}

static int setup(void **state) {
    static struct bench bench;
    bench = (struct bench){.links = links_new(), .directory = "/tmp/passerby-tls-XXXXXX"};
    assert_non_null(mkdtemp(bench.directory));
    make_certificate(&bench, "stranger", "IP:127.0.0.1,DNS:localhost", bench.stranger);
    *state = &bench;
    return 0;
}

static int teardown(void **state) {
    struct bench *bench = *state;
    char command[2 * PATH_CHARS];
    links_free(bench->links);
    redis_process_free(bench->server);
    snprintf(command, sizeof command, "rm -r %.60s", bench->directory);
    return system(command);
}

static void test_believed(void **state) {
    struct bench *bench = *state;
    start(bench, "IP:127.0.0.1,DNS:localhost");
    links_join_tls(bench->links, 0, url_of(bench, "rediss", "127.0.0.1", bench->port), bench->certificate);
    links_join_tls(bench->links, 1, url_of(bench, "rediss", "localhost", bench->port), bench->certificate);
    links_until_up(bench->links);
    links_assert_well(bench->links, 2);
    redis_process_ask(bench->server, "CLIENT KILL TYPE normal");
    for (unsigned i = 0; i < 2; i++)
        LINKS_UNTIL(bench->links, bench->links->nodes[i].events[BROKER_LINK_RESUMED] > 0);
    links_until_up(bench->links);
    links_assert_well(bench->links, 2);
}

/* More than a TLS record holds, and more than the kernel takes at once. */
static void test_much(void **state) {
    enum { FRAMES = 200000 };
    struct bench *bench = *state;
    start(bench, "IP:127.0.0.1");
    for (unsigned i = 0; i < 2; i++)
        links_join_tls(bench->links, i, url_of(bench, "rediss", "127.0.0.1", bench->port), bench->certificate);
    links_until_up(bench->links);
    struct broker *from = bench->links->nodes[0].broker;
    for (unsigned i = 0; i < FRAMES; i++)
        from->ops->relay(from, bench->links->nodes[1].boot, &i, sizeof i);
    LINKS_UNTIL(bench->links, bench->links->nodes[1].events[BROKER_RELAYED] >= FRAMES);
    assert_int_equal(bench->links->nodes[1].frames, FRAMES);
}

static void assert_distrusted(struct bench *bench, const char *url, const char *ca, const char *says) {
    unsigned before = links_logged(bench->links, says);
    links_join_tls(bench->links, 0, url, ca);
    links_until_trouble(bench->links, 0, REDIS_TROUBLE_TLS, 4);
    assert_false(links_stats(bench->links, 0).has_been_up);
    assert_int_equal(links_stats(bench->links, 0).trouble, REDIS_TROUBLE_TLS);
    assert_int_equal(links_logged(bench->links, says), before + 1);
    links_leave(bench->links, 0);
}

static void test_unknown_authority(void **state) {
    struct bench *bench = *state;
    start(bench, "IP:127.0.0.1");
    assert_distrusted(bench, url_of(bench, "rediss", "127.0.0.1", bench->port), bench->stranger,
                      "self-signed certificate");
    assert_distrusted(bench, url_of(bench, "rediss", "127.0.0.1", bench->port), NULL, "self-signed certificate");
}

/* A good certificate of somebody else: whoever holds one could listen in. */
static void test_wrong_name(void **state) {
    struct bench *bench = *state;
    start(bench, "IP:127.0.0.2,DNS:redis.example");
    assert_distrusted(bench, url_of(bench, "rediss", "127.0.0.1", bench->port), bench->certificate,
                      "IP address mismatch");
    assert_distrusted(bench, url_of(bench, "rediss", "localhost", bench->port), bench->certificate,
                      "hostname mismatch");
}

static uint64_t refusals(const struct bench *bench) {
    struct redis_broker_stats stats = links_stats(bench->links, 0);
    return stats.errors[REDIS_TROUBLE_TLS] + stats.errors[REDIS_TROUBLE_UNREACHABLE];
}

/* The server wants a certificate of ours, which we don't have. In TLS 1.3 it says so after the handshake, and hangs up;
 * whether its alert is read before that is chance. */
static void test_client_certificate_wanted(void **state) {
    struct bench *bench = *state;
    start(bench, "IP:127.0.0.1");
    redis_process_ask(bench->server, "CONFIG SET tls-auth-clients yes");
    links_join_tls(bench->links, 0, url_of(bench, "rediss", "127.0.0.1", bench->port), bench->certificate);
    LINKS_UNTIL(bench->links, refusals(bench) >= 8);
    assert_false(links_stats(bench->links, 0).has_been_up);
    redis_process_ask(bench->server, "CONFIG SET tls-auth-clients no");
    links_until_up(bench->links);
}

static void test_mismatch(void **state) {
    struct bench *bench = *state;
    start(bench, "IP:127.0.0.1");
    assert_distrusted(bench, url_of(bench, "rediss", "127.0.0.1", redis_process_port(bench->server)),
                      bench->certificate, "does it speak TLS?");
    /* It hangs up, and whether its alert is read before that is chance. */
    links_join(bench->links, 0, url_of(bench, "redis", "127.0.0.1", bench->port), NULL);
    LINKS_UNTIL(bench->links, refusals(bench) >= 4);
    assert_true(links_logged(bench->links, "without TLS?") + links_logged(bench->links, "use rediss://") >= 1);
}

static void test_sentinel(void **state) {
    struct bench *bench = *state;
    char lines[4][2 * PATH_CHARS];
    unsigned port = redis_process_free_port();
    start(bench, "IP:127.0.0.1");
    snprintf(lines[0], sizeof lines[0], "tls-port %u", port);
    snprintf(lines[1], sizeof lines[1], "tls-cert-file %s", bench->certificate);
    snprintf(lines[2], sizeof lines[2], "tls-key-file %s", bench->key);
    snprintf(lines[3], sizeof lines[3], "tls-ca-cert-file %s", bench->certificate);
    struct redis_process *sentinel = redis_process_new_sentinel(
        bench->port, LIST(lines[0], lines[1], lines[2], lines[3], "tls-auth-clients no", "tls-replication yes"));
    snprintf(bench->url, sizeof bench->url, "rediss+sentinel://127.0.0.1:%u/main", port);
    for (unsigned i = 0; i < 2; i++)
        links_join_tls(bench->links, i, bench->url, bench->certificate);
    links_until_up(bench->links);
    links_assert_well(bench->links, 2);
    redis_process_free(sentinel);
}

static void test_bad_file(void **state) {
    struct bench *bench = *state;
    assert_refused_at_start(bench->links, "rediss://h", "/nonexistent",
                            "no certificates can be read from /nonexistent");
    assert_refused_at_start(bench->links, "rediss://h", "/dev/null", "no certificates can be read from /dev/null");
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        BENCH_TEST(test_believed),          BENCH_TEST(test_much),
        BENCH_TEST(test_unknown_authority), BENCH_TEST(test_wrong_name),
        BENCH_TEST(test_mismatch),          BENCH_TEST(test_sentinel),
        BENCH_TEST(test_bad_file),          BENCH_TEST(test_client_certificate_wanted),
    };
    return cmocka_run_group_tests_name("links_tls", tests, NULL, NULL);
}

#else

static void test_not_in_this_build(void **state) {
    (void)state;
    struct links *links = links_new();
    assert_refused_at_start(links, "rediss://h", NULL, "--redis: rediss: this build's hiredis has no TLS");
    assert_refused_at_start(links, "rediss+sentinel://h/name", NULL, "this build's hiredis has no TLS");
    links_free(links);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_not_in_this_build)};
    return cmocka_run_group_tests_name("links_tls", tests, NULL, NULL);
}

#endif
