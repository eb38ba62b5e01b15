/* origin.c - may a page of this origin talk to us? */
#include "origin.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* A host and its port, as they stand in a header; port "" = the default of the origin's scheme. */
struct authority {
    const char *host;
    size_t host_length;
    const char *port;
    size_t port_length;
};

/* Splits "host", "host:port", "[v6]:port". Userinfo, paths and empty hosts are refused. */
static bool split(const char *text, struct authority *out) {
    size_t length = strlen(text);
    if (length == 0 || strpbrk(text, "/@?#, \t") != NULL)
        return false;
    const char *colon = strrchr(text, ':');
    const char *bracket = strrchr(text, ']');
    if (colon != NULL && bracket != NULL && colon < bracket)
        colon = NULL;
    out->host = text;
    out->host_length = colon == NULL ? length : (size_t)(colon - text);
    out->port = colon == NULL ? "" : colon + 1;
    out->port_length = strlen(out->port);
    return out->host_length > 0;
}

static void forget_default_port(struct authority *authority, const char *default_port) {
    if (strcmp(authority->port, default_port) == 0)
        authority->port_length = 0;
}

static bool same(const struct authority *a, const struct authority *b) {
    return a->host_length == b->host_length && strncasecmp(a->host, b->host, a->host_length) == 0 &&
           a->port_length == b->port_length && memcmp(a->port, b->port, a->port_length) == 0;
}

/* Is the origin's authority this one, given the default port of the origin's scheme? */
static bool matches(const struct authority *origin, const char *text, const char *default_port) {
    struct authority other;
    if (text == NULL || !split(text, &other))
        return false;
    forget_default_port(&other, default_port);
    return same(origin, &other);
}

bool origin_allowed(const char *origin, const char *host, const char *const *allowed) {
    if (origin == NULL)
        return true;
    for (const char *const *each = allowed; each != NULL && *each != NULL; each++)
        if (strcmp(*each, "*") == 0)
            return true;
    const char *slashes = strstr(origin, "://");
    struct authority authority;
    if (slashes == NULL || slashes == origin || strpbrk(origin, ", \t") != NULL ||
        !split(slashes + 3, &authority)) /* "null", several, and garbage */
        return false;
    size_t scheme = (size_t)(slashes - origin);
    const char *default_port = scheme == 5 && strncasecmp(origin, "https", 5) == 0 ? "443" : "80";
    forget_default_port(&authority, default_port);
    if (matches(&authority, host, default_port))
        return true;
    for (const char *const *each = allowed; each != NULL && *each != NULL; each++)
        if (matches(&authority, *each, default_port))
            return true;
    return false;
}
