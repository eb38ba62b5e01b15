/* redis_tls.c - TLS to Redis by hiredis_ssl.
 *
 * hiredis' own contexts check that a certificate was signed, but not for whom; so the sessions are made here, by
 * OpenSSL, with the name that the certificate must bear (RFC 6125, RFC 9525).
 *
 * Fails: without hiredis_ssl at build time (hiredis before 1.0 has none), redis_tls_new() says so: at start, not later.
 *        */
#include "redis_tls.h"

#include <assert.h>
#include <stdio.h>

#if PASSERBY_REDIS_TLS

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/memory.h"

#include <hiredis/hiredis.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct redis_tls {
    SSL_CTX *context;
};

struct redis_tls *redis_tls_new(const char *ca, char *error, size_t error_size) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) {
        snprintf(error, error_size, "OpenSSL can't be used");
        return NULL;
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    bool trusting =
        ca != NULL ? SSL_CTX_load_verify_file(context, ca) == 1 : SSL_CTX_set_default_verify_paths(context) == 1;
    if (!trusting) {
        snprintf(error, error_size, "%s%.100s",
                 ca != NULL ? "no certificates can be read from " : "no system certificates", ca != NULL ? ca : "");
        ERR_clear_error();
        SSL_CTX_free(context);
        return NULL;
    }
    struct redis_tls *tls = memory_zero(1, sizeof *tls);
    tls->context = context;
    return tls;
}

void redis_tls_free(struct redis_tls *tls) {
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

static bool must_be(SSL *session, const char *host) {
    unsigned char bytes[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) == 1;
    return SSL_set1_host(session, host) == 1 && SSL_set_tlsext_host_name(session, host) == 1;
}

struct ssl_st *redis_tls_start(struct redis_tls *tls, struct redisContext *connection, const char *host, char *error,
                               size_t error_size) {
    SSL *session = SSL_new(tls->context);
    redis_tls_prepare();
    if (session != NULL && must_be(session, host) && redisInitiateSSL(connection, session) == REDIS_OK)
        return session;
    const char *failure = session != NULL ? redis_tls_failure(session) : NULL;
    snprintf(error, error_size, "%s", failure != NULL ? failure : "no session can be begun");
    SSL_free(session);
    return NULL;
}

void redis_tls_prepare(void) {
    ERR_clear_error();
}

bool redis_tls_established(const struct ssl_st *session) {
    return SSL_is_init_finished(session);
}

const char *redis_tls_failure(const struct ssl_st *session) {
    long result = SSL_get_verify_result(session);
    return result != X509_V_OK ? X509_verify_cert_error_string(result) : ERR_reason_error_string(ERR_peek_last_error());
}

#else

struct redis_tls *redis_tls_new(const char *ca, char *error, size_t error_size) {
    (void)ca;
    snprintf(
        error, error_size,
        "rediss: this build's hiredis has no TLS (hiredis 1.0 or later with hiredis_ssl is needed); use redis:// and a "
        "tunnel, or another build");
    return NULL;
}

void redis_tls_free(struct redis_tls *tls) {
    (void)tls;
}

struct ssl_st *redis_tls_start(struct redis_tls *tls, struct redisContext *connection, const char *host, char *error,
                               size_t error_size) {
    (void)tls;
    (void)connection;
    (void)host;
    (void)error;
    (void)error_size;
    assert(false);
    return NULL;
}

void redis_tls_prepare(void) {}

bool redis_tls_established(const struct ssl_st *session) {
    (void)session;
    return false;
}

const char *redis_tls_failure(const struct ssl_st *session) {
    (void)session;
    return NULL;
}

#endif
