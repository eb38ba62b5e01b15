/* socket.c - client WebSockets over libwebsockets.
 *
 * lws 4.1 under libuv does not go on to a name's next address when one refuses, and resolves names while the loop
 * waits: so names are resolved here, and lws gets one numeric address at a time.
 *
 * Flow:  socket_dial() → resolved → the first address is tried → … → established → messages → gone.
 * Fails: on_gone() with what is known: a certificate, an HTTP status, or nothing that answers.
 * Owns:  sockets are owned by their `struct sockets`; lws and libuv know them by serial numbers, since they may speak
 *        of one that has been closed. */
#include "socket.h"

#include "base/buffer.h"
#include "base/list.h"
#include "base/memory.h"

#include <libwebsockets.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

enum {
    RX_BUFFER_BYTES = 4096,
    MAX_MESSAGE_BYTES = 4 << 20, /* four times the largest max_frame an operator can set */
    ADDRESS_TIMEOUT_S = 5,       /* for one address to answer */
    KEEPALIVE_S = 30,            /* a connection on which nothing comes is probed by TCP */
    KEEPALIVE_PROBES = 4,
    KEEPALIVE_INTERVAL_S = 10,
    FAREWELL_TURNS = 4, /* for the Close frames of sockets that were closed just before */
    TEARDOWN_TURNS = 8, /* lws closes its sockets, then its timers, each a turn of the loop later */
    WHY_CHARS = 200,
};

static const char subprotocol[] = "passerby.v1";

struct sockets {
    struct uv_loop_s *loop;
    const struct socket_trust *trust;
    struct lws_context *context;
    struct lws_protocols protocols[2];
    struct list all;
    uintptr_t last_serial;
    uv_idle_t idle;       /* counts the turns of the teardown */
    unsigned teardown;    /* turns so far */
    unsigned resolutions; /* under way: libuv can't take them back */
};

struct socket {
    struct list link;
    struct sockets *sockets;
    uintptr_t serial;
    const struct url *url;
    const struct socket_listener *listener; /* NULL: closed by its owner, to be freed when lws is done */
    void *context;
    unsigned id;
    struct addrinfo *addresses; /* all, and the one being tried */
    struct addrinfo *address;
    lws_sorted_usec_list_t next_address;
    struct lws *wsi;
    bool established;
    unsigned close_code;
    const char *certificate_problem; /* OpenSSL's words, static; NULL = none */
    struct buffer in;                /* the message that is being received */
    struct buffer out;               /* frames to be sent, each a size_t, LWS_PRE bytes and the text */
};

struct resolution {
    uv_getaddrinfo_t request;
    struct sockets *sockets;
    uintptr_t serial;
};

static struct socket *find_socket(struct sockets *sockets, uintptr_t serial) {
    for (struct list *link = sockets->all.next; link != &sockets->all; link = link->next)
        if (list_entry(link, struct socket, link)->serial == serial)
            return list_entry(link, struct socket, link);
    return NULL;
}

static void on_idle_closed(uv_handle_t *handle) {
    free(handle->data);
}

/* The last that happens. */
static void end_if_idle(struct sockets *sockets) {
    if (sockets->teardown < FAREWELL_TURNS + TEARDOWN_TURNS || sockets->resolutions > 0)
        return;
    uv_close((uv_handle_t *)&sockets->idle, on_idle_closed);
}

static void free_socket(struct socket *socket) {
    list_remove(&socket->link);
    lws_sul_cancel(&socket->next_address);
    uv_freeaddrinfo(socket->addresses);
    buffer_fini(&socket->in);
    buffer_fini(&socket->out);
    free(socket);
}

static void gone(struct socket *socket, const char *why) {
    const struct socket_listener *listener = socket->listener;
    void *context = socket->context;
    unsigned id = socket->id, close_code = socket->close_code;
    free_socket(socket);
    if (listener != NULL)
        listener->on_gone(context, id, close_code, why);
}

/* --- connecting --------------------------------------------------------------------------------------------------- */

static struct lws *connect_to(struct socket *socket, const struct addrinfo *address) {
    const struct url *url = socket->url;
    char numeric[INET6_ADDRSTRLEN] = "";
    uv_ip_name(address->ai_addr, numeric, sizeof numeric);
    struct lws_client_connect_info info = {
        .context = socket->sockets->context,
        .address = numeric,
        .port = url->port,
        .path = url->path,
        .host = url->authority,
        .protocol = subprotocol,
        .local_protocol_name = subprotocol,
        .ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
        .alpn = "http/1.1",
        .opaque_user_data = (void *)socket->serial,
    };
    if (url->tls)
        info.ssl_connection |= LCCSCF_USE_SSL;
    return lws_client_connect_via_info(&info);
}

