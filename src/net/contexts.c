/* contexts.c - the lws contexts of a net: several, as each looks through a table with a place for every file there may be whenever
 * one of its connections ends (a check in the builds that Debian ships: 6 instructions a place, 6 million where 1,048,576 files may
 * be open).
 *
 * Flow:   one for sockets below 1,024, one for those below 1,536, and so on, half as many more each time, up to the limit of open
 *         files; all on the one loop, each with one vhost. A new socket gets the lowest number that is free, so what an end costs goes
 *         with how many people there are.
 * Fails:  without the last of them, which would take all sockets, there is no net; without one before it the next takes its place. */
#include "net_priv.h"

#include "lws_memory.h"

enum {
    FIRST_FILES = 1024,
    FILES_OF_CONTEXT = 2,       /* that lws opens for each: an eventfd, and /dev/urandom */
    RX_BUFFER_BYTES = 128,      /* of each connection: density before speed; a line of chat with its ack fits */
    TLS_RX_BUFFER_BYTES = 256,  /* with less than 160, lws 4.3 closes in the midst of a message of 8 KB */
    TX_PACKET_BYTES = 4 << 20,  /* more than the largest frame: what lws splits it would have to buffer */
    HEADER_BYTES = 8 << 10,     /* of a request */
    MAX_HEADER_POOL = 16 << 10, /* requests being read at once; allocated when needed */
    KEEPALIVE_S = 3600,         /* the deadlines are ours: lws' own must only come later */
};

/* With one vhost: with two, lws would choose between them by the request's Host, whichever listener it came through. Which server a
 * connection belongs to is in struct conn. */
static bool make_context(struct net *net, rlim_t files) {
    static const lws_retry_bo_t no_validity_timers = {0};
    const struct net_options *options = &net->options;
    bool tls = options->tls_certificate != NULL;
    void *loops[] = {net->loop};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = net->protocols,
        /* Initialised once more, lws would forget where in OpenSSL's structures it has put what it has to free. */
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   (tls && net->context_count == 0 ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
        .user = net,
        .foreign_loops = loops,
        .fd_limit_per_thread = 0,
        .max_http_header_data2 = HEADER_BYTES,
        /* One for each socket there can be, so that nobody who sends a request slowly makes others wait for one. */
        .max_http_header_pool2 = files < MAX_HEADER_POOL ? (unsigned)files : MAX_HEADER_POOL,
        .timeout_secs = options->handshake_timeout_ms / 1000 + 2,
        .keepalive_timeout = KEEPALIVE_S,
        .retry_and_idle_policy = &no_validity_timers,
        .vhost_name = "passerby",
        .alpn = "http/1.1",
        .ssl_cert_filepath = options->tls_certificate,
        .ssl_private_key_filepath = options->tls_key,
    };
    lws_memory_watch_tables();
    struct lws_context *lws = lws_create_context(&info);
    lws_memory_untouch_tables();
    info.options |= tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0; /* of a vhost: that it may speak TLS */
    struct lws_vhost *vhost = lws == NULL ? NULL : lws_create_vhost(lws, &info);
    if (lws == NULL)
        return false;
    net->contexts[net->context_count].lws = lws;
    net->contexts[net->context_count].vhost = vhost;
    net->contexts[net->context_count].files = vhost == NULL ? 0 : files;
    net->context_count++;
    return vhost != NULL;
}

/* The limit of the context behind the one with this. */
static rlim_t next_files(rlim_t files) {
    return files + files / 2;
}

uint64_t net_own_files(uint64_t limit) {
    uint64_t contexts = 1;
    for (rlim_t files = FIRST_FILES; files < limit && contexts < MAX_CONTEXTS; files = next_files(files))
        contexts++;
    return contexts * FILES_OF_CONTEXT;
}

/* How long its table is lws takes from the soft limit of open files, which is moved for that. */
static void make_below(struct net *net, rlim_t files, const struct rlimit *limit) {
    struct rlimit moved = {.rlim_cur = files, .rlim_max = limit->rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &moved) != 0)
        return;
    (void)make_context(net, files);
    (void)setrlimit(RLIMIT_NOFILE, limit);
}

bool contexts_make(struct net *net, char *error, size_t error_size) {
    struct rlimit limit;
    bool tls = net->options.tls_certificate != NULL;
    net->protocols[0] = (struct lws_protocols){
        .name = ws_protocol_name,
        .callback = ws_callback,
        .rx_buffer_size = tls ? TLS_RX_BUFFER_BYTES : RX_BUFFER_BYTES,
        .tx_packet_size = TX_PACKET_BYTES,
    };
    lws_set_allocator(lws_memory_reallocate);
    lws_set_log_level(0, NULL); /* its lines hold what users sent */
    bool known = getrlimit(RLIMIT_NOFILE, &limit) == 0;
    rlim_t files = FIRST_FILES;
    for (; known && files < limit.rlim_cur && net->context_count < MAX_CONTEXTS - 1; files = next_files(files))
        make_below(net, files, &limit);
    if (known && make_context(net, limit.rlim_cur))
        return true;
    snprintf(error, error_size, "libwebsockets could not be started%s",
             tls ? "; are the certificate chain and the key complete?" : "");
    return false;
}

struct lws_vhost *contexts_vhost(const struct net *net, int fd) {
    unsigned i = 0;
    while (i + 1 < net->context_count && (rlim_t)fd >= net->contexts[i].files)
        i++;
    return net->contexts[i].vhost;
}

void contexts_destroy(struct net *net) {
    for (unsigned i = 0; i < net->context_count; i++)
        lws_context_destroy(net->contexts[i].lws);
}
