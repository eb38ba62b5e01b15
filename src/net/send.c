/* send.c - all output of WebSocket connections, and how they are closed.
 *
 * Flow:   send() writes at once when nothing is queued for the connection and lws holds no part of an earlier frame:
 *         asking lws for a WRITEABLE callback first costs two epoll_ctl and one more turn of the loop for each message.
 *         "At once" is together with what the same read brings for the same connection (cork.c).
 *         Otherwise the frame is queued, and WRITEABLE drains the queue. A frame of which the kernel took only a part
 *         stays in the queue as a place holder until lws has written the rest.
 * Fails:  a write that fails dooms the connection; a queue over its bound closes it with 4001, and of the queues of all
 *         connections together the longest goes first.
 * Owns:   struct sendq, while there is something in it. */
#include "net_priv.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_CLOSE_TEXT = 64 };

static bool may_write_now(const struct conn *conn) {
    return conn->sendq == NULL && !lws_partial_buffered(conn->wsi);
}

static void count_queued(struct net *net, size_t before, size_t after) {
    net_count(net, COUNT_QUEUED_BYTES, (uint64_t)after - (uint64_t)before);
}

static struct sendq *sendq_of(struct conn *conn) {
    if (conn->sendq == NULL) {
        conn->sendq = memory_zero(1, sizeof *conn->sendq);
        conn->sendq->conn = conn;
        list_append(&conn->net->queued, &conn->sendq->link);
    }
    return conn->sendq;
}

void send_drop_queue(struct conn *conn) {
    struct sendq *sendq = conn->sendq;
    if (sendq == NULL)
        return;
    count_queued(conn->net, sendq->outbox.bytes, 0);
    list_remove(&sendq->link);
    outbox_fini(&sendq->outbox);
    free(sendq);
    conn->sendq = NULL;
}

/* Gives one frame to lws, behind what is corked. */
static bool write_frame(struct conn *conn, char *bytes, size_t length, enum lws_write_protocol kind) {
    cork_flush_conn(conn);
    if (lws_write(conn->wsi, (unsigned char *)bytes, length, kind) < 0)
        return false;
    if (kind == LWS_WRITE_TEXT)
        net_count(conn->net, COUNT_BYTES_OUT, length);
    return true;
}

static const struct {
    uint16_t code;
    const char *text;
} closes[] = {
#define CLOSE_ROW(name, number, phrase) {.code = (number), .text = (phrase)},
#include "passerby/reasons.def"
};

_Static_assert(sizeof closes / sizeof *closes < CLOSE_KINDS, "the last kind is for all other codes");

size_t send_close_kind(uint16_t code) {
    for (size_t i = 0; i < sizeof closes / sizeof *closes; i++)
        if (closes[i].code == code)
            return i;
    return CLOSE_KINDS - 1;
}

/* Writes a Close frame (RFC 6455 section 5.5.1), which lws would not do without taking the connection down by its own
 * rules: it forgets the Close when a part of an earlier frame is still to be written. */
static bool write_close_frame(struct conn *conn, uint16_t code, const char *text) {
    enum { HEADER_BYTES = 2, CODE_BYTES = 2 };
    char frame[LWS_PRE + HEADER_BYTES + CODE_BYTES + MAX_CLOSE_TEXT];
    char *bytes = frame + LWS_PRE;
    size_t payload = code == CLOSE_WITHOUT_CODE ? 0 : CODE_BYTES + strlen(text);
    bytes[0] = (char)0x88; /* FIN, opcode 8 */
    bytes[1] = (char)payload;
    bytes[2] = (char)(code >> 8);
    bytes[3] = (char)(code & 0xff);
    memcpy(bytes + HEADER_BYTES + CODE_BYTES, text, strlen(text));
    return write_frame(conn, bytes, HEADER_BYTES + payload, LWS_WRITE_RAW);
}

static bool write_close(struct conn *conn) {
    size_t kind = send_close_kind(conn->close_code);
    conn->phase = CONN_CLOSED;
    return write_close_frame(conn, conn->close_code, kind < CLOSE_KINDS - 1 ? closes[kind].text : "");
}

/* lws holds back what it has read, and the socket the rest. Told of bytes that TLS holds, lws 4.1 would try again and
 * again to read them; so it is not told, and they are read when it goes on. */
static void set_paused(struct conn *conn, bool paused) {
    if (conn->paused == paused)
        return;
    conn->paused = paused;
    conn->tap.paused = paused;
    lws_rx_flow_control(conn->wsi, !paused);
    if (!paused && lws_get_ssl(conn->wsi) != NULL) {
        conn->tap.cut = true;
        conn_schedule(conn);
    }
}

void send_close(struct conn *conn, uint16_t code) {
    if (conn->phase != CONN_OPEN)
        return;
    conn->phase = CONN_CLOSING;
    conn->close_code = code;
    ws_free_inbox(conn);
    cork_flush_conn(conn);
    if (code == CLOSE_SLOW)
        send_drop_queue(conn);
    set_paused(conn, false); /* to see the peer's Close */
    conn_set_deadline(conn, net_now(conn->net) + CLOSE_TIMEOUT_MS);
    if (!may_write_now(conn))
        lws_callback_on_writable(conn->wsi);
    else if (!write_close(conn))
        conn_doom(conn);
}

bool send_close_answer(struct conn *conn, uint16_t code) {
    conn->close_code = code;
    conn->phase = CONN_ENDING;
    return write_close_frame(conn, code, "");
}

