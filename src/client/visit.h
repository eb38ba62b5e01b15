/* visit.h - the reliable client: what the person wants, what the node is known to think, and the requests that bring
 * the two together (PROTOCOL.md, "What a reliable client does").
 *
 * Pure: no I/O, no clock. After any call the caller does what stands in `out`, and calls visit_reconcile(). Times are
 * milliseconds of the caller's clock, and not negative. */
#ifndef CLIENT_VISIT_H
#define CLIENT_VISIT_H

#include "frames.h"
#include "output.h"
#include "talk.h"

enum visit_request { REQUEST_NONE, REQUEST_RESUME, REQUEST_FIND, REQUEST_LEAVE };

struct visit {
    struct output out;
    const struct criteria *criteria;
    struct limits limits; /* of the newest `hello` */
    bool connected;       /* a connection stands */
    bool wanted;          /* a stranger is */
    bool wants_again;     /* the one of the last chat, and nobody else */
    bool sought_again;    /* so the last `find` said */
    bool bound;           /* this connection holds the chat, or the one that is parted from */
    bool queued;          /* this connection is in the line */
    bool talking;
    struct talk talk; /* when `talking` */
    char *parting_id; /* the chat that was left, which the node has not confirmed; NULL = none */
    char *parting_token;
    char *last_token; /* of the chat that is, or that was last; NULL = none */
    int64_t last_ms;  /* when it began */
    uint64_t
        again_ms; /* of the newest `hello`: for so long after that its two may look for each other; 0 = not at all */
    enum visit_request asked; /* and not answered */
    int64_t answer_by_ms;     /* when `asked` */
    int64_t retry_ms;         /* no request before that; TALK_NEVER = at any time */
};

/* `criteria` is borrowed. */
void visit_init(struct visit *visit, const struct criteria *criteria);
void visit_fini(struct visit *visit);

/* --- the person --- */

/* Looks for a stranger; leaves the chat first, if there is one. */
void visit_find(struct visit *visit, int64_t now_ms);
/* Looks for the stranger of the last chat only; they are met if they do the same. False, and nothing done: the chat goes
 * on, there was none, it was too long ago, or the node does not know how. */
bool visit_again(struct visit *visit, int64_t now_ms);
/* Leaves the chat, or stops looking. */
void visit_leave(struct visit *visit, int64_t now_ms);
/* Says something: valid UTF-8, not empty, and such that talk_fits(). There must be a chat. */
uint64_t visit_say(struct visit *visit, struct text body);
/* Whether somebody leaves nothing behind who goes now: no chat, no search, nothing asked. */
bool visit_is_over(const struct visit *visit);

/* --- the connection --- */

/* A new connection stands; what was asked on an earlier one is unanswered. */
void visit_greeted(struct visit *visit, const struct heard *hello);
/* It is gone; another is tried. */
void visit_lost(struct visit *visit);
/* The node closed it for good. */
void visit_refused(struct visit *visit, uint64_t close_code);
void visit_heard(struct visit *visit, const struct heard *heard, int64_t now_ms);

/* --- time --- */

void visit_tick(struct visit *visit, int64_t now_ms);
/* When visit_tick() has something to do; INT64_MAX: never. */
int64_t visit_next_ms(const struct visit *visit);

/* Asks the node for the next step towards what is wanted, or sends what the chat has to say. */
void visit_reconcile(struct visit *visit, int64_t now_ms);

#endif
