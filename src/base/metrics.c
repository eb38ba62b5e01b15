/* metrics.c - the nodes' counters as text for Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/
 *
 * Extending: a new row of metrics.def needs nothing here; a new family needs its list of label values. */
#include "passerby/metrics.h"

#include "passerby/net.h"
#include "passerby/redis_broker.h"

#include "base/buffer.h"
#include "base/process.h"

#include <inttypes.h>

_Static_assert((int)METRIC_REFUSALS == (int)NET_REFUSALS, "metrics.h must count the refusals of net.h");

_Static_assert((int)METRIC_REDIS_TROUBLES == (int)REDIS_TROUBLES - 1, "metrics.h must count those of redis_broker.h");

static const char *const refusal_words[] = {
    [REFUSED_FULL] = "full",
    [REFUSED_ADDRESS] = "address",
    [REFUSED_ORIGIN] = "origin",
    [REFUSED_HANDSHAKE] = "handshake",
};

static const char *const error_words[] = {
#define ERROR_ROW(name, code, counts, message) code,
#include "passerby/reasons.def"
};

static const char *const ended_words[] = {
#define ENDED_ROW(name, reason) reason,
#include "passerby/reasons.def"
};

static const char *const close_words[] = {
#define CLOSE_ROW(name, code, text) #code,
#include "passerby/reasons.def"
    "other",
};

static const enum close_code close_codes[] = {
#define CLOSE_ROW(name, code, text) code,
#include "passerby/reasons.def"
};

/* The first stands for none. */
static const char *const trouble_words[] = {
#define TROUBLE_WORD(name, word, sentence) word,
    REDIS_TROUBLE_ROWS(TROUBLE_WORD)
#undef TROUBLE_WORD
};

/* Ascending, in microseconds. */
static const uint64_t wait_bounds_us[HISTOGRAM_BOUNDS] = {10000,    50000,    100000,    250000,   500000,
                                                          1000000,  2000000,  4000000,   8000000,  15000000,
                                                          30000000, 60000000, 120000000, 300000000};
static const uint64_t relay_bounds_us[HISTOGRAM_BOUNDS] = {5,    10,   25,   50,    100,   250,    500,
                                                           1000, 2500, 5000, 10000, 50000, 250000, 1000000};
static const uint64_t lag_bounds_us[HISTOGRAM_BOUNDS] = {100,   250,   500,    1000,   2500,   5000,    10000,
                                                         25000, 50000, 100000, 250000, 500000, 1000000, 5000000};

static const uint64_t *const histogram_bounds[] = {
#define METRIC_COUNTER(name, text, help)
#define METRIC_GAUGE(name, text, combine, help)
#define METRIC_FAMILY(name, text, label, count, words, help)
#define METRIC_HISTOGRAM(name, text, bounds, help) bounds,
#include "passerby/metrics.def"
};

enum kind { COUNTER, GAUGE, FAMILY, HISTOGRAM };
enum combine { SUM, MAX, MIN };

struct row {
    enum kind kind;
    unsigned first; /* enum metric, or enum metric_histogram */
    const char *name;
    const char *help;
    enum combine combine;
    const char *label; /* FAMILY */
    const char *const *words;
    unsigned count;
};

