/* redis_wire.c - hiredis on libuv.
 *
 * Flow:  connecting (the socket is waited for) → on_open → commands, written at the end of the turn, and their answers.
 * Fails: whatever hiredis finds wrong, or redis_wire_break() → every command is answered NULL → clean_up() → on_lost,
 *        once. hiredis frees a context inside its own failing callbacks, and inside a callback it must not be freed by
 *        anybody else: so a break within a callback waits until hiredis has returned (`busy`), and clean_up() is the
 *        one way out.
 * Owns:  hiredis' context and the poll handle; the loop frees the wire when the handle is closed. */
#include "redis_wire.h"

#include "redis_target.h"
#include "redis_tls.h"

#include "base/memory.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY_BYTES = 256, DRAIN_STEP_MS = 10 };

struct redis_wire {
    uv_poll_t poll;
    redisAsyncContext *redis; /* NULL: freed */
    struct redis_wire_listener listener;
    struct ssl_st *session; /* hiredis'; NULL: plain */
    int events;             /* what the poll handle waits for */
    bool open;
    bool dirty;    /* something is to be written at the end of the turn */
    bool flushing; /* what can't be written now is waited for */
    bool busy;     /* hiredis is running */
    bool broken;   /* to be freed when it is not */
    bool heard;
    bool ever_heard;
    size_t unanswered;
    redis_reply_fn *push;
    void *push_context;
    enum redis_trouble trouble; /* why it was broken; NONE: hiredis will say */
    char why[WHY_BYTES];
};

struct command {
    redis_reply_fn *fn;
    void *context;
};

/* --- the end of a wire -------------------------------------------------------------------------------------------- */

static bool is_shaking_hands(const struct redis_wire *wire) {
    return wire->open && wire->session != NULL && !redis_tls_established(wire->session);
}

struct diagnosis {
    enum redis_trouble trouble;
    const char *hint;
};

/* What hiredis' kind of error and its text mean, as far as one can tell from here. `fresh`: the server has not said
 * anything yet. */
static struct diagnosis diagnose_plain(int error, const char *text, bool fresh) {
    if (error == REDIS_ERR_PROTOCOL && strstr(text, "\\x15") != NULL) /* the first byte of a TLS alert */
        return (struct diagnosis){REDIS_TROUBLE_TLS, " (it speaks TLS: use rediss://)"};
    if (error == REDIS_ERR_PROTOCOL)
        return (struct diagnosis){REDIS_TROUBLE_OTHER, " (is it a Redis?)"};
    if (error == REDIS_ERR_OTHER)
        return (struct diagnosis){redis_trouble_of(text), ""};
    return (struct diagnosis){REDIS_TROUBLE_UNREACHABLE,
                              fresh ? " before it said anything (is it a Redis, and without TLS?)" : ""};
}

static void diagnose(struct redis_wire *wire) {
    const redisContext *redis = &wire->redis->c;
    int error = wire->redis->err != 0 ? wire->redis->err : redis->err;
    const char *text = wire->redis->err != 0 ? wire->redis->errstr : redis->errstr;
    bool fresh = wire->open && !wire->ever_heard;
    struct diagnosis diagnosis = {REDIS_TROUBLE_TLS, ""};
    if (fresh && wire->session != NULL) {
        const char *failure = redis_tls_failure(wire->session);
        diagnosis.hint = failure != NULL ? "" : " (does it speak TLS?)";
        text = failure != NULL ? failure : text;
    } else {
        diagnosis = diagnose_plain(error, text, fresh);
    }
    wire->trouble = diagnosis.trouble;
    snprintf(wire->why, sizeof wire->why, "%s%s", *text != '\0' ? text : "the connection was closed", diagnosis.hint);
}

static void on_poll_closed(uv_handle_t *handle) {
    free(handle->data);
}

/* Called by hiredis when all commands have been answered, right before it frees the context. */
static void clean_up(void *data) {
    struct redis_wire *wire = data;
    if (wire->redis == NULL)
        return;
    wire->broken = true;
    if (wire->trouble == REDIS_TROUBLE_NONE)
        diagnose(wire);
    wire->redis = NULL;
    uv_close((uv_handle_t *)&wire->poll, on_poll_closed);
    wire->listener.on_lost(wire->listener.context, wire->trouble, wire->why);
}

