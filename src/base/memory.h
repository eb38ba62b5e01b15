/* memory.h - allocation that can't fail: running out of memory aborts here, in one place. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* Like calloc, realloc, strdup and a memdup that adds a NUL; never NULL. Free with free(). */
void *memory_zero(size_t count, size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
void *memory_resize(void *old, size_t count, size_t size) __attribute__((returns_nonnull, warn_unused_result));
/* Address space, of which only what is touched takes memory; zeroed, and kept for as long as the process runs. */
void *memory_reserve(size_t bytes) __attribute__((malloc, returns_nonnull, warn_unused_result));
char *memory_string(const char *string) __attribute__((malloc, returns_nonnull, warn_unused_result));
char *memory_copy(const void *bytes, size_t length) __attribute__((malloc, returns_nonnull, warn_unused_result));

#endif
