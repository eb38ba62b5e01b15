/* test_metrics.c - counting, adding the nodes up, and the text format. */
#include "passerby/metrics.h"
#include "passerby/redis_broker.h"

#include "base/buffer.h"

#include <ctype.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

static const struct build_info build = {"1.2.3", "abcdef", "4.1.6"};

static struct buffer render(const struct metrics *const nodes[], size_t count) {
    struct buffer out = {0};
    metrics_render(&out, nodes, count, &build);
    buffer_append(&out, "", 1);
    return out;
}

/* Expects that whole line. */
static void expect_line(const struct buffer *out, const char *line) {
    char wanted[256];
    snprintf(wanted, sizeof wanted, "\n%s\n", line);
    if (strstr(out->bytes, wanted) == NULL)
        fail_msg("missing: %s", line);
}

static void test_nodes_are_combined(void **state) {
    (void)state;
    struct metrics a = {0}, b = {0};
    metrics_add(&a, METRIC_MESSAGES, 2);
    metrics_add(&a, METRIC_MESSAGES, 1);
    metrics_add(&b, METRIC_MESSAGES, 5);
    metrics_set(&a, METRIC_WAITING, 9);
    metrics_set(&a, METRIC_WAITING, 3);
    metrics_set(&b, METRIC_WAITING, 1);
    metrics_set(&a, METRIC_ONLINE, 40);
    metrics_set(&b, METRIC_ONLINE, 41);
    metrics_set(&a, METRIC_REDIS_UP, 1);
    metrics_set(&a, METRIC_REDIS_UNANSWERED, 2);
    metrics_set_label(&b, METRIC_REDIS_ERRORS, REDIS_TROUBLE_OTHER - 1, 12);
    metrics_add_label(&a, METRIC_ERRORS, ERROR_BAD_JSON, 1);
    metrics_add_label(&b, METRIC_ERRORS, ERROR_BAD_JSON, 2);
    metrics_add_label(&b, METRIC_ERRORS, ERROR_BUSY, 4);
    metrics_add_label(&b, METRIC_ENDED, ENDED_EXPIRED, 6);
    metrics_add_label(&b, METRIC_CLOSES, metrics_close_row(4501), 7);
    metrics_set_label(&a, METRIC_CLOSES, metrics_close_row(4242), 8);
    metrics_add_label(&a, METRIC_REFUSED, 3, 11);
    assert_int_equal(metrics_get(&a, METRIC_MESSAGES), 3);
    struct buffer out = render((const struct metrics *const[]){&a, &b}, 2);
    expect_line(&out, "passerby_messages_total 8");
    expect_line(&out, "passerby_waiting 4");
    expect_line(&out, "passerby_online 41");
    expect_line(&out, "passerby_redis_up 0");
    expect_line(&out, "passerby_redis_unanswered 2");
    expect_line(&out, "passerby_redis_errors_total{reason=\"unreachable\"} 0");
    expect_line(&out, "passerby_redis_errors_total{reason=\"other\"} 12");
    expect_line(&out, "passerby_errors_total{code=\"bad_json\"} 3");
    expect_line(&out, "passerby_errors_total{code=\"busy\"} 4");
    expect_line(&out, "passerby_errors_total{code=\"too_long\"} 0");
    expect_line(&out, "passerby_ended_total{reason=\"expired\"} 6");
    expect_line(&out, "passerby_closes_total{code=\"4501\"} 7");
    expect_line(&out, "passerby_closes_total{code=\"other\"} 8");
    expect_line(&out, "passerby_connections_refused_total{reason=\"handshake\"} 11");
    expect_line(&out, "passerby_build_info{version=\"1.2.3\",commit=\"abcdef\",lws=\"4.1.6\"} 1");
    buffer_fini(&out);
}

static void test_close_rows(void **state) {
    (void)state;
#define CLOSE_ROW(name, code, text) assert_int_equal(metrics_close_row(code), CLOSE_ROW_##name);
#include "passerby/reasons.def"
    assert_int_equal(metrics_close_row(0), CLOSE_ROW_OTHER);
    assert_int_equal(metrics_close_row(1006), CLOSE_ROW_OTHER);
    assert_int_equal(metrics_close_row(65535), CLOSE_ROW_OTHER);
}

static void test_histogram(void **state) {
    (void)state;
    struct metrics a = {0}, b = {0};
    metrics_observe_us(&a, HISTOGRAM_WAIT, 0);
    metrics_observe_us(&a, HISTOGRAM_WAIT, 10000); /* a bound belongs to its bucket */
    metrics_observe_us(&b, HISTOGRAM_WAIT, 10001);
    metrics_observe_us(&b, HISTOGRAM_WAIT, 300000001);
    struct buffer out = render((const struct metrics *const[]){&a, &b}, 2);
    expect_line(&out, "passerby_wait_seconds_bucket{le=\"0.01\"} 2");
    expect_line(&out, "passerby_wait_seconds_bucket{le=\"0.05\"} 3");
    expect_line(&out, "passerby_wait_seconds_bucket{le=\"300\"} 3");
    expect_line(&out, "passerby_wait_seconds_bucket{le=\"+Inf\"} 4");
    expect_line(&out, "passerby_wait_seconds_count 4");
    expect_line(&out, "passerby_wait_seconds_sum 300.020002");
    expect_line(&out, "passerby_relay_seconds_count 0");
    buffer_fini(&out);
}

