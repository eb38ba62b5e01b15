/* match.h - the end of a search: a match is made, or is not. */
#ifndef CORE_MATCH_H
#define CORE_MATCH_H

#include "core_priv.h"

void match_committed(struct core *core, const struct broker_event *event);
void match_confirmed(struct core *core, const struct broker_event *event);
void match_aborted(struct core *core, const struct broker_event *event);
/* Is a match with that id being made, and its outcome not yet known here? */
bool match_waits_for(const struct session *session, struct chat_id chat);
/* A frame of such a chat: the other side knows the outcome already. */
void match_early(struct core *core, struct session *session, const struct peer_frame *frame);
/* The candidate's node says that it can't take the match. */
void match_declined(struct core *core, struct session *session, const struct peer_frame *frame);

#endif