static const struct row rows[] = {
#define METRIC_COUNTER(name_, text, help_) {.kind = COUNTER, .first = METRIC_##name_, .name = text, .help = help_},
#define METRIC_GAUGE(name_, text, combine_, help_)                                                                     \
    {.kind = GAUGE, .first = METRIC_##name_, .name = text, .help = help_, .combine = combine_},
#define METRIC_FAMILY(name_, text, label_, count_, words_, help_)                                                      \
    {.kind = FAMILY,                                                                                                   \
     .first = METRIC_##name_,                                                                                          \
     .name = text,                                                                                                     \
     .help = help_,                                                                                                    \
     .label = label_,                                                                                                  \
     .words = words_,                                                                                                  \
     .count = count_},
#define METRIC_HISTOGRAM(name_, text, bounds, help_)                                                                   \
    {.kind = HISTOGRAM, .first = HISTOGRAM_##name_, .name = text, .help = help_},
#include "passerby/metrics.def"
};

void metrics_observe_us(struct metrics *metrics, enum metric_histogram which, uint64_t us) {
    const uint64_t *bounds = histogram_bounds[which];
    struct histogram *histogram = &metrics->histograms[which];
    unsigned at = 0;
    while (at < HISTOGRAM_BOUNDS && us > bounds[at])
        at++;
    metrics_cell_add(&histogram->buckets[at], 1);
    metrics_cell_add(&histogram->sum_us, us);
}

enum close_row metrics_close_row(unsigned code) {
    unsigned row = 0;
    while (row < CLOSE_ROW_OTHER && close_codes[row] != code)
        row++;
    return row;
}

static uint64_t combined_cell(const struct metrics *const nodes[], size_t count, unsigned cell, enum combine combine) {
    uint64_t result = combine == MIN && count > 0 ? UINT64_MAX : 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = metrics_get(nodes[i], cell);
        if (combine == SUM)
            result += value;
        else if (combine == MAX ? value > result : value < result)
            result = value;
    }
    return result;
}

static uint64_t combined_bucket(const struct metrics *const nodes[], size_t count, unsigned which, unsigned bucket) {
    uint64_t result = 0;
    for (size_t i = 0; i < count; i++)
        result += atomic_load_explicit(&nodes[i]->histograms[which].buckets[bucket], memory_order_relaxed);
    return result;
}

static void render_histogram(struct buffer *out, const struct metrics *const nodes[], size_t count,
                             const struct row *row) {
    const uint64_t *bounds = histogram_bounds[row->first];
    uint64_t total = 0; /* buckets are cumulative in the text format */
    for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++) {
        total += combined_bucket(nodes, count, row->first, i);
        buffer_printf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", row->name, (double)bounds[i] / 1e6, total);
    }
    total += combined_bucket(nodes, count, row->first, HISTOGRAM_BOUNDS);
    uint64_t sum_us = 0;
    for (size_t i = 0; i < count; i++)
        sum_us += atomic_load_explicit(&nodes[i]->histograms[row->first].sum_us, memory_order_relaxed);
    buffer_printf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", row->name, total);
    buffer_printf(out, "%s_sum %.6f\n", row->name, (double)sum_us / 1e6);
    buffer_printf(out, "%s_count %" PRIu64 "\n", row->name, total);
}

static void render_row(struct buffer *out, const struct metrics *const nodes[], size_t count, const struct row *row) {
    static const char *const types[] = {
        [COUNTER] = "counter", [GAUGE] = "gauge", [FAMILY] = "counter", [HISTOGRAM] = "histogram"};
    buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name, types[row->kind]);
    switch (row->kind) {
    case COUNTER:
    case GAUGE:
        buffer_printf(out, "%s %" PRIu64 "\n", row->name, combined_cell(nodes, count, row->first, row->combine));
        break;
    case FAMILY:
        for (unsigned i = 0; i < row->count; i++)
            buffer_printf(out, "%s{%s=\"%s\"} %" PRIu64 "\n", row->name, row->label, row->words[i],
                          combined_cell(nodes, count, row->first + i, SUM));
        break;
    case HISTOGRAM: render_histogram(out, nodes, count, row); break;
    }
}

static void render_process(struct buffer *out) {
    struct process_stats stats;
    process_stats(&stats);
    buffer_printf(out,
                  "# HELP process_resident_memory_bytes Memory of this process in RAM.\n"
                  "# TYPE process_resident_memory_bytes gauge\n"
                  "process_resident_memory_bytes %" PRIu64 "\n",
                  stats.resident_bytes);
    buffer_printf(out,
                  "# HELP process_open_fds Open files of this process.\n"
                  "# TYPE process_open_fds gauge\n"
                  "process_open_fds %" PRIu64 "\n",
                  stats.open_files);
    buffer_printf(out,
                  "# HELP process_start_time_seconds When this process began, in Unix time.\n"
                  "# TYPE process_start_time_seconds gauge\n"
                  "process_start_time_seconds %.2f\n",
                  stats.start_seconds);
    buffer_printf(out,
                  "# HELP process_cpu_seconds_total User and system time of this process.\n"
                  "# TYPE process_cpu_seconds_total counter\n"
                  "process_cpu_seconds_total %.6f\n",
                  stats.cpu_seconds);
}

void metrics_render(struct buffer *out, const struct metrics *const nodes[], size_t count,
                    const struct build_info *build) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        render_row(out, nodes, count, &rows[i]);
    buffer_printf(out,
                  "# HELP passerby_build_info What runs here; always 1.\n"
                  "# TYPE passerby_build_info gauge\n"
                  "passerby_build_info{version=\"%s\",commit=\"%s\",lws=\"%s\"} 1\n",
                  build->version, build->commit, build->lws);
    render_process(out);
}
