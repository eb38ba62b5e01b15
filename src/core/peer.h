/* peer.h - frames from the stranger's session, here or on another node, and what the register says when they go
 * astray. */
#ifndef CORE_PEER_H
#define CORE_PEER_H

#include "core_priv.h"

void peer_take(struct core *core, const struct peer_frame *frame);
void peer_found(struct core *core, const struct broker_event *event);
/* Nobody listens at that boot id any more: whoever sat there is away. */
void peer_node_gone(struct core *core, uint64_t boot);

#endif
