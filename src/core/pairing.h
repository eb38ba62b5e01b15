/* pairing.h - a session's search: in the line, offered, accepted, matched. */
#ifndef CORE_PAIRING_H
#define CORE_PAIRING_H

#include "core_priv.h"

/* `find`. */
void pairing_find(struct core *core, struct session *session, const struct client_frame *frame);
/* Begins the search that session->search describes. */
void pairing_begin(struct core *core, struct session *session);
/* Gives the search up, whatever it has come to; the state is the caller's to change. */
void pairing_stop(struct core *core, struct session *session);
/* Frees a search, NULL included. */
void pairing_free(struct search *search);
/* Frees the session's search, if it has one. */
void pairing_discard(struct session *session);
/* This node is going away: whoever waits is taken out of the line. */
void pairing_drain(struct core *core, struct session *session);
void pairing_timer(struct core *core, struct session *session);

void pairing_sought(struct core *core, const struct broker_event *event);
void pairing_offered(struct core *core, const struct broker_event *event);
void pairing_committed(struct core *core, const struct broker_event *event);
void pairing_confirmed(struct core *core, const struct broker_event *event);
void pairing_aborted(struct core *core, const struct broker_event *event);
/* Is a match with that id being made, and its outcome not yet known here? */
bool pairing_waits_for(const struct session *session, struct chat_id chat);
/* A frame of such a chat: the other side knows the outcome already. */
void pairing_early(struct core *core, struct session *session, const struct peer_frame *frame);
/* The candidate's node says that it can't take the match. */
void pairing_declined(struct core *core, struct session *session, const struct peer_frame *frame);

#endif
