/* core_priv.h - what the files of core share: the state. */
#ifndef CORE_PRIV_H
#define CORE_PRIV_H

#include "passerby/core.h"

#include "base/heap.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/slab.h"

/* The states of a session, those of a search (SEEKING to ACCEPTING) side by side. Every change goes through
 * session_set_state(), which knows the lawful ones. */
#define STATE_ROWS(ROW)                                                                                                \
    ROW(FREE)      /* no session */                                                                                    \
    ROW(IDLE)      /* connected, and no more */                                                                        \
    ROW(SEEKING)   /* SEEK was requested and not yet answered */                                                       \
    ROW(WAITING)   /* in the line */                                                                                   \
    ROW(OFFERING)  /* offered to a candidate, who has not answered */                                                  \
    ROW(GIVING_UP) /* nobody knows what became of the offer: ABORT was requested, or will be */                        \
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
    REASSERT_MS = 5000,    /* who waits is told to the broker again */
    SETTLE_MS = 5000,      /* after frames may have been lost: until everybody has told how things stand */
    CATCH_UP_MS = 500,     /* after our own loop stood still: what others have said meanwhile is read first */
    AWAY_SLACK_MS =
        10000,           /* a chat is ended by the side that is there; the away one waits so much longer for the word */
    ERRORS_ALLOWED = 10, /* the tenth protocol error … */
    ERRORS_WINDOW_MS = 60000, /* … inside a minute closes the connection */
    BUSY_RETRY_MS = 1000,
};

/* Why the register is being asked about a chat. */
enum looking {
    LOOKING_NOT = 0,
    LOOKING_ASTRAY, /* a frame to the stranger went astray */
    LOOKING_DUE,    /* the grace is over: have they resumed elsewhere meanwhile? */
    LOOKING_ENDED,  /* END was requested for that: was it obeyed? */
};

/* Other places of a chat's side, after two resumes at once (resume.c). */
struct rivals {
    uint64_t empty_fence; /* of a place where nobody is any more; 0 = none */
    uint64_t asked_fence; /* of a later place, asked whether anybody is there; 0 = none, ... */
    uint64_t asked_boot;  /* ... its node, ... */
    uint8_t asked;        /* ... and how often */
};

/* One side of a chat, as its own node knows it: two lines of the processor's cache, which each message has to fetch.
 *
 * in: from our client to the stranger. out: from the stranger to our client. */
struct chat {
    struct chat_id id;
    struct {
        struct address at;
        uint64_t fence;
    } peer;          /* who it is: session.recent[0] */
    uint64_t fence;  /* ours */
    uint8_t side;    /* enum side: ours */
    uint8_t looking; /* enum looking: LOOKUP was requested */
    bool peer_here : 1;
    bool peer_silent : 1; /* away, but only as they did not answer: perhaps nothing gets there */
    bool peer_reliable : 1;
    bool out_known : 1;    /* we have passed on all of this chat's messages, so an ack can be checked here */
    bool outdated : 1;     /* word of our side's having gone elsewhere may have been lost: when it resumes here, it may
                         * have spoken there */
    uint16_t nonce;        /* tells the tags of one chat from those of the session's next: 1 to 2047 */
    uint64_t in_next;      /* the next new seq; 0 = not known (the chat was taken over from another node) */
    uint64_t in_acked;     /* the highest seq the stranger has acknowledged */
    uint64_t in_refused;   /* the seq that got window_full and has not come again; 0 = none */
    uint64_t out_high;     /* the highest seq passed on; 0 = none, or not known */
    uint64_t out_acked;    /* the highest ack passed back */
    int64_t born_wall_ms;  /* for the token */
    int64_t hold_until_ms; /* our grace, while AWAY; on the clock of core_heard_ms() */
    int64_t peer_until_ms; /* the stranger's, while not peer_here; on the same */
    struct rivals *rivals; /* owned; NULL = none, as in nearly every chat */
};

struct early;

/* A search. Owned by its session from `find` until the match. */
struct search {
    struct ticket ticket;
    char *written[MAX_TOPICS]; /* the topics as the client wrote them; owned */
    size_t written_length[MAX_TOPICS];
    int64_t began_ms;
    uint32_t first_attempt; /* of these criteria */
    uint64_t again_as;      /* only for the stranger of an earlier chat, in which we were this person; else 0 */
    bool answered;          /* the client has been told `waiting` */
    struct early *early;    /* frames of the chat that came before the word that the match is made; owned (early.c) */
    uint32_t early_count;
    bool frames_lost;    /* there were more, or may have been */
    bool declined;       /* the candidate declined before the word that it was found */
    uint64_t offered_to; /* OFFERING, GIVING_UP: boot id of the candidate's node; 0 = not known */
    bool unsure;         /* SEEK was requested while the broker could be reached: even if the answer is that it is down,
                          * somebody may have been found */
    bool held;           /* an offer came while SEEK was on its way */
    struct ticket held_seeker;
    struct chat_id held_chat;
};

