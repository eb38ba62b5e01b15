/* floor.h - the relay by hand: what epoll, WebSocket frames and jansson cost, and nothing else.
 *
 * It is what passerby is compared with: the least that a relay of this contract can cost on this machine. So it does no more
 * than the load asks of it: hello, find, matched, msg, ack, ended. No time-outs, no limits, no resume, no metrics. */
#ifndef FLOOR_H
#define FLOOR_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

struct person {
    int fd;
    uint32_t seq; /* of a plain person's last message */
    struct person *stranger;
    struct buffer *in;  /* the beginning of a request or frame; NULL = none */
    struct buffer *out; /* what the kernel would not take; NULL = nothing */
    bool upgraded;
    bool reliable;
};

/* What one read brings: gathered, and sent at its end in one piece to each of the two. */
struct told {
    struct buffer self;
    struct buffer stranger;
};

/* --- floor.c --- */
/* Sends, or queues what the kernel does not take. False if the connection is gone. */
bool floor_send(struct person *person, const struct buffer *what);

/* --- frames.c --- */
/* What OpenSSL does once, as passerby has it do at its start, and not for its first connection. */
void frames_init(void);
/* Answers a whole upgrade request. Returns its length, 0 if there is more to come, -1 if it is none. */
long frames_upgrade(struct person *person, const char *bytes, size_t length, struct buffer *out);
/* Takes whole frames; returns how many bytes, or -1 if the connection is to be closed. */
long frames_take(struct person *person, char *bytes, size_t length, struct told *told);
/* Appends a text frame. */
void frames_put(struct buffer *out, const char *text, size_t length);

/* --- rules.c --- */
void rules_greet(struct buffer *out);
/* Takes one JSON text. False if it makes no sense. */
bool rules_take(struct person *person, const char *text, size_t length, struct told *told);
void rules_gone(struct person *person);

#endif
