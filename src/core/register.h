/* register.h - what the register of chats says about ours. */
#ifndef CORE_REGISTER_H
#define CORE_REGISTER_H

#include "core_priv.h"

/* A frame to the stranger went astray: asks what became of the chat. */
void register_look_up(struct core *core, struct session *session);
/* The answer to a LOOKUP or a HOLD. */
void register_found(struct core *core, const struct broker_event *event);
/* The register has our side there, with a greater fence than it has here. */
void register_elsewhere(struct core *core, struct session *session, const struct party *own);
/* Our side of the chat was resumed elsewhere: nothing is held here any more. */
void register_superseded(struct core *core, struct session *session);

#endif
