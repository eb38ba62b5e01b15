/* http.c - the page's files, and what the node answers by itself.
 *
 * Flow:   http_request: an asset, or the node's handler, or an error → head and the first part of the body are written
 *         at once → http_writable writes on while the socket takes it → the connection waits for the next request.
 * Fails:  a client that does not read its answer is cut at its deadline, which each part that was written moves up to
 *         ANSWER_TIMEOUT_MS; and so is one that sends much ahead while an answer is under way.
 * Owns:   struct http_reply, while an answer is not all written. */
#include "net_priv.h"

#include "encoding.h"

#include "base/memory.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    PART_BYTES = 16 << 10, /* written at a time */
    HELD_READ_BYTES = 64 << 10,
    MAX_TAG_CHARS = 1024, /* of If-None-Match */
    MAX_ACCEPT_CHARS = 256,
};

/* The head of an answer, but for its length. */
struct head {
    int status;
    const char *content_type; /* NULL = no body, no length */
    size_t length;
    const char *headers; /* whole lines, or "" */
    bool last;           /* Connection: close */
};

static const char *const method_names[] = {
    [LWSHUMETH_GET] = "GET",         [LWSHUMETH_POST] = "POST",   [LWSHUMETH_OPTIONS] = "OPTIONS",
    [LWSHUMETH_PUT] = "PUT",         [LWSHUMETH_PATCH] = "PATCH", [LWSHUMETH_DELETE] = "DELETE",
    [LWSHUMETH_CONNECT] = "CONNECT", [LWSHUMETH_HEAD] = "HEAD",
};

bool http_header(struct lws *wsi, enum lws_token_indexes token, char *out, int size) {
    return lws_hdr_total_length(wsi, token) > 0 && lws_hdr_copy(wsi, out, size, token) > 0;
}

bool http_has_header(struct lws *wsi, enum lws_token_indexes token) {
    char nothing[1];
    return lws_hdr_total_length(wsi, token) > 0 || lws_hdr_copy_fragment(wsi, nothing, sizeof nothing, token, 0) >= 0;
}

bool http_peer(struct lws *wsi, struct net_address *out) {
    struct sockaddr_storage name;
    socklen_t size = sizeof name;
    return getpeername(lws_get_socket_fd(wsi), (struct sockaddr *)&name, &size) == 0 &&
           address_from_socket((struct sockaddr *)&name, out);
}

/* A proxy on this machine speaks for others, and so does a browser for the page that it shows. */
static enum http_door door_of(const struct conn *conn, struct lws *wsi) {
    struct net_address peer;
    if (!conn->internal)
        return HTTP_PUBLIC;
    bool for_others = conn->tap.forwarded > 0 || http_has_header(wsi, WSI_TOKEN_X_FORWARDED_FOR) ||
                      http_has_header(wsi, WSI_TOKEN_ORIGIN);
    return !for_others && http_peer(wsi, &peer) && address_is_localhost(&peer) ? HTTP_LOCAL : HTTP_INTERNAL;
}

static const char *status_text(int status) {
    switch (status) {
    case 200: return "OK";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 503: return "Service Unavailable";
    default: return "Status";
    }
}

/* A host that can stand in a Content-Security-Policy as it is. */
static bool is_plain_host(const char *host) {
    return host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]")] == '\0';
}

/* Every answer has these. 'self' covers our WebSocket in current browsers; Safari before 15.4 wants it spelt out. */
static void append_security_headers(struct lws *wsi, struct buffer *out) {
    char host[MAX_HOST_CHARS + 8];
    buffer_string(out, "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
                       "img-src 'self' data:; connect-src 'self'");
    if (http_header(wsi, WSI_TOKEN_HOST, host, sizeof host) && is_plain_host(host))
        buffer_printf(out, " ws://%s wss://%s", host, host);
    buffer_string(out, "; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
                       "frame-ancestors 'none'\r\n"
                       "X-Content-Type-Options: nosniff\r\n"
                       "Referrer-Policy: no-referrer\r\n"
                       "Cross-Origin-Opener-Policy: same-origin\r\n"
                       "Cross-Origin-Resource-Policy: same-origin\r\n"
                       "Permissions-Policy: camera=(), microphone=(), geolocation=(), payment=(), usb=()\r\n");
}