/* Frees the context, if it is to be freed, and nobody is using it. */
static void settle(struct redis_wire *wire) {
    if (!wire->broken || wire->busy || wire->redis == NULL)
        return;
    wire->busy = true; /* the answers of NULL must not do this again */
    redisAsyncFree(wire->redis);
}

void redis_wire_stall(struct redis_wire *wire) {
    if (is_shaking_hands(wire))
        redis_wire_break(wire, REDIS_TROUBLE_TLS, "no answer to the TLS handshake (does it speak TLS?)");
    else
        redis_wire_break(wire, REDIS_TROUBLE_SILENT, "no answer in time");
}

void redis_wire_break(struct redis_wire *wire, enum redis_trouble trouble, const char *why) {
    if (wire->broken)
        return;
    wire->broken = true;
    wire->trouble = trouble;
    snprintf(wire->why, sizeof wire->why, "%s", why);
    settle(wire);
}

/* --- hiredis on libuv --------------------------------------------------------------------------------------------- */

static void begin_use(struct redis_wire *wire) {
    wire->busy = true;
    if (wire->session != NULL)
        redis_tls_prepare();
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    struct redis_wire *wire = poll->data;
    begin_use(wire);
    if (wire->redis != NULL && (status < 0 || (events & UV_READABLE) != 0))
        redisAsyncHandleRead(wire->redis);
    if (wire->redis != NULL && !wire->broken && (events & UV_WRITABLE) != 0)
        redisAsyncHandleWrite(wire->redis);
    wire->busy = false;
    settle(wire);
}

static void watch(struct redis_wire *wire, int events) {
    if (wire->events == events || wire->redis == NULL)
        return;
    wire->events = events;
    if (events != 0)
        uv_poll_start(&wire->poll, events, on_poll);
    else
        uv_poll_stop(&wire->poll);
}

static void add_read(void *data) {
    struct redis_wire *wire = data;
    watch(wire, wire->events | UV_READABLE);
}

static void del_read(void *data) {
    struct redis_wire *wire = data;
    watch(wire, wire->events & ~UV_READABLE);
}

/* Until it is connected, and when the kernel did not take everything, the socket is waited for; else the turn's end is.
 * */
static void add_write(void *data) {
    struct redis_wire *wire = data;
    if (wire->flushing || !wire->open)
        watch(wire, wire->events | UV_WRITABLE);
    else
        wire->dirty = true;
}

static void del_write(void *data) {
    struct redis_wire *wire = data;
    watch(wire, wire->events & ~UV_WRITABLE);
}

void redis_wire_flush(struct redis_wire *wire) {
    if (!wire->dirty || wire->busy || (wire->events & UV_WRITABLE) != 0)
        return;
    wire->dirty = false;
    begin_use(wire);
    wire->flushing = true;
    redisAsyncHandleWrite(wire->redis);
    wire->flushing = wire->busy = false;
    settle(wire);
}

void redis_wire_drain(struct redis_wire *wire, int timeout_ms) {
    redisContext *redis = &wire->redis->c;
    int done = 0;
    if (wire->session != NULL)
        redis_tls_prepare();
    for (int waited_ms = 0; waited_ms <= timeout_ms && !wire->broken; waited_ms += DRAIN_STEP_MS) {
        if (redisBufferWrite(redis, &done) != REDIS_OK || done)
            return;
        struct pollfd descriptor = {.fd = redis->fd, .events = POLLOUT};
        poll(&descriptor, 1, DRAIN_STEP_MS);
    }
}

/* --- commands ----------------------------------------------------------------------------------------------------- */

static void hear(struct redis_wire *wire, const redisReply *reply) {
    if (reply != NULL)
        wire->heard = wire->ever_heard = true;
}

static void on_reply(redisAsyncContext *redis, void *reply, void *data) {
    struct redis_wire *wire = redis->data;
    struct command command = *(struct command *)data;
    free(data);
    wire->unanswered--;
    hear(wire, reply);
    command.fn(command.context, wire->broken ? NULL : reply);
}

