/* buffer.c - bytes that grow: doubling, so that n appends cost O(n). */
#include "base/buffer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

enum { LEAST_CAPACITY = 64 };

void buffer_fini(struct buffer *buffer) {
    free(buffer->bytes);
    *buffer = (struct buffer){0};
}

char *buffer_reserve(struct buffer *buffer, size_t more) {
    size_t needed = buffer->length + more;
    if (needed > buffer->capacity) {
        size_t capacity = buffer->capacity < LEAST_CAPACITY ? LEAST_CAPACITY : buffer->capacity;
        while (capacity < needed)
            capacity *= 2;
        buffer->bytes = memory_resize(buffer->bytes, capacity, 1);
        buffer->capacity = capacity;
    } else if (buffer->bytes == NULL) {
        buffer->bytes = memory_resize(NULL, LEAST_CAPACITY, 1);
        buffer->capacity = LEAST_CAPACITY;
    }
    return buffer->bytes + buffer->length;
}

void buffer_printf(struct buffer *buffer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    assert(length >= 0);
    vsnprintf(buffer_reserve(buffer, (size_t)length + 1), (size_t)length + 1, format, again);
    va_end(again);
    buffer->length += (size_t)length;
}

void buffer_consume(struct buffer *buffer, size_t count) {
    assert(count <= buffer->length);
    if (count > 0)
        memmove(buffer->bytes, buffer->bytes + count, buffer->length - count);
    buffer->length -= count;
}
