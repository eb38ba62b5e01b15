/* redis_url.c - takes a Redis URL apart.
 *
 * Fails: at the first part that can't be used, with a sentence that says what would be right. */
#include "base/redis_url.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum { MAX_DATABASE = 65535, MOST_DIGITS = 5 };

static const char bad_user[] =
    "what stands before '@' must be 'user:password' or ':password'; within them, '/', '@', ',' and '%' are written as "
    "%2F, %40, %2C and %25";

static char *part(const char *from, const char *to) {
    return memory_copy(from, (size_t)(to - from));
}

/* --- user and password -------------------------------------------------------------------------------------------- */

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes percent-encoding in place. A NUL in it would cut a password short, and is refused. */
static bool percent_decode(char *text) {
    char *out = text;
    for (const char *in = text; *in != '\0'; in++) {
        int high = *in == '%' ? hex_digit(in[1]) : 0;
        int low = *in == '%' && high >= 0 ? hex_digit(in[2]) : 0;
        if (high < 0 || low < 0 || (*in == '%' && high == 0 && low == 0))
            return false;
        if (*in == '%') {
            *out++ = (char)(high << 4 | low);
            in += 2;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
    return true;
}

/* A name alone is refused: elsewhere it means a user, or a password. */
static const char *parse_user(struct redis_url *url, const char *from, const char *to) {
    const char *colon = memchr(from, ':', (size_t)(to - from));
    if (colon == NULL || colon + 1 == to)
        return bad_user;
    if (colon > from)
        url->user = part(from, colon);
    url->password = part(colon + 1, to);
    if ((url->user != NULL && !percent_decode(url->user)) || !percent_decode(url->password))
        return "in user and password, '%' begins a byte in two hexadecimal digits, not 00; '%' itself is written as "
               "%25";
    return NULL;
}

/* --- hosts -------------------------------------------------------------------------------------------------------- */

static bool number(const char *from, const char *to, unsigned long most, unsigned long *out) {
    *out = 0;
    for (const char *digit = from; digit < to; digit++) {
        if (!isdigit((unsigned char)*digit) || digit - from >= MOST_DIGITS)
            return false;
        *out = *out * 10 + (unsigned long)(*digit - '0');
    }
    return to > from && *out <= most;
}

static bool is_ipv6(const char *from, const char *to) {
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    const char *end = memchr(from, '%', (size_t)(to - from)); /* a scope: RFC 4007 section 11 */
    size_t length = (size_t)((end != NULL ? end : to) - from);
    if (length >= sizeof text)
        return false;
    memcpy(text, from, length);
    text[length] = '\0';
    return inet_pton(AF_INET6, text, bytes) == 1;
}

static bool is_name(const char *from, const char *to) {
    for (const char *c = from; c < to; c++)
        if (!isalnum((unsigned char)*c) && strchr("-._", *c) == NULL)
            return false;
    return to > from;
}

/* ":port", or nothing. */
static bool parse_port(const char *from, const char *to, uint16_t *port) {
    unsigned long parsed = *port;
    if (from < to && (*from != ':' || !number(from + 1, to, UINT16_MAX, &parsed) || parsed == 0))
        return false;
    *port = (uint16_t)parsed;
    return true;
}

static const char *parse_host(struct redis_host *host, const char *from, const char *to, uint16_t standard_port) {
    bool bracketed = from < to && *from == '[';
    const char *name = from + bracketed;
    const char *end = memchr(name, bracketed ? ']' : ':', (size_t)(to - name));
    if (bracketed && end == NULL)
        return "an IPv6 address begins with '[' and ends with ']'";
    if (end == NULL)
        end = to;
    const char *rest = end + bracketed;
    if (!bracketed && rest < to && memchr(rest + 1, ':', (size_t)(to - rest - 1)) != NULL)
        return "the host has more than one ':'; an IPv6 address stands in brackets, as in redis://[::1]:6379";
    if (end == name)
        return "the host is missing";
    if (bracketed ? !is_ipv6(name, end) : !is_name(name, end))
        return "the host must be a name, an IPv4 address, or an IPv6 address in brackets";
    host->port = standard_port;
    if (!parse_port(rest, to, &host->port))
        return "the port must be a number from 1 to 65535";
    host->name = part(name, end);
    return NULL;
}

static const char *parse_hosts(struct redis_url *url, const char *from, const char *to) {
    bool sentinel = url->scheme == REDIS_SCHEME_SENTINEL;
    uint16_t port = sentinel ? REDIS_SENTINEL_PORT : REDIS_DEFAULT_PORT;
    for (;;) {
        const char *comma = memchr(from, ',', (size_t)(to - from));
        if (comma != NULL && !sentinel)
            return "there is one host; several, separated by ',', are Sentinels: redis+sentinel://";
        if (url->host_count == REDIS_MAX_SENTINELS)
            return "there are more than 8 Sentinels";
        const char *wrong = parse_host(&url->hosts[url->host_count], from, comma != NULL ? comma : to, port);
        if (wrong != NULL)
            return wrong;
        url->host_count++;
        if (comma == NULL)
            return NULL;
        from = comma + 1;
    }
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static const char *parse_database(struct redis_url *url, const char *text) {
    unsigned long database = 0;
    if (*text != '\0' && !number(text, text + strlen(text), MAX_DATABASE, &database))
        return "the database must be a number from 0 to 65535, and nothing may follow it";
    url->database = (unsigned)database;
    return NULL;
}

/* What follows "scheme://". Returns what is wrong, or NULL. */
static const char *parse_authority(struct redis_url *url, const char *text) {
    const char *end = strchrnul(text, '/');
    const char *at = memrchr(text, '@', (size_t)(end - text));
    if (strchr(end, '@') != NULL)
        return bad_user; /* a '/' in the password */
    const char *wrong = at != NULL ? parse_user(url, text, at) : NULL;
    if (wrong == NULL)
        wrong = parse_hosts(url, at != NULL ? at + 1 : text, end);
    if (wrong != NULL)
        return wrong;
    const char *rest = *end == '/' ? end + 1 : end;
    if (url->scheme == REDIS_SCHEME_SENTINEL) {
        const char *name = rest;
        rest = strchrnul(name, '/');
        if (rest == name)
            return "the name by which the Sentinels know the service is missing: redis+sentinel://host/name";
        url->name = part(name, rest);
        rest += *rest == '/';
    }
    return parse_database(url, rest);
}

static const char *parse_unix(struct redis_url *url, const char *text) {
    if (strncmp(text, "//", 2) == 0)
        text += 2;
    const char *query = strchrnul(text, '?');
    if (*text != '/')
        return "the path after unix: must begin with '/'";
    if ((size_t)(query - text) >= sizeof(struct sockaddr_un) - offsetof(struct sockaddr_un, sun_path))
        return "the path after unix: is longer than 107 bytes";
    url->path = part(text, query);
    if (*query == '\0')
        return NULL;
    if (strncmp(query, "?db=", 4) != 0)
        return "after the path only '?db=number' may follow";
    return parse_database(url, query + 4);
}

bool redis_url_parse(const char *text, struct redis_url *out, const char **error) {
    static const struct {
        const char *prefix;
        enum redis_scheme scheme;
        bool tls;
    } schemes[] = {
        {"redis://", REDIS_SCHEME_TCP, false},
        {"rediss://", REDIS_SCHEME_TCP, true},
        {"unix:", REDIS_SCHEME_UNIX, false},
        {"redis+sentinel://", REDIS_SCHEME_SENTINEL, false},
        {"rediss+sentinel://", REDIS_SCHEME_SENTINEL, true},
    };
    *out = (struct redis_url){0};
    *error = "it must begin with redis://, rediss:// (TLS), redis+sentinel://, rediss+sentinel:// or unix:";
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t length = strlen(schemes[i].prefix);
        if (strncmp(text, schemes[i].prefix, length) != 0)
            continue;
        out->scheme = schemes[i].scheme;
        out->tls = schemes[i].tls;
        const char *rest = text + length;
        *error = out->scheme == REDIS_SCHEME_UNIX ? parse_unix(out, rest) : parse_authority(out, rest);
    }
    if (*error != NULL)
        redis_url_fini(out);
    return *error == NULL;
}

/* Like snprintf() at out + *length, as far as there is room. */
static void __attribute__((format(printf, 3, 4))) add(char *out, size_t *length, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int more = vsnprintf(out + *length, REDIS_URL_TEXT_CHARS - *length, format, list);
    va_end(list);
    *length += more > 0 ? (size_t)more : 0;
    if (*length >= REDIS_URL_TEXT_CHARS)
        *length = REDIS_URL_TEXT_CHARS - 1;
}

void redis_url_text(const struct redis_url *url, char out[REDIS_URL_TEXT_CHARS]) {
    size_t length = 0;
    if (url->scheme == REDIS_SCHEME_UNIX) {
        add(out, &length, "unix:%s", url->path);
        if (url->database != 0)
            add(out, &length, "?db=%u", url->database);
        return;
    }
    add(out, &length, "redis%s%s://", url->tls ? "s" : "", url->scheme == REDIS_SCHEME_SENTINEL ? "+sentinel" : "");
    for (size_t i = 0; i < url->host_count; i++) {
        const struct redis_host *host = &url->hosts[i];
        add(out, &length, strchr(host->name, ':') != NULL ? "%s[%s]:%u" : "%s%s:%u", i > 0 ? "," : "", host->name,
            host->port);
    }
    if (url->name != NULL)
        add(out, &length, "/%s", url->name);
    if (url->database != 0)
        add(out, &length, "/%u", url->database);
}

/* A password is no good in memory that is somebody else's. */
static void free_secret(char *text) {
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

void redis_url_fini(struct redis_url *url) {
    for (size_t i = 0; i < REDIS_MAX_SENTINELS; i++)
        free(url->hosts[i].name);
    free(url->path);
    free(url->name);
    free(url->user);
    free_secret(url->password);
    *url = (struct redis_url){0};
}
