/* fault.h - what goes wrong: connections, readers, nodes, manners. */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "client.h"

/* One fault, at random. */
void fault_inject(struct world *world);

/* A climate drawn from the world's seed. */
void fault_climate(struct random *random, uint32_t clients, struct climate *climate);

#endif
