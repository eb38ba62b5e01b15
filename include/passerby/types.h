/* types.h - the values that several rooms share: addresses, chats, tickets. */
#ifndef PASSERBY_TYPES_H
#define PASSERBY_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MAX_TOPICS = 8,             /* topics one `find` may name */
    MAX_TOPIC_CODE_POINTS = 32, /* code points of one topic, after trimming */
    RECENT_STRANGERS = 5,       /* strangers a session would rather not meet again */
    MAX_LANGUAGE_BYTES = 8,     /* BCP 47: a primary language subtag has 2 to 8 letters */
    CHAT_ID_BYTES = 16,
    CHAT_ID_CHARS = 22, /* base64url of the above, without padding */
    MAX_TOKEN_CHARS = 256,
};

/* The greatest `seq`: 2^53 - 1, the greatest integer every JSON reader holds exactly (RFC 8259 section 6). */
#define MAX_SEQ ((uint64_t)9007199254740991)

/* Bytes that somebody else owns; UTF-8 where the name says text. Not NUL-terminated, may hold NULs. */
struct text {
    const char *at;
    size_t length;
};

/* Where a session lives: the boot id of its node (random, drawn at start, never 0), its slot there, and the slot's
 * generation, which makes a late frame for a reused slot harmless. boot == 0 means "no address". */
struct address {
    uint64_t boot;
    uint32_t slot;
    uint32_t generation;
};

static inline bool address_equal(struct address a, struct address b) {
    return a.boot == b.boot && a.slot == b.slot && a.generation == b.generation;
}

/* 128 random bits. All zero means "no chat". */
struct chat_id {
    uint64_t high;
    uint64_t low;
};

static inline bool chat_id_equal(struct chat_id a, struct chat_id b) {
    return a.high == b.high && a.low == b.low;
}

/* A chat has two sides: the seeker, whose search found the other, and the candidate, who was waiting. */
enum side { SIDE_SEEKER = 0, SIDE_CANDIDATE = 1 };

static inline enum side side_other(enum side side) {
    return side == SIDE_SEEKER ? SIDE_CANDIDATE : SIDE_SEEKER;
}

/* Topics as the cluster compares them: a keyed hash of each trimmed, case-folded topic. User text is no key. */
struct topics {
    uint64_t hash[MAX_TOPICS];
    uint8_t count;
};

/* The fence of a place that a match has given: a greater one is of a place that a resume has. */
enum { FIRST_FENCE = 1 };

/* One of the two people of a chat, as the other's node needs to know them.
 *
 * fence is the fencing token of this side's place: it grows whenever the side is rebound by a resume, and a frame
 * with a lower fence than the known one comes from a place that has been left, and is not obeyed. */
struct party {
    struct address at;
    uint64_t person; /* random id of the session, kept across its resumptions */
    uint64_t fence;
    bool reliable;
};

/* Somebody looking for a stranger. (at, attempt) identifies it: a session numbers its searches. */
struct ticket {
    struct party who;
    uint32_t attempt;
    bool relaxed;        /* accepts anybody: its preferences have had their time */
    struct chat_id chat; /* the id of the chat that this search would begin */
    int64_t since_ms;    /* place in the line, on the broker's clock; 0 = not in the line yet */
    struct topics topics;
    char language[MAX_LANGUAGE_BYTES + 1]; /* primary subtag in lower case; "" = not named */
    uint64_t recent[RECENT_STRANGERS];     /* persons met last; 0 = none */
};

/* Why a chat ended, as its tombstone remembers it: `side` left it; `side` did not come back in time; neither did. */
enum end_cause { END_NONE = 0, END_LEFT, END_LOST, END_EXPIRED };

struct tombstone {
    enum end_cause cause;
    enum side side;
};

/* For so long after a chat began, its two people may look for each other again. */
enum { AGAIN_MS = 24 * 60 * 60 * 1000 };

/* What a resume token says, once its signature has been checked. */
struct claims {
    struct chat_id chat;
    enum side side;
    bool reliable;                          /* the holder */
    bool peer_reliable;                     /* the stranger */
    uint64_t person;                        /* the holder's */
    uint64_t peer;                          /* the stranger's person id */
    uint64_t earlier[RECENT_STRANGERS - 1]; /* strangers the holder met before, the last first; 0 = none */
    int64_t born_ms;                        /* wall clock (Unix time) at which the chat began */
};

#endif
