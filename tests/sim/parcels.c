/* parcels.c - see parcels.h. */
#include "parcels.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct parcel *parcels_make(const char *bytes, size_t length) {
    struct parcel *parcel = memory_resize(NULL, sizeof *parcel + length, 1);
    parcel->next = NULL;
    parcel->length = length;
    parcel->tag = 0;
    parcel->report = false;
    if (length > 0)
        memcpy(parcel->bytes, bytes, length);
    return parcel;
}

void parcels_push(struct parcels *parcels, struct parcel *parcel) {
    if (parcels->first == NULL)
        parcels->last = &parcels->first;
    parcel->next = NULL;
    *parcels->last = parcel;
    parcels->last = &parcel->next;
    parcels->count++;
    parcels->bytes += parcel->length;
}

struct parcel *parcels_pop(struct parcels *parcels) {
    struct parcel *parcel = parcels->first;
    parcels->first = parcel->next;
    parcels->count--;
    parcels->bytes -= parcel->length;
    return parcel;
}

struct parcel *parcels_pop_second(struct parcels *parcels) {
    struct parcel *first = parcels_pop(parcels);
    struct parcel *second = parcels_pop(parcels);
    first->next = parcels->first;
    if (first->next == NULL)
        parcels->last = &first->next;
    parcels->first = first;
    parcels->count++;
    parcels->bytes += first->length;
    return second;
}

void parcels_truncate(struct parcels *parcels, uint32_t keep) {
    struct parcels kept = {0};
    while (parcels->first != NULL) {
        struct parcel *parcel = parcels_pop(parcels);
        if (kept.count < keep)
            parcels_push(&kept, parcel);
        else
            free(parcel);
    }
    *parcels = kept;
    if (kept.first != NULL && kept.count == 1)
        parcels->last = &parcels->first->next;
}
