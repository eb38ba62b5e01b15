/* ending.h - tells that a chat is over. */
#ifndef CORE_ENDING_H
#define CORE_ENDING_H

#include "core_priv.h"

/* The end of a chat, as one side says it. */
struct ending {
    struct address at;   /* the side's place */
    struct address peer; /* the other side's; boot 0 = it knows, or … */
    bool ask;            /* … where it is has to be asked of the register */
    struct chat_id chat;
    enum side side;
    uint64_t fence; /* the side's */
    struct tombstone how;
};

/* END to the register, ENDED to the stranger's session; and both again, should they have been lost. */
void ending_say(struct core *core, const struct ending *ending);
/* The other side has said so. */
void ending_heard(struct core *core, const struct session *session, const struct peer_frame *frame);
/* Frames and requests may have been lost: says again what they may have said. */
void ending_repeat(struct core *core);
/* What the register has of a chat whose session is not here any more: who is to be told if that is known to be over? */
void ending_found(struct core *core, const struct broker_event *event);
void ending_init(struct core *core);
void ending_fini(struct core *core);

#endif
