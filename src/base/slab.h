/* slab.h - blocks of one size, without what malloc() adds to each: 8 bytes, and the rest to a multiple of 16. What many of are held for
 * long comes from here. Not thread-safe. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"

enum { SLAB_MOST_BYTES = 2048 };

/* Empty with a block_bytes (a multiple of 8, at most SLAB_MOST_BYTES) and zero else. The owner calls slab_fini(). */
struct slab {
    size_t block_bytes;
    void *free;         /* the first of those given back */
    char *fresh;        /* the next that was never taken, ... */
    size_t fresh_count; /* ... and how many of them are left in this page */
    size_t taken_count;
    struct slab_page *pages;
};

/* A block, of whatever was in it. */
void *slab_take(struct slab *slab);
/* Gives a block back, NULL included; it stays with the slab, for the next one. AddressSanitizer sees who uses it until then. */
void slab_give(struct slab *slab, void *block);
/* Gives all pages back; asserts that all blocks were given back. */
void slab_fini(struct slab *slab);

/* Which page a block is in: pages hold blocks of one slab only. */
static inline uint64_t slab_page_of(const void *block) {
    return (uint64_t)(uintptr_t)block / POOL_PAGE_BYTES;
}

#endif
