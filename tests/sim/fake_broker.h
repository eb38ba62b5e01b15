/* fake_broker.h - a node's broker over the fake Redis: the contract of broker.h with the means that the real one has.
 *
 * Flow:  links are opened → a probe to the own inbox and a beat; the first beat's answer makes it `up` → requests and
 *        frames pass. Every second a probe, and a beat if the probes are heard.
 * Fails: a link breaks → what was asked is answered DOWN, LINK_LOST, and new links after a while → LINK_RESUMED.
 *        Three probes not heard → the node gives its links up by itself (those to the relay Redis apart). A beat that shows another epoch, or that the
 *        node had been silent → LINK_RESUMED. A beat names those who are silent, a PUBLISH without receivers one more
 *        → NODE_GONE. */
#ifndef SIM_FAKE_BROKER_H
#define SIM_FAKE_BROKER_H

#include "fake_link.h"

#include "inbox.h"

struct fake_broker {
    struct broker broker; /* first */
    struct fake_redis *redis;
    struct server *server;
    struct list siblings;
    uint64_t boot;
    struct broker_listener listener;
    struct inbox inbox;
    struct fake_link *links[FAKE_LINKS];
    struct fake_row unanswered; /* requests whose answers are awaited, in order */
    struct source timer;
    int64_t beat_us; /* when the next is due */
    bool up;
    bool has_been_up;
    bool fresh;         /* no beat was sent on the present links yet */
    uint32_t firsts;    /* first beats that are not answered yet */
    bool data_lost;     /* a link of the relay Redis broke */
    int64_t resumed_us; /* when it last came up, or found something forgotten */
    uint32_t unheard;   /* probes on their way */
    uint32_t unheard_relay;
    uint64_t epoch; /* 0 = not known yet */
    uint64_t here;
    uint64_t online;
    uint64_t waiting;
    uint64_t gone[16]; /* nodes that the last beat called silent */
    uint32_t gone_count;
};

struct broker *fake_broker_join(struct fake_redis *redis, struct server *server, uint64_t boot,
                                const struct broker_listener *listener);
/* Its process is killed: it says nothing more. close() follows. */
void fake_broker_kill(struct broker *broker);
struct fake_broker *fake_broker_of(struct broker *broker);

/* Has it been heard, and nothing been told anew, for so long? */
bool fake_broker_settled(const struct fake_broker *broker, int64_t us);

/* Something arrives. Takes it. */
void fake_broker_hear(struct fake_broker *broker, struct fake_letter *letter);
/* A link was closed by Redis. */
void fake_broker_lost(struct fake_broker *broker, struct fake_link *link);
/* The timer. */
void fake_broker_tick(struct fake_broker *broker);

#endif
