/* net_priv.h - what the files of this room share: struct net, struct conn, and who does what to them. */
#ifndef NET_PRIV_H
#define NET_PRIV_H

#include "passerby/net.h"

#include "address.h"
#include "cork.h"
#include "outbox.h"
#include "wiretap.h"

#include "base/buffer.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/pool.h"

#include <libwebsockets.h>
#include <uv.h>

#include <stdatomic.h>
#include <sys/resource.h>

enum {
    CLOSE_TIMEOUT_MS = 5000,      /* for what is queued, our Close, and the peer's answer */
    ANSWER_TIMEOUT_MS = 60000,    /* for one HTTP answer, from its beginning */
    HELD_CHECK_MS = 250,          /* how often a held answer's socket is looked at */
    ACCEPT_PAUSE_MS = 100,        /* when files have run out */
    STANDSTILL_MS = 1000,         /* a timer this late means that the loop stood still */
    SEND_BUFFER_BYTES = 64 << 10, /* SO_SNDBUF: what an unread peer may hold in the kernel (which doubles it) */
    MAX_HOST_CHARS = 255,
    MAX_CONTEXTS = 24,
    CLOSE_WITHOUT_CODE = 1005, /* RFC 6455 section 7.4.1: never on the wire */
};

/* A connection's life. It only goes down this list. */
enum conn_phase {
    CONN_FREE,
    CONN_HTTP,     /* accepted; asks, or may ask, for something */
    CONN_ADMITTED, /* its upgrade was granted */
    CONN_OPEN,     /* a WebSocket connection that stands */
    CONN_CLOSING,  /* we want to close it: our Close goes out behind what is queued */
    CONN_CLOSED,   /* our Close was written; the peer's is awaited */
    CONN_ENDING,   /* lws takes it down */
};

/* A message of which not all has come. */
struct inbox {
    struct buffer text;
    uint32_t empty_fragments;
};

/* The queue of a connection; exists only while something is queued. */
struct sendq {
    struct outbox outbox;
    struct list link; /* in net.queued */
    struct conn *conn;
};

/* An HTTP answer of which not all is written. */
struct http_reply {
    const uint8_t *at;
    size_t left;
    uint8_t *owned;      /* what `at` points into, or NULL if that is static */
    int64_t end_ms;      /* it must be written by then, ... */
    int64_t patience_ms; /* ... and more of it by then */
    bool last;           /* close the connection behind it */
    bool held;           /* the socket was told not to say that it is readable */
};

/* One accepted socket. Lives in a page of net.pages; a conn_ref is its slot + 1 and its generation. What each message needs comes first. */
struct conn {
    struct net *net;
    struct lws *wsi;
    session_ref session;
    int64_t heard_ms; /* when the peer was last heard */
    struct wiretap tap;
    uint32_t slot;
    uint32_t generation;
    struct inbox *inbox;
    struct sendq *sendq;
    uint8_t phase;     /* enum conn_phase */
    bool internal : 1; /* accepted by the internal listener */
    bool served : 1;   /* a request of it was answered */
    bool told : 1;     /* on_open was called: on_close is owed */
    bool paused : 1;
    bool broken : 1;            /* a write failed: nothing more can be sent */
    bool scheduled : 1;         /* in net.scheduled */
    uint16_t close_code;        /* 0 = not known yet */
    struct heap_entry deadline; /* in net.deadlines, on the clock of net_now() */
    struct http_reply *reply;
    uint64_t address_key; /* from CONN_ADMITTED on */
};

enum { CONNS_PER_PAGE = POOL_PAGE_BYTES / sizeof(struct conn) };

/* A listening socket. */
struct listener {
    struct net *net;
    uv_poll_t poll;
    int fd;
    uint16_t port;
    bool internal;
    bool open;
};

enum net_count { COUNT_CONNECTIONS, COUNT_ACCEPTED, COUNT_QUEUED_BYTES, COUNT_BYTES_IN, COUNT_BYTES_OUT, NET_COUNTS };

enum { CLOSE_KINDS = 16 };

struct net {
    struct transport transport; /* first: a struct transport * is a struct net * */
    struct net_options options;
    struct transport_listener listener;
    struct net_range *trusted;
    size_t trusted_count;
    uv_loop_t *loop;

    struct {
        struct lws_context *lws;
        struct lws_vhost *vhost;
        rlim_t files; /* sockets below this number are its */
    } contexts[MAX_CONTEXTS];
    unsigned context_count;
    struct lws_protocols protocols[2];

    struct listener **listeners; /* their uv_poll_t must not move */
    size_t listener_count;
    struct heap_entry accept_again;
    int spare_fd; /* given up for a moment when files run out */

    struct conn **pages;
    size_t page_count;
    uint32_t *free_slots;
    size_t free_count;

    struct heap deadlines;
    uv_timer_t timer;
    int64_t timer_at_ms;    /* on the loop's clock; INT64_MAX = not started */
    int64_t stood_still_ms; /* how long, in all, the loop did not turn */

    struct cork cork;
    struct conn *reading; /* whose message is being worked on; NULL = nobody's */
    uv_prepare_t before_wait;

    struct list queued;  /* struct sendq.link: whoever has something queued */
    conn_ref *scheduled; /* to be looked at from `idle` */
    size_t scheduled_count;
    uv_idle_t idle;

    int teardown; /* steps of net_free() still to go; 0 = in use */
    void (*done)(void *context);
    void *done_context;

