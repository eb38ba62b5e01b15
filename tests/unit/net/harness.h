/* harness.h - a net on a loop of its own thread, with a listener that obeys what clients tell it, and a plain socket
 * client.
 *
 * The listener echoes every text, but for these: "close CODE", "pause MS" (reads on after so long), "flood COUNT
 * LENGTH" (sends so many frames of that length, each numbered), "tags RULE TAG COUNT" (sends frames with one tag, then
 * "done").
 *
 * Nothing here waits by sleeping: clients wait for bytes or the end of the stream (at most PATIENCE_S), and tests wait
 * for counters with rig_wait(). */
#ifndef TEST_NET_HARNESS_H
#define TEST_NET_HARNESS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "passerby/net.h"

#include "wiretap.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum { PATIENCE_S = 20, MAX_WRITTEN = 4096 };

/* --- the net ------------------------------------------------------------------------------------------------------ */

struct rig {
    struct net_options options;
    struct net *net;
    struct transport *transport;
    struct log *log;
    uint16_t port;
    uint16_t internal_port;

    uv_loop_t loop;
    uv_async_t async;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    void (*job)(struct rig *rig, void *argument);
    void *job_argument;
    bool job_done;
    bool freed;
    _Atomic int
        abort_before_free; /* a client's socket: it is reset, and written to, in the turn in which the net is freed */

    /* What the listener has seen. */
    _Atomic unsigned opened;
    _Atomic unsigned closed;
    _Atomic unsigned texts;
    _Atomic unsigned late_texts; /* after close() */
    _Atomic unsigned written;    /* on_written */
    _Atomic unsigned sent_at_once;
    _Atomic unsigned sent_queued;
    _Atomic unsigned sent_dropped;
    _Atomic conn_ref last;
    _Atomic conn_ref closing;
    session_ref closed_session;
    bool quiet;         /* send without a report */
    bool inside_call;   /* of a transport operation: no callback may fire */
    _Atomic bool chase; /* send a frame from on_written */
};

struct rig_timer {
    uv_timer_t timer;
    struct rig *rig;
    conn_ref conn;
};

static inline void rig_note(struct rig *rig, _Atomic unsigned *counter) {
    assert(!rig->inside_call);
    pthread_mutex_lock(&rig->mutex);
    (*counter)++;
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->mutex);
}

static inline enum transport_sent rig_send(struct rig *rig, conn_ref conn, const char *bytes, size_t length,
                                           uint64_t tag, enum tag_rule rule) {
    char *room = malloc(TRANSPORT_HEADROOM_BYTES + length + 1);
    assert(room != NULL);
    memcpy(room + TRANSPORT_HEADROOM_BYTES, bytes, length);
    struct transport_frame frame = {room + TRANSPORT_HEADROOM_BYTES, length, tag, rule, !rig->quiet};
    rig->inside_call = true;
    enum transport_sent sent = rig->transport->ops->send(rig->transport, conn, &frame);
    rig->inside_call = false;
    free(room);
    rig_note(rig, sent == TRANSPORT_WRITTEN  ? &rig->sent_at_once
                  : sent == TRANSPORT_QUEUED ? &rig->sent_queued
                                             : &rig->sent_dropped);
    return sent;
}

static inline void rig_close(struct rig *rig, conn_ref conn, unsigned code) {
    rig->closing = conn;
    rig->inside_call = true;
    rig->transport->ops->close(rig->transport, conn, (enum close_code)code);
    rig->inside_call = false;
}

static inline void rig_pause(struct rig *rig, conn_ref conn, bool paused) {
    rig->inside_call = true;
    rig->transport->ops->pause(rig->transport, conn, paused);
    rig->inside_call = false;
}

static inline void rig_timer_closed(uv_handle_t *handle) {
    free(handle->data);
}

static inline void rig_unpause(uv_timer_t *timer) {
    struct rig_timer *later = timer->data;
    rig_pause(later->rig, later->conn, false);
    uv_close((uv_handle_t *)timer, rig_timer_closed);
}

