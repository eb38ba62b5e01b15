/* heap_pages.c - the heap on huge pages.
 *
 * Each message touches a dozen small objects of its two people. Of ten thousand people who all talk, each of these is on a page of its
 * own that the processor no longer knows the way to, and finding it costs more than what is done there: an eighth of the CPU of a
 * message. On pages of 2 MB there are few ways to know.
 *
 * Flow:  all threads share the heap proper (else each has its own, which grows page by page) → it is extended once by as much as may be
 *        needed, of which nothing is touched yet → the kernel is told. What was freed at its end stays. */
#include "base/heap_pages.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    HUGE_PAGE_BYTES = 2 << 20,
    MOST_MAPPED = 65536,
    TOP_PAD_BYTES = 128 << 10,
    /* both glibc's own */ PROBE_BYTES = 512 << 10
};

void heap_pages_reserve(size_t bytes) {
#if defined __GLIBC__ && !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    if (bytes > INT32_MAX)
        bytes = INT32_MAX;
    if (mallopt(M_ARENA_MAX, 1) == 0 || mallopt(M_TRIM_THRESHOLD, INT32_MAX) == 0)
        return;
    mallopt(M_TOP_PAD, (int)bytes);
    mallopt(M_MMAP_MAX, 0);
    uintptr_t from = (uintptr_t)sbrk(0);
    void *volatile probe = malloc(PROBE_BYTES); /* not to be optimised away */
    free(probe);
    uintptr_t to = (uintptr_t)sbrk(0);
    mallopt(M_MMAP_MAX, MOST_MAPPED);
    mallopt(M_TOP_PAD, TOP_PAD_BYTES);
    from = (from + HUGE_PAGE_BYTES - 1) & ~(uintptr_t)(HUGE_PAGE_BYTES - 1);
    if (from < to)
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE); /* a kernel without them says no */
#else
    (void)bytes;
#endif
}
