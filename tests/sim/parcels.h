/* parcels.h - text messages on their way, in order. */
#ifndef SIM_PARCELS_H
#define SIM_PARCELS_H

#include "reader.h"

/* One text message on its way. */
struct parcel {
    struct parcel *next;
    size_t length;
    uint64_t tag;
    bool report;
    struct heard heard; /* to the client: what it says, pointing into `bytes` */
    char bytes[];
};

struct parcels {
    struct parcel *first;
    struct parcel **last;
    uint32_t count;
    size_t bytes;
};

/* Heap; the bytes are copied. Free with free(). */
struct parcel *parcels_make(const char *bytes, size_t length);

/* Takes the parcel. */
void parcels_push(struct parcels *parcels, struct parcel *parcel);
/* Gives the first, or the second; there must be one. */
struct parcel *parcels_pop(struct parcels *parcels);
struct parcel *parcels_pop_second(struct parcels *parcels);
/* Keeps the first `keep`, frees the others. */
void parcels_truncate(struct parcels *parcels, uint32_t keep);

#endif
