/* resume.h - taking a chat up again on another connection. */
#ifndef CORE_RESUME_H
#define CORE_RESUME_H

#include "core_priv.h"

/* `resume`; claims == NULL: the token is worth nothing. */
void resume_begin(struct core *core, struct session *session, const struct claims *claims);
void resume_rebound(struct core *core, const struct broker_event *event);
/* The connection dropped before the register had answered. */
void resume_dropped(struct core *core, struct session *session);
/* This node is not cut off any more. */
void resume_link_resumed(struct core *core, struct session *session);
/* A frame of the chat that is being resumed has overtaken the register's answer. */
void resume_overtaken(struct session *session, const struct peer_frame *frame);
/* FOUND, if it is the answer to whether the chat was moved to a session that waits for nothing else; else false. */
bool resume_found(struct core *core, const struct broker_event *event);
/* MOVED: our side was resumed elsewhere, with that fence. Is a client there? */
void resume_moved(struct core *core, struct session *session, uint64_t fence, bool here);
/* The register has our side there, and our client is here: is anybody there? Asked again until that is known. */
void resume_ask(struct core *core, struct session *session, const struct party *own);
/* The other places of our side that are known; never NULL. */
const struct rivals *resume_rivals(const struct chat *chat);
/* That is asked of us, from an earlier place of our side. */
void resume_asked(struct core *core, const struct session *session, const struct peer_frame *frame);
/* The node of the place that was asked is gone. */
void resume_node_gone(struct core *core, struct session *session);
/* At the place of our side with that fence nobody is any more, and our client is here: REBIND to where it is, unless
 * somebody has come to yet another place. */
void resume_stay(struct core *core, struct session *session, uint64_t fence);
/* The stranger's node has answered, or is silent: the client hears `resumed`. */
void resume_greeted(struct core *core, struct session *session, bool here, uint32_t grace_ms);
/* Does what the client asked for while its resume was not answered. */
void resume_pending(struct core *core, struct session *session);
void resume_timer(struct core *core, struct session *session);

#endif
