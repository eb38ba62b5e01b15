/* url.c - the addresses that the commands take. */
#include "url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct scheme {
    const char *name;
    bool tls;
    bool plain_http;
    uint16_t port;
} schemes[] = {
    {"ws://", false, false, 80},
    {"wss://", true, false, 443},
    {"http://", false, true, 80},
    {"https://", true, false, 443},
};

static const struct scheme *find_scheme(const char *text, bool websocket) {
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strncasecmp(text, schemes[i].name, strlen(schemes[i].name)) == 0 && (websocket || schemes[i].plain_http))
            return &schemes[i];
    return NULL;
}

/* Nothing that would end a header's line, or move the cursor when the text is printed. */
static bool is_printable(const char *text) {
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

static bool read_port(const char *text, size_t length, uint16_t *out) {
    size_t digits = strspn(text, "0123456789");
    if (digits != length || digits == 0 || digits > 5)
        return false;
    long number = strtol(text, NULL, 10);
    *out = (uint16_t)number;
    return number > 0 && number <= 65535;
}

/* "host", "host:port", "[v6]", "[v6]:port", of that length. */
static bool read_authority(const char *text, size_t length, const struct scheme *scheme, struct url *out) {
    bool brackets = text[0] == '[';
    const char *end = brackets ? memchr(text, ']', length) : text;
    const char *colon = end == NULL ? NULL : memchr(end, ':', length - (size_t)(end - text));
    size_t host_length = colon == NULL ? length : (size_t)(colon - text);
    if (end == NULL || memchr(text, '@', length) != NULL || (brackets && host_length != (size_t)(end - text) + 1))
        return false;
    out->port = scheme->port;
    if (colon != NULL && !read_port(colon + 1, length - host_length - 1, &out->port))
        return false;
    if (brackets) {
        text++;
        host_length -= 2;
    }
    if (host_length == 0 || host_length > URL_HOST_CHARS)
        return false;
    snprintf(out->host, sizeof out->host, "%.*s", (int)host_length, text);
    int written = snprintf(out->authority, sizeof out->authority, brackets ? "[%s]" : "%s", out->host);
    if (out->port != scheme->port)
        snprintf(out->authority + written, sizeof out->authority - (size_t)written, ":%u", out->port);
    return true;
}

static bool read_url(const char *text, bool websocket, const char *usual_path, struct url *out) {
    const struct scheme *scheme = find_scheme(text, websocket);
    if (scheme == NULL || !is_printable(text))
        return false;
    const char *authority = text + strlen(scheme->name);
    size_t length = strcspn(authority, "/?#");
    const char *path = authority + length;
    if (strlen(path) >= URL_PATH_CHARS || strchr(path, '#') != NULL)
        return false;
    *out = (struct url){.tls = scheme->tls};
    if (*path == '\0' || strcmp(path, "/") == 0)
        path = usual_path;
    snprintf(out->path, sizeof out->path, "%s%s", *path == '/' ? "" : "/", path);
    return read_authority(authority, length, scheme, out);
}

static bool complain(const char *text, const char *right, char error[URL_ERROR_CHARS]) {
    snprintf(error, URL_ERROR_CHARS, "\"%.80s\" is no address of a server; use %s", text, right);
    for (char *at = error; *at != '\0'; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
    return false;
}

bool url_read_websocket(const char *text, struct url *out, char error[URL_ERROR_CHARS]) {
    return read_url(text, true, "/ws", out) ||
           complain(text, "e.g. ws://localhost:8080/ws, wss://chat.example.org/ws or https://chat.example.org", error);
}

bool url_read_http(const char *text, struct url *out, char error[URL_ERROR_CHARS]) {
    return read_url(text, false, "/readyz", out) || complain(text, "e.g. http://127.0.0.1:9090/readyz", error);
}
