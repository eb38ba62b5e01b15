/* map.h - a hash table from 64-bit keys to pointers: open addressing, linear probing, at most half full. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_slot {
    uint64_t key;
    void *value; /* NULL = free */
};

/* Zero-initialised is empty. Borrows its values. The owner calls map_fini(). */
struct map {
    struct map_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

void map_fini(struct map *map);
/* The value, or NULL. */
void *map_get(const struct map *map, uint64_t key);
/* Sets the value, which must not be NULL; returns the one it replaces, or NULL. */
void *map_set(struct map *map, uint64_t key, void *value);
/* Removes and returns the value, or NULL. */
void *map_take(struct map *map, uint64_t key);

#endif
