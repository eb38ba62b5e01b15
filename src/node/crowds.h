/* crowds.h - the limit of connections per address, over all processes of the service. */
#ifndef NODE_CROWDS_H
#define NODE_CROWDS_H

#include "passerby/broker.h"
#include "passerby/net.h"
#include "passerby/node.h"

enum { CROWDS_AT_ONCE = 256 };

/* Zero-initialised it does nothing. Borrows admission and broker. One for each process. */
struct crowds {
    struct admission *admission;
    struct broker *broker; /* a Redis broker */
    uint8_t key[SECRET_KEY_BYTES];
    struct admission_count asked[CROWDS_AT_ONCE]; /* in the order of the answers */
    size_t asked_count;
    size_t answered;
};

/* Tells and asks; every second or so, on the broker's thread. */
void crowds_tell(struct crowds *crowds, int64_t now_us);

#endif