/* Tries the addresses from `address` on until one may answer. */
static void try_addresses(struct socket *socket) {
    socket->wsi = NULL;
    while (socket->address != NULL && socket->wsi == NULL) {
        socket->wsi = connect_to(socket, socket->address);
        socket->address = socket->address->ai_next;
    }
    if (socket->wsi == NULL)
        gone(socket, "");
}

static void on_next_address(lws_sorted_usec_list_t *entry) {
    try_addresses(list_entry(entry, struct socket, next_address));
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found) {
    struct resolution *resolution = request->data;
    struct sockets *sockets = resolution->sockets;
    struct socket *socket = find_socket(sockets, resolution->serial);
    free(resolution);
    sockets->resolutions--;
    end_if_idle(sockets);
    if (socket == NULL) {
        uv_freeaddrinfo(found);
        return;
    }
    char why[WHY_CHARS];
    snprintf(why, sizeof why, "%s: %s", socket->url->host, status == 0 ? "no address" : uv_strerror(status));
    socket->addresses = socket->address = found;
    if (status == 0 && found != NULL)
        try_addresses(socket);
    else
        gone(socket, why);
}

static void resolve(struct socket *socket) {
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct resolution *resolution = memory_zero(1, sizeof *resolution);
    resolution->sockets = socket->sockets;
    resolution->serial = socket->serial;
    resolution->request.data = resolution;
    socket->sockets->resolutions++;
    /* With a callback it fails only for want of memory, which aborts, or for a name longer than any. */
    if (uv_getaddrinfo(socket->sockets->loop, &resolution->request, on_resolved, socket->url->host, NULL, &hints) != 0)
        abort();
}

struct socket *socket_dial(struct sockets *sockets, const struct url *url, const struct socket_listener *listener,
                           void *context, unsigned id) {
    struct socket *socket = memory_zero(1, sizeof *socket);
    socket->sockets = sockets;
    socket->serial = ++sockets->last_serial;
    socket->url = url;
    socket->listener = listener;
    socket->context = context;
    socket->id = id;
    list_append(&sockets->all, &socket->link);
    resolve(socket);
    return socket;
}

/* What lws says when it has nothing to say: it got no connection, or lost it. */
static bool says_nothing(const char *what, size_t length) {
    static const char *const phrases[] = {"onnect", "imed out", "imeout", "closed before established"};
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (memmem(what, length, phrases[i], strlen(phrases[i])) != NULL)
            return true;
    return false;
}

/* OpenSSL does not like a certificate: we may have another opinion, and remember its words. */
static void judge_certificate(struct socket *socket, X509_STORE_CTX *store, bool good) {
    if (good)
        return;
    if (socket->sockets->trust->insecure)
        X509_STORE_CTX_set_error(store, X509_V_OK);
    else
        socket->certificate_problem = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
}

