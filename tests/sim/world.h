/* world.h - a whole service in one thread: nodes, the broker that joins them, clients, and the time they live in.
 *
 * Everything that can happen next is a source. A source is ready, or waits in the heap of timers for its moment; a
 * step takes one ready source at random, lets a client act, injects a fault, or lets time pass. All randomness comes
 * from one generator, so a seed replays exactly.
 *
 * Owns: everything below it: world_open() builds, world_close() frees. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdio.h>

#include "passerby/node.h"

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/random.h"

struct buffer;
struct chat;
struct client;
struct fake_redis;
struct heard;
struct pipe;
struct server;
struct world;

/* How long something that is ready may be left lying: in virtual time, everybody else is no slower than this. */
enum { LATENCY_US = 100000, MILLISECOND_US = 1000, SECOND_US = 1000000 };

/* Further away than any moment of a simulation. */
#define NEVER_US (INT64_MAX / 2)

enum source_kind {
    SOURCE_UP,            /* pipe: a text, or the end, reaches the node */
    SOURCE_DOWN,          /* pipe: a frame reaches the client, or the transport's queue moves on */
    SOURCE_NODE_NOTICE,   /* pipe: the node learns that it is closed */
    SOURCE_CLIENT_NOTICE, /* pipe: the client learns that it is closed */
    SOURCE_BROKER,        /* server: the broker has something */
    SOURCE_TICK,          /* server: the node's deadline has come */
    SOURCE_SERVER,        /* server: its restart, or the end of its drain */
    SOURCE_THAW,          /* server: its loop goes on */
    SOURCE_CLIENT,        /* client: one of its own timers */
    SOURCE_LINK_UP,       /* fake_link: a letter reaches Redis */
    SOURCE_LINK_DOWN,     /* fake_link: a letter reaches the node */
    SOURCE_LINK_NOTICE,   /* fake_link: the node learns that Redis has closed it */
    SOURCE_FAKE_BROKER,   /* fake_broker: a beat is due, or a link to be opened */
};

/* Embedded in its owner. */
struct source {
    struct heap_entry timer; /* microseconds */
    void *owner;
    int64_t ready_us; /* since when */
    uint32_t place;   /* 1-based, among those ready; 0 = not ready */
    enum source_kind kind;
};

/* What transport or broker do wrong on purpose, to see that the checker sees it. From SYNC on: the fake Redis. */
#define LIE_ROWS(LIE_ROW)                                                                                              \
    LIE_ROW(NONE, "none")                                                                                              \
    LIE_ROW(LOSE, "lose")             /* a `msg` to a plain client disappears */                                       \
    LIE_ROW(REPEAT, "repeat")         /* a `msg` to a plain client comes twice */                                      \
    LIE_ROW(REORDER, "reorder")       /* a `msg` overtakes the one before it */                                        \
    LIE_ROW(RENUMBER, "renumber")     /* a `msg` bears the next one's seq */                                           \
    LIE_ROW(MISDELIVER, "misdeliver") /* a `msg` goes to somebody in another chat */                                   \
    LIE_ROW(ALTER, "alter")           /* one byte of a body changes */                                                 \
    LIE_ROW(OVERACK, "overack")       /* an `ack` covers one more */                                                   \
    LIE_ROW(LATE, "late")             /* a `msg` comes again after `ended` */                                          \
    LIE_ROW(FORGET, "forget")         /* an `ended` disappears */                                                      \
    LIE_ROW(DEAF, "deaf")             /* a text from a client disappears */                                            \
    LIE_ROW(MISPAIR, "mispair")       /* a `matched` names another chat */                                             \
    LIE_ROW(JILT, "jilt")             /* `ended: lost` comes out of the blue */                                        \
    LIE_ROW(HOARD, "hoard")           /* the transport forgets its bound */                                            \
    LIE_ROW(RELAY, "relay")           /* what one node tells another disappears */                                     \
    LIE_ROW(LEAK, "leak")             /* the end of a connection is never reported */                                  \
    LIE_ROW(SYNC, "sync")             /* what one node tells another with SYNC disappears */                           \
    LIE_ROW(ECHO, "echo")             /* what one node tells another comes twice */                                    \
    LIE_ROW(MUTE, "mute")             /* NODE_GONE never comes */                                                      \
    LIE_ROW(STUCK, "stuck")           /* LINK_RESUMED never comes */                                                   \
    LIE_ROW(AMNESIA, "amnesia")       /* nobody notices that Redis was emptied */                                      \
    LIE_ROW(UNFENCED, "unfenced")     /* HOLD writes what it brings, whatever the fences say */                        \
    LIE_ROW(BACKDATED, "backdated")   /* REBIND leaves the fence as it is */                                           \
    LIE_ROW(ENDLESS, "endless")       /* END is not obeyed */                                                          \
    LIE_ROW(LOYAL, "loyal")           /* tickets of nodes that are gone stay in the line, and are offered */           \
    LIE_ROW(HASTY, "hasty")           /* NODE_GONE comes for nodes that live */

