/* url.h - the addresses that the commands take (RFC 3986): ws, wss, http and https. Pure. */
#ifndef CLIENT_URL_H
#define CLIENT_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { URL_HOST_CHARS = 110 /* lws cuts a longer Host header off */, URL_PATH_CHARS = 512, URL_ERROR_CHARS = 256 };

struct url {
    bool tls;
    char host[URL_HOST_CHARS + 1]; /* without brackets */
    uint16_t port;
    char path[URL_PATH_CHARS + 1]; /* and query */
    char
        authority[URL_HOST_CHARS + 1 + 8]; /* for the Host header: with brackets, and a port that is not the scheme's */
};

/* Reads the address of a WebSocket: ws, wss, http or https; no path, or "/", stands for /ws. On failure writes one
 * line, which names the text and says what would be right. */
bool url_read_websocket(const char *text, struct url *out, char error[URL_ERROR_CHARS])
    __attribute__((warn_unused_result));

/* The same for the health check: http only; no path, or "/", stands for /readyz. */
bool url_read_http(const char *text, struct url *out, char error[URL_ERROR_CHARS]) __attribute__((warn_unused_result));

#endif
