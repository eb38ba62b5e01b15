/* printable.c - other people's text, made harmless.
 *
 * The dangers: escape sequences (ECMA-48), which begin with U+001B or, in C1, U+0080 to U+009F; Unicode's overrides and
 * isolates of direction (UAX #9), by which text seems to say what it does not; and towers of combining marks. */
#include "printable.h"

#include "base/buffer.h"

#include <utf8proc.h>

enum {
    MAX_MARKS = 6, /* on one letter; Vietnamese and pointed Hebrew need three */
    CONTROL_PICTURES = 0x2400,
    PICTURE_OF_DELETE = 0x2421,
    REPLACEMENT = 0xfffd,
};

static void append(struct buffer *out, int32_t point) {
    char *end = buffer_reserve(out, 4);
    out->length += (size_t)utf8proc_encode_char(point, (utf8proc_uint8_t *)end);
}

/* Reads a code point; what is none counts as one byte, and as U+FFFD. */
static size_t next_point(struct text text, int32_t *out) {
    utf8proc_ssize_t length = utf8proc_iterate((const utf8proc_uint8_t *)text.at, (utf8proc_ssize_t)text.length, out);
    if (length > 0)
        return (size_t)length;
    *out = REPLACEMENT;
    return 1;
}

static struct text after(struct text text, size_t length) {
    return (struct text){text.at + length, text.length - length};
}

static bool turns_text_around(int32_t point) {
    return (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

static int32_t harmless(int32_t point) {
    if (point == '\t')
        return point;
    if (point < ' ')
        return CONTROL_PICTURES + point;
    if (point == 0x7f)
        return PICTURE_OF_DELETE;
    switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return REPLACEMENT;
    default: return turns_text_around(point) ? REPLACEMENT : point;
    }
}

static bool is_mark(int32_t point) {
    utf8proc_category_t category = utf8proc_category(point);
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME;
}

void printable_append(struct buffer *out, struct text text, const char *newline) {
    unsigned marks = 0;
    while (text.length > 0) {
        int32_t point;
        text = after(text, next_point(text, &point));
        marks = is_mark(point) ? marks + 1 : 0;
        if (point == '\n')
            buffer_string(out, newline);
        else if (marks <= MAX_MARKS)
            append(out, harmless(point));
    }
}

void printable_repair(struct buffer *out, struct text text) {
    while (text.length > 0) {
        int32_t point;
        text = after(text, next_point(text, &point));
        append(out, point);
    }
}

size_t printable_tail(struct text text, size_t *columns) {
    size_t start = text.length;
    size_t at = start;
    while (at > 0) {
        size_t before = at - 1;
        while (before > 0 && ((unsigned char)text.at[before] & 0xc0) == 0x80)
            before--;
        int32_t point;
        (void)next_point((struct text){text.at + before, at - before}, &point);
        size_t width = (size_t)utf8proc_charwidth(point);
        if (width > *columns)
            break;
        *columns -= width;
        at = before;
        if (width > 0) /* a combining mark needs its letter */
            start = before;
    }
    return text.length - start;
}
