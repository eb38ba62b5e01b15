/* base64url.h - base64url without padding (RFC 4648 section 5). */
#ifndef BASE_BASE64URL_H
#define BASE_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>

/* Characters that `bytes` bytes become. */
#define BASE64URL_CHARS(bytes) (((bytes)*4 + 2) / 3)

/* Writes BASE64URL_CHARS(length) characters and no NUL; returns how many. */
size_t base64url_encode(const void *bytes, size_t length, char *out);

/* Reads exactly `length` bytes from BASE64URL_CHARS(length) characters. Returns false for a foreign character, or
 * for unused bits that are not 0: one value has one writing. */
bool base64url_decode(const char *chars, void *bytes, size_t length) __attribute__((warn_unused_result));

#endif