/* The bounds of each histogram ascend, and are told apart when printed. */
static void test_bounds_ascend(void **state) {
    (void)state;
    struct metrics metrics = {0};
    struct buffer out = render((const struct metrics *const[]){&metrics}, 1);
    double before = 0;
    int buckets = 0;
    for (const char *at = out.bytes; (at = strstr(at, "_bucket{le=\"")) != NULL; at++) {
        double bound;
        if (sscanf(at, "_bucket{le=\"%lf\"}", &bound) == 1 && strncmp(at, "_bucket{le=\"+Inf", 16) != 0)
            assert_true(bound > before);
        else
            bound = 0;
        before = bound;
        buckets++;
    }
    assert_int_equal(buckets, HISTOGRAMS * (HISTOGRAM_BOUNDS + 1));
    buffer_fini(&out);
}

/* Each line is a comment or "name{labels} number"; each sample follows the HELP and TYPE of its name. */
static void test_format(void **state) {
    (void)state;
    struct metrics metrics = {0};
    struct buffer out = render((const struct metrics *const[]){&metrics}, 1);
    assert_int_equal(out.bytes[out.length - 2], '\n');
    char *rest = out.bytes;
    char family[128] = "", type[32] = "";
    for (char *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
        if (sscanf(line, "# TYPE %127s %31s", family, type) == 2 || strncmp(line, "# HELP ", 7) == 0)
            continue;
        size_t name = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
        assert_memory_equal(line, family, strlen(family));
        assert_true(name == strlen(family) || strcmp(type, "histogram") == 0);
        const char *number = strrchr(line, ' ');
        assert_non_null(number);
        assert_true(isdigit((unsigned char)number[1]));
        bool ends_in_total = strcmp(family + strlen(family) - 6, "_total") == 0;
        assert_int_equal(ends_in_total, strcmp(type, "counter") == 0);
    }
    buffer_fini(&out);
}

/* What the kernel says of this process. */
static void test_process(void **state) {
    (void)state;
    struct buffer out = render(NULL, 0);
    double resident, files, start, cpu;
    assert_int_equal(sscanf(strstr(out.bytes, "\nprocess_resident_memory_bytes "), " %*s %lf", &resident), 1);
    assert_int_equal(sscanf(strstr(out.bytes, "\nprocess_open_fds "), " %*s %lf", &files), 1);
    assert_int_equal(sscanf(strstr(out.bytes, "\nprocess_start_time_seconds "), " %*s %lf", &start), 1);
    assert_int_equal(sscanf(strstr(out.bytes, "\nprocess_cpu_seconds_total "), " %*s %lf", &cpu), 1);
    assert_true(resident > 100000 && resident < 1e12);
    assert_true(files >= 1 && files < 1e6);
    assert_true(start > 1.6e9 && start <= (double)time(NULL) + 2);
    assert_true(cpu > 0);
    buffer_fini(&out);
}

enum { COUNTS = 200000 };

static void *count(void *metrics) {
    for (int i = 0; i < COUNTS; i++) {
        metrics_add(metrics, METRIC_MESSAGES, 1);
        metrics_observe_us(metrics, HISTOGRAM_RELAY, (uint64_t)i);
    }
    return NULL;
}

/* One thread writes each, another reads meanwhile: TSan sees no race, nothing is lost, nothing goes back. */
static void test_threads(void **state) {
    (void)state;
    struct metrics a = {0}, b = {0};
    pthread_t threads[2];
    assert_int_equal(pthread_create(&threads[0], NULL, count, &a), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, count, &b), 0);
    unsigned long before = 0, now = 0;
    for (int i = 0; i < 20; i++) {
        struct buffer out = render((const struct metrics *const[]){&a, &b}, 2);
        assert_int_equal(sscanf(strstr(out.bytes, "\npasserby_messages_total "), " %*s %lu", &now), 1);
        assert_true(now >= before);
        before = now;
        buffer_fini(&out);
    }
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    struct buffer out = render((const struct metrics *const[]){&a, &b}, 2);
    expect_line(&out, "passerby_messages_total 400000");
    expect_line(&out, "passerby_relay_seconds_count 400000");
    buffer_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes_are_combined),
        cmocka_unit_test(test_close_rows),
        cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_bounds_ascend),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_process),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
