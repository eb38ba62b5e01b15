/* utf8.h - is this UTF-8? Pure. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* RFC 3629: shortest forms only, no surrogates, nothing above U+10FFFF. */
bool utf8_valid(const char *bytes, size_t length);

#endif
