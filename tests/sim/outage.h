/* outage.h - what goes wrong with the cluster as a whole: Redis, the ways to it, nodes that stand still, updates. */
#ifndef SIM_OUTAGE_H
#define SIM_OUTAGE_H

#include "cluster.h"

/* One outage, at random; now and then two at once. */
void outage_inject(struct world *world);
/* A node has started: a rolling update goes on with the next. */
void outage_started(struct world *world, struct server *server);
/* Sees when what went wrong is over. To be called often; cheap. */
void outage_watch(struct world *world);
/* Nothing more is to go wrong: when is all of it over? */
int64_t outage_end_us(struct world *world);

/* Which of them an era knows, and how often. */
void outage_climate(struct random *random, struct climate *climate);

#endif