static inline void rig_pause_for(struct rig *rig, conn_ref conn, unsigned ms) {
    struct rig_timer *later = calloc(1, sizeof *later);
    assert(later != NULL);
    later->rig = rig;
    later->conn = conn;
    later->timer.data = later;
    uv_timer_init(&rig->loop, &later->timer);
    uv_timer_start(&later->timer, rig_unpause, ms, 0);
    rig_pause(rig, conn, true);
}

static inline void rig_flood(struct rig *rig, conn_ref conn, unsigned count, unsigned length) {
    char *frame = malloc(length + 16);
    assert(frame != NULL && length >= 16);
    for (unsigned i = 0; i < count; i++) {
        memset(frame, 'x', length);
        frame[snprintf(frame, 16, "%u", i)] = 'x';
        if (rig_send(rig, conn, frame, length, 1000 + i, TAG_NONE) == TRANSPORT_DROPPED)
            break;
    }
    free(frame);
}

static inline void rig_on_open(void *context, conn_ref conn) {
    struct rig *rig = context;
    rig->inside_call = true;
    rig->transport->ops->bind(rig->transport, conn, 77);
    rig->inside_call = false;
    rig->last = conn;
    rig_note(rig, &rig->opened);
}

static inline void rig_on_text(void *context, session_ref session, conn_ref conn, const char *bytes, size_t length) {
    struct rig *rig = context;
    char text[128];
    unsigned a, b, c;
    assert(session == 77);
    bool late = conn == rig->closing;
    snprintf(text, sizeof text, "%.*s", (int)(length < 100 ? length : 100), bytes);
    if (sscanf(text, "close %u", &a) == 1) {
        rig_close(rig, conn, a);
    } else if (sscanf(text, "pause %u", &a) == 1) {
        rig_pause_for(rig, conn, a);
    } else if (sscanf(text, "flood %u %u", &a, &b) == 2) {
        rig_flood(rig, conn, a, b);
    } else if (sscanf(text, "last %u %u", &a, &b) == 2) { /* to whoever came last */
        rig->quiet = true;
        rig_flood(rig, rig->last, a, b);
        rig->quiet = false;
    } else if (sscanf(text, "tags %u %u %u", &a, &b, &c) == 3) {
        for (unsigned i = 0; i < c; i++) {
            snprintf(text, sizeof text, "tag %u", i);
            rig_send(rig, conn, text, strlen(text), b, (enum tag_rule)a);
        }
        rig_send(rig, conn, "done", 4, 0, TAG_NONE);
    } else {
        rig_send(rig, conn, bytes, length, 0, TAG_NONE);
    }
    rig_note(rig, late ? &rig->late_texts : &rig->texts);
}

static inline void rig_on_written(void *context, session_ref session, uint64_t tag) {
    struct rig *rig = context;
    (void)tag;
    assert(session == 77);
    rig_note(rig, &rig->written);
    if (rig->chase) {
        rig->chase = false;
        rig_send(rig, rig->last, "chaser", 6, 0, TAG_NONE);
    }
}

static inline void rig_on_close(void *context, session_ref session, conn_ref conn) {
    struct rig *rig = context;
    (void)conn;
    rig->closed_session = session;
    rig_note(rig, &rig->closed);
}

static inline void rig_on_async(uv_async_t *async) {
    struct rig *rig = async->data;
    pthread_mutex_lock(&rig->mutex);
    void (*job)(struct rig * rig, void *argument) = rig->job;
    rig->job = NULL;
    pthread_mutex_unlock(&rig->mutex);
    if (job == NULL)
        return;
    job(rig, rig->job_argument);
    pthread_mutex_lock(&rig->mutex);
    rig->job_done = true;
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->mutex);
}