/* All queues together are over their bound: the longest pays. */
static void relieve(struct net *net) {
    struct sendq *longest = NULL;
    for (struct list *link = net->queued.next; link != &net->queued; link = link->next) {
        struct sendq *sendq = list_entry(link, struct sendq, link);
        if (sendq->conn->phase == CONN_OPEN && (longest == NULL || sendq->outbox.bytes > longest->outbox.bytes))
            longest = sendq;
    }
    if (longest != NULL)
        send_close(longest->conn, CLOSE_SLOW);
}

static enum transport_sent queue(struct conn *conn, const struct transport_frame *frame) {
    struct net *net = conn->net;
    struct sendq *sendq = sendq_of(conn);
    size_t before = sendq->outbox.bytes;
    enum outbox_put put = outbox_put(&sendq->outbox, frame, net->options.queue_bytes);
    count_queued(net, before, sendq->outbox.bytes);
    if (put == OUTBOX_FULL) {
        send_close(conn, CLOSE_SLOW);
        return TRANSPORT_DROPPED;
    }
    if (outbox_empty(&sendq->outbox))
        send_drop_queue(conn);
    if (put == OUTBOX_DROPPED)
        return TRANSPORT_DROPPED;
    lws_callback_on_writable(conn->wsi);
    if (atomic_load_explicit(&net->counts[COUNT_QUEUED_BYTES], memory_order_relaxed) > net->options.total_queue_bytes)
        relieve(net);
    return conn->phase == CONN_OPEN ? TRANSPORT_QUEUED : TRANSPORT_DROPPED;
}

void send_keep_places(struct conn *conn, const struct transport_frame *frames, size_t count) {
    struct sendq *sendq = sendq_of(conn);
    size_t before = sendq->outbox.bytes;
    for (size_t i = 0; i < count; i++)
        outbox_put_given(&sendq->outbox, &frames[i]);
    count_queued(conn->net, before, sendq->outbox.bytes);
    lws_callback_on_writable(conn->wsi);
}

static enum transport_sent write_now(struct conn *conn, const struct transport_frame *frame) {
    if (!write_frame(conn, frame->bytes, frame->length, LWS_WRITE_TEXT)) {
        conn_doom(conn);
        return TRANSPORT_DROPPED;
    }
    if (!lws_partial_buffered(conn->wsi))
        return TRANSPORT_WRITTEN;
    send_keep_places(conn, frame, 1);
    return TRANSPORT_QUEUED;
}

/* Whether the kernel takes it must be known at once if that is to be reported; and who is being read may be closed by lws before
 * the read is over. */
static bool may_cork(const struct conn *conn, const struct transport_frame *frame) {
    return !frame->report && conn != conn->net->reading;
}

static enum transport_sent send_frame(struct transport *transport, conn_ref ref, const struct transport_frame *frame) {
    struct conn *conn = conn_find((struct net *)transport, ref);
    if (conn == NULL || conn->phase != CONN_OPEN || conn->broken)
        return TRANSPORT_DROPPED;
    if (conn->net->cork.conn != conn || !may_cork(conn, frame))
        cork_flush(conn->net);
    if (conn->broken)
        return TRANSPORT_DROPPED;
    if (!may_write_now(conn))
        return queue(conn, frame);
    if (!may_cork(conn, frame))
        return write_now(conn, frame);
    cork_put(conn, frame);
    return TRANSPORT_WRITTEN;
}

/* Takes the first frame off the queue: it has been written. */
static void finish_first(struct conn *conn) {
    struct net *net = conn->net;
    struct sendq *sendq = conn->sendq;
    size_t before = sendq->outbox.bytes;
    struct outbox_frame *frame = outbox_take(&sendq->outbox);
    count_queued(net, before, sendq->outbox.bytes);
    if (outbox_empty(&sendq->outbox))
        send_drop_queue(conn);
    bool report = frame->report;
    uint64_t tag = frame->tag;
    free(frame);
    if (report)
        net->listener.on_written(net->listener.context, conn->session, tag);
}

bool send_writable(struct conn *conn) {
    if (lws_partial_buffered(conn->wsi)) {
        lws_callback_on_writable(conn->wsi);
        return true;
    }
    while (conn->sendq != NULL && (conn->phase == CONN_OPEN || conn->phase == CONN_CLOSING)) {
        struct outbox_frame *frame = conn->sendq->outbox.first;
        if (!frame->given) {
            frame->given = true;
            if (!write_frame(conn, outbox_bytes(frame), frame->length, LWS_WRITE_TEXT))
                return false;
            if (lws_partial_buffered(conn->wsi)) {
                lws_callback_on_writable(conn->wsi);
                return true;
            }
        }
        finish_first(conn);
    }
    return conn->phase == CONN_CLOSING ? write_close(conn) : true;
}

void send_ping(struct conn *conn) {
    char frame[LWS_PRE + 1];
    if (!may_write_now(conn))
        return; /* it does not read, and there is enough for it to answer to */
    if (!write_frame(conn, frame + LWS_PRE, 0, LWS_WRITE_PING))
        conn_doom(conn);
}

static void close_conn(struct transport *transport, conn_ref ref, enum close_code code) {
    struct conn *conn = conn_find((struct net *)transport, ref);
    if (conn != NULL)
        send_close(conn, (uint16_t)code);
}

static void pause_conn(struct transport *transport, conn_ref ref, bool paused) {
    struct conn *conn = conn_find((struct net *)transport, ref);
    if (conn == NULL || conn->phase != CONN_OPEN || conn->paused == paused)
        return;
    conn->heard_ms = net_now(conn->net);
    set_paused(conn, paused);
}

static void bind_conn(struct transport *transport, conn_ref ref, session_ref session) {
    struct conn *conn = conn_find((struct net *)transport, ref);
    if (conn != NULL)
        conn->session = session;
}

const struct transport_ops send_ops = {
    .send = send_frame,
    .close = close_conn,
    .pause = pause_conn,
    .bind = bind_conn,
};
