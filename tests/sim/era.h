/* era.h - one stretch of a simulation: a cluster in one climate, from its start until all have gone. */
#ifndef SIM_ERA_H
#define SIM_ERA_H

#include "world.h"

/* The seed of an era: eras replay one by one. */
uint64_t era_seed(uint64_t seed, uint64_t era);

/* Opens the world in a climate drawn from options->seed, runs it for so many steps with calms in between, lets
 * everybody leave and looks for what is left. world->failure says whether an invariant broke. The caller calls
 * world_close(). */
void era_run(struct world *world, const struct world_options *options, uint64_t steps);

#endif
