/* utf8.c - is this UTF-8? (lws can check too, but takes a PONG between two fragments for a part of the text.) */
#include "base/utf8.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

enum { FIRST = 0xc0 };

/* The rows of RFC 3629 section 4, but for ASCII, by the first byte: how long the sequence is, and what the second byte may be. */
static const struct row {
    uint8_t length; /* 0: none begins so */
    uint8_t second_least, second_greatest;
} rows[0x100 - FIRST] = {
    [0xc2 - FIRST... 0xdf - FIRST] = {2, 0x80, 0xbf}, [0xe0 - FIRST] = {3, 0xa0, 0xbf}, /* not longer than needed */
    [0xe1 - FIRST... 0xec - FIRST] = {3, 0x80, 0xbf}, [0xed - FIRST] = {3, 0x80, 0x9f}, /* no surrogates */
    [0xee - FIRST... 0xef - FIRST] = {3, 0x80, 0xbf}, [0xf0 - FIRST] = {4, 0x90, 0xbf}, /* not longer than needed */
    [0xf1 - FIRST... 0xf3 - FIRST] = {4, 0x80, 0xbf}, [0xf4 - FIRST] = {4, 0x80, 0x8f}, /* nothing above U+10FFFF */
};

/* Length of the sequence at `at`, or 0 if it is none. */
static size_t sequence(const uint8_t *at, size_t left) {
    if (at[0] < FIRST)
        return 0;
    const struct row *row = &rows[at[0] - FIRST];
    if (row->length == 0 || row->length > left)
        return 0;
    if (at[1] < row->second_least || at[1] > row->second_greatest)
        return 0;
    for (size_t i = 2; i < row->length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return row->length;
}

/* How many of the next eight bytes are ASCII, in a row. */
static size_t ascii(const uint8_t *at) {
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    eight = le64toh(eight) & 0x8080808080808080u;
    return eight == 0 ? sizeof eight : (size_t)__builtin_ctzll(eight) / 8;
}

bool utf8_valid(const char *bytes, size_t length) {
    const uint8_t *at = (const uint8_t *)bytes;
    const uint8_t *end = at + length;
    while (at < end) {
        size_t step = end - at >= 8 ? ascii(at) : *at < 0x80;
        if (step == 0)
            step = sequence(at, (size_t)(end - at));
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}
