/* metrics.h - what a node counts, in the Prometheus text format (version 0.0.4).
 *
 * Each node has one struct metrics and is its only writer; any thread may read it meanwhile (relaxed atomics).
 * Rendering combines the nodes.
 *
 * Extending: add a row to metrics.def. */
#ifndef PASSERBY_METRICS_H
#define PASSERBY_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "passerby/reasons.h"

struct buffer;

/* The label values of METRIC_CLOSES: the rows of CLOSE_ROW, and a last one for every other code. */
enum close_row {
#define CLOSE_ROW(name, code, text) CLOSE_ROW_##name,
#include "passerby/reasons.def"
    CLOSE_ROW_OTHER,
    CLOSE_ROWS,
};

/* The label values of METRIC_REFUSED: enum net_refusal; of METRIC_REDIS_ERRORS: enum redis_trouble but for NONE. */
enum { METRIC_REFUSALS = 4, METRIC_REDIS_TROUBLES = 13 };

/* A counter or a gauge is one cell; a family is as many as it has label values, and its enumerator is the first. */
enum metric {
#define METRIC_COUNTER(name, text, help)        METRIC_##name,
#define METRIC_GAUGE(name, text, combine, help) METRIC_##name,
#define METRIC_FAMILY(name, text, label, count, words, help)                                                           \
    METRIC_##name, METRIC_##name##_LAST = METRIC_##name + (count)-1,
#define METRIC_HISTOGRAM(name, text, bounds, help)
#include "passerby/metrics.def"
    METRIC_CELLS,
};

enum metric_histogram {
#define METRIC_COUNTER(name, text, help)
#define METRIC_GAUGE(name, text, combine, help)
#define METRIC_FAMILY(name, text, label, count, words, help)
#define METRIC_HISTOGRAM(name, text, bounds, help) HISTOGRAM_##name,
#include "passerby/metrics.def"
    HISTOGRAMS,
};

enum { HISTOGRAM_BOUNDS = 14 }; /* finite buckets; one more has no bound */

struct histogram {
    _Atomic uint64_t buckets[HISTOGRAM_BOUNDS + 1]; /* not cumulative: rendering adds up */
    _Atomic uint64_t sum_us;
};

/* Zero-initialised is valid. Use the functions below. */
struct metrics {
    _Atomic uint64_t cells[METRIC_CELLS];
    struct histogram histograms[HISTOGRAMS];
};

/* One writer: a relaxed load and store is enough, and is one plain add. */
static inline void metrics_cell_add(_Atomic uint64_t *cell, uint64_t by) {
    atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + by, memory_order_relaxed);
}

static inline void metrics_add(struct metrics *metrics, enum metric metric, uint64_t by) {
    metrics_cell_add(&metrics->cells[metric], by);
}

/* For gauges, and for counters that somebody else keeps. */
static inline void metrics_set(struct metrics *metrics, enum metric metric, uint64_t value) {
    atomic_store_explicit(&metrics->cells[metric], value, memory_order_relaxed);
}

/* The same for the label value `index` of a family, e.g. metrics_add_label(m, METRIC_ERRORS, ERROR_BAD_JSON, 1). */
static inline void metrics_add_label(struct metrics *metrics, enum metric family, unsigned index, uint64_t by) {
    metrics_cell_add(&metrics->cells[(unsigned)family + index], by);
}

static inline void metrics_set_label(struct metrics *metrics, enum metric family, unsigned index, uint64_t value) {
    atomic_store_explicit(&metrics->cells[(unsigned)family + index], value, memory_order_relaxed);
}

static inline uint64_t metrics_get(const struct metrics *metrics, enum metric metric) {
    return atomic_load_explicit(&metrics->cells[metric], memory_order_relaxed);
}

/* Adds a time, in microseconds. */
void metrics_observe_us(struct metrics *metrics, enum metric_histogram which, uint64_t us);

/* The row of a close code; CLOSE_ROW_OTHER for one that has none. */
enum close_row metrics_close_row(unsigned code);

/* The labels of passerby_build_info. Borrowed for the call. */
struct build_info {
    const char *version;
    const char *commit;
    const char *lws; /* version of libwebsockets */
};

/* Appends everything, the process's own numbers (from /proc/self) included, to `out`. Reads the nodes from any
 * thread. */
void metrics_render(struct buffer *out, const struct metrics *const nodes[], size_t count,
                    const struct build_info *build);

#endif
