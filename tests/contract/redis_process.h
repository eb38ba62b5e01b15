/* redis_process.h - a redis-server, or a Sentinel, of a test's own: on 127.0.0.1 and a free port, in a directory of its
 * own.
 *
 * It dies with this process. REDIS_SERVER names another program, such as valkey-server. */
#ifndef CONTRACT_REDIS_PROCESS_H
#define CONTRACT_REDIS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct redisReply;

struct redis_process;

/* Starts it; fails the test when it can't. `options` are words of its command line, ended by NULL; NULL for none. */
struct redis_process *redis_process_new(const char *const options[]);
/* A Sentinel, alone a majority, that watches a master by the name "main". `options` are lines of its configuration. */
struct redis_process *redis_process_new_sentinel(unsigned master_port, const char *const options[]);
void redis_process_free(struct redis_process *process); /* or NULL */

unsigned redis_process_port(const struct redis_process *process);
const char *redis_process_directory(const struct redis_process *process);

/* Kills it, as a crash would; starts it again, empty, on the same port. */
void redis_process_stop(struct redis_process *process);
void redis_process_start(struct redis_process *process);
/* SIGSTOP, SIGCONT. */
void redis_process_freeze(struct redis_process *process);
void redis_process_thaw(struct redis_process *process);

/* Asks and waits, by a connection of its own that stays open, or is opened anew if the server has closed it; an error
 * fails the test. The answer is good until the next question. */
const struct redisReply *redis_process_ask(struct redis_process *process, const char *format, ...);

/* How often a command (in lower case) was called; how many listen to a node's inbox ("i" control, "d" data); whether there are any
 * such inboxes. */
unsigned long redis_process_calls(struct redis_process *process, const char *command);
unsigned redis_process_listeners(struct redis_process *process, const char *inbox, uint64_t boot);
bool redis_process_has(struct redis_process *process, const char *inbox);

/* A port of 127.0.0.1 that nobody listens on. */
unsigned redis_process_free_port(void);

#endif
