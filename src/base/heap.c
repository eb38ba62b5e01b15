/* heap.c - a binary min-heap of deadlines, 1-based: the children of i are 2i and 2i + 1. */
#include "base/heap.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

static struct heap_entry *get(const struct heap *heap, uint32_t place) {
    return heap->entries[place - 1];
}

static void put(struct heap *heap, uint32_t place, struct heap_entry *entry) {
    heap->entries[place - 1] = entry;
    entry->place = place;
}

static void sift_up(struct heap *heap, struct heap_entry *entry, uint32_t place) {
    while (place > 1 && get(heap, place / 2)->at > entry->at) {
        put(heap, place, get(heap, place / 2));
        place /= 2;
    }
    put(heap, place, entry);
}

static void sift_down(struct heap *heap, struct heap_entry *entry, uint32_t place) {
    for (;;) {
        uint32_t child = place * 2;
        if (child > heap->count)
            break;
        if (child < heap->count && get(heap, child + 1)->at < get(heap, child)->at)
            child++;
        if (get(heap, child)->at >= entry->at)
            break;
        put(heap, place, get(heap, child));
        place = child;
    }
    put(heap, place, entry);
}

void heap_fini(struct heap *heap) {
    free(heap->entries);
    *heap = (struct heap){0};
}

void heap_set(struct heap *heap, struct heap_entry *entry, int64_t at) {
    if (entry->place == 0) {
        if (heap->count == heap->capacity) {
            heap->capacity = heap->capacity == 0 ? 16 : heap->capacity * 2;
            heap->entries = memory_resize(heap->entries, heap->capacity, sizeof *heap->entries);
        }
        entry->at = at;
        heap->count++;
        sift_up(heap, entry, heap->count);
        return;
    }
    int64_t before = entry->at;
    entry->at = at;
    if (at < before)
        sift_up(heap, entry, entry->place);
    else
        sift_down(heap, entry, entry->place);
}

void heap_remove(struct heap *heap, struct heap_entry *entry) {
    uint32_t place = entry->place;
    if (place == 0)
        return;
    assert(get(heap, place) == entry);
    entry->place = 0;
    struct heap_entry *last = get(heap, heap->count);
    heap->count--;
    if (last == entry)
        return;
    if (place > 1 && get(heap, place / 2)->at > last->at)
        sift_up(heap, last, place);
    else
        sift_down(heap, last, place);
}

struct heap_entry *heap_first(const struct heap *heap) {
    return heap->count == 0 ? NULL : heap->entries[0];
}

int64_t heap_next(const struct heap *heap) {
    return heap->count == 0 ? INT64_MAX : heap->entries[0]->at;
}

void heap_shift(struct heap *heap, int64_t by) {
    for (uint32_t i = 0; i < heap->count; i++)
        heap->entries[i]->at += by;
}
