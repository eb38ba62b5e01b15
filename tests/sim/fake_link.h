/* fake_link.h - one connection of a node to the fake Redis: two rows of letters, each in order.
 *
 * Fails: Redis closes it, or dies (severed): what is on its way is lost from some point on, and the node learns of it
 *        a little later. Or the node gives it up, or dies: some of what it had written has arrived, and nobody hears
 *        the answers. Nothing of it arrives later: the real broker sees to that with SO_LINGER. */
#ifndef SIM_FAKE_LINK_H
#define SIM_FAKE_LINK_H

#include "world.h"

#include "fake_store.h"

struct fake_broker;
struct fake_redis;

enum fake_link_kind {
    FAKE_LINK_COMMANDS,
    FAKE_LINK_SUBSCRIBER, /* control; data as well, unless there is a relay Redis */
    FAKE_LINK_RELAY_OUT,  /* to the relay Redis: PUBLISH */
    FAKE_LINK_RELAY_IN,   /* from it: data */
    FAKE_LINKS,
};

enum fake_letter_kind {
    /* to Redis */
    FAKE_REQUEST,
    FAKE_PUBLISH, /* bytes for the node `boot` */
    FAKE_PROBE,   /* to one's own inbox, and back */
    FAKE_BEAT,
    FAKE_FIRST_BEAT, /* on this link */
    FAKE_LEAVE,
    /* from Redis */
    FAKE_ANSWER,
    FAKE_RECEIVERS, /* of what was published to `boot` */
    FAKE_BEATEN,
    FAKE_SAID, /* by a script, to this node's control inbox */
    FAKE_FRAMES,
};

struct fake_letter {
    struct fake_letter *next;
    enum fake_letter_kind kind;
    uint64_t boot;   /* PUBLISH, RECEIVERS; BEAT, LEAVE: the node's own */
    uint64_t number; /* RECEIVERS; BEAT: people; PROBE: 1 = to the data inbox on the relay Redis */
    union {
        struct broker_request request;
        struct broker_event event;
        struct fake_beat beat;
    };
    size_t length;
    char bytes[]; /* PUBLISH, FRAMES */
};

struct fake_row {
    struct fake_letter *first;
    struct fake_letter *last;
    uint32_t count;
};

struct fake_link {
    struct fake_redis *redis;
    struct fake_broker *broker; /* NULL: nobody hears the answers any more */
    struct list siblings;
    uint64_t boot;
    uint32_t server;
    enum fake_link_kind kind;
    bool severed; /* Redis' end is closed */
    struct fake_row up;
    struct fake_row down;
    struct source up_source;
    struct source down_source;
    struct source notice;
};

/* Heap; whoever takes it out of a row frees it with free(). */
struct fake_letter *fake_letter_new(enum fake_letter_kind kind, const void *bytes, size_t length);

void fake_row_push(struct fake_row *row, struct fake_letter *letter);
/* The first; NULL = empty. */
struct fake_letter *fake_row_take(struct fake_row *row);
void fake_row_clear(struct fake_row *row);

/* Stands at once. */
struct fake_link *fake_link_open(struct fake_redis *redis, struct fake_broker *broker, enum fake_link_kind kind);
/* The node says something; lost if Redis' end is closed. Takes the letter. */
void fake_link_write(struct fake_link *link, struct fake_letter *letter);
/* Redis says something. Takes the letter. */
void fake_link_answer(struct fake_link *link, struct fake_letter *letter);
/* Redis closes it. */
void fake_link_sever(struct fake_link *link);
/* The node gives it up. Some of what it wrote has arrived (all, if it took its time: `flushed`), the rest never does.
 * Frees it. */
void fake_link_abandon(struct fake_link *link, bool flushed);

void fake_link_run(struct fake_link *link, enum source_kind kind);
void fake_link_free(struct fake_link *link);

#endif