/* A resume that is not answered yet. */
struct resume {
    struct claims claims;   /* of the token */
    struct address peer_at; /* where the stranger has been heard from meanwhile, and with what fence; 0 = nowhere */
    uint64_t peer_fence;
    uint64_t moved_fence; /* the side's greatest fence that MOVED told of meanwhile; 0 = none */
    bool moved_here;      /* a client is at that place */
    bool unsure;          /* REBIND was requested while the broker could be reached: even if the answer is that it is
                           * down, it may have been carried out */
};

/* What the client asked for while its resume was not answered yet. */
enum pending { PENDING_NONE = 0, PENDING_FIND, PENDING_LEAVE };

/* A session: a connection and its resumptions. Lives in a page of core.pages: a session_ref is its slot and its generation. What each
 * message needs comes first: one line of the processor's cache. */
struct session {
    uint32_t slot;
    uint32_t generation; /* of the session that is, or the next that will be, in the slot */
    union {
        uint32_t attempt;   /* numbers its searches */
        uint32_t next_free; /* FREE: 1-based; 0 = end of the list */
    };
    uint16_t chats;      /* how many it had, for struct chat's nonce */
    uint8_t state;       /* enum session_state */
    uint8_t pending : 2; /* enum pending */
    bool reliable : 1;
    bool sent_elsewhere : 1;    /* was asked to reconnect, because this node is cut off */
    struct heap_entry timer;    /* what its state waits for; from here on, nobody may touch one that is FREE */
    struct heap_entry throttle; /* when its connection is read again */
    conn_ref conn;              /* 0 = none */
    struct chat *chat;          /* CHATTING, AWAY, GREETING */
    int64_t messages_tat_us;    /* ratelimit.h */
    struct resume *resume;      /* REBINDING, GREETING */
    struct search *search;      /* SEEKING to ACCEPTING; or a pending find */
    uint64_t person;
    uint64_t recent[RECENT_STRANGERS]; /* the last first; in a chat, the stranger */
    int64_t finds_tat_us;
    int64_t *errors; /* times of the last ERRORS_ALLOWED protocol errors, the last first; NULL = none yet */
};

enum { SESSIONS_PER_PAGE = POOL_PAGE_BYTES / sizeof(struct session) };

/* A walk over all slots, a part at a time. */
struct walk {
    int64_t due_ms; /* its next part; INT64_MAX = none */
    uint32_t next;  /* slot */
    uint32_t end;   /* slots, when it began */
    bool again;     /* there is a reason to begin anew when it is done */
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
    struct slab chats;
    struct session **pages;
    uint32_t slot_count; /* that were ever taken: the pages have room for more */
    uint32_t free_slot;  /* 1-based; 0 = none */
    struct heap timers;
    struct heap throttles;
    bool draining;
    uint32_t drain_spread_ms;
    bool cut_off;
    int64_t cut_off_ms;    /* since when */
    int64_t deaf_ms;       /* how long this node was cut off or frozen, all in all, but for the present outage */
    int64_t settled_ms;    /* no grace ends before */
    int64_t elsewhere_ms;  /* when clients are sent to other nodes, as this one is cut off; INT64_MAX = never */
    struct walk telling;   /* sync.c */
    struct walk renewing;  /* sync.c */
    struct list farewells; /* ending.c; the oldest first */
    uint32_t farewell_count;
    uint64_t states[SESSION_STATES]; /* sessions by state */
    struct action unheard;           /* what is told to a session without a connection */
    struct peer_frame unsent;        /* what is said to a place that is not known */
    struct search *spent;            /* of a match: its topics are borrowed by `matched` until the next step */
};

static inline int64_t core_now(const struct core *core) {
    return core->event->now_ms;
}

/* The clock of every grace: it stands still while this node can't hear the others. */
static inline int64_t core_heard_ms(const struct core *core) {
    return (core->cut_off ? core->cut_off_ms : core_now(core)) - core->deaf_ms;
}

#endif