bool redis_wire_send(struct redis_wire *wire, redis_reply_fn *fn, void *context, int argc, const char *const argv[],
                     const size_t lengths[]) {
    if (wire->broken)
        return false;
    struct command *command = memory_zero(1, sizeof *command);
    *command = (struct command){fn, context};
    int status = redisAsyncCommandArgv(wire->redis, on_reply, command, argc, (const char **)(uintptr_t)argv,
                                       (size_t *)(uintptr_t)lengths);
    if (status != REDIS_OK) { /* it is breaking just now */
        free(command);
        return false;
    }
    wire->unanswered++;
    return true;
}

static void on_push(redisAsyncContext *redis, void *reply, void *data) {
    struct redis_wire *wire = data;
    (void)redis;
    hear(wire, reply);
    if (reply != NULL && !wire->broken)
        wire->push(wire->push_context, reply);
}

bool redis_wire_subscribe(struct redis_wire *wire, redis_reply_fn *fn, void *context, int count,
                          const char *const channels[]) {
    enum { MOST_CHANNELS = 8 };
    const char *words[1 + MOST_CHANNELS] = {"SUBSCRIBE"};
    if (wire->broken || count > MOST_CHANNELS)
        return false;
    for (int i = 0; i < count; i++)
        words[1 + i] = channels[i];
    wire->push = fn;
    wire->push_context = context;
    return redisAsyncCommandArgv(wire->redis, on_push, wire, 1 + count, words, NULL) == REDIS_OK;
}

size_t redis_wire_unanswered(const struct redis_wire *wire) {
    return wire->unanswered;
}

bool redis_wire_heard(struct redis_wire *wire) {
    bool heard = wire->heard;
    wire->heard = false;
    return heard;
}

/* --- laying it ---------------------------------------------------------------------------------------------------- */

static void on_connect(const redisAsyncContext *redis, int status) {
    struct redis_wire *wire = redis->data;
    if (status != REDIS_OK || wire->broken)
        return; /* clean_up() follows */
    wire->open = true;
    wire->listener.on_open(wire->listener.context);
}

static redisAsyncContext *connect_to(const struct redis_wire_options *options) {
    return options->port == 0 ? redisAsyncConnectUnix(options->address)
                              : redisAsyncConnect(options->address, options->port);
}

static void listen_to_hiredis(struct redis_wire *wire, redisAsyncContext *redis) {
    wire->redis = redis;
    wire->poll.data = wire;
    redis->data = redis->ev.data = wire;
    redis->ev.addRead = add_read;
    redis->ev.delRead = del_read;
    redis->ev.addWrite = add_write;
    redis->ev.delWrite = del_write;
    redis->ev.cleanup = clean_up;
    redisAsyncSetConnectCallback(redis, on_connect);
}

struct redis_wire *redis_wire_new(const struct redis_wire_options *options, const struct redis_wire_listener *listener,
                                  enum redis_trouble *trouble, char *error, size_t error_size) {
    struct redis_wire *wire = memory_zero(1, sizeof *wire);
    redisAsyncContext *redis = connect_to(options);
    wire->listener = *listener;
    *trouble = REDIS_TROUBLE_UNREACHABLE;
    snprintf(error, error_size, "%s", redis != NULL && redis->err != 0 ? redis->errstr : "no connection can be begun");
    if (redis == NULL || redis->err != 0)
        goto err_after_connect;
    if (options->tls != NULL) {
        wire->session = redis_tls_start(options->tls, &redis->c, options->host, error, error_size);
        *trouble = REDIS_TROUBLE_TLS;
        if (wire->session == NULL)
            goto err_after_connect;
    }
    if (uv_poll_init(options->loop, &wire->poll, redis->c.fd) != 0)
        goto err_after_connect;
    listen_to_hiredis(wire, redis);
    return wire;

err_after_connect:
    if (redis != NULL)
        redisAsyncFree(redis);
    free(wire);
    return NULL;
}

void redis_wire_listen(struct redis_wire *wire, const struct redis_wire_listener *listener) {
    wire->listener = *listener;
}