/* Runs something on the net's thread, and waits for it. */
static inline void rig_run(struct rig *rig, void (*job)(struct rig *rig, void *argument), void *argument) {
    pthread_mutex_lock(&rig->mutex);
    rig->job = job;
    rig->job_argument = argument;
    rig->job_done = false;
    uv_async_send(&rig->async);
    while (!rig->job_done)
        pthread_cond_wait(&rig->changed, &rig->mutex);
    pthread_mutex_unlock(&rig->mutex);
}

/* Waits until a counter is at least `least`. */
static inline void rig_wait(struct rig *rig, const _Atomic unsigned *counter, unsigned least) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&rig->mutex);
    while (*counter < least)
        if (pthread_cond_timedwait(&rig->changed, &rig->mutex, &until) == ETIMEDOUT)
            break;
    unsigned reached = *counter;
    pthread_mutex_unlock(&rig->mutex);
    assert_true(reached >= least);
}

static inline void *rig_thread(void *argument) {
    struct rig *rig = argument;
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    return NULL;
}

static inline void rig_defaults(struct rig *rig) {
    static const char *const listen[] = {"127.0.0.1:0", NULL};
    memset(rig, 0, sizeof *rig);
    rig->options = (struct net_options){
        .listen = listen,
        .internal_listen = "127.0.0.1:0",
        .max_frame_bytes = 16384,
        .queue_bytes = 1 << 20,
        .total_queue_bytes = 64 << 20,
        .handshake_timeout_ms = 60000,
        .ping_interval_ms = 60000,
        .dead_after_ms = 120000,
    };
}

