/* fake_store.h - what a Redis holds for the cluster, and what its scripts do with it: the line, the register, the
 * beats.
 *
 * Each function is one script: it runs as a whole. Written after broker.h and DESIGN, not after the scripts of
 * src/broker, so that the two check each other. */
#ifndef SIM_FAKE_STORE_H
#define SIM_FAKE_STORE_H

#include "world.h"

#include "passerby/broker.h"

struct fake_store;

/* PUBLISH to the control inbox of event->to.boot; gives the number of receivers. */
struct fake_outlet {
    uint32_t (*publish)(void *context, const struct broker_event *event);
    void *context;
};

enum fake_chat_state { FAKE_CHAT_OFFERED, FAKE_CHAT_GIVEN_UP, FAKE_CHAT_GOES_ON, FAKE_CHAT_OVER };

struct fake_chat {
    struct chat_record record;
    enum fake_chat_state state;
    int64_t expires_us;
    uint64_t offered_to; /* the candidate's node; 0 = not known */
    int64_t offered_us;
    struct ticket candidate; /* as committed; attempt 0 = not known */
};

/* The answer to a beat. */
struct fake_beat {
    uint64_t epoch;   /* since when this Redis has had its data, in microseconds */
    bool fresh;       /* to the first one on a connection */
    bool known;       /* it had heard of the node before */
    bool silent;      /* but not lately, or it let an offer time out: others may have passed its tickets over */
    uint64_t waiting; /* tickets in the line */
    uint64_t online;  /* people on the nodes that are heard */
    uint32_t gone_count;
    uint64_t gone[16]; /* nodes that are not heard any more */
};

/* Empty, since now_us. It tells that lie. */
struct fake_store *fake_store_new(int64_t now_us, enum lie lie);
struct fake_store *fake_store_copy(const struct fake_store *store);
void fake_store_free(struct fake_store *store);

/* Carries a request out; true if there is an answer. */
bool fake_store_run(struct fake_store *store, const struct broker_request *request, int64_t now_us,
                    const struct fake_outlet *outlet, struct broker_event *answer) __attribute__((warn_unused_result));

/* `fresh`: the first on a new connection. What the node has in the line may be out of date; it will tell it again. */
struct fake_beat fake_store_beat(struct fake_store *store, uint64_t boot, bool fresh, uint64_t people, int64_t now_us);
/* The node goes in good order. */
void fake_store_leave(struct fake_store *store, uint64_t boot, int64_t now_us);

/* For the checker: the ticket of that session, if it waits; the chat, whatever its state; all chats. */
const struct ticket *fake_store_ticket(const struct fake_store *store, struct address at);
size_t fake_store_waiting(const struct fake_store *store);
const struct fake_chat *fake_store_chats(const struct fake_store *store, size_t *count);

#endif
