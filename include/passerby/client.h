/* client.h - the commands that talk to a node from outside: chat, probe, healthcheck.
 *
 * Each takes the words behind its name, and returns the exit status of the process: 0 it went well; 1 it did not, and
 * one line on stderr says why; 2 the command line is wrong, and one line on stderr says what would be right. */
#ifndef PASSERBY_CLIENT_H
#define PASSERBY_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

/* A person at a terminal, or a program behind a pipe, talks to a stranger. 128 + n: ended by signal n. */
int client_chat(int argc, char *const argv[]);

/* Two strangers meet through an address, talk, and meet again after a broken connection. */
int client_probe(int argc, char *const argv[]);

/* Writes the internal address of the node that is configured so ("127.0.0.1:9090"), or returns false and writes a line
 * to `error`. Either of `config_file` and `internal_listen` may be NULL: not given. */
typedef bool (*client_address_fn)(const char *config_file, const char *internal_listen, char *address,
                                  size_t address_size, char *error, size_t error_size);

/* Asks a node whether it is ready. */
int client_healthcheck(int argc, char *const argv[], client_address_fn address);

#endif