/* Starts the net of rig->options. */
static inline void rig_start(struct rig *rig) {
    char error[256] = "";
    assert_true(wiretap_works());
    struct transport_listener listener = {rig_on_open, rig_on_text, rig_on_written, rig_on_close, rig};
    rig->log = log_new(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    rig->options.log = rig->log;
    pthread_mutex_init(&rig->mutex, NULL);
    pthread_cond_init(&rig->changed, NULL);
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    uv_async_init(&rig->loop, &rig->async, rig_on_async);
    rig->async.data = rig;
    rig->net = net_new(&rig->loop, &rig->options, &listener, error, sizeof error);
    if (rig->net == NULL)
        fail_msg("net_new: %s", error);
    rig->transport = net_transport(rig->net);
    rig->port = net_port(rig->net);
    rig->internal_port = net_internal_port(rig->net);
    net_start(rig->net);
    pthread_create(&rig->thread, NULL, rig_thread, rig);
}

static inline void rig_on_freed(void *context) {
    struct rig *rig = context;
    rig->freed = true;
}

static inline void rig_free_job(struct rig *rig, void *argument) {
    (void)argument;
    if (rig->abort_before_free > 0) {
        struct linger hard = {1, 0};
        setsockopt(rig->abort_before_free, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(rig->abort_before_free);
        rig_send(rig, rig->last, "into the void", 13, 0, TAG_NONE);
    }
    net_free(rig->net, rig_on_freed, rig);
    uv_close((uv_handle_t *)&rig->async, NULL);
}

/* Ends it: everybody who was told of an opening must have been told of a close, and the loop must be empty. */
static inline void rig_stop(struct rig *rig) {
    rig_run(rig, rig_free_job, NULL);
    pthread_join(rig->thread, NULL);
    assert_true(rig->freed);
    assert_int_equal(rig->opened, rig->closed);
    assert_int_equal(rig->late_texts, 0);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    pthread_cond_destroy(&rig->changed);
    pthread_mutex_destroy(&rig->mutex);
    log_free(rig->log);
}

/* For cmocka: a rig with the defaults. */
static inline int rig_setup(void **state) {
    static struct rig rig;
    rig_defaults(&rig);
    rig_start(&rig);
    *state = &rig;
    return 0;
}

static inline int rig_teardown(void **state) {
    rig_stop(*state);
    return 0;
}

/* Opens files until all numbers below `least` are taken, and gives back those that it took; `*count` are so many. */
static inline int *numbers_take(int least, unsigned *count) {
    int *taken = NULL;
    for (*count = 0; *count == 0 || taken[*count - 1] < least - 1; (*count)++) {
        taken = realloc(taken, (*count + 1) * sizeof *taken);
        taken[*count] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(taken[*count] >= 0);
    }
    return taken;
}

static inline void numbers_give_back(int *taken, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        close(taken[i]);
    free(taken);
}

/* --- the client --------------------------------------------------------------------------------------------------- */

static inline int client_connect_from(uint16_t port, const char *from, int receive_bytes) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (receive_bytes > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    if (from != NULL) {
        inet_pton(AF_INET, from, &address.sin_addr);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    }
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    /* Again behind EINTR, which see client_read(): Linux then waits for the connect that is under way. */
    while (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        if (errno != EINTR)
            fail_msg("port %u: %s", port, strerror(errno));
    return fd;
}

static inline int client_connect(uint16_t port) {
    return client_connect_from(port, NULL, 0);
}

static inline void client_send(int fd, const void *bytes, size_t length) {
    const char *at = bytes;
    while (length > 0) {
        ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return; /* the other end may have closed; what it said shows when reading */
        at += sent;
        length -= (size_t)sent;
    }
}

static inline void client_say(int fd, const char *text) {
    client_send(fd, text, strlen(text));
}

/* Reads exactly that much; false at the end of the stream. Running out of patience fails the test. */
static inline bool client_read(int fd, void *out, size_t length) {
    char *at = out;
    while (length > 0) {
        ssize_t got = recv(fd, at, length, 0);
        if (got < 0 && errno == EINTR) /* libuv's io_uring interrupts the thread that made the loop */
            continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            fail_msg("nothing came for %d seconds", PATIENCE_S);
        if (got <= 0)
            return false;
        at += got;
        length -= (size_t)got;
    }
    return true;
}

static inline bool client_at_end(int fd) {
    char byte;
    return !client_read(fd, &byte, 1);
}

/* Reads a head of an HTTP answer, with a NUL behind it. */
static inline bool client_head(int fd, char *out, size_t size) {
    size_t length = 0;
    while (length + 1 < size) {
        if (!client_read(fd, out + length, 1))
            return false;
        length++;
        out[length] = '\0';
        if (length >= 4 && strcmp(out + length - 4, "\r\n\r\n") == 0)
            return true;
    }
    return false;
}

static inline int client_status(const char *head) {
    int status = 0;
    return sscanf(head, "HTTP/1.%*1[01] %d", &status) == 1 ? status : 0;
}

/* The value of a header in a head, up to the end of the line, or NULL. */
static inline const char *client_header(const char *head, const char *name, char *out, size_t size) {
    for (const char *line = strstr(head, "\r\n"); line != NULL && line[2] != '\0'; line = strstr(line + 2, "\r\n")) {
        size_t length = strlen(name);
        if (strncasecmp(line + 2, name, length) == 0 && line[2 + length] == ':') {
            const char *value = line + 3 + length;
            value += strspn(value, " ");
            snprintf(out, size, "%.*s", (int)strcspn(value, "\r"), value);
            return out;
        }
    }
    return NULL;
}

/* Sends a handshake with these extra header lines; returns the status, and the head if `head` is given. */
static inline int client_handshake(int fd, const char *extra, char *head, size_t size) {
    char request[4096];
    char answer[4096];
    snprintf(request, sizeof request,
             "GET /ws HTTP/1.1\r\nHost: chat.example\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
             extra);
    client_say(fd, request);
    if (!client_head(fd, answer, sizeof answer))
        return 0;
    if (head != NULL)
        snprintf(head, size, "%s", answer);
    return client_status(answer);
}

/* A WebSocket connection that stands. */
static inline int client_open(uint16_t port) {
    int fd = client_connect(port);
    assert_int_equal(client_handshake(fd, "Sec-WebSocket-Protocol: passerby.v1\r\n", NULL, 0), 101);
    return fd;
}

enum {
    OP_MORE = 0,
    OP_TEXT = 1,
    OP_BINARY = 2,
    OP_CLOSE = 8,
    OP_PING = 9,
    OP_PONG = 10,
    NO_FIN = 0x100,
    NO_MASK = 0x200
};

/* Builds a frame into `out` (at least length + 14 bytes); returns how long it is. `op` with NO_FIN and NO_MASK. */
static inline size_t client_frame(char *out, unsigned op, const void *payload, size_t length) {
    static const char mask[4] = {0x12, 0x7f, 0x01, 0x5a};
    size_t at = 0;
    char mask_bit = (op & NO_MASK) != 0 ? 0 : (char)0x80;
    out[at++] = (char)((op & 0xff) | ((op & NO_FIN) != 0 ? 0 : 0x80));
    if (length < 126) {
        out[at++] = (char)(mask_bit | (char)length);
    } else if (length < 65536) {
        out[at++] = (char)(mask_bit | 126);
        out[at++] = (char)(length >> 8);
        out[at++] = (char)length;
    } else {
        out[at++] = (char)(mask_bit | 127);
        for (int shift = 56; shift >= 0; shift -= 8)
            out[at++] = (char)(length >> shift);
    }
    if ((op & NO_MASK) == 0) {
        memcpy(out + at, mask, 4);
        at += 4;
    }
    for (size_t i = 0; i < length; i++)
        out[at++] = (char)(((const char *)payload)[i] ^ ((op & NO_MASK) != 0 ? 0 : mask[i % 4]));
    return at;
}

static inline void client_send_frame(int fd, unsigned op, const void *payload, size_t length) {
    char *frame = malloc(length + 14);
    assert(frame != NULL);
    client_send(fd, frame, client_frame(frame, op, payload, length));
    free(frame);
}

static inline void client_text(int fd, const char *text) {
    client_send_frame(fd, OP_TEXT, text, strlen(text));
}

/* Reads one frame: its opcode, payload (with a NUL behind it) and length. Returns -1 at the end of the stream. */
static inline int client_next(int fd, char *out, size_t size, size_t *length) {
    uint8_t header[10];
    if (!client_read(fd, header, 2))
        return -1;
    assert_int_equal(header[0] & 0xf0, 0x80); /* whole messages, no extensions */
    assert_int_equal(header[1] & 0x80, 0);    /* servers do not mask */
    size_t payload = header[1] & 0x7f;
    size_t extended = payload == 126 ? 2 : payload == 127 ? 8 : 0;
    if (extended > 0) {
        assert_true(client_read(fd, header + 2, extended));
        payload = 0;
        for (size_t i = 0; i < extended; i++)
            payload = payload << 8 | header[2 + i];
    }
    assert_true(payload < size);
    if (!client_read(fd, out, payload))
        return -1;
    out[payload] = '\0';
    if (length != NULL)
        *length = payload;
    return header[0] & 0x0f;
}

static inline void client_expect_text(int fd, const char *text) {
    char frame[65536];
    assert_int_equal(client_next(fd, frame, sizeof frame, NULL), OP_TEXT);
    assert_string_equal(frame, text);
}

/* Reads up to the Close frame and returns its code; 0 if the stream ends without one, 1005 if it has none. */
static inline unsigned client_close_code(int fd) {
    static char frame[1 << 20];
    size_t length;
    int op;
    while ((op = client_next(fd, frame, sizeof frame, &length)) >= 0)
        if (op == OP_CLOSE)
            return length < 2 ? 1005 : (unsigned)((uint8_t)frame[0] << 8 | (uint8_t)frame[1]);
    return 0;
}

/* Closes in the proper way, and sees that the server does too. */
static inline void client_leave(int fd) {
    client_send_frame(fd, OP_CLOSE, "\x03\xe8", 2);
    assert_int_equal(client_close_code(fd), 1000);
    assert_true(client_at_end(fd));
    close(fd);
}

#endif
