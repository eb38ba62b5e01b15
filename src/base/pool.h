/* pool.h - pages of 32 KB for what there are many of and is held for long: side by side, and, as far as they fill 2 MB, on huge pages. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

enum { POOL_PAGE_BYTES = 32 << 10 };

/* A page, aligned to its size, of whatever was in it. The process has one pool, for all threads. */
void *pool_take(void) __attribute__((malloc, returns_nonnull, warn_unused_result));
/* Gives a page back; it stays in the pool, for the next one. */
void pool_give(void *page);

#endif
