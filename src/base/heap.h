/* heap.h - deadlines in order: a binary heap whose entries know their place, so that each can be moved or removed. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

/* Embedded in whatever may have a deadline, and so as small as can be. Zero-initialised is "not in the heap". */
struct heap_entry {
    uint32_t place; /* 1-based index; 0 = not in the heap */
};

struct heap_slot {
    int64_t at; /* in the unit of the caller's clock */
    struct heap_entry *entry;
};

/* Zero-initialised is empty. Borrows its entries. The owner calls heap_fini(). */
struct heap {
    struct heap_slot *slots;
    uint32_t count;
    uint32_t capacity;
};

void heap_fini(struct heap *heap);

/* Inserts the entry, or moves it if it is there already. */
void heap_set(struct heap *heap, struct heap_entry *entry, int64_t at);
/* Removes the entry if it is there. */
void heap_remove(struct heap *heap, struct heap_entry *entry);
/* The entry that is due first, or NULL. It stays. */
struct heap_entry *heap_first(const struct heap *heap);
/* When that is; INT64_MAX when the heap is empty. */
int64_t heap_next(const struct heap *heap);
/* Adds `by` to every deadline: the order stays. */
void heap_shift(struct heap *heap, int64_t by);

#endif
