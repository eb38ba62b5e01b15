/* writer.c - JSON text (RFC 8259), compact, with no more escapes than it needs. */
#include "writer.h"

#include <string.h>

#include "plain.h"

#include "base/buffer.h"

enum { UINT64_DIGITS = 20 };

static void put(struct buffer *out, char byte) {
    buffer_append(out, &byte, 1);
}

static void put_escape(struct buffer *out, char byte) {
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    static const char hex[] = "0123456789abcdef";
    const char *found = byte == '\0' ? NULL : strchr(plain, byte);
    if (found != NULL) {
        char escape[] = {'\\', letters[found - plain]};
        buffer_append(out, escape, sizeof escape);
    } else {
        char escape[] = {'\\', 'u', '0', '0', hex[(unsigned char)byte >> 4], hex[byte & 0xf]};
        buffer_append(out, escape, sizeof escape);
    }
}

static void put_text(struct buffer *out, struct text text) {
    uint64_t seen = 0;
    put(out, '"');
    for (size_t at = 0; at < text.length;) {
        size_t run = plain_length(text.at + at, text.length - at, &seen);
        buffer_append(out, text.at + at, run);
        at += run;
        if (at < text.length)
            put_escape(out, text.at[at++]);
    }
    put(out, '"');
}

static struct text text_of(const char *string) {
    return (struct text){string, strlen(string)};
}

static void put_name(struct buffer *out, const char *name) {
    buffer_append(out, ",\"", 2);
    buffer_string(out, name);
    buffer_append(out, "\":", 2);
}

void writer_open(struct buffer *out, const char *name, const char *value) {
    buffer_append(out, "{\"", 2);
    buffer_string(out, name);
    buffer_append(out, "\":", 2);
    put_text(out, text_of(value));
}

void writer_text(struct buffer *out, const char *name, struct text value) {
    put_name(out, name);
    put_text(out, value);
}

void writer_texts(struct buffer *out, const char *name, const struct text *values, size_t count) {
    put_name(out, name);
    put(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put(out, ',');
        put_text(out, values[i]);
    }
    put(out, ']');
}

void writer_string(struct buffer *out, const char *name, const char *value) {
    writer_text(out, name, text_of(value));
}

void writer_number(struct buffer *out, const char *name, uint64_t value) {
    char digits[UINT64_DIGITS];
    size_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    put_name(out, name);
    buffer_append(out, digits + first, sizeof digits - first);
}

void writer_bool(struct buffer *out, const char *name, bool value) {
    put_name(out, name);
    buffer_string(out, value ? "true" : "false");
}

void writer_close(struct buffer *out) {
    put(out, '}');
}
