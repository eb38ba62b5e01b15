/* origin.h - may a page of this origin talk to us? Pure. */
#ifndef NET_ORIGIN_H
#define NET_ORIGIN_H

#include <stdbool.h>

/* origin: the Origin header, NULL if absent, which is allowed (only browsers send it, and they always do).
 * host: the request's Host header, or NULL. allowed: hosts with or without a port, or "*"; NULL-terminated; may be
 *       NULL.
 * Hosts are compared without regard to case, and to a port that is the default of the origin's scheme. */
bool origin_allowed(const char *origin, const char *host, const char *const *allowed);

#endif
