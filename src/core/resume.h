/* resume.h - taking a chat up again on another connection. */
#ifndef CORE_RESUME_H
#define CORE_RESUME_H

#include "core_priv.h"

/* `resume`; claims == NULL: the token is worth nothing. */
void resume_begin(struct core *core, struct session *session, const struct claims *claims);
void resume_rebound(struct core *core, const struct broker_event *event);
/* The stranger's node has answered, or is silent: the client hears `resumed`. */
void resume_greeted(struct core *core, struct session *session, bool here, uint32_t grace_ms);
/* Does what the client asked for while its resume was not answered. */
void resume_pending(struct core *core, struct session *session);
void resume_timer(struct core *core, struct session *session);

#endif