#define LIE_ENUM(name, word) LIE_##name,
enum lie { LIE_ROWS(LIE_ENUM) LIES };
#undef LIE_ENUM

struct world_options {
    uint64_t seed;
    bool redis; /* nodes are joined by the fake Redis, else by the memory broker */
    uint32_t nodes;
    uint32_t clients;
    enum lie lie;
    FILE *trace; /* NULL = none; borrowed */
};

/* What goes wrong with a cluster as a whole (outage.c). OUTAGE_ROW(NAME, name) */
#define OUTAGE_ROWS(OUTAGE_ROW)                                                                                        \
    OUTAGE_ROW(COMMANDS, commands)     /* a node's connection for commands breaks */                                   \
    OUTAGE_ROW(SUBSCRIBER, subscriber) /* the one for its inboxes does */                                              \
    OUTAGE_ROW(RELAY, relay)           /* one to the relay Redis does */                                               \
    OUTAGE_ROW(FLUSH, flush)           /* Redis forgets everything */                                                  \
    OUTAGE_ROW(RESTART, restart)       /* Redis is down for a while, and comes back empty */                           \
    OUTAGE_ROW(FAILOVER, failover)     /* … and comes back without the last writes */                                \
    OUTAGE_ROW(HANG, hang)             /* Redis answers nobody for a while */                                          \
    OUTAGE_ROW(FREEZE, freeze)         /* a node stands still */                                                       \
    OUTAGE_ROW(PARTITION, partition)   /* a node can't reach Redis */                                                  \
    OUTAGE_ROW(ROLL, roll)             /* all nodes are drained and started anew, one after the other */

#define OUTAGE_ENUM(name, word) OUTAGE_##name,
enum outage { OUTAGE_ROWS(OUTAGE_ENUM) OUTAGES };
#undef OUTAGE_ENUM

/* What an era is like: drawn from the seed. */
struct climate {
    struct core_options core;
    uint32_t kernel_bytes;     /* what a connection's kernel takes while nobody reads */
    uint32_t queue_bytes;      /* what the transport queues before it closes with 4001 */
    uint32_t pace_us;          /* time passes in steps of this on average */
    uint32_t fault_in;         /* one step in so many is a fault; 0 = none */
    uint32_t calm_in;          /* one step in so many begins a calm */
    uint32_t rogues;           /* clients that keep to nothing */
    uint32_t talkative;        /* weight of saying something among the wishes of those in a chat */
    bool sharded;              /* frames travel by a Redis of their own */
    uint32_t outage_in;        /* one step in so many is an outage (outage.h); 0 = none */
    uint32_t outages[OUTAGES]; /* weights */
};

