/* redis_server.h - a Redis of a test's own, on a Unix socket in a directory of its own, with a clock that the test
 * moves. */
#ifndef CONTRACT_REDIS_SERVER_H
#define CONTRACT_REDIS_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct redisReply;

struct redis_server;

enum redis_server_clock {
    REDIS_SERVER_FROZEN_CLOCK, /* time passes by redis_server_advance() */
    REDIS_SERVER_REAL_CLOCK,
};

/* Starts it; fails the test when it can't. It dies with this process. */
struct redis_server *redis_server_new(enum redis_server_clock clock);
void redis_server_free(struct redis_server *server);

/* "unix:…" */
const char *redis_server_url(const struct redis_server *server);

/* Kills it, as a crash would; starts it again, empty. */
void redis_server_stop(struct redis_server *server);
void redis_server_start(struct redis_server *server);

void redis_server_advance(struct redis_server *server, int64_t by_ms);
int64_t redis_server_now_ms(const struct redis_server *server);

/* The clock of its CPU time, user and system. */
clockid_t redis_server_cpu(const struct redis_server *server);

/* Asks and waits, by a connection of its own; an error fails the test. The answer is good until the next question. */
const struct redisReply *redis_server_ask(struct redis_server *server, const char *format, ...);

#endif
