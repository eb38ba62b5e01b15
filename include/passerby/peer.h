/* peer.h - what the nodes of a cluster say to each other about one chat, as values.
 *
 * wire turns them into versioned bytes and back (the envelope); the broker carries the bytes. Between two sessions
 * of one node they never leave the core. */
#ifndef PASSERBY_PEER_H
#define PASSERBY_PEER_H

#include "passerby/types.h"

/* PEER_ROW(NAME, number on the wire, "name"): a number is never used again for something else. */
#define PEER_ROWS(PEER_ROW)                                                                                            \
    PEER_ROW(MSG, 1, "msg")         /* a message for your client */                                                    \
    PEER_ROW(ACK, 2, "ack")         /* my client has everything up to seq */                                           \
    PEER_ROW(TYPING, 3, "typing")   /* my client's typing state */                                                     \
    PEER_ROW(AWAY, 4, "away")       /* my client's connection dropped; I hold its side */                              \
    PEER_ROW(REBOUND, 5, "rebound") /* my client resumed here; this is its side's place now. Answered STATE or GONE */ \
    PEER_ROW(STATE, 6, "state")     /* the answer: is my client here, and if not, how long is it held for */           \
    PEER_ROW(ENDED, 7, "ended")     /* the chat is over */                                                             \
    PEER_ROW(MOVED, 8, "moved") /* your side was resumed elsewhere: you hold nothing any more, or nobody is here */    \
    PEER_ROW(GONE, 9, "gone")   /* the session that your frame was for is not here, or not in that chat */             \
    PEER_ROW(SYNC, 10, "sync")  /* frames may have been lost, and my side is like this. Answered STATE or GONE */      \
    PEER_ROW(DECLINE, 11, "decline") /* the session that you were offered can't take the match */

#define PEER_ENUM(name, number, text) PEER_##name = (number),
enum peer_kind { PEER_ROWS(PEER_ENUM) };
#undef PEER_ENUM

struct peer_frame {
    enum peer_kind kind;
    struct address to;
    struct address from;
    struct chat_id chat;
    enum side side; /* the sender's; of MOVED: the side that moved */
    uint64_t fence; /* that side's (struct party) */
    union {
        struct {
            uint64_t seq;
            struct text body;
            bool reliable; /* the sending client numbers and keeps its messages */
        } msg;
        struct {
            uint64_t seq;
        } ack;
        struct {
            bool on;
        } typing;
        struct {
            uint32_t grace_ms; /* what is left of it */
        } away;
        struct {
            bool here;
            uint32_t grace_ms; /* when not here: what is left of it */
        } state;               /* STATE, SYNC */
        struct {
            struct tombstone how;
        } ended;
        struct {
            bool here; /* a client is; else it was resumed by one that is gone already */
        } moved;
    };
};

#endif
