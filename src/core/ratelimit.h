/* ratelimit.h - how fast one connection may speak and search.
 *
 * Both limits are token buckets in the form of the generic cell rate algorithm (ITU-T I.371): one number, the
 * theoretical arrival time, says it all. */
#ifndef CORE_RATELIMIT_H
#define CORE_RATELIMIT_H

#include "core_priv.h"

/* Takes one token of a bucket whose state is *tat_us. Returns 0 when it was there; else, with nothing taken, in how
 * many microseconds it will be. */
int64_t ratelimit_take(int64_t *tat_us, struct rate rate, int64_t now_us);

/* The client said something: over the rate, its connection is read later. */
void ratelimit_message(struct core *core, struct session *session);
/* The time has come to read it again. */
void ratelimit_release(struct core *core, struct session *session);

/* May the client search or resume? If not, it has been told when. */
bool ratelimit_find(struct core *core, struct session *session);

#endif
