/* buffer.h - bytes that grow. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stddef.h>
#include <string.h>

/* Zero-initialised is empty and valid. The owner calls buffer_fini(). */
struct buffer {
    char *bytes;
    size_t length;
    size_t capacity;
};

void buffer_fini(struct buffer *buffer);

/* Makes room for `more` bytes behind the end and returns where they go; the caller adds what it wrote to `length`. */
char *buffer_reserve(struct buffer *buffer, size_t more) __attribute__((returns_nonnull));

static inline void buffer_append(struct buffer *buffer, const void *bytes, size_t length) {
    if (length == 0)
        return;
    char *end =
        length <= buffer->capacity - buffer->length ? buffer->bytes + buffer->length : buffer_reserve(buffer, length);
    memcpy(end, bytes, length);
    buffer->length += length;
}
static inline void buffer_string(struct buffer *buffer, const char *string) {
    buffer_append(buffer, string, strlen(string));
}
void buffer_printf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forgets the contents, keeps the memory. */
static inline void buffer_clear(struct buffer *buffer) {
    buffer->length = 0;
}

/* Removes the first `count` bytes. */
void buffer_consume(struct buffer *buffer, size_t count);

#endif
