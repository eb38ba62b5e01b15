/* census.h - looks at everybody at once: those who wait, and whether all agree when nothing is under way. */
#ifndef SIM_CENSUS_H
#define SIM_CENSUS_H

#include "client.h"

/* Does nobody wait while somebody compatible waits? Cheap: it looks a few times a second. */
void census_waiting(struct world *world);

/* How long everything takes to settle once faults and wishes have stopped. */
int64_t census_settle_us(const struct world *world);
/* After a calm: everybody is answered, everything delivered, all agree about every chat, and so do the gauges. */
void census_calm(struct world *world);
/* After all have gone: nothing is left. */
void census_empty(struct world *world);

#endif
