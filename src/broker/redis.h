/* redis.h - what the tests of the Redis broker need besides broker.h. */
#ifndef BROKER_REDIS_H
#define BROKER_REDIS_H

#include "passerby/redis_broker.h"

/* Asks now how many wait and how many people there are; else every second. */
void redis_broker_beat(struct broker *broker);

#endif
