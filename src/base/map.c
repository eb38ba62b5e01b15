/* map.c - linear probing with backward-shift deletion: no tombstones, so a table that lives for years stays fast. */
#include "base/map.h"

#include <stdlib.h>

#include "base/memory.h"

/* The finaliser of SplitMix64: keys that differ in a few bits land far apart. */
static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static size_t home(const struct map *map, uint64_t key) {
    return (size_t)mix(key) & (map->capacity - 1);
}

/* The slot that holds the key, or the free one where it would go. */
static struct map_slot *find(const struct map *map, uint64_t key) {
    size_t at = home(map, key);
    while (map->slots[at].value != NULL && map->slots[at].key != key)
        at = (at + 1) & (map->capacity - 1);
    return &map->slots[at];
}

static void grow(struct map *map) {
    struct map old = *map;
    map->capacity = old.capacity == 0 ? 16 : old.capacity * 2;
    map->slots = memory_zero(map->capacity, sizeof *map->slots);
    for (size_t i = 0; i < old.capacity; i++)
        if (old.slots[i].value != NULL)
            *find(map, old.slots[i].key) = old.slots[i];
    free(old.slots);
}

void map_fini(struct map *map) {
    free(map->slots);
    *map = (struct map){0};
}

void *map_get(const struct map *map, uint64_t key) {
    return map->capacity == 0 ? NULL : find(map, key)->value;
}

void *map_set(struct map *map, uint64_t key, void *value) {
    if ((map->count + 1) * 2 > map->capacity)
        grow(map);
    struct map_slot *slot = find(map, key);
    void *before = slot->value;
    map->count += before == NULL;
    *slot = (struct map_slot){key, value};
    return before;
}

void *map_take(struct map *map, uint64_t key) {
    if (map->capacity == 0)
        return NULL;
    struct map_slot *slot = find(map, key);
    void *value = slot->value;
    if (value == NULL)
        return NULL;
    map->count--;
    size_t mask = map->capacity - 1;
    size_t hole = (size_t)(slot - map->slots);
    for (size_t at = (hole + 1) & mask; map->slots[at].value != NULL; at = (at + 1) & mask) {
        /* An entry may move back into the hole unless its home lies behind the hole. */
        if (((at - home(map, map->slots[at].key)) & mask) >= ((at - hole) & mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole].value = NULL;
    return value;
}
