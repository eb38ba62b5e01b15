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

/* --- floor.c --- */
/* Sends, or queues what the kernel does not take. False if the connection is gone. */
bool floor_send(struct person *person, const char *bytes, size_t length);

/* --- frames.c --- */
/* Answers a whole upgrade request. Returns its length, 0 if there is more to come, -1 if it is none. */
long frames_upgrade(struct person *person, const char *bytes, size_t length);
/* Takes whole frames; returns how many bytes, or -1 if the connection is to be closed. What the stranger is to hear is sent in
 * one piece. */
long frames_take(struct person *person, char *bytes, size_t length);
/* Appends a text frame. */
void frames_put(struct buffer *out, const char *text, size_t length);

/* --- rules.c --- */
void rules_greet(struct person *person);
/* Takes one JSON text; what the stranger is to hear is appended to `relayed`. False if it makes no sense. */
bool rules_take(struct person *person, const char *text, size_t length, struct buffer *relayed);
void rules_gone(struct person *person);

#endif
