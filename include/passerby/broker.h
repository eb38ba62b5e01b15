/* broker.h - the contract between a node and what joins it to the others.
 *
 * A broker answers "find me somebody", keeps the register of chats (who sits where, never what they say), and carries
 * opaque bytes to another node. `memory` joins the worker threads of one process; `redis` joins processes and machines.
 * Both pass the suite in tests/contract.
 *
 * Safety lives in the nodes: what a broker says about a session is a suggestion that the session's node checks.
 *
 * Flow:   request() → (later, from poll()) on_event with the answer, addressed to the session that asked. A match:
 *         SEEK finds a waiting candidate and takes both tickets out of the line → OFFERED at the candidate's node,
 *         SOUGHT/offered at the seeker's → the candidate's node checks and requests COMMIT → the register decides:
 *         COMMITTED there, CONFIRMED at the seeker's node. A seeker who hears nothing requests ABORT: whichever of
 *         COMMIT and ABORT reaches the register first wins, and both sides read the same outcome.
 * Fails:  a request that can't be carried out now (the broker is unreachable) is answered BROKER_DOWN, or answered
 *         late; a frame relayed to a node that is gone is answered NODE_GONE. While a node is cut off (LINK_LOST), it
 *         hears nobody, and frames are lost. A broker may forget everything at any moment: LINK_RESUMED says that it
 *         may have, and each node tells it again what is true (SEEK for who waits, HOLD for each chat). So a broker
 *         keeps nothing on a node's behalf.
 * Owns:   requests and events are borrowed for the call: copy what you keep. */
#ifndef PASSERBY_BROKER_H
#define PASSERBY_BROKER_H

#include "passerby/peer.h"
#include "passerby/types.h"

enum broker_request_kind {
    BROKER_SEEK,     /* ticket: look for a stranger, else wait in the line. Replaces the ticket's earlier version.
                      * Answered SOUGHT */
    BROKER_WITHDRAW, /* withdraw: take a ticket out of the line. Not answered; unknown tickets are no error */
    BROKER_COMMIT,   /* commit: the candidate takes the match. The line is not touched: who accepts an offer withdraws
                      * what it still has there. Answered COMMITTED here, CONFIRMED at the seeker's node */
    BROKER_ABORT,    /* abort: the seeker has waited long enough. Answered ABORTED */
    BROKER_REBIND,   /* rebind: the holder of a token has come back at another address. Answered REBOUND */
    BROKER_LOOKUP,   /* lookup: what became of this chat? Makes nothing. Answered FOUND */
    BROKER_HOLD,     /* hold: the chat goes on, and the asker sits in it. Renews its lease, and makes it again if it was
                      * forgotten; of each side the place with the greater fence stands, of two equal ones the one that
                      * the register has. What is over stays so; and what was given up, unless its seeker says this: it
                      * had been made, and was forgotten. Answered FOUND, with `held` */
    BROKER_END,      /* end: the chat is over; remember how for a while. Obeyed only if the asker is one of the chat's
                      * present places; the first end stands. Not answered; LOOKUP tells whether it was obeyed */
};

struct broker_request {
    enum broker_request_kind kind;
    struct address asker;
    struct chat_id chat; /* all but SEEK and WITHDRAW */
    union {
        struct ticket seek;
        struct {
            uint32_t attempt;
        } withdraw;
        struct {
            struct ticket seeker;
            struct ticket candidate;
        } commit;
        struct {
            uint32_t attempt;
        } abort;
        struct {
            struct claims claims;
            uint64_t only_from; /* only while the side's fence is this one; else nothing changes, and the answer says
                                 * what stands. 0 = whatever it is */
        } rebind;
        struct {
            struct party party[2]; /* by enum side, as far as the asker knows: a place of boot 0 and fence 0 is not */
        } hold;
        struct tombstone end;
    };
};

/* A chat as the register has it. */
struct chat_record {
    struct chat_id id;
    struct party party[2];  /* by enum side; of a chat that is over perhaps not known any more: boot 0, fence 0 */
    struct tombstone ended; /* cause END_NONE: it goes on */
};

enum broker_event_kind {
    BROKER_SOUGHT,       /* to the seeker */
    BROKER_OFFERED,      /* to the candidate */
    BROKER_COMMITTED,    /* to the candidate */
    BROKER_CONFIRMED,    /* to the seeker */
    BROKER_ABORTED,      /* to the seeker */
    BROKER_REBOUND,      /* to the asker */
    BROKER_FOUND,        /* to the asker */
    BROKER_RELAYED,      /* bytes from another node */
    BROKER_NODE_GONE,    /* nobody listens at that boot id any more, or nobody has heard it for a while: the answer to a
                       * relay, or unasked; only while this node itself is heard. If it comes back, it says so */
    BROKER_LINK_LOST,    /* this node is cut off */
    BROKER_LINK_RESUMED, /* it is not any more, or the broker has forgotten things: frames from and to any other node
                          * may have been lost; SEEK and HOLD again. May come without a LINK_LOST */
};

