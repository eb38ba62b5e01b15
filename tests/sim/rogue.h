/* rogue.h - clients that keep to nothing: what they do must harm nobody but themselves. */
#ifndef SIM_ROGUE_H
#define SIM_ROGUE_H

#include "client.h"

void rogue_hear(struct world *world, struct pipe *pipe, const struct heard *heard);
void rogue_act(struct world *world, struct client *client);

/* Something malformed, on a well-behaved client's connection too; `code` is the error it must get. */
struct garbage {
    const char *text;
    enum error_code code;
};
const struct garbage *rogue_garbage(struct world *world);

#endif
