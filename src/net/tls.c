/* tls.c - certificate and key: are they good? lws, which loads them, would only say so in its log. */
#include "net_priv.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <errno.h>
#include <string.h>

static FILE *open_file(const char *flag, const char *path, char *error, size_t error_size) {
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    if (path == NULL)
        snprintf(error, error_size, "%s: missing; a certificate and its key go together", flag);
    else if (file == NULL)
        snprintf(error, error_size, "%s: %s: %s", flag, path, strerror(errno));
    return file;
}

/* No key file with a pass phrase: there is nobody to ask. */
static int no_pass_phrase(char *out, int size, int writing, void *context) {
    (void)out;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

/* The first certificate of a chain, or NULL if any of it can't be read. */
static X509 *read_chain(FILE *file) {
    X509 *first = PEM_read_X509(file, NULL, no_pass_phrase, NULL);
    X509 *next = first;
    while (next != NULL) {
        next = PEM_read_X509(file, NULL, no_pass_phrase, NULL);
        X509_free(next);
    }
    if (first != NULL && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) { /* that is: the end */
        X509_free(first);
        first = NULL;
    }
    return first;
}

static X509 *load_chain(const char *path, char *error, size_t error_size) {
    FILE *file = open_file("--tls-cert", path, error, error_size);
    if (file == NULL)
        return NULL;
    X509 *first = read_chain(file);
    if (first == NULL)
        snprintf(error, error_size, "--tls-cert: %s: no chain of PEM certificates", path);
    fclose(file);
    return first;
}

static EVP_PKEY *load_key(const char *path, char *error, size_t error_size) {
    FILE *file = open_file("--tls-key", path, error, error_size);
    if (file == NULL)
        return NULL;
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, no_pass_phrase, NULL);
    if (key == NULL)
        snprintf(error, error_size, "--tls-key: %s: no PEM private key without a pass phrase", path);
    fclose(file);
    return key;
}

bool tls_check(const char *certificate, const char *key, char *error, size_t error_size) {
    X509 *chain = load_chain(certificate, error, error_size);
    EVP_PKEY *private = chain == NULL ? NULL : load_key(key, error, error_size);
    bool good = private != NULL && X509_check_private_key(chain, private) == 1;
    if (private != NULL && !good)
        snprintf(error, error_size, "--tls-key: %s: not the key of the certificate in %s", key, certificate);
    EVP_PKEY_free(private);
    X509_free(chain);
    ERR_clear_error();
    return good;
}

bool net_reload_tls(struct net *net) {
    const struct net_options *options = &net->options;
    char error[256];
    if (options->tls_certificate == NULL)
        return true;
    if (!tls_check(options->tls_certificate, options->tls_key, error, sizeof error)) {
        log_line(options->log, LOG_LEVEL_ERROR, "certificate not reloaded", "error=%s", error);
        return false;
    }
    for (unsigned i = 0; i < net->context_count; i++)
        if (lws_tls_cert_updated(net->contexts[i].lws, options->tls_certificate, options->tls_key, NULL, 0, NULL, 0) !=
            0)
            return false;
    log_line(options->log, LOG_LEVEL_INFO, "certificate reloaded", "file=%s", options->tls_certificate);
    return true;
}
