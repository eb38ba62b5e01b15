/* hear.h - a model client listens. */
#ifndef SIM_HEAR_H
#define SIM_HEAR_H

#include "client.h"

extern const struct audience hear_audience;

#endif