static bool write_head(struct lws *wsi, const struct head *head) {
    struct buffer text = {0};
    /* lws_write() wants LWS_PRE bytes in front, though HTTP/1.1 needs none. */
    buffer_reserve(&text, LWS_PRE);
    text.length = LWS_PRE;
    buffer_printf(&text, "HTTP/1.1 %d %s\r\n", head->status, status_text(head->status));
    if (head->content_type != NULL)
        buffer_printf(&text, "Content-Type: %s\r\nContent-Length: %zu\r\n", head->content_type, head->length);
    append_security_headers(wsi, &text);
    buffer_printf(&text, "%s%s\r\n", head->headers, head->last ? "Connection: close\r\n" : "");
    size_t length = text.length - LWS_PRE;
    int written = lws_write(wsi, (unsigned char *)text.bytes + LWS_PRE, length, LWS_WRITE_HTTP_HEADERS);
    buffer_fini(&text);
    return written >= 0;
}

void http_free_reply(struct conn *conn) {
    if (conn->reply == NULL)
        return;
    free(conn->reply->owned);
    free(conn->reply);
    conn->reply = NULL;
}

/* While an answer is under way lws does not read from the socket, but waits for it to be readable all the same, and
 * would spin on a request that is sent ahead. (lws_rx_flow_control() would stop its writing too.) So the kernel is
 * told not to call. It does, all the same, when HELD_READ_BYTES have come, its buffer is full, or the peer has ended
 * its side: see http_on_deadline(). */
