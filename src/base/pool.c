/* pool.c - pages for slabs, and for connections.
 *
 * Each message touches a dozen small objects of its two people. Of ten thousand people who all talk, each of these is on a page of its
 * own that the processor no longer knows the way to, and finding it costs more than what is done there: an eighth of the CPU of a
 * message. On pages of 2 MB there are few ways to know. But one that is begun is taken as a whole; so it begins as small ones, and becomes
 * huge once what is free of it is next to nothing beside all that is taken.
 *
 * Flow:  address space is reserved → one page after the other, made by the kernel in one call, not in a fault for each 4 KB → the rest of
 *        2 MB, when they become huge.
 * Fails: a kernel that can't do the one or the other says no: small pages are as good, but slower.
 * Owns:  all pages, for as long as the process runs: as malloc() does, and with a lock as there. It is taken once for dozens of people. */
#include "base/pool.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "base/poison.h"

enum {
    HUGE_PAGE_BYTES = 2 << 20,
    RESERVED_BYTES = 64 << 20,
    /* So small a part of what is taken may be free. With 64 it would be hardly any; but what is small first is copied, and touched twice: a
     * connection of the first 19,000 cost 12 % more. */
    WASTE_DIVISOR = 16,
};

/* madvise(2): since Linux 5.14, and 6.1. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static struct {
    pthread_mutex_t mutex;
    void *free;   /* those given back: a list through their first bytes */
    char *next;   /* the next that was never taken, ... */
    char *made;   /* ... what the kernel has made ends here, ... */
    char *end;    /* ... and what is reserved, here */
    size_t taken; /* bytes that ever were */
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void reserve(void) {
    char *space = memory_reserve(RESERVED_BYTES + HUGE_PAGE_BYTES);
    pool.next = pool.made = space + (-(uintptr_t)space & (HUGE_PAGE_BYTES - 1));
    pool.end = pool.next + RESERVED_BYTES;
    /* Not even where it makes huge pages of all there is: not yet. */
    (void)madvise(pool.next, RESERVED_BYTES, MADV_NOHUGEPAGE);
}

/* Has the kernel make a page, or all that is left of 2 MB: then `*huge` is what is to become one huge page. */
static void make(char **huge) {
    size_t left = HUGE_PAGE_BYTES - ((uintptr_t)pool.made & (HUGE_PAGE_BYTES - 1));
    if (left * WASTE_DIVISOR > pool.taken) {
        (void)madvise(pool.made, POOL_PAGE_BYTES, MADV_POPULATE_WRITE);
        pool.made += POOL_PAGE_BYTES;
        return;
    }
    pool.made += left;
    *huge = pool.made - HUGE_PAGE_BYTES;
}

static void *take_fresh(char **huge) {
    if (pool.next == pool.end)
        reserve();
    if (pool.next == pool.made)
        make(huge);
    void *page = pool.next;
    pool.next += POOL_PAGE_BYTES;
    pool.taken += POOL_PAGE_BYTES;
    return page;
}

void *pool_take(void) {
    char *huge = NULL;
    pthread_mutex_lock(&pool.mutex);
    void *page = pool.free;
    if (page != NULL)
        memcpy(&pool.free, page, sizeof pool.free);
    else
        page = take_fresh(&huge);
    pthread_mutex_unlock(&pool.mutex);
    ASAN_UNPOISON_MEMORY_REGION(page, POOL_PAGE_BYTES);
    /* At once, or where the kernel can't, by and by. It takes milliseconds: other threads need not wait for it. */
    if (huge != NULL && madvise(huge, HUGE_PAGE_BYTES, MADV_HUGEPAGE) == 0)
        (void)madvise(huge, HUGE_PAGE_BYTES, MADV_COLLAPSE);
    return page;
}

void pool_give(void *page) {
    pthread_mutex_lock(&pool.mutex);
    memcpy(page, &pool.free, sizeof pool.free);
    pool.free = page;
    ASAN_POISON_MEMORY_REGION((char *)page + sizeof pool.free, POOL_PAGE_BYTES - sizeof pool.free);
    pthread_mutex_unlock(&pool.mutex);
}
