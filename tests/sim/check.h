/* check.h - the promises of PROTOCOL.md, checked against what really happened.
 *
 * The checker knows what no participant does: who is in which chat, what each has said and been shown, and since when a
 * connection has really been gone. Each check is incremental, so that all of them run after every step.
 *
 * Extending: observe in one of the functions below, and world_fail() with a sentence that names who and what. */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include "chats.h"
#include "pipe.h"

/* The node has read what a client says. */
void check_taken(struct pipe *pipe, const char *bytes, size_t length);
/* The node says something to a client: before it is on its way. */
void check_sent(struct world *world, struct pipe *pipe, struct heard *heard);
/* The kernel has taken it. */
void check_written(struct pipe *pipe, const struct heard *heard);
/* The transport has queued it. */
void check_queued(struct world *world, const struct pipe *pipe, const struct heard *heard);
/* The node closes a connection. */
void check_closing(struct pipe *pipe, enum close_code code);

/* A client shows a message. */
void check_shown(struct world *world, struct pipe *pipe, const struct heard *heard);

#endif
