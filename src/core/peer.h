/* peer.h - frames from the stranger's session, here or on another node. */
#ifndef CORE_PEER_H
#define CORE_PEER_H

#include "core_priv.h"

void peer_take(struct core *core, const struct peer_frame *frame);
/* The stranger's place is on this node, or not known: is anybody there? */
void peer_check_here(struct core *core, struct session *session);
/* Nobody sits any more where the stranger was: they are away, unless that is known. */
void peer_vanished(struct core *core, struct session *session);
/* Nobody listens at that boot id any more: whoever sat there is away. */
void peer_node_gone(struct core *core, uint64_t boot);

#endif
