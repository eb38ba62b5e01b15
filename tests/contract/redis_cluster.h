/* redis_cluster.h - the fixture of the Redis broker: a cluster on a real Redis, whose clock the test moves, and what the
 * tests of that broker alone ask of it. */
#ifndef CONTRACT_REDIS_CLUSTER_H
#define CONTRACT_REDIS_CLUSTER_H

#include "cluster.h"
#include "redis_server.h"

#include "passerby/redis_broker.h"

/* Runs a test program: starts the one server that all its tests share, each on empty data. */
int redis_cluster_main(int (*tests)(const struct fixture *fixture));

struct redis_server *redis_cluster_server(const struct cluster *cluster);
struct redis_broker_stats redis_cluster_stats(const struct cluster *cluster, unsigned node);

/* A node that is frozen: it is not polled, and does not beat. */
void redis_cluster_freeze(struct cluster *cluster, unsigned node, bool frozen);
/* Lets seconds pass, one by one: every node that is not frozen beats in each. */
void redis_cluster_pass(struct cluster *cluster, unsigned seconds);
/* Until every node knows that it has lost its connection. */
void redis_cluster_wait_until_down(struct cluster *cluster);

/* Each node, but for frozen ones, has been told exactly once that this befell it; nobody is told so any more. */
void redis_cluster_take_each(struct cluster *cluster, enum broker_event_kind kind);

/* A ticket that has to wait, in its place. */
struct ticket redis_cluster_waits(struct cluster *cluster, unsigned node, uint32_t slot, const char *language);
/* Seeks again, as a node does that was told LINK_RESUMED, and has to wait in its old place. */
void redis_cluster_waits_again(struct cluster *cluster, struct ticket *ticket);

struct redis_pair {
    struct ticket seeker;    /* on node 0 */
    struct ticket candidate; /* on node 1 */
};

/* The candidate has been offered the seeker; they have a chat. */
struct redis_pair redis_cluster_offered(struct cluster *cluster);
struct redis_pair redis_cluster_chatting(struct cluster *cluster);
void redis_cluster_assert_goes_on(struct cluster *cluster, const struct redis_pair *pair);

/* Everything works as if nothing had been: matches, the register, frames each way; and nobody is left waiting. */
void redis_cluster_assert_well(struct cluster *cluster);

#endif
