/* listen.c - the listening sockets: opened by us, accepted from by us, adopted by lws.
 *
 * lws' own listeners can't share a port between threads (ALLOW_LISTEN_SHARE fails on 4.1.6), and spin when files run
 * out.
 *
 * Flow:   listen_open (bind, listen) → listen_start (poll) → accept → conn_new → lws adopts the socket.
 * Fails:  out of files: the spare one is given up to accept and close one connection, and accepting pauses for a
 *         moment. */
#include "net_priv.h"

#include "interpose.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,
    ACCEPTS_PER_TURN = 64,
    MAX_PORT_CHARS = 8,
};

/* "host:port", "[v6]:port", ":port" (host ""). */
static bool split_address(const char *text, char host[MAX_HOST_CHARS + 1], char port[MAX_PORT_CHARS]) {
    const char *colon = strrchr(text, ':');
    if (colon == NULL)
        return false;
    size_t length = (size_t)(colon - text);
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    } else if (memchr(text, ':', length) != NULL) {
        return false;
    }
    char *end;
    unsigned long number = strtoul(colon + 1, &end, 10);
    if (length > MAX_HOST_CHARS || colon[1] < '0' || colon[1] > '9' || *end != '\0' || number > 65535)
        return false;
    memcpy(host, text, length);
    host[length] = '\0';
    snprintf(port, MAX_PORT_CHARS, "%lu", number);
    return true;
}

