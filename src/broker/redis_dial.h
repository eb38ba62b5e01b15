/* redis_dial.h - from a host name to a connection: looks its addresses up, and tries one after the other. */
#ifndef BROKER_REDIS_DIAL_H
#define BROKER_REDIS_DIAL_H

#include "redis_wire.h"

enum { REDIS_DIAL_ADDRESSES = 8, REDIS_DIAL_ADDRESS_CHARS = 64, REDIS_DIAL_WHY_CHARS = 200 };

struct redis_lookup;

/* Embedded in whoever dials, one call at a time. All members are redis_dial.c's, but for the first three: set them. */
struct redis_dial {
    void *context;
    void (*on_dialed)(void *context, struct redis_wire *wire); /* it is the callee's now: redis_wire_listen() */
    void (*on_failed)(void *context, enum redis_trouble trouble, const char *why);

    uv_loop_t *loop;
    struct redis_tls *tls;
    const char *host;
    uint16_t port;
    struct redis_lookup *lookup; /* under way */
    struct redis_wire *wire;     /* being tried */
    char addresses[REDIS_DIAL_ADDRESSES][REDIS_DIAL_ADDRESS_CHARS];
    unsigned count;
    unsigned next;
    unsigned ticks;
    enum redis_trouble trouble; /* of the last address that was tried */
    char why[REDIS_DIAL_WHY_CHARS];
};

/* Calls a host, or with port 0 the socket at that path. `host` and `tls` are borrowed until the call is over. Returns
 * false if it failed at once: `trouble` and `why` say how; else either callback comes later. */
bool redis_dial_start(struct redis_dial *dial, uv_loop_t *loop, struct redis_tls *tls, const char *host, uint16_t port)
    __attribute__((warn_unused_result));
/* Once every REDIS_LINK_TICK_MS: gives an address up that doesn't answer. Returns whether a look-up takes strangely
 * long. */
bool redis_dial_tick(struct redis_dial *dial);
/* Forgets the call, if there is one: no callback comes any more. */
void redis_dial_cancel(struct redis_dial *dial);

#endif
