/* conn.c - the table of connections: slots, deadlines, ends.
 *
 * Flow:   conn_new (accepted) → conn_attach (lws has it) → … → conn_gone (lws is done with it).
 * Owns:   the slots. What refers to one from outside (lws, the node) holds a conn_ref, so that a late call meets
 *         nothing. */
#include "net_priv.h"

#include "admission.h"

#include "base/memory.h"
#include "base/pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct conn *slot_at(const struct net *net, uint32_t slot) {
    return &net->pages[slot / CONNS_PER_PAGE][slot % CONNS_PER_PAGE];
}

static void add_page(struct net *net) {
    size_t capacity = (net->page_count + 1) * CONNS_PER_PAGE;
    net->pages = memory_resize(net->pages, net->page_count + 1, sizeof *net->pages);
    net->free_slots = memory_resize(net->free_slots, capacity, sizeof *net->free_slots);
    struct conn *page = pool_take();
    memset(page, 0, CONNS_PER_PAGE * sizeof *page);
    net->pages[net->page_count] = page;
    for (uint32_t i = 0; i < CONNS_PER_PAGE; i++) {
        page[i].slot = (uint32_t)(net->page_count * CONNS_PER_PAGE) + i;
        page[i].generation = 1;
    }
    for (uint32_t i = CONNS_PER_PAGE; i > 0; i--)
        net->free_slots[net->free_count++] = page[i - 1].slot;
    net->page_count++;
}

conn_ref conn_ref_of(const struct conn *conn) {
    return (uint64_t)conn->generation << 32 | (conn->slot + 1);
}

struct conn *conn_find(struct net *net, conn_ref ref) {
    uint32_t slot = (uint32_t)ref - 1;
    if ((uint32_t)ref == 0 || slot / CONNS_PER_PAGE >= net->page_count)
        return NULL;
    struct conn *conn = slot_at(net, slot);
    return conn->phase != CONN_FREE && conn->generation == ref >> 32 ? conn : NULL;
}

struct conn *conn_of(struct lws *wsi) {
    struct net *net = lws_context_user(lws_get_context(wsi));
    return net == NULL ? NULL : conn_find(net, (conn_ref)(uintptr_t)lws_get_opaque_user_data(wsi));
}

struct conn *conn_new(struct net *net, bool internal) {
    if (net->free_count == 0)
        add_page(net);
    struct conn *conn = slot_at(net, net->free_slots[--net->free_count]);
    *conn = (struct conn){.net = net,
                          .slot = conn->slot,
                          .generation = conn->generation,
                          .phase = CONN_HTTP,
                          .heard_ms = net_now(net),
                          .internal = internal};
    conn_set_deadline(conn, net_now(net) + net->options.handshake_timeout_ms);
    return conn;
}

void conn_schedule(struct conn *conn) {
    struct net *net = conn->net;
    if (conn->scheduled)
        return;
    conn->scheduled = true;
    net->scheduled = memory_resize(net->scheduled, net->scheduled_count + 1, sizeof *net->scheduled);
    net->scheduled[net->scheduled_count++] = conn_ref_of(conn);
    if (net->teardown == 0)
        uv_idle_start(&net->idle, conn_reap);
}

/* What the read before has brought is written first. */
static void before_read(struct wiretap *tap) {
    cork_flush(list_entry(tap, struct conn, tap)->net);
}

static void on_read(struct wiretap *tap) {
    struct conn *conn = list_entry(tap, struct conn, tap);
    conn->heard_ms = net_now(conn->net);
    if ((tap->unmasked || tap->broken || tap->too_big || (tap->goes_on && wiretap_rest() == 0)) &&
        conn->phase == CONN_OPEN)
        conn_schedule(conn);
}

void conn_attach(struct conn *conn, struct lws *wsi) {
    static const struct wiretap_hooks hooks = {before_read, on_read};
    conn->wsi = wsi;
    wiretap_watch(lws_get_socket_fd(wsi), lws_get_ssl(wsi), &conn->tap, &hooks);
}

void conn_set_deadline(struct conn *conn, int64_t at_ms) {
    heap_set(&conn->net->deadlines, &conn->deadline, at_ms);
    net_arm_timer(conn->net);
}

/* Ends it now: no callback of lws or of the node may be running. A peer that does not read would keep lws waiting to
 * flush. */
