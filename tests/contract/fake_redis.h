/* fake_redis.h - a server on the test's own loop that answers commands as the test says. */
#ifndef CONTRACT_FAKE_REDIS_H
#define CONTRACT_FAKE_REDIS_H

#include "base/buffer.h"

#include <uv.h>

#include <stdbool.h>

/* Appends the answer to a command, in protocol 2. Returns false to hang up instead. */
typedef bool fake_answer_fn(void *context, struct buffer *out, int argc, char *const argv[]);

struct fake_redis;

struct fake_redis *fake_redis_new(uv_loop_t *loop, fake_answer_fn *answer, void *context);
unsigned fake_redis_port(const struct fake_redis *fake);
/* The loop frees it. */
void fake_redis_close(struct fake_redis *fake);

#endif