enum broker_status {
    BROKER_OK,
    BROKER_NONE, /* SOUGHT: nobody, the ticket waits. COMMITTED: the seeker had given up, or its node is gone.
                  * ABORTED: nobody had committed, or the chat is over already. REBOUND, FOUND: no such chat; to a HOLD:
                  * its seeker had given it up */
    BROKER_OVER, /* REBOUND, FOUND: the chat has ended; record.ended says how */
    BROKER_DOWN, /* the broker can't be reached; try again later */
};

struct broker_event {
    enum broker_event_kind kind;
    enum broker_status status;
    struct address to;   /* the session concerned; only .boot for RELAYED, NODE_GONE and LINK_… */
    struct chat_id chat; /* all but SOUGHT/none, RELAYED, NODE_GONE and LINK_… */
    union {
        struct {
            uint32_t attempt;
            int64_t since_ms; /* the ticket's place in the line: hand it back when seeking again */
            uint64_t node;    /* OK: the boot id of the candidate's node; 0 = not known */
        } sought;
        struct {
            uint32_t attempt; /* the candidate's */
            struct ticket seeker;
        } offered;
        struct {
            uint32_t attempt;
            struct ticket peer; /* of the other side's ticket `who`, with its fence, and `topics`; of a chat that was
                                 * forgotten and made again meanwhile (ABORTED), only `who` */
            uint64_t fence;     /* one's own */
        } match;                /* COMMITTED, CONFIRMED, ABORTED with status OK */
        struct {
            struct chat_record record;
            struct address previous; /* REBOUND: where the asker's side was before; boot 0 = unknown. Of a chat that was
                                      * made again from a token, the other side's place is unknown, too: boot 0 */
            bool held;               /* FOUND: the answer to a HOLD, not to a LOOKUP */
        } chat_state;                /* REBOUND, FOUND */
        struct {
            const void *bytes;
            size_t length;
        } relayed;
        struct {
            uint64_t boot;
        } node_gone;
    };
};

/* What a node hands to its broker. Called from poll() only, on the node's own thread; never from within request() or
 * relay(). */
struct broker_listener {
    void (*on_event)(void *context, const struct broker_event *event);
    void *context;
    /* Something is waiting for poll(). May be called from any thread, and under the broker's locks: must only wake the
     * node's loop. Not called any more once close() has returned. NULL: the node polls anyway. */
    void (*wake)(void *wake_context);
    void *wake_context;
};

/* One node's connection to the broker. Not thread-safe: one node, one thread, one broker. */
struct broker;

struct broker_ops {
    /* Asks for something; the answer comes from a later poll(). Never blocks. */
    void (*request)(struct broker *broker, const struct broker_request *request);
    /* Carries bytes (copied before the return) to the node with that boot id, in order per pair of nodes while no link
     * breaks. */
    void (*relay)(struct broker *broker, uint64_t boot, const void *bytes, size_t length);
    /* The same, and in the same order, for what nobody waits for: it may be a few milliseconds late, so as to go with what
     * somebody does wait for. */
    void (*relay_soon)(struct broker *broker, uint64_t boot, const void *bytes, size_t length);
    /* Delivers what has arrived, at most a bounded number of events; wakes again if more is left. */
    void (*poll)(struct broker *broker, int64_t now_ms);
    /* Says how many people are connected to this node. */
    void (*report_online)(struct broker *broker, uint64_t here);
    /* How many are connected in all, as far as is known. */
    uint64_t (*online)(const struct broker *broker);
    /* How many tickets are in the line, as far as is known. */
    uint64_t (*waiting)(const struct broker *broker);
    /* Leaves: no event is delivered any more; what waits in the inbox is dropped; frees `broker`. Never from
     * on_event. */
    void (*close)(struct broker *broker);
};

struct broker {
    const struct broker_ops *ops;
};

/* The memory broker: a hub that the nodes of one process join. Thread-safe. Owned by who made it; freed after the last
 * of its brokers was closed. */
struct memory_hub;

struct memory_hub *memory_hub_new(void);
void memory_hub_free(struct memory_hub *hub);
/* Joins a node. `boot` is its boot id, unique within the hub. The listener is copied. */
struct broker *memory_hub_join(struct memory_hub *hub, uint64_t boot, const struct broker_listener *listener);

#endif
