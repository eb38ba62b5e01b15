/* worker.c - one node on a thread and a libuv loop of its own.
 *
 * Flow:   the loop turns: sockets (net) and the broker's wake-ups call the node; before each wait the timer is set
 *         to the node's next deadline; every BEAT_MS the loop says that it lives, and writes its gauges.
 * Fails:  the loop stood still (the process was frozen, the machine overloaded): nobody could be heard meanwhile, so
 *         the node's deadlines are shifted by the gap before any of them fires.
 * Owns:   loop, net, node, broker connection, metrics. Other threads ask by `asked` and `wake`, and read what is
 *         atomic: the beat, the metrics, the net's counters. */
#include "worker.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "passerby/redis_broker.h"

#include "crowds.h"

#include "base/memory.h"
#include "base/random.h"

#include <uv.h>

enum {
    BEAT_MS = 250,
    BEATS_A_SECOND = 1000 / BEAT_MS,
    GAP_MS = 1000,      /* a turn that is so much late means that the loop stood still */
    FAREWELL_MS = 2000, /* for the last close frames to leave */
};

/* What other threads ask for. */
enum { ASK_DRAIN = 1, ASK_RELOAD = 2, ASK_STOP = 4 };

struct worker {
    uv_loop_t loop;
    uv_thread_t thread;
    bool started;
    bool stopping;
    bool ending; /* the net has been told to end: it is not ours to call any more */
    uv_async_t wake;
    uv_timer_t deadline;
    uv_timer_t beat;
    uv_timer_t farewell;
    uv_prepare_t prepare;
    int64_t armed_ms;     /* what the deadline timer is set to; INT64_MAX = not set */
    int64_t last_turn_ms; /* when the loop last went to wait */
    int64_t farewell_until_ms;
    _Atomic uint32_t asked;
    _Atomic uint32_t drain_spread_ms;
    _Atomic int64_t beat_ms;
    struct crowds crowds;
    unsigned beats;
    bool in_cluster;     /* the broker is Redis */
    _Atomic bool joined; /* it has been in use once: without it later, what is here goes on */
    _Atomic unsigned trouble;
    bool peer_unknown; /* logged */
    bool peer_garbage;
    struct random random;
    struct metrics metrics;
    struct log *log;
    const char *certificate; /* its file; borrowed */
    struct node *node;
    struct net *net;
    struct broker *broker;
};

/* --- the clock ---------------------------------------------------------------------------------------------------- */

static int64_t monotonic_us(void *context) {
    (void)context;
    return (int64_t)(uv_hrtime() / 1000);
}

static int64_t monotonic_ms(void) {
    return monotonic_us(NULL) / 1000;
}

