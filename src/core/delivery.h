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

/* What was said lately may have been lost on the way: a reliable client says it again, once it is told; what a plain
 * one said is lost, and fills its window no longer. */
void delivery_resync(struct core *core, struct session *session);
/* The latter alone. */
void delivery_forget_unacked(struct session *session);
/* Our side, reliable or not, has come back from places that may have passed on more than is known here: the next
 * message sets the base, and acks are not checked. */
void delivery_forget_numbers(struct chat *chat, bool reliable);

/* From the stranger's session, checked and fenced. */
void delivery_peer_message(struct core *core, struct session *session, const struct peer_frame *frame);
void delivery_peer_ack(struct core *core, struct session *session, uint64_t seq);
void delivery_peer_typing(struct core *core, struct session *session, bool on);

#endif