/* lws could not make a WebSocket of it. */
static void on_connection_error(struct socket *socket, unsigned status, const char *what, size_t length) {
    char why[WHY_CHARS] = "";
    if (socket->certificate_problem != NULL)
        snprintf(why, sizeof why, "the certificate is not trusted: %s", socket->certificate_problem);
    else if (status != 0 && status != 101)
        snprintf(why, sizeof why, "HTTP %u instead of a WebSocket", status);
    else if (what != NULL && !says_nothing(what, length))
        snprintf(why, sizeof why, "%.*s", (int)length, what);
    socket->wsi = NULL;
    if (why[0] == '\0' && socket->address != NULL)
        lws_sul_schedule(socket->sockets->context, 0, &socket->next_address, on_next_address, 1);
    else
        gone(socket, why);
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

void socket_send(struct socket *socket, const char *text, size_t length) {
    static const char padding[LWS_PRE];
    buffer_append(&socket->out, &length, sizeof length);
    buffer_append(&socket->out, padding, sizeof padding);
    buffer_append(&socket->out, text, length);
    if (socket->established)
        lws_callback_on_writable(socket->wsi);
}

/* Has lws send a Close and wait for the answer. Returning -1 from its callback would close without one. */
static void close_politely(struct socket *socket, int when) {
    lws_close_reason(socket->wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
    lws_set_timeout(socket->wsi, PENDING_TIMEOUT_USER_OK, when);
}

/* Returns what lws shall do with the connection: 0 keep it, -1 close it. */
static int on_writable(struct socket *socket) {
    struct buffer *out = &socket->out;
    if (out->length > 0) {
        size_t length;
        memcpy(&length, out->bytes, sizeof length);
        unsigned char *text = (unsigned char *)out->bytes + sizeof length + LWS_PRE;
        if (lws_write(socket->wsi, text, length, LWS_WRITE_TEXT) < (int)length)
            return -1;
        buffer_consume(out, sizeof length + LWS_PRE + length);
        lws_callback_on_writable(socket->wsi);
        return 0;
    }
    if (socket->listener == NULL)
        close_politely(socket, LWS_TO_KILL_ASYNC);
    return 0;
}

static int on_receive(struct socket *socket, const char *bytes, size_t length) {
    if (lws_is_first_fragment(socket->wsi))
        buffer_clear(&socket->in);
    if (socket->in.length + length > MAX_MESSAGE_BYTES)
        return -1;
    buffer_append(&socket->in, bytes, length);
    bool whole = lws_is_final_fragment(socket->wsi) && lws_remaining_packet_payload(socket->wsi) == 0;
    if (whole && !lws_frame_is_binary(socket->wsi) && socket->listener != NULL)
        socket->listener->on_text(socket->context, socket->id, socket->in.bytes, socket->in.length);
    return 0;
}

/* RFC 6455 section 5.5.1: the code comes first, in network byte order. lws makes 1002 of those it does not know. */
static void on_close_frame(struct socket *socket, const unsigned char *bytes, size_t length) {
    if (length >= 2)
        socket->close_code = (unsigned)bytes[0] << 8 | bytes[1];
}

static int on_established(struct socket *socket, struct lws *wsi) {
    socket->wsi = wsi;
    socket->established = true;
    lws_callback_on_writable(wsi);
    return 0;
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length) {
    struct sockets *sockets = lws_context_user(lws_get_context(wsi));
    uintptr_t serial = (uintptr_t)lws_get_opaque_user_data(wsi);
    struct socket *socket = sockets == NULL || serial == 0 ? NULL : find_socket(sockets, serial);
    if (socket == NULL)
        return 0;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED: return on_established(socket, wsi);
    case LWS_CALLBACK_CLIENT_RECEIVE: return on_receive(socket, in, length);
    case LWS_CALLBACK_CLIENT_WRITEABLE: return on_writable(socket);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: on_close_frame(socket, in, length); break;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        on_connection_error(socket, lws_http_client_http_response(wsi), in, length);
        break;
    case LWS_CALLBACK_CLIENT_CLOSED: gone(socket, "the connection was lost"); break;
    case LWS_CALLBACK_WSI_DESTROY:
        if (socket->wsi == wsi) /* a reset during the handshake: lws says no more than that */
            on_connection_error(socket, 0, NULL, 0);
        break;
    case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION: judge_certificate(socket, user, length != 0); break;
    default: break;
    }
    return 0;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void kill_connection(struct lws *wsi) {
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

void socket_close(struct socket *socket) {
    socket->listener = NULL;
    if (socket->established) {
        if (socket->out.length == 0)
            close_politely(socket, LWS_TO_KILL_SYNC); /* may be the end of it at once */
        return;
    }
    if (socket->wsi != NULL)
        kill_connection(socket->wsi);
    free_socket(socket);
}

void socket_cut(struct socket *socket) {
    if (!socket->established)
        return;
    static const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(lws_get_socket_fd(socket->wsi), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    kill_connection(socket->wsi);
}

/* --- the context -------------------------------------------------------------------------------------------------- */

struct sockets *sockets_new(struct uv_loop_s *loop, const struct socket_trust *trust) {
    struct sockets *sockets = memory_zero(1, sizeof *sockets);
    sockets->loop = loop;
    sockets->trust = trust;
    list_init(&sockets->all);
    sockets->protocols[0] =
        (struct lws_protocols){.name = subprotocol, .callback = on_lws, .rx_buffer_size = RX_BUFFER_BYTES};
    void *loops[] = {loop};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = sockets->protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        .user = sockets,
        .foreign_loops = loops,
        .timeout_secs = ADDRESS_TIMEOUT_S,
        .connect_timeout_secs = ADDRESS_TIMEOUT_S,
        .ka_time = KEEPALIVE_S,
        .ka_probes = KEEPALIVE_PROBES,
        .ka_interval = KEEPALIVE_INTERVAL_S,
        .client_ssl_ca_filepath = trust->ca_file,
        .http_proxy_address = "", /* or lws would take $http_proxy, also for this very machine */
    };
    lws_set_log_level(0, NULL);
    sockets->context = lws_create_context(&info);
    if (sockets->context == NULL) {
        free(sockets);
        return NULL;
    }
    uv_idle_init(loop, &sockets->idle);
    sockets->idle.data = sockets;
    return sockets;
}

static void free_all(struct sockets *sockets) {
    while (!list_empty(&sockets->all))
        free_socket(list_entry(sockets->all.next, struct socket, link));
}

static void on_teardown(uv_idle_t *idle) {
    struct sockets *sockets = idle->data;
    sockets->teardown++;
    if (sockets->teardown == FAREWELL_TURNS) {
        free_all(sockets);
        lws_context_destroy(sockets->context);
    } else if (sockets->teardown == FAREWELL_TURNS + TEARDOWN_TURNS) {
        lws_context_destroy(sockets->context); /* now that its handles are closed, this frees it */
        uv_idle_stop(idle);
        end_if_idle(sockets);
    }
}

void sockets_free(struct sockets *sockets) {
    uv_idle_start(&sockets->idle, on_teardown);
}
