/* lie.h - what the transport does wrong on purpose, to see that the checker sees it (sim --lie NAME).
 *
 * Extending: a row in LIE_ROWS, and what it does here. */
#ifndef SIM_LIE_H
#define SIM_LIE_H

#include "pipe.h"

/* What becomes of a frame on its way to a client: it may change, or others be said as well; true = it disappears. */
bool lie_twist(struct world *world, struct pipe *pipe, const struct transport_frame *frame, struct heard *heard);

/* Does a message overtake the one before it? */
bool lie_reorder(struct world *world, const struct parcel *first);

/* Does a text from a client disappear? */
bool lie_deaf(struct world *world);
/* Is the transport's bound forgotten? */
bool lie_hoard(const struct world *world);
/* Is the end of a connection forgotten? */
bool lie_leak(struct world *world);

/* Does an envelope from one node to another disappear; does it come twice? */
bool lie_lose_relay(struct world *world, const void *bytes, size_t length);
bool lie_echo_relay(struct world *world);
/* Is a node called gone that is not? */
bool lie_gone(struct world *world);

/* The lie of that name; LIES if there is none. */
enum lie lie_named(const char *name);

#endif
