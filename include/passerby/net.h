/* net.h - the one user of libwebsockets: listening sockets, WebSocket and HTTP, on a libuv loop.
 *
 * A net has a public server (the page, /ws, the API) and, when asked, an internal one (probes, metrics, drain). It
 * is used from its loop's thread alone. */
#ifndef PASSERBY_NET_H
#define PASSERBY_NET_H

#include "passerby/assets.h"
#include "passerby/core.h"
#include "passerby/log.h"
#include "passerby/transport.h"

struct uv_loop_s;
struct net;

/* An answer to a dynamic HTTP request. Body and type are copied by the caller of the handler before the next
 * request. */
struct http_answer {
    int status;
    const char *content_type;
    const char *body;
    size_t length;
};

/* From where a request came, each to be trusted more than the one before. */
enum http_door {
    HTTP_PUBLIC,   /* to the public server */
    HTTP_INTERNAL, /* to the internal server */
    HTTP_LOCAL,    /* to the internal server, from a program on this machine (in a pod: in this pod) */
};

/* Answers a request for a path that is no asset. Returns false for "no such path" (404). A path that exists, but not
 * with that method, is answered with status 405. */
typedef bool (*http_handler_fn)(void *context, enum http_door door, const char *method, const char *path,
                                struct http_answer *answer);

/* Who may connect: the limits that hold for all the nets of a process together. Thread-safe. */
struct admission;
/* max_connections: in all; max_per_address: of one address (IPv6: of one /64), 0 = no limit; connects: of one
 * address. */
struct admission *admission_new(uint32_t max_connections, uint32_t max_per_address, struct rate connects);
void admission_free(struct admission *admission);

/* How many connections an address has. The key is the address itself: hide it before it leaves the process. */
struct admission_count {
    uint64_t key;
    uint32_t connections;
};

/* That max_per_address holds for several processes together, each tells the others what it counts. Takes the counts
 * that have changed, and those that were last taken 20 s ago; at most `most`, and returns how many. Who has called
 * this once goes on calling it, every second or so. */
size_t admission_take_counts(struct admission *admission, int64_t now_us, struct admission_count *out, size_t most);
/* The address has so many connections in other processes. */
void admission_set_elsewhere(struct admission *admission, uint64_t key, uint32_t connections);
/* The others can't be heard: only the own count limits. */
void admission_forget_elsewhere(struct admission *admission);

/* Why somebody was not let in. */
enum net_refusal { REFUSED_FULL, REFUSED_ADDRESS, REFUSED_ORIGIN, REFUSED_HANDSHAKE, NET_REFUSALS };

/* What the net counts, read from any thread. */
struct net_stats {
    uint64_t connections;           /* WebSocket connections that stand */
    uint64_t accepted;              /* sockets accepted since the start */
    uint64_t refused[NET_REFUSALS]; /* by enum net_refusal */
    uint64_t closed_by_code[16];    /* by the row of CLOSE_ROW; the last is "other" */
    uint64_t queued_bytes;          /* of all output queues */
    uint64_t bytes_in;              /* of text messages */
    uint64_t bytes_out;
};

/* Who listens on the public ports. */
enum net_sharing {
    NET_PORT_ALONE, /* this net */
    NET_PORT_FIRST, /* several nets of this process (SO_REUSEPORT), and this one is made first */
    NET_PORT_NEXT,  /* the others of them */
};

/* Strings and arrays are borrowed for the life of the net. */
struct net_options {
    struct log *log;
    const char *const *listen; /* "host:port", "[v6]:port", ":port"; NULL-terminated. */
    enum net_sharing sharing;
    const char *internal_listen; /* NULL = none */
    const char *const
        *allowed_origins; /* hosts ("chat.example.org", "chat.example.org:8443"), or "*"; NULL-terminated */
    const char *const *trusted_proxies; /* CIDRs; NULL-terminated */
    const char *tls_certificate;        /* PEM files; NULL = no TLS */
    const char *tls_key;
    const struct asset *assets;
    http_handler_fn http_handler;
    void *http_context;
    struct admission *admission; /* over it: HTTP 503 when full, 429 with Retry-After for an address */
    uint32_t max_frame_bytes;
    uint32_t queue_bytes;       /* of one connection: over it 4001 */
    uint64_t total_queue_bytes; /* of all connections together: over it the longest queue is closed with 4001 */
    uint32_t handshake_timeout_ms;
    uint32_t ping_interval_ms;
    uint32_t dead_after_ms; /* nothing heard for so long */
};

/* The version of libwebsockets that is loaded. Static storage. */
const char *net_library_version(void);

/* How many files a net opens for itself where so many may be open, beside its listeners and its connections. */
uint64_t net_own_files(uint64_t limit);

/* Binds and listens, but accepts nothing yet. On failure returns NULL and writes one line naming the address or file
 * and what is wrong to `error`. */
struct net *net_new(struct uv_loop_s *loop, const struct net_options *options,
                    const struct transport_listener *listener, char *error, size_t error_size);
struct transport *net_transport(struct net *net);
/* The port that the first public / the internal socket got, for port 0. */
uint16_t net_port(const struct net *net);
uint16_t net_internal_port(const struct net *net);
void net_start(struct net *net);
/* Closes the public listening sockets; connections stay. */
void net_stop_accepting(struct net *net);
/* Reads certificate and key again, for new connections. Returns false, and keeps the old ones, if they can't be
 * used. */
bool net_reload_tls(struct net *net);
/* Closes every connection with that code. */
void net_close_all(struct net *net, enum close_code code);
void net_stats(const struct net *net, struct net_stats *out);
/* Ends what is left, and the handles on the loop. The loop must run until it is empty before it is closed; `done` is
 * called when the net no longer needs it, and the net is freed then. */
void net_free(struct net *net, void (*done)(void *context), void *context);

#endif
