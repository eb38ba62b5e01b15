/* courier.h - a broker between a node and its broker, which lets everything through and shows it in the trace. */
#ifndef SIM_COURIER_H
#define SIM_COURIER_H

#include "world.h"

struct courier {
    struct broker broker; /* first: what the node is given */
    struct world *world;
    struct broker *real;
    struct node *node;
    struct server *server;
};

/* Joins the world's hub, or its Redis, for a node; `wake` is as in struct broker_listener. */
void courier_join(struct courier *courier, struct server *server, uint64_t boot, void (*wake)(void *context));
/* The node's process is killed. close() follows. */
void courier_kill(struct courier *courier);

#endif
