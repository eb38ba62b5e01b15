/* memory.h - allocation that can't fail: running out of memory aborts here, in one place. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* Like calloc, realloc, strdup and a memdup that adds a NUL; never NULL. Free with free(). */
void *memory_zero(size_t count, size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
void *memory_resize(void *old, size_t count, size_t size) __attribute__((returns_nonnull, warn_unused_result));
/* Aligned to a power of two; not zeroed. */
void *memory_aligned(size_t alignment, size_t bytes) __attribute__((malloc, returns_nonnull, warn_unused_result));
char *memory_string(const char *string) __attribute__((malloc, returns_nonnull, warn_unused_result));
char *memory_copy(const void *bytes, size_t length) __attribute__((malloc, returns_nonnull, warn_unused_result));

#endif
