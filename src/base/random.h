/* random.h - random bits: a fast generator for what must merely be unlikely to repeat, and the kernel's for secrets. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* xoshiro256** (Blackman and Vigna). Not for secrets. */
struct random {
    uint64_t state[4];
};

/* Seeds it from one number (by SplitMix64, as its authors advise): the same seed gives the same bits. */
void random_init(struct random *random, uint64_t seed);
uint64_t random_u64(struct random *random);
/* Uniform in 0 … bound - 1; bound > 0. */
uint64_t random_below(struct random *random, uint64_t bound);

/* getrandom(2): fit for secrets. Aborts if the kernel can't. */
void random_secret(void *bytes, size_t length);

#endif
