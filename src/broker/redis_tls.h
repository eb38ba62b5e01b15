/* redis_tls.h - TLS to Redis, where the hiredis of the build has it (1.0 and later, with hiredis_ssl). */
#ifndef BROKER_REDIS_TLS_H
#define BROKER_REDIS_TLS_H

#include <stdbool.h>
#include <stddef.h>

struct redisContext;
struct ssl_st;

/* What all connections to one server share. */
struct redis_tls;

/* Trusts the authorities of the PEM file `ca`; NULL: the system's. NULL, and one line in `error`, when it can't. */
struct redis_tls *redis_tls_new(const char *ca, char *error, size_t error_size) __attribute__((warn_unused_result));
void redis_tls_free(struct redis_tls *tls); /* or NULL */

/* Has a connection speak TLS that was just begun, to a server that must prove to be `host`, a name or an address. Returns
 * the session, which the connection owns from now on; NULL, and why, when it can't: a near and quick server may have been
 * found to be wrong by then. */
struct ssl_st *redis_tls_start(struct redis_tls *tls, struct redisContext *connection, const char *host, char *error,
                               size_t error_size) __attribute__((warn_unused_result));

/* Before each use of a session: what another one left behind in this thread must not be taken for its own. */
void redis_tls_prepare(void);
/* Whether the handshake is over; what went wrong with it last, NULL if nothing is known. */
bool redis_tls_established(const struct ssl_st *session);
const char *redis_tls_failure(const struct ssl_st *session);

#endif
