/* slab.c - pages of blocks; those given back are a list through their first bytes. */
#include "base/slab.h"

#include <assert.h>
#include <string.h>

#include "base/poison.h"
#include "base/pool.h"

/* What links the pages is at their end, so that blocks of 64 bytes, or of 128, are lines of the processor's cache. */
struct slab_page {
    char blocks[POOL_PAGE_BYTES - sizeof(void *)];
    struct slab_page *next;
};

_Static_assert(sizeof(struct slab_page) == POOL_PAGE_BYTES, "a slab's page is a page of the pool");

static void add_page(struct slab *slab) {
    assert(slab->block_bytes % sizeof(void *) == 0 && slab->block_bytes <= SLAB_MOST_BYTES);
    struct slab_page *page = pool_take();
    page->next = slab->pages;
    slab->pages = page;
    slab->fresh = page->blocks;
    slab->fresh_count = sizeof page->blocks / slab->block_bytes;
    ASAN_POISON_MEMORY_REGION(page->blocks, sizeof page->blocks);
}

void *slab_take(struct slab *slab) {
    void *block = slab->free;
    slab->taken_count++;
    if (block != NULL) {
        ASAN_UNPOISON_MEMORY_REGION(block, slab->block_bytes);
        memcpy(&slab->free, block, sizeof slab->free);
        return block;
    }
    if (slab->fresh_count == 0)
        add_page(slab);
    block = slab->fresh;
    slab->fresh += slab->block_bytes;
    slab->fresh_count--;
    ASAN_UNPOISON_MEMORY_REGION(block, slab->block_bytes);
    return block;
}

void slab_give(struct slab *slab, void *block) {
    if (block == NULL)
        return;
    slab->taken_count--;
    memcpy(block, &slab->free, sizeof slab->free);
    slab->free = block;
    ASAN_POISON_MEMORY_REGION(block, slab->block_bytes);
}

void slab_fini(struct slab *slab) {
    assert(slab->taken_count == 0);
    while (slab->pages != NULL) {
        struct slab_page *page = slab->pages;
        slab->pages = page->next;
        ASAN_UNPOISON_MEMORY_REGION(page->blocks, sizeof page->blocks);
        pool_give(page);
    }
    *slab = (struct slab){.block_bytes = slab->block_bytes};
}