static void hold_reads(struct lws *wsi, bool hold) {
    int bytes = hold ? HELD_READ_BYTES : 1;
    (void)setsockopt(lws_get_socket_fd(wsi), SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

static bool is_readable(struct lws *wsi) {
    struct pollfd socket = {.fd = lws_get_socket_fd(wsi), .events = POLLIN};
    return poll(&socket, 1, 0) > 0 && (socket.revents & POLLIN) != 0;
}

static void set_deadline(struct conn *conn) {
    const struct http_reply *reply = conn->reply;
    int64_t at_ms = reply->end_ms < reply->patience_ms ? reply->end_ms : reply->patience_ms;
    int64_t check_ms = net_now(conn->net) + HELD_CHECK_MS;
    conn_set_deadline(conn, reply->held && check_ms < at_ms ? check_ms : at_ms);
}

/* A held socket that is readable makes lws spin, for as long as the peer likes. */
bool http_on_deadline(struct conn *conn) {
    const struct http_reply *reply = conn->reply;
    int64_t now = net_now(conn->net);
    if (now >= reply->end_ms || now >= reply->patience_ms || (reply->held && is_readable(conn->wsi)))
        return false;
    set_deadline(conn);
    return true;
}

/* The answer is written: on to the next request. */
static int complete(struct conn *conn, struct lws *wsi) {
    bool last = conn->reply->last;
    bool held = conn->reply->held;
    http_free_reply(conn);
    conn->served = true;
    if (last)
        return -1;
    conn_set_deadline(conn, net_now(conn->net) + conn->net->options.handshake_timeout_ms);
    if (held)
        hold_reads(wsi, false);
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

int http_writable(struct conn *conn, struct lws *wsi) {
    struct http_reply *reply = conn->reply;
    if (reply == NULL)
        return 0;
    reply->patience_ms = net_now(conn->net) + conn->net->options.handshake_timeout_ms;
    while (reply->left > 0 && !lws_partial_buffered(wsi)) {
        size_t part = reply->left < PART_BYTES ? reply->left : PART_BYTES;
        bool final = part == reply->left;
        /* Read-only for lws: over HTTP/1.1 it neither writes in front of the body nor changes it. */
        union {
            const uint8_t *at;
            unsigned char *writable;
        } body = {.at = reply->at};
        if (lws_write(wsi, body.writable, part, final ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
            return -1;
        reply->at += part;
        reply->left -= part;
    }
    /* Behind an answer lws waits until it may write, and would spin on what is sent ahead meanwhile: so wait here. */
    if (reply->left == 0 && (reply->last ? !lws_partial_buffered(wsi) : !lws_send_pipe_choked(wsi)))
        return complete(conn, wsi);
    if (!reply->held) {
        reply->held = true;
        hold_reads(wsi, true);
        set_deadline(conn); /* the next is set by http_on_deadline(): writing does not put off the look at the socket */
    }
    lws_callback_on_writable(wsi);
    return 0;
}

/* Begins an answer. `owned` is freed behind it; `body` may point into it. */
static int answer(struct conn *conn, struct lws *wsi, const struct head *head, const uint8_t *body, size_t length,
                  uint8_t *owned) {
    http_free_reply(conn);
    conn->reply = memory_zero(1, sizeof *conn->reply);
    *conn->reply = (struct http_reply){.at = body,
                                       .left = length,
                                       .owned = owned,
                                       .last = head->last,
                                       .end_ms = net_now(conn->net) + ANSWER_TIMEOUT_MS};
    if (!write_head(wsi, head))
        return -1;
    return http_writable(conn, wsi);
}

static int answer_text(struct conn *conn, struct lws *wsi, const struct head *head, const char *text, bool body) {
    uint8_t *copy = body && head->length > 0 ? (uint8_t *)memory_copy(text, head->length) : NULL;
    return answer(conn, wsi, head, copy, copy == NULL ? 0 : head->length, copy);
}

void http_refuse(struct lws *wsi, int status, const char *headers, const char *text) {
    struct head head = {status, "text/plain; charset=utf-8", strlen(text), headers, true};
    if (!write_head(wsi, &head))
        return;
    union {
        const char *at;
        unsigned char *writable;
    } body = {.at = text};
    if (lws_write(wsi, body.writable, head.length, LWS_WRITE_HTTP_FINAL) < 0)
        return;
}

static const struct asset *find_asset(const struct conn *conn, const char *path) {
    const struct asset *asset = conn->internal ? NULL : conn->net->options.assets;
    while (asset != NULL && asset->path != NULL && strcmp(asset->path, path) != 0)
        asset++;
    return asset == NULL || asset->path == NULL ? NULL : asset;
}

static int answer_asset(struct conn *conn, struct lws *wsi, const struct asset *asset, bool body, bool last) {
    char accept[MAX_ACCEPT_CHARS];
    char tags[MAX_TAG_CHARS];
    char headers[MAX_TAG_CHARS];
    bool listed = http_header(wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING, accept, sizeof accept);
    enum encoding encoding =
        encoding_choose(listed ? accept : NULL, asset->gzip.bytes != NULL, asset->brotli.bytes != NULL);
    const struct asset_body *content = encoding == ENCODING_BROTLI ? &asset->brotli
                                       : encoding == ENCODING_GZIP ? &asset->gzip
                                                                   : &asset->plain;
    int length =
        snprintf(headers, sizeof headers, "ETag: %.*s%s\"\r\nVary: Accept-Encoding\r\nCache-Control: no-cache\r\n",
                 (int)strlen(asset->etag) - 1, asset->etag, encoding_tag_suffix(encoding));
    if (http_header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, tags, sizeof tags) && encoding_tag_matches(tags, asset->etag)) {
        struct head head = {304, NULL, 0, headers, last};
        return answer(conn, wsi, &head, NULL, 0, NULL);
    }
    if (encoding_name(encoding) != NULL)
        snprintf(headers + length, sizeof headers - (size_t)length, "Content-Encoding: %s\r\n",
                 encoding_name(encoding));
    struct head head = {200, asset->content_type, content->length, headers, last};
    return answer(conn, wsi, &head, content->bytes, body ? content->length : 0, NULL);
}

static struct http_answer text_answer(int status, const char *text) {
    return (struct http_answer){status, "text/plain; charset=utf-8", text, strlen(text)};
}

/* The answer where no asset is asked for, or one in a way that it can't be. */
static struct http_answer other_answer(const struct conn *conn, struct lws *wsi, const char *method, const char *path,
                                       bool is_asset) {
    const struct net_options *options = &conn->net->options;
    struct http_answer made = {0};
    if (is_asset)
        return text_answer(405, "Method not allowed.\n");
    if (!conn->internal && strcmp(path, "/ws") == 0)
        return text_answer(426, "Connect with WebSocket.\n");
    if (options->http_handler == NULL ||
        !options->http_handler(options->http_context, door_of(conn, wsi), method, path, &made))
        return text_answer(404, "Not found.\n");
    return made;
}

int http_request(struct conn *conn, struct lws *wsi) {
    char *path;
    int path_length;
    int method = lws_http_get_uri_and_method(wsi, &path, &path_length);
    if (method < 0 || (size_t)method >= sizeof method_names / sizeof *method_names)
        return -1;
    bool body = method != LWSHUMETH_HEAD;
    bool reads = method == LWSHUMETH_GET || !body;
    /* Bodies are not read: what stands behind such a request is no next one. */
    bool last = !reads || lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0 ||
                lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
    if (strlen(path) != (size_t)path_length)
        path[0] = '\0'; /* a "%00" hides the rest: there is no such path */
    const struct asset *asset = find_asset(conn, path);
    if (asset != NULL && reads)
        return answer_asset(conn, wsi, asset, body, last);
    struct http_answer made = other_answer(conn, wsi, method_names[body ? method : LWSHUMETH_GET], path, asset != NULL);
    const char *headers = "Cache-Control: no-store\r\n";
    if (made.status == 405)
        headers = reads ? "Allow: POST\r\n" : "Allow: GET, HEAD\r\n";
    else if (made.status == 426)
        headers = "Upgrade: websocket\r\n";
    struct head head = {made.status, made.content_type, made.length, headers, last};
    return answer_text(conn, wsi, &head, made.body, body);
}
