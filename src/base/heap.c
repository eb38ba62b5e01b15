/* heap.c - a binary min-heap of deadlines, 1-based: the children of i are 2i and 2i + 1. Each stands beside its entry in the array: most
 * entries are in no heap most of the time, and comparing touches none. */
#include "base/heap.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

static struct heap_slot get(const struct heap *heap, uint32_t place) {
    return heap->slots[place - 1];
}

static void put(struct heap *heap, uint32_t place, struct heap_slot slot) {
    heap->slots[place - 1] = slot;
    slot.entry->place = place;
}

static void sift_up(struct heap *heap, struct heap_slot slot, uint32_t place) {
    while (place > 1 && get(heap, place / 2).at > slot.at) {
        put(heap, place, get(heap, place / 2));
        place /= 2;
    }
    put(heap, place, slot);
}

static void sift_down(struct heap *heap, struct heap_slot slot, uint32_t place) {
    for (;;) {
        uint32_t child = place * 2;
        if (child > heap->count)
            break;
        if (child < heap->count && get(heap, child + 1).at < get(heap, child).at)
            child++;
        if (get(heap, child).at >= slot.at)
            break;
        put(heap, place, get(heap, child));
        place = child;
    }
    put(heap, place, slot);
}

void heap_fini(struct heap *heap) {
    free(heap->slots);
    *heap = (struct heap){0};
}

void heap_set(struct heap *heap, struct heap_entry *entry, int64_t at) {
    struct heap_slot slot = {at, entry};
    if (entry->place == 0) {
        if (heap->count == heap->capacity) {
            heap->capacity = heap->capacity + heap->capacity / 2 + 16;
            heap->slots = memory_resize(heap->slots, heap->capacity, sizeof *heap->slots);
        }
        heap->count++;
        sift_up(heap, slot, heap->count);
    } else if (at < get(heap, entry->place).at) {
        sift_up(heap, slot, entry->place);
    } else {
        sift_down(heap, slot, entry->place);
    }
}

void heap_remove(struct heap *heap, struct heap_entry *entry) {
    uint32_t place = entry->place;
    if (place == 0)
        return;
    assert(get(heap, place).entry == entry);
    entry->place = 0;
    struct heap_slot last = get(heap, heap->count);
    heap->count--;
    if (last.entry == entry)
        return;
    if (place > 1 && get(heap, place / 2).at > last.at)
        sift_up(heap, last, place);
    else
        sift_down(heap, last, place);
}

struct heap_entry *heap_first(const struct heap *heap) {
    return heap->count == 0 ? NULL : heap->slots[0].entry;
}

int64_t heap_next(const struct heap *heap) {
    return heap->count == 0 ? INT64_MAX : heap->slots[0].at;
}

void heap_shift(struct heap *heap, int64_t by) {
    for (uint32_t i = 0; i < heap->count; i++)
        heap->slots[i].at += by;
}
