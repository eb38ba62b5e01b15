/* cluster.h - a few recording nodes joined by the broker under test, and what a test needs to ask of them.
 *
 * Extending: to put another broker to the test, write its struct fixture and a test_NAME.c that runs the suites on
 *            it. */
#ifndef CONTRACT_CLUSTER_H
#define CONTRACT_CLUSTER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "passerby/broker.h"

/* A broker under test. */
struct fixture {
    const char *name;
    void *(*open)(void);
    void (*close)(void *hub);
    struct broker *(*join)(void *hub, uint64_t boot, const struct broker_listener *listener);
    /* Lets what is outside the process do its part. Returns false when nothing can be on its way any more. */
    bool (*turn)(void *hub);
    /* Lets time pass where poll()'s now_ms is not the broker's clock. */
    void (*advance)(void *hub, int64_t by_ms);
    unsigned operations; /* of the random test */
};

/* The suites: each returns how many of its tests failed. */
int suite_match(const struct fixture *fixture);
int suite_chat(const struct fixture *fixture);
int suite_hold(const struct fixture *fixture);
int suite_relay(const struct fixture *fixture);
int suite_random(const struct fixture *fixture);

enum { CLUSTER_NODES = 4 };

struct recorded {
    struct broker_event event; /* relayed.bytes is ours */
    bool taken;
};

struct cluster_node {
    struct broker *broker; /* NULL = closed */
    uint64_t boot;
    unsigned wakes;  /* not yet followed by a poll */
    unsigned polled; /* events of the poll that goes on, or of the last one */
    bool polling;
    struct recorded *events;
    size_t count;
    size_t capacity;
    /* Called for each event besides recording it, if set. */
    void (*on_event)(struct cluster_node *node, const struct broker_event *event);
};

struct cluster {
    const struct fixture *fixture;
    void *hub;
    struct cluster_node nodes[CLUSTER_NODES];
    int64_t now_ms;
    uint64_t boots;
    uint64_t chats;
};

/* cmocka set-up and tear-down: *state is the fixture before, the cluster in between. */
int cluster_setup(void **state);
int cluster_teardown(void **state);
#define CLUSTER_TEST(test, fixture)                                                                                    \
    cmocka_unit_test_prestate_setup_teardown(test, cluster_setup, cluster_teardown, (void *)(uintptr_t)(fixture))

/* Closes a node; joins it again with another boot id. */
void cluster_close(struct cluster *cluster, unsigned node);
void cluster_join(struct cluster *cluster, unsigned node);

/* Polls every node that was woken, until nothing comes any more. */
void cluster_settle(struct cluster *cluster);
/* Lets time pass, and tells everybody. */
void cluster_advance(struct cluster *cluster, int64_t by_ms);

void cluster_request(struct cluster *cluster, unsigned node, const struct broker_request *request);
void cluster_relay(struct cluster *cluster, unsigned node, uint64_t boot, const void *bytes, size_t length);

/* Takes the earliest event of that kind that the node recorded and nobody has taken; there must be one. Its bytes
 * are good until the cluster's end. */
struct broker_event cluster_take(struct cluster *cluster, unsigned node, enum broker_event_kind kind);
/* How many events of that kind are left to take. */
unsigned cluster_left(const struct cluster *cluster, unsigned node, enum broker_event_kind kind);
/* Nothing is left to take, anywhere. */
void cluster_assert_quiet(const struct cluster *cluster);
void cluster_forget(struct cluster *cluster);

/* A session's address, and a ticket for it that names nothing, with attempt 1 and a chat id of its own. */
struct address cluster_address(const struct cluster *cluster, unsigned node, uint32_t slot);
struct ticket cluster_ticket(struct cluster *cluster, unsigned node, uint32_t slot);
unsigned cluster_node_of(const struct cluster *cluster, uint64_t boot);

/* Requests, settles. */
void cluster_withdraw(struct cluster *cluster, struct address asker, uint32_t attempt);
void cluster_end(struct cluster *cluster, struct address asker, struct chat_id chat, struct tombstone how);
/* Requests, settles, and takes the answer, whose addressee is checked. */
struct broker_event cluster_seek(struct cluster *cluster, const struct ticket *ticket);
struct broker_event cluster_commit(struct cluster *cluster, const struct ticket *seeker,
                                   const struct ticket *candidate);
struct broker_event cluster_abort(struct cluster *cluster, const struct ticket *seeker);
struct broker_event cluster_rebind(struct cluster *cluster, struct address asker, const struct claims *claims);
struct broker_event cluster_lookup(struct cluster *cluster, struct address asker, struct chat_id chat);
/* The asker is the place of one of the parties. */
struct broker_event cluster_hold(struct cluster *cluster, struct address asker, struct chat_id chat,
                                 const struct party *seeker, const struct party *candidate);

/* How many wait, as each node says after settling: all must agree. */
uint64_t cluster_waiting(struct cluster *cluster);

void assert_address(struct address is, struct address should_be);
void assert_chat(struct chat_id is, struct chat_id should_be);
void assert_party(const struct party *is, const struct party *should_be);
/* All but since_ms and who.fence. */
void assert_old_party(const struct party *is, const struct party *should_be); /* of a chat that is over: or forgotten */
void assert_ticket(const struct ticket *is, const struct ticket *should_be);

#endif
