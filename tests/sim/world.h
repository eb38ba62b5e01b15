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
    SOURCE_CLIENT,        /* client: one of its own timers */
};

/* Embedded in its owner. */
struct source {
    struct heap_entry timer; /* microseconds */
    void *owner;
    int64_t ready_us; /* since when */
    uint32_t place;   /* 1-based, among those ready; 0 = not ready */
    enum source_kind kind;
};

/* What the transport does wrong on purpose, to see that the checker sees it. */
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
    LIE_ROW(LEAK, "leak")             /* the end of a connection is never reported */

#define LIE_ENUM(name, word) LIE_##name,
enum lie { LIE_ROWS(LIE_ENUM) LIES };
#undef LIE_ENUM

struct world_options {
    uint64_t seed;
    uint32_t nodes;
    uint32_t clients;
    enum lie lie;
    FILE *trace; /* NULL = none; borrowed */
};

/* What an era is like: drawn from the seed. */
struct climate {
    struct core_options core;
    uint32_t kernel_bytes; /* what a connection's kernel takes while nobody reads */
    uint32_t queue_bytes;  /* what the transport queues before it closes with 4001 */
    uint32_t pace_us;      /* time passes in steps of this on average */
    uint32_t fault_in;     /* one step in so many is a fault; 0 = none */
    uint32_t calm_in;      /* one step in so many begins a calm */
    uint32_t rogues;       /* clients that keep to nothing */
    uint32_t talkative;    /* weight of saying something among the wishes of those in a chat */
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
    TALLY_ROW(revived)                                                                                                 \
    TALLY_ROW(resent)                                                                                                  \
    TALLY_ROW(errors)                                                                                                  \
    TALLY_ROW(calms)                                                                                                   \
    TALLY_ROW(eras)

struct tally {
#define TALLY_FIELD(name) uint64_t name;
    TALLY_ROWS(TALLY_FIELD)
#undef TALLY_FIELD
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

    struct memory_hub *hub;
    struct server *servers;
    struct client *clients;
    struct map pipes; /* by conn_ref */
    conn_ref last_conn;

    struct map chats;       /* by a hash of the id */
    struct list chat_order; /* the oldest first */
    uint32_t chat_count;
    uint32_t chat_serial;

    bool calm;         /* no faults, no wishes */
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
