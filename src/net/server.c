/* server.c - a net's life: the timer, the counters.
 *
 * Flow:   net_new → net_start → … → net_stop_accepting → net_close_all → net_free → (some turns of the loop) → done.
 * Fails:  net_new says in one line what is wrong; nothing half made is left, but for handles that the loop has to
 *         close.
 * Owns:   everything in struct net. */
#include "net_priv.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TEARDOWN_TURNS = 8, /* lws closes its sockets, then its timers, each a turn of the loop later */
};

static void on_timer(uv_timer_t *timer);

void net_arm_timer(struct net *net) {
    int64_t first = heap_next(&net->deadlines);
    int64_t at_ms = first == INT64_MAX ? INT64_MAX : first + net->stood_still_ms;
    if (at_ms >= net->timer_at_ms || net->teardown > 0)
        return; /* it comes early enough, and is set anew then */
    int64_t now = (int64_t)uv_now(net->loop);
    net->timer_at_ms = at_ms;
    uv_timer_start(&net->timer, on_timer, at_ms > now ? (uint64_t)(at_ms - now) : 0, 0);
}

static void on_timer(uv_timer_t *timer) {
    struct net *net = timer->data;
    int64_t late_ms = (int64_t)uv_now(net->loop) - net->timer_at_ms;
    net->timer_at_ms = INT64_MAX;
    /* If the loop stood still (a stopped process, a suspended machine), that is nobody's silence: what peers have sent
     * meanwhile is read before anybody is called dead. */
    if (late_ms > STANDSTILL_MS)
        net->stood_still_ms += late_ms;
    while (heap_next(&net->deadlines) <= net_now(net)) {
        struct heap_entry *entry = heap_first(&net->deadlines);
        heap_remove(&net->deadlines, entry);
        if (entry == &net->accept_again)
            listen_again(net);
        else
            conn_on_deadline(list_entry(entry, struct conn, deadline));
    }
    net_arm_timer(net);
}

static bool parse_trusted(struct net *net, char *error, size_t error_size) {
    const char *const *ranges = net->options.trusted_proxies;
    for (; ranges != NULL && *ranges != NULL; ranges++) {
        net->trusted = memory_resize(net->trusted, net->trusted_count + 1, sizeof *net->trusted);
        if (!address_parse_range(*ranges, &net->trusted[net->trusted_count])) {
            snprintf(error, error_size,
                     "--trusted-proxies: %s: not an address range; write 10.0.0.0/8 or 2001:db8::/32", *ranges);
            return false;
        }
        net->trusted_count++;
    }
    return true;
}

static void on_prepare(uv_prepare_t *before_wait) {
    cork_flush(before_wait->data);
}

static void init_handles(struct net *net) {
    uv_prepare_init(net->loop, &net->before_wait);
    net->before_wait.data = net;
    uv_prepare_start(&net->before_wait, on_prepare);
    uv_unref((uv_handle_t *)&net->before_wait);
    uv_timer_init(net->loop, &net->timer);
    uv_idle_init(net->loop, &net->idle);
    net->timer.data = net;
    net->idle.data = net;
    net->timer_at_ms = INT64_MAX;
}

struct net *net_new(struct uv_loop_s *loop, const struct net_options *options,
                    const struct transport_listener *listener, char *error, size_t error_size) {
    struct net *net = memory_zero(1, sizeof *net);
    net->transport.ops = &send_ops;
    net->options = *options;
    net->listener = *listener;
    net->loop = loop;
    net->spare_fd = -1;
    list_init(&net->queued);
    init_handles(net);
    if (!wiretap_works())
        log_line(options->log, LOG_LEVEL_ERROR, "unmasked frames cannot be told from masked ones", "source=wiretap");
    if ((options->tls_certificate == NULL ||
         tls_check(options->tls_certificate, options->tls_key, error, error_size)) &&
        parse_trusted(net, error, error_size) && listen_open(net, error, error_size) &&
        contexts_make(net, error, error_size))
        return net;
    net_free(net, NULL, NULL);
    return NULL;
}

struct transport *net_transport(struct net *net) {
    return &net->transport;
}

static uint16_t first_port(const struct net *net, bool internal) {
    for (size_t i = 0; i < net->listener_count; i++)
        if (net->listeners[i]->internal == internal)
            return net->listeners[i]->port;
    return 0;
}

uint16_t net_port(const struct net *net) {
    return first_port(net, false);
}

uint16_t net_internal_port(const struct net *net) {
    return first_port(net, true);
}

void net_start(struct net *net) {
    listen_start(net);
}

void net_stop_accepting(struct net *net) {
    listen_close(net, false);
}

void net_close_all(struct net *net, enum close_code code) {
    for (size_t i = 0; i < net->page_count; i++)
        for (size_t j = 0; j < CONNS_PER_PAGE; j++)
            send_close(&net->pages[i][j], (uint16_t)code);
}

void net_stats(const struct net *net, struct net_stats *out) {
#define READ(counter) atomic_load_explicit(&(counter), memory_order_relaxed)
    *out = (struct net_stats){
        .connections = READ(net->counts[COUNT_CONNECTIONS]),
        .accepted = READ(net->counts[COUNT_ACCEPTED]),
        .queued_bytes = READ(net->counts[COUNT_QUEUED_BYTES]),
        .bytes_in = READ(net->counts[COUNT_BYTES_IN]),
        .bytes_out = READ(net->counts[COUNT_BYTES_OUT]),
    };
    for (size_t i = 0; i < NET_REFUSALS; i++)
        out->refused[i] = READ(net->refused[i]);
    for (size_t i = 0; i < CLOSE_KINDS; i++)
        out->closed_by_code[i] = READ(net->closed[i]);
#undef READ
}

static void release(struct net *net) {
    for (size_t i = 0; i < net->listener_count; i++)
        free(net->listeners[i]);
    free(net->listeners);
    free(net->trusted);
    conn_free_all(net);
    if (net->spare_fd >= 0)
        close(net->spare_fd);
    void (*done)(void *context) = net->done;
    void *context = net->done_context;
    free(net);
    if (done != NULL)
        done(context);
}

static void on_idle_closed(uv_handle_t *handle) {
    release(handle->data);
}

static void on_teardown(uv_idle_t *idle) {
    struct net *net = idle->data;
    if (--net->teardown > 0)
        return;
    contexts_destroy(net); /* now that their handles are closed, this frees them */
    uv_close((uv_handle_t *)idle, on_idle_closed);
}

void net_free(struct net *net, void (*done)(void *context), void *context) {
    net->done = done;
    net->done_context = context;
    net->teardown = TEARDOWN_TURNS;
    listen_close(net, true);
    uv_timer_stop(&net->timer);
    uv_close((uv_handle_t *)&net->timer, NULL);
    uv_close((uv_handle_t *)&net->before_wait, NULL);
    contexts_destroy(net);    /* takes down the connections, each with its on_close */
    uv_idle_stop(&net->idle); /* it may be started for conn_reap(), and would stay so */
    uv_idle_start(&net->idle, on_teardown);
}

const char *net_library_version(void) {
    return lws_get_library_version();
}
