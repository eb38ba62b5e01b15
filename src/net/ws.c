/* ws.c - what lws tells: messages are put together and checked here, the rest goes to where it belongs.
 *
 * Flow:   NEW_CLIENT_INSTANTIATED → HTTP … | HTTP_CONFIRM_UPGRADE → ESTABLISHED → RECEIVE … → CLOSED.
 * Fails:  whatever breaks the rules of PROTOCOL.md gets its close code (send_close); bad opcodes, reserved bits and
 *         wrong fragmentation are closed with 1002 by lws itself, which ends in CLOSED too.
 * Owns:   struct inbox, while a message is incomplete: most come whole and are never copied. */
#include "net_priv.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
    MAX_EMPTY_FRAGMENTS = 1024, /* of one message; they cost time and no memory */
    TRUSTED_BYTES = 2048,       /* memory for so much of a message is taken on its announcement; for the rest later */
};

const char ws_protocol_name[] = "passerby.v1";

void ws_free_inbox(struct conn *conn) {
    if (conn->inbox == NULL)
        return;
    buffer_fini(&conn->inbox->text);
    free(conn->inbox);
    conn->inbox = NULL;
}

/* The answer to the upgrade leaves with the first frame; if there is none yet, alone. */
static void push_answer(const struct conn *conn) {
    int on = 1;
    if (conn->tap.held && conn->net->cork.conn != conn) /* set again, it sends what is held: tcp(7) */
        (void)setsockopt(lws_get_socket_fd(conn->wsi), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void on_established(struct conn *conn) {
    struct net *net = conn->net;
    conn->phase = CONN_OPEN;
    conn->told = true;
    wiretap_upgraded(&conn->tap, (uint32_t)net->options.max_frame_bytes);
    conn->heard_ms = net_now(net);
    conn_set_deadline(conn, conn->heard_ms + net->options.ping_interval_ms);
    net_count(net, COUNT_CONNECTIONS, 1);
    if (conn->tap.cut)
        conn_schedule(conn);
    net->listener.on_open(net->listener.context, conn_ref_of(conn));
    push_answer(conn);
}

static void deliver(struct conn *conn, const char *bytes, size_t length) {
    struct net *net = conn->net;
    if (!utf8_valid(bytes, length)) {
        send_close(conn, CLOSE_NOT_UTF8);
        return;
    }
    net_count(net, COUNT_BYTES_IN, length);
    net->reading = conn;
    net->listener.on_text(net->listener.context, conn->session, conn_ref_of(conn), bytes, length);
    net->reading = NULL;
}

/* Keeps a piece of a message that is not complete, and of whose frame so much is to come. False if that is too much. */
static bool collect(struct conn *conn, const char *bytes, size_t length, size_t to_come) {
    if (conn->inbox == NULL) {
        conn->inbox = memory_zero(1, sizeof *conn->inbox);
        buffer_reserve(&conn->inbox->text, length + (to_come < TRUSTED_BYTES ? to_come : TRUSTED_BYTES));
    }
    buffer_append(&conn->inbox->text, bytes, length);
    conn->inbox->empty_fragments += length == 0;
    return conn->inbox->empty_fragments <= MAX_EMPTY_FRAGMENTS;
}

static void on_receive(struct conn *conn, const char *bytes, size_t length) {
    const struct net_options *options = &conn->net->options;
    if (conn->phase != CONN_OPEN)
        return;
    size_t total = length + (conn->inbox == NULL ? 0 : conn->inbox->text.length);
    size_t to_come = lws_remaining_packet_payload(conn->wsi); /* of this frame; what it says, up to 2^63 */
    if (conn->tap.unmasked || (conn->tap.broken && to_come > options->max_frame_bytes)) {
        send_close(conn, CLOSE_PROTOCOL);
    } else if (lws_frame_is_binary(conn->wsi)) {
        send_close(conn, CLOSE_UNSUPPORTED);
    } else if (total > options->max_frame_bytes || to_come > options->max_frame_bytes - total) {
        send_close(conn, CLOSE_TOO_BIG);
    } else if (conn->inbox == NULL && lws_is_final_fragment(conn->wsi)) {
        deliver(conn, length == 0 ? "" : bytes, length);
    } else if (!collect(conn, bytes, length, to_come)) {
        send_close(conn, CLOSE_TOO_BIG);
    } else if (lws_is_final_fragment(conn->wsi)) {
        struct buffer text = conn->inbox->text;
        conn->inbox->text = (struct buffer){0};
        ws_free_inbox(conn);
        deliver(conn, text.length == 0 ? "" : text.bytes, text.length);
        buffer_fini(&text);
    }
}

/* The peer closes, or answers our Close. Either way lws takes the connection down when we return. */
static void on_peer_close(struct conn *conn, const uint8_t *payload, size_t length) {
    if (conn->phase != CONN_OPEN && conn->phase != CONN_CLOSING)
        return;
    uint16_t code = CLOSE_WITHOUT_CODE;
    if (length == 1 || conn->tap.unmasked)
        code = CLOSE_PROTOCOL;
    else if (length >= 2) /* lws has put 1002 where the code was none that may be sent */
        code = (uint16_t)(payload[0] << 8 | payload[1]);
    if (length > 2 && !utf8_valid((const char *)payload + 2, length - 2))
        code = CLOSE_NOT_UTF8;
    if (!send_close_answer(conn, code))
        conn->broken = true;
}

/* lws closes by itself: it has found a fault in what came, and says which code it sends. */
static void on_drop(struct conn *conn) {
    if (conn->phase != CONN_OPEN && conn->phase != CONN_CLOSING)
        return;
    conn->phase = CONN_ENDING;
    if (conn->close_code == 0 && lws_get_close_length(conn->wsi) >= 2) {
        const uint8_t *payload = lws_get_close_payload(conn->wsi);
        conn->close_code = (uint16_t)(payload[0] << 8 | payload[1]);
    }
}

/* The callbacks of a connection while it speaks HTTP. */
static int http_callback(struct conn *conn, struct lws *wsi, enum lws_callback_reasons reason, const void *in) {
    switch (reason) {
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        conn_attach(conn, wsi);
        lws_set_wsi_user(wsi, conn->net); /* without a user pointer there is no DROP_PROTOCOL */
        return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: return upgrade_check(conn, wsi, in) ? 0 : -1;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: return conn->phase == CONN_ADMITTED ? 0 : -1;
    case LWS_CALLBACK_HTTP: return http_request(conn, wsi);
    case LWS_CALLBACK_HTTP_WRITEABLE: return http_writable(conn, wsi);
    default: return 0;
    }
}

int ws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length) {
    (void)user;
    if (wsi == NULL || lws_get_opaque_user_data(wsi) == NULL) /* vhost and context events, the wake-up pipe */
        return 0;
    struct conn *conn = conn_of(wsi);
    if (conn == NULL)
        return 0;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED: on_established(conn); return 0;
    case LWS_CALLBACK_RECEIVE: on_receive(conn, in, length); return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE: return send_writable(conn) ? 0 : -1;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: on_peer_close(conn, in, length); return -1;
    case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL: on_drop(conn); return 0;
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_WSI_DESTROY: conn_gone(conn); return 0;
    default: return http_callback(conn, wsi, reason, in);
    }
}
