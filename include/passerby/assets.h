/* assets.h - the web page's files, embedded in the binary at build time. */
#ifndef PASSERBY_ASSETS_H
#define PASSERBY_ASSETS_H

#include <stddef.h>
#include <stdint.h>

struct asset_body {
    const uint8_t *bytes;
    size_t length;
};

struct asset {
    const char *path; /* as requested, e.g. "/app.js"; "/" is index.html */
    const char *content_type;
    const char *etag; /* quoted, strong (RFC 9110 section 8.8.3), of the content */
    struct asset_body plain;
    struct asset_body gzip;
    struct asset_body brotli;
};

/* All of them, ended by one whose path is NULL. */
extern const struct asset assets[];

#endif
