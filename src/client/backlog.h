/* backlog.h - what was said in one chat and not acknowledged: numbers it, keeps it, hands it out again. Pure. */
#ifndef CLIENT_BACKLOG_H
#define CLIENT_BACKLOG_H

#include "passerby/types.h"

struct kept {
    struct text body;
    int64_t sent_ms; /* when last; 0 = not yet */
};

/* Messages have the numbers from `oldest` on, in order and without a gap. The owner calls backlog_fini(). */
struct backlog {
    struct kept *kept;
    size_t count;
    uint64_t oldest; /* the lowest number that is not acknowledged; that of the next message if nothing is kept */
    uint64_t cursor; /* the number from which on nothing has been handed out since the last rewind */
    bool careful;    /* only one message at a time, until the node has shown that it knows the numbers */
};

void backlog_init(struct backlog *backlog);
void backlog_fini(struct backlog *backlog);

/* Numbers and keeps a copy of a message. */
uint64_t backlog_say(struct backlog *backlog, struct text body);

/* The next message to send now, if at most `window` may be unacknowledged; it counts as sent. NULL = none. It is
 * valid until the backlog changes. */
const struct kept *backlog_due(struct backlog *backlog, uint64_t window, int64_t now_ms, uint64_t *seq);

/* Says whether something that was handed out has not been acknowledged. */
bool backlog_in_flight(const struct backlog *backlog);

/* Everything from this number on has to be sent again. */
void backlog_rewind(struct backlog *backlog, uint64_t seq);

/* The stranger has everything up to `seq`. Returns whether that is news; to acknowledge what was never said is none. */
bool backlog_acknowledged(struct backlog *backlog, uint64_t seq);

/* No node takes this message. Its number may have been passed on by an earlier one, so it keeps it, with a body that
 * passes: a shorter text may be shown, but no message is lost or shown twice. Returns whether it was kept. */
bool backlog_refuse(struct backlog *backlog, uint64_t seq);

#endif
