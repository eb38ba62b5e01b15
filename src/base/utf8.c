/* utf8.c - is this UTF-8? (lws can check too, but takes a PONG between two fragments for a part of the text.)
 *
 * A state machine whose states are shift counts: each byte has a word that holds, at each state, the state that follows. So a step is a
 * load and a shift, whatever the text; eight bytes of ASCII are one comparison. */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

/* What is to follow. ERROR is 0, what is not in the table, and stays. */
enum {
    STATE_BITS = 6,
    ERROR = 0,
    FIRST = 6,
    LAST = 12,
    TWO = 18,
    THREE = 24,
    AFTER_E0 = 30,
    AFTER_ED = 36,
    AFTER_F0 = 42,
    AFTER_F4 = 48
};

#define GO(from, to) ((uint64_t)(to) << (from))
#define MIDST        (GO(LAST, FIRST) | GO(TWO, LAST) | GO(THREE, TWO))

/* The rows of RFC 3629 section 4. */
static const uint64_t rows[256] = {
    [0x00 ... 0x7f] = GO(FIRST, FIRST),
    [0x80 ... 0x8f] = MIDST | GO(AFTER_ED, LAST) | GO(AFTER_F4, TWO), /* nothing above U+10FFFF */
    [0x90 ... 0x9f] = MIDST | GO(AFTER_ED, LAST) | GO(AFTER_F0, TWO), /* no surrogates */
    [0xa0 ... 0xbf] = MIDST | GO(AFTER_E0, LAST) | GO(AFTER_F0, TWO), /* not longer than needed */
    [0xc2 ... 0xdf] = GO(FIRST, LAST),
    [0xe0] = GO(FIRST, AFTER_E0),
    [0xe1 ... 0xec] = GO(FIRST, TWO),
    [0xed] = GO(FIRST, AFTER_ED),
    [0xee ... 0xef] = GO(FIRST, TWO),
    [0xf0] = GO(FIRST, AFTER_F0),
    [0xf1 ... 0xf3] = GO(FIRST, THREE),
    [0xf4] = GO(FIRST, AFTER_F4),
};

static uint64_t step(uint64_t state, uint8_t byte) {
    return rows[byte] >> (state & ((1 << STATE_BITS) - 1));
}

static uint64_t step_eight(uint64_t state, const uint8_t *at) {
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    if ((state & ((1 << STATE_BITS) - 1)) == FIRST && (eight & 0x8080808080808080u) == 0)
        return state;
#pragma GCC unroll 8
    for (size_t i = 0; i < sizeof eight; i++)
        state = step(state, at[i]);
    return state;
}

bool utf8_valid(const char *bytes, size_t length) {
    const uint8_t *at = (const uint8_t *)bytes;
    uint64_t state = FIRST;
    size_t i = 0;
    for (; i + 8 <= length; i += 8)
        state = step_eight(state, at + i);
    for (; i < length; i++)
        state = step(state, at[i]);
    return (state & ((1 << STATE_BITS) - 1)) == FIRST;
}