static void cut(struct conn *conn) {
    conn->phase = CONN_ENDING;
    if (conn->wsi == NULL)
        return;
    shutdown(lws_get_socket_fd(conn->wsi), SHUT_RDWR);
    lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

void conn_doom(struct conn *conn) {
    conn->broken = true;
    conn_schedule(conn);
}

static void have_read(const struct conn *conn) {
    struct lws_pollfd readable = {lws_get_socket_fd(conn->wsi), LWS_POLLIN, LWS_POLLIN};
    lws_service_fd(lws_get_context(conn->wsi), &readable);
}

/* Has lws read what TLS has taken from the socket already, of which the socket says nothing: together with the request,
 * or before a pause. */
static void read_ahead(struct conn *conn) {
    conn->tap.cut = false;
    have_read(conn);
}

/* Has lws take what there is of the rest of a frame. It pauses at the end of a frame at the earliest; if it ever left
 * something, that would be lost, and so is the connection. */
static void read_rest(struct conn *conn) {
    struct net *net = conn->net;
    conn_ref ref = conn_ref_of(conn);
    size_t before;
    wiretap_begin_rest(&conn->tap);
    do {
        before = wiretap_rest();
        have_read(conn);
    } while (conn_find(net, ref) != NULL && wiretap_rest() > 0 && wiretap_rest() != before);
    if (conn_find(net, ref) != NULL && wiretap_rest() > 0)
        conn_doom(conn);
    wiretap_end_rest();
}

void conn_reap(uv_idle_t *idle) {
    struct net *net = idle->data;
    conn_ref *scheduled = net->scheduled;
    size_t count = net->scheduled_count;
    net->scheduled = NULL;
    net->scheduled_count = 0;
    uv_idle_stop(idle);
    for (size_t i = 0; i < count; i++) {
        struct conn *conn = conn_find(net, scheduled[i]);
        if (conn == NULL)
            continue;
        conn->scheduled = false;
        if (conn->broken)
            cut(conn);
        else if (conn->tap.unmasked || conn->tap.broken)
            send_close(conn, CLOSE_PROTOCOL);
        else if (conn->tap.too_big)
            send_close(conn, CLOSE_TOO_BIG);
        else if (conn->tap.cut && conn->phase != CONN_ENDING)
            read_ahead(conn);
        else if (conn->tap.goes_on && conn->phase == CONN_OPEN && !conn->paused)
            read_rest(conn);
    }
    free(scheduled);
}

/* A connection that stands has reached its deadline: it is dead, or silent and to be pinged, or was heard meanwhile. */
static void check_alive(struct conn *conn) {
    const struct net_options *options = &conn->net->options;
    int64_t now = net_now(conn->net);
    if (conn->paused)
        conn->heard_ms = now; /* we would not hear it */
    int64_t silent_ms = now - conn->heard_ms;
    if (silent_ms >= options->dead_after_ms) {
        cut(conn);
        return;
    }
    int64_t next = conn->heard_ms + options->ping_interval_ms;
    if (next <= now) {
        send_ping(conn);
        next = now + options->ping_interval_ms;
    }
    int64_t death = conn->heard_ms + options->dead_after_ms;
    conn_set_deadline(conn, next < death ? next : death);
}

void conn_on_deadline(struct conn *conn) {
    if (conn->phase == CONN_OPEN) {
        check_alive(conn);
        return;
    }
    if (conn->reply != NULL && http_on_deadline(conn))
        return;
    if (conn->phase <= CONN_ADMITTED && !conn->served)
        net_count_refused(conn->net, REFUSED_HANDSHAKE);
    cut(conn);
}

void conn_gone(struct conn *conn) {
    struct net *net = conn->net;
    conn_ref ref = conn_ref_of(conn);
    session_ref session = conn->session;
    bool told = conn->told;
    wiretap_unwatch(&conn->tap);
    heap_remove(&net->deadlines, &conn->deadline);
    cork_forget(conn);
    send_drop_queue(conn);
    ws_free_inbox(conn);
    http_free_reply(conn);
    if (conn->address_key != 0)
        admission_leave(net->options.admission, conn->address_key);
    if (told) {
        net_count(net, COUNT_CONNECTIONS, (uint64_t)-1);
        atomic_fetch_add_explicit(&net->closed[send_close_kind(conn->close_code)], 1, memory_order_relaxed);
    }
    conn->phase = CONN_FREE;
    conn->wsi = NULL;
    conn->generation++;
    net->free_slots[net->free_count++] = conn->slot;
    if (told)
        net->listener.on_close(net->listener.context, session, ref);
}

void conn_free_all(struct net *net) {
    for (size_t i = 0; i < net->page_count; i++)
        pool_give(net->pages[i]);
    free(net->pages);
    free(net->free_slots);
    free(net->scheduled);
    buffer_fini(&net->cork.bytes);
    heap_fini(&net->deadlines);
}
