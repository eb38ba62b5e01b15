/* presence.h - who is really there, which no participant knows for sure. */
#ifndef SIM_PRESENCE_H
#define SIM_PRESENCE_H

#include "chats.h"
#include "pipe.h"

/* Puts a connection into a chat, as its node says; NULL = out of it. */
void presence_bind(struct pipe *pipe, struct chat *chat, uint32_t side);
/* The member talks over this connection from now on. */
void presence_here(const struct world *world, struct chat *chat, struct member *member, struct pipe *pipe);
/* Marks those whose grace is over by now. */
void presence_judge(const struct world *world, struct chat *chat);

/* A connection will never carry anything to the node again. */
void presence_broken(struct world *world, struct pipe *pipe);
/* The node has learnt of its end, or has died. */
void presence_noticed(struct world *world, struct pipe *pipe);
/* Both ends have done with it. */
void presence_pipe_over(struct pipe *pipe);

/* Frames between this node and others may get lost from now on; NULL = those of all nodes. Until presence_reached()
 * others may hold its people for gone. */
void presence_disturbed(struct world *world, struct server *server);
void presence_reached(struct world *world, struct server *server);

#endif
