/* links.h - nodes without a core on one loop, to see what befalls their connections. */
#ifndef CONTRACT_LINKS_H
#define CONTRACT_LINKS_H

#include "passerby/redis_broker.h"

#include "fake_redis.h"
#include "redis_process.h"

#include <uv.h>

enum { LINKS_NODES = 4 };

/* What a node has heard. */
struct links_node {
    struct broker *broker;
    struct links *links;
    uint64_t boot;
    unsigned events[BROKER_LINK_RESUMED + 1]; /* by enum broker_event_kind */
    struct broker_event last;                 /* but for what it borrows */
    unsigned frames;                          /* that came in order, each the number of those before */
    uint64_t gone;                            /* the last node that was said to be */
};

struct links {
    uv_loop_t loop;
    uv_timer_t metronome; /* so that a turn of the loop ends */
    uint64_t chats;       /* so many were begun */
    int64_t ahead_ms;     /* of real time is the clock of poll() */
    unsigned beats;       /* of it: a loop that is blocked does not move */
    struct log *log;
    int log_file; /* where the log goes meanwhile */
    int stderr_file;
    struct links_node nodes[LINKS_NODES];
    struct fake_redis *fake; /* NULL: none */
};

struct links *links_new(void);
/* Closes every node. */
void links_free(struct links *links);

/* Joins node `at`; `relays` ends with NULL, or is NULL for none. Of two relays, node i's
 * data inbox is on relay i modulo 2. */
void links_join(struct links *links, unsigned at, const char *url, const char *const relays[]);
/* The same, with certificates. */
void links_join_tls(struct links *links, unsigned at, const char *url, const char *ca);
void links_leave(struct links *links, unsigned at);

/* Sets up a server that answers like this, in place of the last one, and returns its port. */
unsigned links_fake(struct links *links, fake_answer_fn *answer, void *context);

struct redis_broker_stats links_stats(const struct links *links, unsigned at);
/* How often a text stands in the log. */
unsigned links_logged(const struct links *links, const char *text);

/* Turns the loop until it is so; fails the test when that takes too long. */
#define LINKS_UNTIL(links, condition)                                                                                  \
    for (int64_t until_ms_ = links_patience_ms(); !(condition);)                                                       \
    links_turn((links), until_ms_, #condition)
int64_t links_patience_ms(void);
void links_turn(struct links *links, int64_t until_ms, const char *what);

/* Until each node is up; it is up, and nothing is on its way. */
void links_until_up(struct links *links);
/* Until the trouble was seen so often since the node joined. */
void links_until_trouble(struct links *links, unsigned at, enum redis_trouble trouble, unsigned times);

/* Sends the next of the numbered frames. */
void links_relay(struct links *links, unsigned from, unsigned to);
/* Everything works: each node finds a stranger on the next one, talks to it, and is heard. */
void links_assert_well(struct links *links, unsigned count);

/* A list that ends with NULL. */
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
