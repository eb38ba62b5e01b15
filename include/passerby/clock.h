/* clock.h - where a node gets time and randomness from. The simulator has its own. */
#ifndef PASSERBY_CLOCK_H
#define PASSERBY_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t (*monotonic_us)(void *context); /* never goes back */
    int64_t (*wall_ms)(void *context);      /* Unix time */
    uint64_t (*random_u64)(void *context);  /* 64 fresh bits */
    void *context;
};

#endif
