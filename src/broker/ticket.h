/* ticket.h - who accepts whom (PROTOCOL.md, "Pairing"). Pure. */
#ifndef BROKER_TICKET_H
#define BROKER_TICKET_H

#include "passerby/types.h"

/* How many different topics both name. */
unsigned ticket_common(const struct ticket *a, const struct ticket *b);

/* Whether the two may be paired: each accepts the other, and they are not the same person. */
bool ticket_agree(const struct ticket *a, const struct ticket *b);

/* Whether a ticket would take somebody who shares none of its topics: it names none, or has relaxed. */
static inline bool ticket_open(const struct ticket *ticket) {
    return ticket->relaxed || ticket->topics.count == 0;
}

#endif