    _Atomic uint64_t counts[NET_COUNTS];
    _Atomic uint64_t refused[NET_REFUSALS];
    _Atomic uint64_t closed[CLOSE_KINDS];
};

/* --- server.c --- */
static inline int64_t net_now(const struct net *net) {
    return (int64_t)uv_now(net->loop) - net->stood_still_ms;
}
/* Sets the timer to the first deadline. */
void net_arm_timer(struct net *net);
static inline void net_count(struct net *net, enum net_count what, uint64_t by) {
    /* One writer, the loop's thread: no locked instruction is needed. */
    _Atomic uint64_t *count = &net->counts[what];
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + by, memory_order_relaxed);
}
static inline void net_count_refused(struct net *net, enum net_refusal why) {
    atomic_fetch_add_explicit(&net->refused[why], 1, memory_order_relaxed);
}

/* --- contexts.c --- */
/* False, and a line in `error`, if lws can't be started. */
bool contexts_make(struct net *net, char *error, size_t error_size) __attribute__((warn_unused_result));
/* Where lws is to adopt this socket. */
struct lws_vhost *contexts_vhost(const struct net *net, int fd);
/* Called twice: connections are taken down, and when the loop has closed their handles, the rest is freed. */
void contexts_destroy(struct net *net);

/* --- listen.c --- */
/* Opens what options.listen and options.internal_listen name. False, and a line in `error`, if that can't be. */
bool listen_open(struct net *net, char *error, size_t error_size) __attribute__((warn_unused_result));
void listen_start(struct net *net);
/* Closes listeners: the public ones, or all. The handles are freed by the loop. */
void listen_close(struct net *net, bool internal_too);
/* ACCEPT_PAUSE_MS after files ran out. */
void listen_again(struct net *net);

/* --- conn.c --- */
/* Takes a slot for a socket just accepted. */
struct conn *conn_new(struct net *net, bool internal);
conn_ref conn_ref_of(const struct conn *conn);
/* NULL if it is gone. */
struct conn *conn_find(struct net *net, conn_ref ref);
/* The connection of a callback; NULL for one that is gone, or none of ours. */
struct conn *conn_of(struct lws *wsi);
/* lws and its socket are there. */
void conn_attach(struct conn *conn, struct lws *wsi);
void conn_set_deadline(struct conn *conn, int64_t at_ms);
/* Its deadline has come. */
void conn_on_deadline(struct conn *conn);
/* Has conn_reap() look at it, soon. */
void conn_schedule(struct conn *conn);
/* A write failed. Ends it from the loop, soon: this may be inside one of its callbacks, or inside a call of the node.
 * */
void conn_doom(struct conn *conn);
/* Ends those that were doomed, closes those whose frame headers break the rules, reads what TLS holds. */
void conn_reap(uv_idle_t *idle);
/* The socket is no more: gives back all that belongs to the connection, and tells the node. */
void conn_gone(struct conn *conn);
void conn_free_all(struct net *net);

/* --- send.c --- */
extern const struct transport_ops send_ops;
/* Begins to close: `code` goes out behind what is queued. Nothing if it is closing already. */
void send_close(struct conn *conn, uint16_t code);
/* Index of struct net_stats.closed_by_code. */
size_t send_close_kind(uint16_t code);
/* Answers the peer's Close; CLOSE_WITHOUT_CODE if theirs had none. lws takes the connection down behind it. */
bool send_close_answer(struct conn *conn, uint16_t code) __attribute__((warn_unused_result));
/* lws says that it may write. Returns false if the connection is broken. */
bool send_writable(struct conn *conn) __attribute__((warn_unused_result));
void send_ping(struct conn *conn);
/* lws holds a part of these frames: the queue keeps their places. */
void send_keep_places(struct conn *conn, const struct transport_frame *frames, size_t count);
/* Forgets what is queued. */
void send_drop_queue(struct conn *conn);

/* --- ws.c --- */
/* The callback of the one lws protocol. */
int ws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length);
void ws_free_inbox(struct conn *conn);
extern const char ws_protocol_name[];

/* --- upgrade.c --- */
/* May this request become a WebSocket connection? Returns true, and the connection is CONN_ADMITTED; or false, and the
 * request was answered: close it. */
bool upgrade_check(struct conn *conn, struct lws *wsi, const char *protocol) __attribute__((warn_unused_result));

/* --- http.c --- */
/* Answers a request that is no upgrade. As lws wants it: 0 = go on, -1 = close. */
int http_request(struct conn *conn, struct lws *wsi);
/* Writes more of the answer. The same. */
int http_writable(struct conn *conn, struct lws *wsi);
/* Answers with an error and a short text; `headers` are whole lines, or "". Close the connection behind it. */
void http_refuse(struct lws *wsi, int status, const char *headers, const char *text);
/* The deadline of a connection with an answer under way. False: cut it. */
bool http_on_deadline(struct conn *conn) __attribute__((warn_unused_result));
void http_free_reply(struct conn *conn);
/* Copies a request header; false if it is absent, or longer than fits. */
bool http_header(struct lws *wsi, enum lws_token_indexes token, char *out, int size);
/* Is a request header there, be it empty? */
bool http_has_header(struct lws *wsi, enum lws_token_indexes token);
/* Who is at the other end of the socket. False if it is no internet address. */
bool http_peer(struct lws *wsi, struct net_address *out) __attribute__((warn_unused_result));

/* --- tls.c --- */
/* Are these a certificate and its key? Otherwise one line in `error`. */
bool tls_check(const char *certificate, const char *key, char *error, size_t error_size)
    __attribute__((warn_unused_result));

#endif
