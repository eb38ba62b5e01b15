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

/* Decodes a copy that ends where its memory ends, so that ASan sees a read behind it. The copy stays until the next one. */
static inline bool decode(const char *bytes, size_t length, struct wire_frame *out, struct wire_fault *fault) {
    static char *exact;
    free(exact);
    exact = memory_resize(NULL, length, 1);
    memcpy(exact, bytes, length);
    return wire_decode(exact, length, out, fault);
}

static inline void assert_text(struct text text, const char *bytes, size_t length) {
    assert_int_equal(text.length, length);
    assert_memory_equal(text.at, bytes, length);
}

#endif
