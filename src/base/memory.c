/* memory.c - the one place that runs out of memory. */
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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

void *memory_reserve(size_t bytes) {
    void *space = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return checked(space == MAP_FAILED ? NULL : space);
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
