/* plain.h - how much of a text stands in JSON as it is. */
#ifndef WIRE_PLAIN_H
#define WIRE_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* RFC 8259 section 7: what must be escaped in a string. */
static inline bool plain_byte(char byte) {
    return (unsigned char)byte >= 0x20 && byte != '"' && byte != '\\';
}

/* Does one of the eight bytes have to be escaped? (Anderson, Bit Twiddling Hacks: a zero, or a byte below 32, in a word.) */
static inline bool plain_word(uint64_t eight) {
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t quotes = eight ^ (ones * '"'), backslashes = eight ^ (ones * '\\');
    uint64_t below = (eight - ones * 0x20) & ~eight;
    return (((quotes - ones) & ~quotes) | ((backslashes - ones) & ~backslashes) | (below & tops)) & tops ? false : true;
}

/* The length of the longest beginning of `at` without anything that must be escaped. `*seen` gets all bits that are set in
 * any byte of it, wherever in the word. */
static inline size_t plain_length(const char *at, size_t length, uint64_t *seen) {
    size_t i = 0;
    for (uint64_t eight; i + sizeof eight <= length; i += sizeof eight) {
        memcpy(&eight, at + i, sizeof eight);
        if (!plain_word(eight))
            break;
        *seen |= eight;
    }
    for (; i < length && plain_byte(at[i]); i++)
        *seen |= (unsigned char)at[i];
    return i;
}

#endif
