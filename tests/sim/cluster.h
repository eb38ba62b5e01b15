/* cluster.h - the nodes of a world: started, crashed, drained, started again. */
#ifndef SIM_CLUSTER_H
#define SIM_CLUSTER_H

#include "passerby/metrics.h"

#include "courier.h"

struct server {
    struct transport transport; /* first: the node's transport is its server */
    struct world *world;
    uint32_t index;
    struct node *node; /* NULL = down */
    uint64_t boot;
    struct courier courier; /* its way to the broker */
    struct transport_listener listener;
    struct metrics metrics;
    struct list pipes; /* its connections */
    struct source broker_source;
    struct source tick;
    struct source timer; /* down: its restart. Draining: its end */
    struct source thaw;
    bool draining;
    bool rolled;             /* by the rolling update that is under way */
    int64_t frozen_us;       /* since when its loop stands still */
    int64_t frozen_until_us; /* until when it does */
    int64_t cut_until_us;    /* until when it can't reach Redis */
    int64_t unreachable_us;  /* when others may last have been unable to reach it; -1 = not lately */
};

/* The simulated clocks begin here (Unix time, seconds). */
enum { CLUSTER_WALL_START_S = 1700000000 };

void cluster_start(struct world *world, struct server *server);
/* kill -9. It starts again at restart_us. */
void cluster_crash(struct world *world, struct server *server, int64_t restart_us);
/* Asks everybody to leave, and ends the node at end_us. */
void cluster_drain(struct world *world, struct server *server, uint32_t spread_ms, int64_t end_us);
/* Ends a node in good order: its connections are closed with 1012. */
void cluster_stop(struct world *world, struct server *server);

/* Its loop stands still until then; everything that is for it waits. */
void cluster_freeze(struct world *world, struct server *server, int64_t until_us);
void cluster_thaw(struct world *world, struct server *server);

/* One step of a source of the server. */
void cluster_run(struct world *world, struct server *server, enum source_kind kind);
/* After every call into the node: its deadline may have changed. */
void cluster_called(struct world *world, struct server *server);

/* The address of its session. */
struct address cluster_address(const struct pipe *pipe);

/* One that takes connections, at random; NULL if there is none. */
struct server *cluster_any(struct world *world);

#endif
