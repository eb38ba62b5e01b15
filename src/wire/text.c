/* text.c - Unicode text by utf8proc: counted, trimmed, folded. */
#include "text.h"

#include "base/memory.h"

#include <utf8proc.h>

#include <assert.h>
#include <stdlib.h>

/* Decodes the code point at the front. Returns its bytes, or 0 if there is none. */
static size_t front(struct text text, utf8proc_int32_t *code_point) {
    utf8proc_ssize_t length =
        utf8proc_iterate((const utf8proc_uint8_t *)text.at, (utf8proc_ssize_t)text.length, code_point);
    return length > 0 ? (size_t)length : 0;
}

static bool is_continuation(char byte) {
    return ((unsigned char)byte & 0xc0) == 0x80;
}

size_t text_count(struct text text) {
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += !is_continuation(text.at[i]);
    return count;
}

static bool is_white_space(utf8proc_int32_t code_point) {
    if ((code_point >= '\t' && code_point <= '\r') || code_point == 0x85)
        return true;
    utf8proc_category_t category = utf8proc_category(code_point);
    return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

struct text text_trim(struct text text) {
    utf8proc_int32_t code_point;
    size_t length;
    while ((length = front(text, &code_point)) > 0 && is_white_space(code_point)) {
        text.at += length;
        text.length -= length;
    }
    while (text.length > 0) {
        size_t last = text.length - 1;
        while (last > 0 && is_continuation(text.at[last]))
            last--;
        if (front((struct text){text.at + last, text.length - last}, &code_point) == 0 || !is_white_space(code_point))
            break;
        text.length = last;
    }
    return text;
}

/* The text in UTF-8 after utf8proc's `options`, on the heap. */
static char *transform(struct text text, utf8proc_option_t options, size_t *length) {
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text.at;
    utf8proc_ssize_t size = (utf8proc_ssize_t)text.length;
    utf8proc_ssize_t count = utf8proc_decompose(bytes, size, NULL, 0, options);
    assert(count >= 0);
    utf8proc_int32_t *code_points = memory_zero((size_t)count + 1, sizeof *code_points); /* one more, for a NUL */
    utf8proc_decompose(bytes, size, code_points, count, options);
    *length = (size_t)utf8proc_reencode(code_points, count, options); /* in place: UTF-8 is never longer */
    return (char *)code_points;
}

char *text_fold(struct text text, size_t *length) {
    /* Decomposed first: U+0345 becomes a letter when it is folded, and must have found its canonical place before. */
    size_t decomposed_length;
    char *decomposed = transform(text, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, &decomposed_length);
    char *folded = transform((struct text){decomposed, decomposed_length},
                             UTF8PROC_STABLE | UTF8PROC_CASEFOLD | UTF8PROC_COMPOSE, length);
    free(decomposed);
    return folded;
}
