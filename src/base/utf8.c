/* utf8.c - is this UTF-8? (lws can check too, but takes a PONG between two fragments for a part of the text.) */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

/* The rows of RFC 3629 section 4, but for ASCII: what the first byte may be, how long the sequence is, and what the second may be. */
static const struct row {
    uint8_t first_least, first_greatest;
    uint8_t length;
    uint8_t second_least, second_greatest;
} rows[] = {
    {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf}, /* not longer than needed */
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, /* no surrogates */
    {0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf}, /* not longer than needed */
    {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f}, /* nothing above U+10FFFF */
};

static const struct row *row_of(uint8_t first) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (first >= rows[i].first_least && first <= rows[i].first_greatest)
            return &rows[i];
    return NULL;
}

/* Length of the sequence at `at`, or 0 if it is none. */
static size_t sequence(const uint8_t *at, size_t left) {
    const struct row *row = row_of(at[0]);
    if (row == NULL || row->length > left)
        return 0;
    if (at[1] < row->second_least || at[1] > row->second_greatest)
        return 0;
    for (size_t i = 2; i < row->length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return row->length;
}

bool utf8_valid(const char *bytes, size_t length) {
    const uint8_t *at = (const uint8_t *)bytes;
    const uint8_t *end = at + length;
    while (at < end) {
        uint64_t eight;
        if (end - at >= (ptrdiff_t)sizeof eight) { /* ASCII, eight at a time */
            memcpy(&eight, at, sizeof eight);
            if ((eight & 0x8080808080808080u) == 0) {
                at += sizeof eight;
                continue;
            }
        }
        if (*at < 0x80) {
            at++;
            continue;
        }
        size_t step = sequence(at, (size_t)(end - at));
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}
