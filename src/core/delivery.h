/* delivery.h - numbers, passes on and acknowledges one chat's messages. */
#ifndef CORE_DELIVERY_H
#define CORE_DELIVERY_H

#include "core_priv.h"

/* From our client. */
void delivery_message(struct core *core, struct session *session, struct text body, uint64_t seq);
void delivery_ack(struct core *core, struct session *session, uint64_t seq);
void delivery_typing(struct core *core, struct session *session, bool on);
/* The kernel has taken a message that was sent with this tag. */
void delivery_written(struct core *core, session_ref ref, uint64_t tag);

/* From the stranger's session, checked and fenced. */
void delivery_peer_message(struct core *core, struct session *session, const struct peer_frame *frame);
void delivery_peer_ack(struct core *core, struct session *session, uint64_t seq);
void delivery_peer_typing(struct core *core, struct session *session, bool on);

#endif
