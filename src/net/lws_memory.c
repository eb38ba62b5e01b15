/* lws_memory.c - where libwebsockets has its memory from: each connection costs it four blocks, whose sizes are its secret.
 *
 * Flow:   blocks come from malloc() until many of a size are held at once, as of none that only a handshake needs → the next of that size
 *         come from a slab: denser, and handshakes leave no holes between them. What comes back is known by the page it is in.
 * Owns:   the slabs, for as long as the process runs: lws has one allocator for all threads, and gives it nothing to find its state by.
 *         So there is one lock, too; it is taken for some twenty blocks of a connection, and for no message. */
#include "lws_memory.h"

#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/map.h"
#include "base/slab.h"

enum {
    STEP_BYTES = 8,    /* what sizes are rounded to */
    CHUNK_BYTES = 16,  /* what malloc() rounds to, with 8 bytes of its own */
    LEAST_BYTES = 128, /* smaller ones are not held for long */
    MOST_BYTES = 1024,
    MANY = 256,
    TABLE_BYTES = 16 << 10, /* from here on it is a table */
    MOST_TABLES = 16,       /* of one context: it has two */
};

static struct {
    pthread_mutex_t mutex;
    struct slab slabs[MOST_BYTES / STEP_BYTES + 1]; /* by size; block_bytes 0: not in use */
    uint32_t held[MOST_BYTES / CHUNK_BYTES + 2];    /* blocks of malloc(), by size */
    struct map pages;                               /* slab_page_of() → struct slab */
} memory = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* The great blocks that this thread was given since lws_memory_watch_tables(). */
static _Thread_local struct {
    bool watched;
    unsigned count;
    struct {
        char *block;
        size_t size;
    } tables[MOST_TABLES];
} fresh;

static size_t rounded(size_t size) {
    return (size + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES;
}

static void *take(struct slab *slab) {
    void *block = slab_take(slab);
    if (map_get(&memory.pages, slab_page_of(block)) == NULL)
        map_set(&memory.pages, slab_page_of(block), slab);
    return block;
}

/* A block of malloc() is taken (1), or given back (-1). Returns how many of its size are held; 0 for great ones. */
static uint32_t count(void *block, int by) {
    size_t at = malloc_usable_size(block) / CHUNK_BYTES;
    return at < sizeof memory.held / sizeof *memory.held ? memory.held[at] += (uint32_t)by : 0;
}

static void *allocate(size_t size) {
    bool fits = size >= LEAST_BYTES && size <= MOST_BYTES;
    pthread_mutex_lock(&memory.mutex);
    struct slab *slab = fits ? &memory.slabs[rounded(size) / STEP_BYTES] : NULL;
    bool in_use = fits && slab->block_bytes != 0;
    void *block = in_use ? take(slab) : malloc(size);
    if (!in_use && block != NULL && count(block, 1) >= MANY && fits)
        slab->block_bytes = rounded(size);
    pthread_mutex_unlock(&memory.mutex);
    if (fresh.watched && block != NULL && size >= TABLE_BYTES && fresh.count < MOST_TABLES) {
        fresh.tables[fresh.count].block = block;
        fresh.tables[fresh.count++].size = size;
    }
    return block;
}

/* NULL: it is of malloc(). */
static struct slab *slab_of(const void *block) {
    pthread_mutex_lock(&memory.mutex);
    struct slab *slab = map_get(&memory.pages, slab_page_of(block));
    pthread_mutex_unlock(&memory.mutex);
    return slab;
}

static void forget_table(const void *block) {
    for (unsigned i = 0; i < fresh.count; i++)
        if (fresh.tables[i].block == block)
            fresh.tables[i] = fresh.tables[--fresh.count];
}

static void give(struct slab *slab, void *block) {
    forget_table(block);
    pthread_mutex_lock(&memory.mutex);
    if (slab != NULL)
        slab_give(slab, block);
    else
        count(block, -1);
    pthread_mutex_unlock(&memory.mutex);
    if (slab == NULL)
        free(block);
}

static void *move(struct slab *slab, void *block, size_t size) {
    size_t before = slab != NULL ? slab->block_bytes : malloc_usable_size(block);
    void *moved = allocate(size);
    if (moved == NULL)
        return NULL;
    memcpy(moved, block, size < before ? size : before);
    give(slab, block);
    return moved;
}

void *lws_memory_reallocate(void *block, size_t size, const char *reason) {
    (void)reason;
    if (block == NULL)
        return size == 0 ? NULL : allocate(size);
    struct slab *slab = slab_of(block);
    if (size != 0)
        return move(slab, block, size);
    give(slab, block);
    return NULL;
}

void lws_memory_watch_tables(void) {
    fresh.watched = true;
}

static bool is_zero(const char *page, size_t bytes) {
    return page[0] == 0 && memcmp(page, page + 1, bytes - 1) == 0;
}

void lws_memory_untouch_tables(void) {
    uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (unsigned i = 0; i < fresh.count; i++) {
        char *end = fresh.tables[i].block + fresh.tables[i].size;
        char *page = fresh.tables[i].block + (-(uintptr_t)fresh.tables[i].block & (page_bytes - 1));
        for (; page + page_bytes <= end; page += page_bytes)
            if (is_zero(page, page_bytes))
                (void)madvise(page, page_bytes, MADV_DONTNEED);
    }
    fresh.count = 0;
    fresh.watched = false;
}
