/* core_priv.h - what the files of core share: the state. */
#ifndef CORE_PRIV_H
#define CORE_PRIV_H

#include "passerby/core.h"

#include "base/heap.h"

/* The states of a session, those of a search (SEEKING to ACCEPTING) side by side. Every change goes through
 * session_set_state(), which knows the lawful ones. */
#define STATE_ROWS(ROW)                                                                                                \
    ROW(FREE)      /* no session */                                                                                    \
    ROW(IDLE)      /* connected, and no more */                                                                        \
    ROW(SEEKING)   /* SEEK was requested and not yet answered */                                                       \
    ROW(WAITING)   /* in the line */                                                                                   \
    ROW(OFFERING)  /* offered to a candidate, who has not answered */                                                  \
    ROW(GIVING_UP) /* the candidate was silent for too long: ABORT was requested */                                    \
    ROW(ACCEPTING) /* was offered a seeker: COMMIT was requested */                                                    \
    ROW(CHATTING)  /* in a chat */                                                                                     \
    ROW(AWAY)      /* in a chat, without a connection */                                                               \
    ROW(REBINDING) /* resuming: REBIND was requested; the connection may be gone already */                            \
    ROW(GREETING)  /* resuming: the stranger's node was told, and asked whether the stranger is there */

enum session_state {
#define STATE_ENUM(name) SESSION_##name,
    STATE_ROWS(STATE_ENUM)
#undef STATE_ENUM
        SESSION_STATES,
};

/* How long the other side of a handshake may be silent, in milliseconds. */
enum {
    OFFER_TIMEOUT_MS = 2000,
    GREETING_TIMEOUT_MS = 2000,
    BROKER_RETRY_MS = 500, /* the broker was down: ask again */
    AWAY_SLACK_MS =
        10000,           /* a chat is ended by the side that is there; the away one waits so much longer for the word */
    ERRORS_ALLOWED = 10, /* the tenth protocol error … */
    ERRORS_WINDOW_MS = 60000, /* … inside a minute closes the connection */
    BUSY_RETRY_MS = 1000,
};

/* One side of a chat, as its own node knows it.
 *
 * in: from our client to the stranger. out: from the stranger to our client. */
struct chat {
    struct chat_id id;
    enum side side; /* ours */
    uint64_t fence; /* ours */
    struct party peer;
    bool peer_here;
    bool out_known;        /* we have passed on all of this chat's messages, so an ack can be checked here */
    bool looking;          /* LOOKUP was requested */
    uint16_t nonce;        /* tells the tags of one chat from those of the session's next: 1 to 2047 */
    int64_t born_wall_ms;  /* for the token */
    int64_t hold_until_ms; /* our grace, while AWAY */
    int64_t peer_until_ms; /* the stranger's, while not peer_here */
    uint64_t in_next;      /* the next new seq; 0 = not known (the chat was taken over from another node) */
    uint64_t in_acked;     /* the highest seq the stranger has acknowledged */
    uint64_t in_refused;   /* the seq that got window_full and has not come again; 0 = none */
    uint64_t out_high;     /* the highest seq passed on; 0 = none, or not known */
    uint64_t out_acked;    /* the highest ack passed back */
};

/* A search. Owned by its session from `find` until the match. */
struct search {
    struct ticket ticket;
    char *written[MAX_TOPICS]; /* the topics as the client wrote them; owned */
    size_t written_length[MAX_TOPICS];
    int64_t began_ms;
    uint32_t first_attempt; /* of these criteria */
    bool answered;          /* the client has been told `waiting` */
    bool early;             /* a frame of the chat came before the word that the match is made */
    bool declined;          /* the candidate declined before the word that it was found */
    bool held;              /* an offer came while SEEK was on its way */
    struct ticket held_seeker;
    struct chat_id held_chat;
};

/* What the client asked for while its resume was not answered yet. */
enum pending { PENDING_NONE = 0, PENDING_FIND, PENDING_LEAVE };

/* A session: a connection and its resumptions. Owned by its slot. */
struct session {
    struct heap_entry timer;    /* what its state waits for */
    struct heap_entry throttle; /* when its connection is read again */
    conn_ref conn;              /* 0 = none */
    uint32_t slot;
    uint32_t generation;
    uint32_t attempt; /* numbers its searches */
    uint8_t state;    /* enum session_state */
    uint8_t pending;  /* enum pending */
    bool reliable;
    uint16_t chats; /* how many it had, for struct chat's nonce */
    uint64_t person;
    int64_t messages_tat_us; /* ratelimit.h */
    int64_t finds_tat_us;
    uint64_t recent[RECENT_STRANGERS]; /* the last first */
    struct chat *chat;                 /* CHATTING, AWAY, GREETING */
    struct search *search;             /* SEEKING to ACCEPTING; or a pending find */
    struct claims *claims;             /* REBINDING, GREETING: of the token */
    int64_t *errors; /* times of the last ERRORS_ALLOWED protocol errors, the last first; NULL = none yet */
};

struct slot {
    struct session *session; /* NULL = free */
    uint32_t generation;     /* of the session that is, or the next that will be, in it */
    uint32_t next_free;      /* 1-based; 0 = end of the list */
};

struct core {
    struct core_options options;
    const struct event *event; /* the one being stepped */
    struct action *actions;
    size_t action_count;
    size_t action_capacity;
    struct peer_frame *local; /* frames between two sessions of this node, in order, to be taken within the same step */
    size_t local_count;
    size_t local_capacity;
    struct slot *slots;
    uint32_t slot_count;
    uint32_t slot_capacity;
    uint32_t free_slot; /* 1-based; 0 = none */
    struct heap timers;
    struct heap throttles;
    bool draining;
    uint32_t drain_spread_ms;
    uint64_t states[SESSION_STATES]; /* sessions by state */
    struct action unheard;           /* what is told to a session without a connection */
    struct search *spent;            /* of a match: its topics are borrowed by `matched` until the next step */
};

static inline int64_t core_now(const struct core *core) {
    return core->event->now_ms;
}

#endif