static int64_t wall_ms(void *context) {
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t random_bits(void *context) {
    return random_u64(context);
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

static void notice_gap(struct worker *worker) {
    int64_t now = monotonic_ms();
    int64_t late = now - worker->last_turn_ms - BEAT_MS;
    if (late < GAP_MS)
        return;
    log_line(worker->log, LOG_LEVEL_WARNING, "the loop stood still", "gap_ms=%lld", (long long)late);
    node_shift(worker->node, late);
    worker->last_turn_ms = now;
}

static void on_deadline(uv_timer_t *timer) {
    struct worker *worker = timer->data;
    notice_gap(worker);
    int64_t late_ms = monotonic_ms() - worker->armed_ms;
    worker->armed_ms = INT64_MAX;
    metrics_observe_us(&worker->metrics, HISTOGRAM_LOOP_LAG, late_ms > 0 ? (uint64_t)late_ms * 1000 : 0);
    node_tick(worker->node);
}

/* Before the loop waits: the timer goes to the node's next deadline, if that has changed. */
static void on_prepare(uv_prepare_t *prepare) {
    struct worker *worker = prepare->data;
    worker->last_turn_ms = monotonic_ms();
    int64_t due = node_deadline_ms(worker->node);
    if (due == worker->armed_ms || worker->stopping)
        return;
    worker->armed_ms = due;
    if (due == INT64_MAX) {
        uv_timer_stop(&worker->deadline);
        return;
    }
    uv_update_time(&worker->loop);
    uv_timer_start(&worker->deadline, on_deadline,
                   due > worker->last_turn_ms ? (uint64_t)(due - worker->last_turn_ms) : 0, 0);
}

static void write_net_metrics(struct worker *worker) {
    struct metrics *metrics = &worker->metrics;
    struct net_stats stats;
    net_stats(worker->net, &stats);
    metrics_set(metrics, METRIC_CONNECTIONS, stats.connections);
    metrics_set(metrics, METRIC_ACCEPTED, stats.accepted);
    for (unsigned i = 0; i < NET_REFUSALS; i++)
        metrics_set_label(metrics, METRIC_REFUSED, i, stats.refused[i]);
    for (unsigned i = 0; i < CLOSE_ROWS; i++)
        metrics_set_label(metrics, METRIC_CLOSES, i, stats.closed_by_code[i]);
    metrics_set(metrics, METRIC_QUEUED_BYTES, stats.queued_bytes);
    metrics_set(metrics, METRIC_RECEIVED_BYTES, stats.bytes_in);
    metrics_set(metrics, METRIC_SENT_BYTES, stats.bytes_out);
}

static void write_redis_metrics(struct worker *worker) {
    struct metrics *metrics = &worker->metrics;
    struct redis_broker_stats stats;
    redis_broker_stats(worker->broker, &stats);
    metrics_set(metrics, METRIC_REDIS_UP, stats.up);
    metrics_set(metrics, METRIC_REDIS_UNANSWERED, stats.unanswered);
    metrics_set(metrics, METRIC_REDIS_RECONNECTS, stats.resumed);
    for (unsigned i = 0; i < METRIC_REDIS_TROUBLES; i++)
        metrics_set_label(metrics, METRIC_REDIS_ERRORS, i, stats.errors[i + 1]);
    metrics_set(metrics, METRIC_REDIS_HEARD, stats.heard);
    metrics_set(metrics, METRIC_REDIS_GARBAGE, stats.garbage);
    metrics_set(metrics, METRIC_REDIS_UNKNOWN, stats.unknown);
    metrics_set(metrics, METRIC_RELAY_FRAMES, stats.relayed);
    metrics_set(metrics, METRIC_RELAY_PUBLISHED, stats.published);
    metrics_set(metrics, METRIC_RELAY_DROPPED, stats.dropped);
    metrics_set(metrics, METRIC_RELAYS_DOWN, stats.relays_down);
    atomic_store_explicit(&worker->joined, stats.has_been_up, memory_order_relaxed);
    atomic_store_explicit(&worker->trouble, stats.trouble, memory_order_relaxed);
}

/* Says once what the metrics count from then on. */
static void notice(struct worker *worker, bool *noticed, enum metric metric, enum log_level level, const char *what) {
    uint64_t count = metrics_get(&worker->metrics, metric);
    if (*noticed || count == 0)
        return;
    *noticed = true;
    log_line(worker->log, level, what, "frames=%llu", (unsigned long long)count);
}

static void beat(struct worker *worker) {
    atomic_store_explicit(&worker->beat_ms, monotonic_ms(), memory_order_relaxed);
    node_observe(worker->node);
    notice(worker, &worker->peer_unknown, METRIC_PEER_UNKNOWN, LOG_LEVEL_INFO,
           "a node of another version sends frames that this one does not know");
    notice(worker, &worker->peer_garbage, METRIC_PEER_GARBAGE, LOG_LEVEL_WARNING,
           "frames from another node can't be read");
    write_net_metrics(worker);
    if (worker->in_cluster)
        write_redis_metrics(worker);
    if (worker->beats++ % BEATS_A_SECOND == 0)
        crowds_tell(&worker->crowds, monotonic_us(NULL));
}

static void on_beat(uv_timer_t *timer) {
    notice_gap(timer->data);
    beat(timer->data);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void on_net_ended(void *context) {
    struct worker *worker = context;
    if (worker->broker != NULL) /* before `wake`, which it would call */
        worker->broker->ops->close(worker->broker);
    worker->broker = NULL;
    uv_close((uv_handle_t *)&worker->wake, NULL);
    uv_close((uv_handle_t *)&worker->deadline, NULL);
    uv_close((uv_handle_t *)&worker->beat, NULL);
    uv_close((uv_handle_t *)&worker->farewell, NULL);
    uv_close((uv_handle_t *)&worker->prepare, NULL);
}

/* Waits for the close handshakes, but not for ever. */
static void on_farewell(uv_timer_t *timer) {
    struct worker *worker = timer->data;
    struct net_stats stats;
    net_stats(worker->net, &stats);
    if (stats.connections > 0 && monotonic_ms() < worker->farewell_until_ms)
        return;
    worker->ending = true;
    uv_timer_stop(timer);
    uv_timer_stop(&worker->beat);
    uv_prepare_stop(&worker->prepare);
    net_free(worker->net, on_net_ended, worker);
}

static void stop(struct worker *worker) {
    if (worker->stopping)
        return;
    worker->stopping = true;
    net_stop_accepting(worker->net);
    net_close_all(worker->net, CLOSE_RESTART);
    uv_timer_stop(&worker->deadline);
    worker->farewell_until_ms = monotonic_ms() + FAREWELL_MS;
    uv_timer_start(&worker->farewell, on_farewell, 0, 20);
}

static void reload(struct worker *worker) {
    if (net_reload_tls(worker->net))
        log_line(worker->log, LOG_LEVEL_INFO, "certificate read again", "file=%s", worker->certificate);
    else
        log_line(worker->log, LOG_LEVEL_ERROR, "certificate can't be used, the old one stays", "file=%s",
                 worker->certificate);
}

static void on_wake(uv_async_t *wake) {
    struct worker *worker = wake->data;
    uint32_t asked = atomic_exchange(&worker->asked, 0);
    if ((asked & ASK_RELOAD) != 0)
        reload(worker);
    if ((asked & ASK_DRAIN) != 0) {
        net_stop_accepting(worker->net);
        metrics_set(&worker->metrics, METRIC_DRAINING, 1);
        node_drain(worker->node, atomic_load(&worker->drain_spread_ms));
    }
    if ((asked & ASK_STOP) != 0)
        stop(worker);
    if (!worker->ending)
        node_poll(worker->node);
}

static void wake(void *context) {
    struct worker *worker = context;
    uv_async_send(&worker->wake);
}

/* --- the outside -------------------------------------------------------------------------------------------------- */

static void open_loop(struct worker *worker) {
    uv_loop_t *loop = &worker->loop;
    int failed = uv_loop_init(loop);
    failed |= uv_async_init(loop, &worker->wake, on_wake);
    failed |= uv_timer_init(loop, &worker->deadline);
    failed |= uv_timer_init(loop, &worker->beat);
    failed |= uv_timer_init(loop, &worker->farewell);
    failed |= uv_prepare_init(loop, &worker->prepare);
    assert(failed == 0);
    worker->wake.data = worker->deadline.data = worker->beat.data = worker->farewell.data = worker->prepare.data =
        worker;
}

void worker_free(struct worker *worker) {
    node_free(worker->node);
    int failed = uv_loop_close(&worker->loop);
    assert(failed == 0);
    free(worker);
}

static struct broker *open_broker(struct worker *worker, const struct worker_options *options, uint64_t boot,
                                  char *error, size_t error_size) {
    struct broker_listener others = {node_on_broker_event, worker->node, wake, worker};
    worker->in_cluster = options->redis->url != NULL;
    if (!worker->in_cluster)
        return memory_hub_join(options->hub, boot, &others);
    return redis_broker_new(&worker->loop, options->redis, boot, &others, error, error_size);
}

struct worker *worker_new(const struct worker_options *options, char *error, size_t error_size) {
    struct worker *worker = memory_zero(1, sizeof *worker);
    uint64_t seed;
    random_secret(&seed, sizeof seed);
    random_init(&worker->random, seed);
    open_loop(worker);
    worker->armed_ms = INT64_MAX;
    worker->log = options->net.log;
    worker->certificate = options->net.tls_certificate;

    struct node_options node = options->node;
    random_secret(&node.core.boot, sizeof node.core.boot);
    node.core.boot |= 1; /* never 0 */
    node.metrics = &worker->metrics;
    node.clock = (struct clock){monotonic_us, wall_ms, random_bits, &worker->random};
    worker->node = node_new(&node);

    struct transport_listener clients = node_transport_listener(worker->node);
    worker->broker = open_broker(worker, options, node.core.boot, error, error_size);
    if (worker->broker != NULL)
        worker->net = net_new(&worker->loop, &options->net, &clients, error, error_size);
    if (worker->net == NULL) {
        on_net_ended(worker);
        uv_run(&worker->loop, UV_RUN_DEFAULT);
        worker_free(worker);
        return NULL;
    }
    metrics_set(&worker->metrics, METRIC_REDIS_UP, !worker->in_cluster);
    if (worker->in_cluster && options->crowds != NULL) {
        worker->crowds.admission = options->crowds;
        worker->crowds.broker = worker->broker;
        memcpy(worker->crowds.key, options->node.key, sizeof worker->crowds.key);
    }
    node_attach(worker->node, net_transport(worker->net), worker->broker);
    atomic_store(&worker->beat_ms, monotonic_ms());
    return worker;
}

static void run(void *context) {
    struct worker *worker = context;
    worker->last_turn_ms = monotonic_ms();
    uv_prepare_start(&worker->prepare, on_prepare);
    uv_timer_start(&worker->beat, on_beat, 0, BEAT_MS);
    net_start(worker->net);
    uv_run(&worker->loop, UV_RUN_DEFAULT);
}

void worker_start(struct worker *worker) {
    int failed = uv_thread_create(&worker->thread, run, worker);
    assert(failed == 0);
    worker->started = true;
}

static void ask(struct worker *worker, uint32_t what) {
    atomic_fetch_or(&worker->asked, what);
    uv_async_send(&worker->wake);
}

void worker_drain(struct worker *worker, uint32_t spread_ms) {
    atomic_store(&worker->drain_spread_ms, spread_ms);
    ask(worker, ASK_DRAIN);
}

void worker_reload(struct worker *worker) {
    ask(worker, ASK_RELOAD);
}

void worker_stop(struct worker *worker) {
    ask(worker, ASK_STOP);
}

/* Only until Redis was reached for the first time: a whole fleet that goes unready at once is an outage of its own. */
static const char *not_ready(const struct worker *worker) {
    if (!worker->in_cluster || atomic_load_explicit(&worker->joined, memory_order_relaxed))
        return NULL;
    enum redis_trouble trouble = atomic_load_explicit(&worker->trouble, memory_order_relaxed);
    return trouble != REDIS_TROUBLE_NONE ? redis_trouble_sentence(trouble) : "Redis has not been reached yet";
}

void worker_view(const struct worker *worker, struct worker_view *out) {
    out->metrics = &worker->metrics;
    out->not_ready = not_ready(worker);
    out->beat_age_ms = monotonic_ms() - atomic_load_explicit(&worker->beat_ms, memory_order_relaxed);
}

uint64_t worker_connections(const struct worker *worker) {
    struct net_stats stats;
    net_stats(worker->net, &stats);
    return stats.connections;
}

void worker_join(struct worker *worker) {
    if (worker->started) {
        uv_thread_join(&worker->thread);
    } else { /* never ran: its net ends here */
        stop(worker);
        uv_run(&worker->loop, UV_RUN_DEFAULT);
    }
}

uint16_t worker_port(const struct worker *worker) {
    return net_port(worker->net);
}

uint16_t worker_internal_port(const struct worker *worker) {
    return net_internal_port(worker->net);
}
