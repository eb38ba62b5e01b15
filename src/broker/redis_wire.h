/* redis_wire.h - one connection of hiredis' on a libuv loop, to one address, until it breaks.
 *
 * Commands only mark the wire as dirty: its owner calls redis_wire_flush() at the end of the loop's turn, so that all
 * commands of a turn leave in one write. */
#ifndef BROKER_REDIS_WIRE_H
#define BROKER_REDIS_WIRE_H

#include "passerby/redis_broker.h"

#include <uv.h>

struct redisReply;
struct redis_tls;

/* The answer, borrowed for the call. NULL: the wire broke before it came; the command may have been obeyed. */
typedef void redis_reply_fn(void *context, const struct redisReply *reply);

struct redis_wire_options {
    uv_loop_t *loop;
    const char *address; /* an IP address; with port 0 the path of a socket */
    uint16_t port;
    struct redis_tls *tls; /* NULL: plain. Borrowed; outlives the wire */
    const char *host;      /* that TLS must find there */
};

/* Both may come before the call returns that caused them; never from within redis_wire_new(). */
struct redis_wire_listener {
    void *context;
    void (*on_open)(void *context); /* connected */
    /* It broke; its commands have been answered with NULL. The last call; the wire frees itself. */
    void (*on_lost)(void *context, enum redis_trouble trouble, const char *why);
};

struct redis_wire;

/* Begins to connect. NULL, and why, when that fails at once. */
struct redis_wire *redis_wire_new(const struct redis_wire_options *options, const struct redis_wire_listener *listener,
                                  enum redis_trouble *trouble, char *error, size_t error_size)
    __attribute__((warn_unused_result));
/* From now on somebody else listens. */
void redis_wire_listen(struct redis_wire *wire, const struct redis_wire_listener *listener);

/* Breaks it, from wherever: on_lost() comes before the return, or, within a callback of this wire, right after that
 * callback. Until then nothing can be sent. The first cause stands. */
void redis_wire_break(struct redis_wire *wire, enum redis_trouble trouble, const char *why);

/* Breaks it, as nothing was heard for too long. */
void redis_wire_stall(struct redis_wire *wire);

/* Sends a command (copied). Returns false, and never calls `fn`, if the wire is broken; else `fn` is called exactly
 * once. `lengths` may be NULL for words that end with a NUL. */
bool redis_wire_send(struct redis_wire *wire, redis_reply_fn *fn, void *context, int argc, const char *const argv[],
                     const size_t lengths[]) __attribute__((warn_unused_result));
/* Subscribes: `fn` is called for the confirmation of each channel, and for each message. No commands after that. */
bool redis_wire_subscribe(struct redis_wire *wire, redis_reply_fn *fn, void *context, int count,
                          const char *const channels[]) __attribute__((warn_unused_result));

/* Writes what was sent. */
void redis_wire_flush(struct redis_wire *wire);
/* Writes it now, waiting for at most `timeout_ms`: last words. */
void redis_wire_drain(struct redis_wire *wire, int timeout_ms);

/* How many commands have not been answered yet. */
size_t redis_wire_unanswered(const struct redis_wire *wire);
/* Whether anything was heard since this was last asked. */
bool redis_wire_heard(struct redis_wire *wire);

#endif
