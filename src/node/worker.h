/* worker.h - one node on real ground: a thread, a libuv loop, a net, and the memory it shares with nobody. */
#ifndef NODE_WORKER_H
#define NODE_WORKER_H

#include "passerby/log.h"
#include "passerby/net.h"
#include "passerby/node.h"

struct redis_broker_options;
struct worker;

struct worker_options {
    struct node_options node; /* its metrics, clock and boot id are set by the worker */
    struct net_options net;
    struct memory_hub *hub;   /* joins the workers of one process, unless there is a Redis */
    struct admission *crowds; /* whose counts this worker shares with other processes by Redis; NULL: none */
    const struct redis_broker_options *redis; /* what joins processes; its url NULL: none. Borrowed for worker_new() */
};

/* What any thread may read of a worker. */
struct worker_view {
    const struct metrics *metrics;
    int64_t beat_age_ms;   /* since its loop last turned */
    const char *not_ready; /* why it can't serve yet, a sentence; NULL: it can */
};

/* Binds and listens, on the calling thread; nothing runs yet. NULL, and one line in `error`, when it can't. */
struct worker *worker_new(const struct worker_options *options, char *error, size_t error_size);
/* Runs the loop on a thread of its own. */
void worker_start(struct worker *worker);

/* These may be called from any thread, and take effect on the worker's own. */
void worker_drain(struct worker *worker, uint32_t spread_ms); /* stop accepting, ask everybody to reconnect */
void worker_reload(struct worker *worker);                    /* read the TLS certificate again */
void worker_stop(struct worker *worker);                      /* close everything with 1012, and end the loop */
void worker_view(const struct worker *worker, struct worker_view *out);
uint64_t worker_connections(const struct worker *worker); /* not after worker_stop() */

/* Waits for the thread, if there is one. worker_stop() must have been called, unless it never started. The others
 * may still look at it: free it when all have been joined. */
void worker_join(struct worker *worker);
void worker_free(struct worker *worker);

uint16_t worker_port(const struct worker *worker);
uint16_t worker_internal_port(const struct worker *worker);

#endif