/* What accepted sockets take over from their listener is set here, once. */
static bool set_options(int fd, int family, bool shared) {
    int on = 1;
    int send_bytes = SEND_BUFFER_BYTES;
    return (family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
           setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           (!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
           setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes) == 0;
}

/* A listening socket, or -1 and errno. */
static int open_socket(const struct addrinfo *address, bool shared) {
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (set_options(fd, address->ai_family, shared) && bind(fd, address->ai_addr, address->ai_addrlen) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* The same, but not beside another process: a port is shared between the nets of this one alone. */
static int open_port(const struct addrinfo *address, enum net_sharing sharing) {
    if (sharing == NET_PORT_FIRST) {
        int probe = open_socket(address, false);
        if (probe < 0)
            return -1;
        close(probe);
    }
    return open_socket(address, sharing != NET_PORT_ALONE);
}

static uint16_t port_of(int fd) {
    struct sockaddr_storage name = {0};
    socklen_t size = sizeof name;
    char port[MAX_PORT_CHARS] = "0";
    if (getsockname(fd, (struct sockaddr *)&name, &size) == 0)
        getnameinfo((struct sockaddr *)&name, size, NULL, 0, port, sizeof port, NI_NUMERICSERV);
    return (uint16_t)strtoul(port, NULL, 10);
}

static void add_listener(struct net *net, int fd, bool internal) {
    struct listener *listener = memory_zero(1, sizeof *listener);
    *listener = (struct listener){.net = net, .fd = fd, .port = port_of(fd), .internal = internal, .open = true};
    uv_poll_init(net->loop, &listener->poll, fd);
    listener->poll.data = listener;
    net->listeners = memory_resize(net->listeners, net->listener_count + 1, sizeof *net->listeners);
    net->listeners[net->listener_count++] = listener;
}

/* Opens one address of the configuration; a name may stand for several. Returns 0, or an error number and a line in
 * `error`. */
static int open_address(struct net *net, const char *text, bool internal, char *error, size_t error_size) {
    const char *flag = internal ? "--internal-listen" : "--listen";
    char host[MAX_HOST_CHARS + 1];
    char port[MAX_PORT_CHARS];
    if (!split_address(text, host, port)) {
        snprintf(error, error_size, "%s: %s: not an address; write HOST:PORT or [IPV6]:PORT", flag, text);
        return EINVAL;
    }
    if (strcmp(port, "0") == 0 && !internal && net->listener_count > 0) /* one port, on all public addresses */
        snprintf(port, sizeof port, "%u", net->listeners[0]->port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, &found);
    if (failure != 0) {
        snprintf(error, error_size, "%s: %s: %s", flag, text, gai_strerror(failure));
        return EINVAL;
    }
    size_t before = net->listener_count;
    int why = 0;
    for (const struct addrinfo *each = found; each != NULL; each = each->ai_next) {
        int fd = open_port(each, internal ? NET_PORT_ALONE : net->options.sharing);
        if (fd >= 0)
            add_listener(net, fd, internal);
        else
            why = errno;
    }
    freeaddrinfo(found);
    if (net->listener_count > before)
        return 0;
    snprintf(error, error_size, "%s: %s: %s", flag, text, strerror(why));
    return why;
}

bool listen_open(struct net *net, char *error, size_t error_size) {
    const struct net_options *options = &net->options;
    snprintf(error, error_size, "--listen: there is no address to listen on");
    for (const char *const *each = options->listen; each != NULL && *each != NULL; each++) {
        int why = open_address(net, *each, false, error, error_size);
        /* A machine without IPv6 is no reason not to start, as long as somebody can connect. */
        bool forgiven = strncmp(*each, "[::]:", 5) == 0 && (why == EAFNOSUPPORT || why == EADDRNOTAVAIL);
        if (why != 0 && !forgiven)
            return false;
    }
    return net->listener_count > 0 && (options->internal_listen == NULL ||
                                       open_address(net, options->internal_listen, true, error, error_size) == 0);
}

/* Out of files: the peer is told by a close, and the poll rests, or it would call again at once, for ever. */
static void out_of_files(struct net *net, int fd) {
    close(net->spare_fd);
    int refused = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (refused >= 0)
        close(refused);
    net->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (size_t i = 0; i < net->listener_count; i++)
        if (net->listeners[i]->open)
            uv_poll_stop(&net->listeners[i]->poll);
    heap_set(&net->deadlines, &net->accept_again, net_now(net) + ACCEPT_PAUSE_MS);
    net_arm_timer(net);
    net_count_refused(net, REFUSED_FULL);
    log_line(net->options.log, LOG_LEVEL_WARNING, "out of files", "pause_ms=%d", ACCEPT_PAUSE_MS);
}

static void adopt(struct listener *listener, int fd) {
    struct net *net = listener->net;
    struct conn *conn = conn_new(net, listener->internal);
    conn_ref ref = conn_ref_of(conn);
    lws_adopt_desc_t adoption = {
        .vh = contexts_vhost(net, fd),
        .type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | (listener->internal ? 0 : LWS_ADOPT_ALLOW_SSL),
        .fd = {.sockfd = fd},
        .opaque = (void *)(uintptr_t)ref,
    };
    net_count(net, COUNT_ACCEPTED, 1);
    interpose_adopting(fd);
    struct lws *wsi = lws_adopt_descriptor_vhost_via_info(&adoption);
    interpose_adopted();
    if (wsi != NULL)
        return;
    conn = conn_find(net, ref); /* lws has closed the socket, and may have told */
    if (conn != NULL)
        conn_gone(conn);
}

static void on_connect(uv_poll_t *poll, int status, int events) {
    struct listener *listener = poll->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            adopt(listener, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            out_of_files(listener->net, listener->fd);
            return;
        } else if (errno == EAGAIN) {
            return;
        } /* else: that one peer is gone already */
    }
}

void listen_again(struct net *net) {
    for (size_t i = 0; i < net->listener_count; i++)
        if (net->listeners[i]->open)
            uv_poll_start(&net->listeners[i]->poll, UV_READABLE, on_connect);
}

void listen_start(struct net *net) {
    net->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    listen_again(net);
}

static void on_poll_closed(uv_handle_t *handle) {
    struct listener *listener = handle->data;
    close(listener->fd);
    listener->fd = -1;
}

void listen_close(struct net *net, bool internal_too) {
    for (size_t i = 0; i < net->listener_count; i++) {
        struct listener *listener = net->listeners[i];
        if (!listener->open || (listener->internal && !internal_too))
            continue;
        listener->open = false;
        uv_poll_stop(&listener->poll);
        uv_close((uv_handle_t *)&listener->poll, on_poll_closed);
    }
}
