/* decode.h - wire_decode() under the eyes of ASan, for the tests of client frames. */
#ifndef DECODE_H
#define DECODE_H

#include "passerby/wire.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Decodes a copy that ends where its memory ends, so that ASan sees a read behind it; and frees it before the frame is
 * looked at, so that ASan sees a text that borrows from it. */
static inline bool decode(const char *bytes, size_t length, struct wire_frame *out, struct wire_fault *fault) {
    char *exact = memory_resize(NULL, length, 1);
    memcpy(exact, bytes, length);
    bool good = wire_decode(exact, length, out, fault);
    free(exact);
    return good;
}

static inline void assert_text(struct text text, const char *bytes, size_t length) {
    assert_int_equal(text.length, length);
    assert_memory_equal(text.at, bytes, length);
}

#endif
