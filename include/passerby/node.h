/* node.h - one node: glue between its clients (transport), the rules (core), the codec (wire) and the others (broker).
 *
 * Flow:   a callback of transport or broker → an event → core_step() → its actions, carried out at once, in order.
 * Rules:  one node = one thread = one event loop. A node knows no libuv and no sockets: worker.h runs it on real
 *         ones, the simulator on its own. No globals: a process can hold many. */
#ifndef PASSERBY_NODE_H
#define PASSERBY_NODE_H

#include "passerby/broker.h"
#include "passerby/clock.h"
#include "passerby/core.h"
#include "passerby/metrics.h"
#include "passerby/transport.h"

enum { SECRET_KEY_BYTES = 32 };

struct node_options {
    struct core_options core;
    struct clock clock;
    uint8_t key[SECRET_KEY_BYTES]; /* signs tokens, hides topics: derived from the cluster's secret (secret.h) */
    struct metrics *metrics;       /* this node's own; borrowed */
};

struct node;

/* Heap; options are copied. Call node_attach() before anything else happens to it. */
struct node *node_new(const struct node_options *options);
/* Transport and broker are borrowed, and outlive the node's last call. */
void node_attach(struct node *node, struct transport *transport, struct broker *broker);
void node_free(struct node *node);

/* What to give to the transport. */
struct transport_listener node_transport_listener(struct node *node);
/* broker_listener.on_event, with the node as its context. */
void node_on_broker_event(void *node, const struct broker_event *event);

/* When node_tick() is due, in milliseconds of clock.monotonic; INT64_MAX = never. */
int64_t node_deadline_ms(const struct node *node);
void node_tick(struct node *node);
/* Takes what the broker has for this node. */
void node_poll(struct node *node);

/* The loop stood still for so long, and nobody could be heard: no deadline comes the nearer by it. */
void node_shift(struct node *node, int64_t gap_ms);

/* Withdraws searches and sends `reconnect` to everybody, with after_ms spread over `spread_ms`. Searches are refused
 * from now on, and whoever connects is asked to reconnect as well. */
void node_drain(struct node *node, uint32_t spread_ms);

/* Writes how things stand to the metrics. */
void node_observe(struct node *node);
struct core_gauges node_gauges(const struct node *node);

#endif