/* What happened, so that a run in which nothing did is noticed. */
#define TALLY_ROWS(TALLY_ROW)                                                                                          \
    TALLY_ROW(chats)                                                                                                   \
    TALLY_ROW(shown)                                                                                                   \
    TALLY_ROW(resumes)                                                                                                 \
    TALLY_ROW(ends)                                                                                                    \
    TALLY_ROW(lost)                                                                                                    \
    TALLY_ROW(expired)                                                                                                 \
    TALLY_ROW(crashes)                                                                                                 \
    TALLY_ROW(drains)                                                                                                  \
    TALLY_ROW(drops)                                                                                                   \
    TALLY_ROW(stalls)                                                                                                  \
    TALLY_ROW(slow)                                                                                                    \
    TALLY_ROW(superseded)                                                                                              \
    TALLY_ROW(reunions)                                                                                                \
    TALLY_ROW(revived)                                                                                                 \
    TALLY_ROW(resent)                                                                                                  \
    TALLY_ROW(errors)                                                                                                  \
    TALLY_ROW(fled)                                                                                                    \
    TALLY_ROW(doubles)                                                                                                 \
    TALLY_ROW(survived)                                                                                                \
    TALLY_ROW(calms)                                                                                                   \
    TALLY_ROW(eras)

struct tally {
#define TALLY_FIELD(name) uint64_t name;
    TALLY_ROWS(TALLY_FIELD)
#undef TALLY_FIELD
    uint64_t outages[OUTAGES];
};

/* What becomes of frames and ends at the clients' side: the simulator's model clients, or the inboxes of a story. */
struct audience {
    void (*hear)(struct world *world, struct pipe *pipe, const struct heard *heard);
    void (*closed)(struct world *world, struct pipe *pipe, unsigned code);
};

struct world {
    struct world_options options;
    struct climate climate;
    const struct audience *audience;
    struct random random;
    uint64_t step;
    int64_t now_us;
    struct heap timers;
    struct source **ready;
    uint32_t ready_count;
    uint32_t ready_capacity;

    struct memory_hub *hub;   /* NULL: the fake Redis it is */
    struct fake_redis *redis; /* NULL: the hub it is */
    struct server *servers;
    struct client *clients;
    struct map pipes; /* by conn_ref */
    conn_ref last_conn;

    struct map chats;       /* by a hash of the id */
    struct list chat_order; /* the oldest first */
    uint32_t chat_count;
    uint32_t chat_serial;

    bool calm;         /* no faults, no wishes */
    bool rolling;      /* a rolling update is under way */
    int64_t fault_us;  /* of the last fault */
    uint32_t victim;   /* the client that it struck: some have bad days */
    int64_t census_us; /* when those who wait are looked at next */
    uint64_t digest;   /* of all that clients were told: two runs of one seed have the same */
    uint64_t lies_told;
    struct tally tally;
    char failure[512]; /* "" = all is well */
};

/* Builds nodes, broker and clients for a climate; world_close() frees them. The world itself is the caller's. */
void world_open(struct world *world, const struct world_options *options, const struct climate *climate,
                const struct audience *audience);
void world_close(struct world *world);

/* One random step. */
void world_step(struct world *world);
/* Lets the world run without faults and wishes until `us` have passed; false if an invariant broke. */
bool world_settle(struct world *world, int64_t us) __attribute__((warn_unused_result));
/* Runs what is ready, the oldest first, until nothing is, without letting time pass. For stories. */
void world_run_ready(struct world *world);
/* Lets time pass up to the next timer, but not beyond `until_us`. */
void world_pass(struct world *world, int64_t until_us);

void source_init(struct source *source, enum source_kind kind, void *owner);
void world_ready(struct world *world, struct source *source);
/* At that moment; INT64_MAX and beyond NEVER_US = never. */
void world_at(struct world *world, struct source *source, int64_t at_us);
/* Neither ready nor waiting. */
void world_forget(struct world *world, struct source *source);

static inline bool world_failed(const struct world *world) {
    return world->failure[0] != '\0';
}

/* Keeps the first one. */
void world_fail(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_trace(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline uint64_t world_below(struct world *world, uint64_t bound) {
    return random_below(&world->random, bound);
}
static inline bool world_chance(struct world *world, uint32_t in) {
    return in != 0 && random_below(&world->random, in) == 0;
}

#endif
