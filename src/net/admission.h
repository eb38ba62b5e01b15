/* admission.h - who may connect: counts per process and per address, and a rate per address (the public part is in
 * passerby/net.h). */
#ifndef NET_ADMISSION_H
#define NET_ADMISSION_H

#include "passerby/net.h"

#include <stdint.h>

enum admission_verdict {
    ADMITTED,        /* give it back with admission_leave() */
    ADMISSION_FULL,  /* the process has all the connections it may have */
    ADMISSION_CROWD, /* this address has */
    ADMISSION_HASTE, /* this address connects too often */
};

/* Asks for a place. `key` is address_key() of the client. For CROWD and HASTE, *retry_ms is when it is worth another
 * try. `admission` may be NULL: then everybody is welcome. Thread-safe. */
enum admission_verdict admission_enter(struct admission *admission, uint64_t key, int64_t now_us, uint32_t *retry_ms)
    __attribute__((warn_unused_result));
void admission_leave(struct admission *admission, uint64_t key);

/* How many addresses are remembered; for tests. */
size_t admission_remembered(struct admission *admission);

#endif
