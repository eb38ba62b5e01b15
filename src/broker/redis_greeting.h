/* redis_greeting.h - the first words on a wire: who we are, whether this is the Redis we need, which database, which
 * channels. */
#ifndef BROKER_REDIS_GREETING_H
#define BROKER_REDIS_GREETING_H

#include "redis_wire.h"

struct redis_url;

enum { REDIS_GREETING_CHANNELS = 2 };

/* Embedded in whoever greets. */
struct redis_greeting {
    struct redis_wire *wire;
    const struct redis_url *url;
    const char *client;                            /* what CLIENT LIST is to call us */
    const char *channels[REDIS_GREETING_CHANNELS]; /* to subscribe to; NULL where there are fewer */
    void *context;
    void (*on_greeted)(void *context); /* all is well. If it isn't, the wire is broken, with its trouble */
    void (*on_message)(void *context, const char *bytes, size_t length); /* on a channel, from then on */

    unsigned awaited; /* confirmations of channels */
};

/* On a wire that has just opened. The greeting and what it points to outlive the wire. */
void redis_greet(struct redis_greeting *greeting);

#endif
