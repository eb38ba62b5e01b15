/* memory.c - the one place that runs out of memory. */
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *block) {
    if (block == NULL) {
        fputs("passerby: out of memory\n", stderr);
        abort();
    }
    return block;
}

void *memory_zero(size_t count, size_t size) {
    return checked(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *memory_resize(void *old, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return checked(NULL);
    return checked(realloc(old, bytes > 0 ? bytes : 1));
}

void *memory_aligned(size_t alignment, size_t bytes) {
    void *block;
    return checked(posix_memalign(&block, alignment, bytes) == 0 ? block : NULL);
}

char *memory_string(const char *string) {
    return memory_copy(string, strlen(string));
}

char *memory_copy(const void *bytes, size_t length) {
    char *copy = memory_zero(length + 1, 1);
    if (length > 0)
        memcpy(copy, bytes, length);
    return copy;
}
