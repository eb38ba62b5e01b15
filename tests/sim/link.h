/* link.h - what a model client knows of one of its connections. */
#ifndef SIM_LINK_H
#define SIM_LINK_H

#include "passerby/frame.h"

enum { LINK_COMMANDS = 6, POOL_TOPICS = 5, POOL_SPELLINGS = 3, POOL_LANGUAGES = 4 };

/* What the node was last heard to say about the session, in the order of the stream. */
enum phase { PHASE_IDLE, PHASE_WAITING, PHASE_CHAT };

enum command { COMMAND_FIND, COMMAND_LEAVE, COMMAND_RESUME };

/* What a `find` asked for: places in the pools of wish.c. */
struct criteria {
    uint8_t topics; /* a bit per topic of the pool */
    uint8_t spelling;
    uint8_t language; /* 0 = none */
    bool reliable;
    uint32_t again; /* only for the stranger of this chat (struct chat.serial); 0 = whoever it is */
    uint32_t with;  /* that stranger's number */
    uint32_t as;    /* and who it was there (struct member.person) */
    bool doubtful;  /* or may have been */
};

struct link {
    enum phase phase;
    enum command pending[LINK_COMMANDS];  /* commands without an answer, the oldest first */
    struct criteria asked[LINK_COMMANDS]; /* what each of them asked for, if it is a find */
    uint8_t pending_count;
    bool greeted;
    bool begun;         /* it has resumed or searched, as it had in mind when it connected */
    bool leave_asked;   /* `reconnect` came */
    bool resume_open;   /* a resume of a live chat was sent, and the node has not answered it yet */
    bool worthless;     /* the token of the pending resume is: only `ended` is right */
    struct chat *wants; /* the chat that it wants to resume; NULL = none */
    uint32_t wants_side;
    uint16_t provoked[ERROR_CODES]; /* errors that the client has asked for */
    int64_t garbage_us;             /* when it may say something wrong again */
    uint32_t person;                /* the client's number for the session */
    bool intruding;                 /* it resumed a chat that its client had been told was over */
    bool doubtful;                  /* it may be an earlier one: a resume was taken, and then the chat ended */
    struct criteria criteria;       /* of the last find that was answered */
    int64_t find_us;                /* when the first of them was said */
    int64_t waiting_us;             /* since when it has been heard to wait */
};

static inline bool link_pending(const struct link *link, enum command command) {
    for (int i = 0; i < link->pending_count; i++)
        if (link->pending[i] == command)
            return true;
    return false;
}

static inline bool link_next(const struct link *link, enum command command) {
    return link->pending_count > 0 && link->pending[0] == command;
}

static inline void link_take(struct link *link, int place) {
    for (int i = place + 1; i < link->pending_count; i++) {
        link->pending[i - 1] = link->pending[i];
        link->asked[i - 1] = link->asked[i];
    }
    link->pending_count--;
}

/* The oldest has its answer. */
static inline void link_answered(struct link *link) {
    link_take(link, 0);
}

/* The latest find or resume was refused: refusals come at once, while an earlier find may still wait for its answer.
 * Returns which it was. */
static inline enum command link_refused(struct link *link) {
    int place = link->pending_count - 1;
    while (place > 0 && link->pending[place] == COMMAND_LEAVE)
        place--;
    enum command refused = link->pending[place];
    link_take(link, place);
    return refused;
}

/* The criteria under which it may be matched now: the latest of them, and whether there are others (that the node may
 * not have replaced yet). */
static inline struct criteria link_criteria(const struct link *link, bool *others) {
    struct criteria latest = link->criteria;
    int count = link->phase == PHASE_WAITING;
    for (int i = 0; i < link->pending_count; i++) {
        if (link->pending[i] == COMMAND_FIND) {
            latest = link->asked[i];
            count++;
        }
    }
    *others = count > 1;
    return latest;
}

#endif
