/* test_api.c - the HTTP answers, over workers that are no more than what they show. */
#include "api.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

/* This test's workers: worker.c is not linked, as worker_view() is all that api.c needs of it. */
struct worker {
    struct metrics metrics;
    int64_t beat_age_ms;
    const char *not_ready;
};

void worker_view(const struct worker *worker, struct worker_view *out) {
    *out = (struct worker_view){
        .metrics = &worker->metrics, .beat_age_ms = worker->beat_age_ms, .not_ready = worker->not_ready};
}

static void drain(void *context) {
    ++*(int *)context;
}

struct bench {
    struct worker one, two;
    struct worker *workers[2];
    struct build_info build;
    int drains;
    struct api api;
    struct api_face face;
    struct http_answer answer;
    char body[4000];
};

static void bench_init(struct bench *bench) {
    memset(bench, 0, sizeof *bench);
    bench->workers[0] = &bench->one;
    bench->workers[1] = &bench->two;
    bench->build = (struct build_info){"1.2.3", "abcdef", "4.1.6"};
    bench->api.workers = bench->workers;
    bench->api.worker_count = 2;
    bench->api.build = &bench->build;
    bench->api.drain = drain;
    bench->api.drain_context = &bench->drains;
    bench->face.api = &bench->api;
}

static void bench_fini(struct bench *bench) {
    buffer_fini(&bench->face.body);
}

/* The answer's status; 0: there is no such path. */
static int ask(struct bench *bench, enum http_door door, const char *method, const char *path) {
    memset(&bench->answer, 0, sizeof bench->answer);
    if (!api_answer(&bench->face, door, method, path, &bench->answer))
        return 0;
    size_t length = bench->answer.length < sizeof bench->body - 1 ? bench->answer.length : sizeof bench->body - 1;
    memcpy(bench->body, bench->answer.body, length);
    bench->body[length] = '\0';
    return bench->answer.status;
}

/* Who may ask what, where: what is for operators is not on the public server. */
static void test_paths(void **state) {
    (void)state;
    static const struct {
        const char *method;
        const char *path;
        int outside;
        int inside;
    } rows[] = {
        {"GET", "/api/stats", 200, 0}, {"HEAD", "/api/stats", 200, 0}, {"POST", "/api/stats", 405, 0},
        {"GET", "/livez", 0, 200},     {"HEAD", "/livez", 0, 200},     {"PUT", "/livez", 0, 405},
        {"GET", "/readyz", 0, 200},    {"GET", "/metrics", 0, 200},    {"POST", "/drain", 0, 202},
        {"GET", "/drain", 0, 405},     {"HEAD", "/drain", 0, 405},     {"GET", "/", 0, 0},
        {"GET", "/livez/", 0, 0},      {"GET", "/LIVEZ", 0, 0},        {"get", "/livez", 0, 405},
    };
    struct bench bench;
    bench_init(&bench);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(ask(&bench, HTTP_PUBLIC, rows[i].method, rows[i].path), rows[i].outside);
        assert_int_equal(ask(&bench, HTTP_LOCAL, rows[i].method, rows[i].path), rows[i].inside);
        bool drains = rows[i].inside == 202;
        assert_int_equal(ask(&bench, HTTP_INTERNAL, rows[i].method, rows[i].path), drains ? 403 : rows[i].inside);
    }
    assert_int_equal(bench.drains, 1); /* POST alone drains, and only from this machine */
    assert_int_equal(ask(&bench, HTTP_INTERNAL, "GET", "/drain"), 405);
    assert_string_equal(bench.body, "use POST\n");
    bench_fini(&bench);
}

static void test_stats(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    metrics_set(&bench.one.metrics, METRIC_ONLINE, 17);
    metrics_set(&bench.one.metrics, METRIC_WAITING, 2);
    metrics_set(&bench.two.metrics, METRIC_WAITING, 3);
    metrics_set(&bench.one.metrics, METRIC_CHATS, 4);
    metrics_set(&bench.two.metrics, METRIC_CHATS, 6);
    assert_int_equal(ask(&bench, HTTP_PUBLIC, "GET", "/api/stats"), 200);
    assert_string_equal(bench.answer.content_type, "application/json");
    assert_string_equal(bench.body, "{\"online\":17,\"waiting\":5,\"chats\":5}\n");
    bench_fini(&bench);
}

static void test_livez(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.two.beat_age_ms = 10000;
    assert_int_equal(ask(&bench, HTTP_INTERNAL, "GET", "/livez"), 200);
    assert_string_equal(bench.body, "alive\n");
    bench.two.beat_age_ms = 10001;
    assert_int_equal(ask(&bench, HTTP_INTERNAL, "GET", "/livez"), 503);
    assert_string_equal(bench.body, "worker 1 has stood still for 10001 ms\n");
    bench_fini(&bench);
}

static void test_readyz(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    assert_int_equal(ask(&bench, HTTP_INTERNAL, "GET", "/readyz"), 200);
    assert_string_equal(bench.body, "ready\n");
    bench.two.not_ready = "the second is not";
    assert_int_equal(ask(&bench, HTTP_INTERNAL, "GET", "/readyz"), 503);
    assert_string_equal(bench.body, "the second is not\n");
    assert_int_equal(ask(&bench, HTTP_INTERNAL, "GET", "/livez"), 200);
    bench.one.not_ready = "nor the first";
    assert_int_equal(ask(&bench, HTTP_INTERNAL, "GET", "/readyz"), 503);
    assert_string_equal(bench.body, "nor the first\n");
    bench.one.not_ready = bench.two.not_ready = NULL;
    assert_int_equal(ask(&bench, HTTP_INTERNAL, "GET", "/readyz"), 200);
    atomic_store(&bench.api.draining, true);
    assert_int_equal(ask(&bench, HTTP_INTERNAL, "GET", "/readyz"), 503);
    assert_string_equal(bench.body, "draining\n");
    bench_fini(&bench);
}

static void test_metrics(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    metrics_set(&bench.one.metrics, METRIC_SESSIONS, 3);
    metrics_set(&bench.two.metrics, METRIC_SESSIONS, 4);
    assert_int_equal(ask(&bench, HTTP_INTERNAL, "GET", "/metrics"), 200);
    assert_string_equal(bench.answer.content_type, "text/plain; version=0.0.4; charset=utf-8");
    buffer_append(&bench.face.body, "", 1);
    assert_non_null(strstr(bench.face.body.bytes, "\npasserby_sessions 7\n"));
    assert_non_null(strstr(bench.face.body.bytes, "commit=\"abcdef\""));
    bench_fini(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),  cmocka_unit_test(test_stats),   cmocka_unit_test(test_livez),
        cmocka_unit_test(test_readyz), cmocka_unit_test(test_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
