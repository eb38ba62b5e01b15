/* redis_url.h - where a Redis is, as --redis says it. */
#ifndef BASE_REDIS_URL_H
#define BASE_REDIS_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum redis_scheme {
    REDIS_SCHEME_TCP,      /* redis://[[user]:password@]host[:port][/database] */
    REDIS_SCHEME_UNIX,     /* unix:/path, unix:///path; [?db=database] */
    REDIS_SCHEME_SENTINEL, /* redis+sentinel://[[user]:password@]host[:port][,host[:port]…]/name[/database] */
};

enum {
    REDIS_DEFAULT_PORT = 6379,
    REDIS_SENTINEL_PORT = 26379,
    REDIS_MAX_SENTINELS = 8,
    REDIS_URL_TEXT_CHARS = 160,
};

struct redis_host {
    char *name; /* an IPv6 address without its brackets */
    uint16_t port;
};

struct redis_url {
    enum redis_scheme scheme;
    bool tls;                                     /* rediss://, rediss+sentinel:// (the Sentinels, too) */
    struct redis_host hosts[REDIS_MAX_SENTINELS]; /* one, but for Sentinels */
    size_t host_count;
    char *path;     /* UNIX */
    char *name;     /* SENTINEL: what they call the service */
    char *user;     /* NULL = not named */
    char *password; /* NULL = none */
    unsigned database;
};

/* Parses; user and password may be percent-encoded (RFC 3986). Returns false, and static text that says what is
 * wrong in `error`, never with the URL's contents: it holds a password. Fill or not, redis_url_fini() is harmless. */
bool redis_url_parse(const char *text, struct redis_url *out, const char **error) __attribute__((warn_unused_result));
void redis_url_fini(struct redis_url *url);

/* Writes it for people, without user and password; a long one is cut. */
void redis_url_text(const struct redis_url *url, char out[REDIS_URL_TEXT_CHARS]);

#endif
