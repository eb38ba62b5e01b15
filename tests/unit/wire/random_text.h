/* random_text.h - random UTF-8 for the property tests, rich in what codecs get wrong. */
#ifndef RANDOM_TEXT_H
#define RANDOM_TEXT_H

#include "base/buffer.h"
#include "base/random.h"

#include <utf8proc.h>

static inline utf8proc_int32_t random_code_point(struct random *random) {
    static const utf8proc_int32_t odd[] = {0,    '"',    '\\',   '/',    '\n',   0x1f,   0x7f,
                                           0x80, 0x2028, 0x2029, 0xd7ff, 0xe000, 0xfeff, 0xffff};
    switch (random_below(random, 6)) {
    case 0: return odd[random_below(random, sizeof odd / sizeof *odd)];
    case 1: return (utf8proc_int32_t)random_below(random, 0x20);
    case 2: return (utf8proc_int32_t)(0x80 + random_below(random, 0x780));
    case 3: return (utf8proc_int32_t)(0x800 + random_below(random, 0xd000));
    case 4: return (utf8proc_int32_t)(0x10000 + random_below(random, 0x100000));
    default: return (utf8proc_int32_t)(0x20 + random_below(random, 0x5f));
    }
}

static inline void append_code_point(struct buffer *out, utf8proc_int32_t code_point) {
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t length = utf8proc_encode_char(code_point, bytes);
    buffer_append(out, bytes, (size_t)length);
}

/* Replaces the buffer's contents by `count` random code points. */
static inline void random_text(struct random *random, size_t count, struct buffer *out) {
    buffer_clear(out);
    buffer_reserve(out, 1);
    for (size_t i = 0; i < count; i++)
        append_code_point(out, random_code_point(random));
}

/* A random number of a random length in bits, from 0 to `most`. */
static inline uint64_t random_up_to(struct random *random, uint64_t most) {
    uint64_t value = random_u64(random) >> random_below(random, 64);
    return value > most ? most : value;
}

#endif
