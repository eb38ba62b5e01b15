/* base64url.c - six bits a character. */
#include "base/base64url.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int value(char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

size_t base64url_encode(const void *bytes, size_t length, char *out) {
    const uint8_t *at = bytes;
    size_t written = 0;
    uint32_t bits = 0;
    int held = 0;
    for (size_t i = 0; i < length; i++) {
        bits = bits << 8 | at[i];
        for (held += 8; held >= 6; held -= 6)
            out[written++] = alphabet[bits >> (held - 6) & 63];
    }
    if (held > 0)
        out[written++] = alphabet[bits << (6 - held) & 63];
    return written;
}

bool base64url_decode(const char *chars, void *bytes, size_t length) {
    uint8_t *out = bytes;
    size_t count = BASE64URL_CHARS(length);
    size_t written = 0;
    uint32_t bits = 0;
    int held = 0;
    for (size_t i = 0; i < count; i++) {
        int six = value(chars[i]);
        if (six < 0)
            return false;
        bits = bits << 6 | (uint32_t)six;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[written++] = (uint8_t)(bits >> held);
        }
    }
    return (bits & ((1u << held) - 1)) == 0;
}
