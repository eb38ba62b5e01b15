/* pairing.h - a session's search: in the line, offered, accepted. */
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
/* Whoever waits seeks again, in the old place: the line may have forgotten the ticket. */
void pairing_tell(struct core *core, struct session *session);
/* The register may have forgotten a match that is being made: nobody gives it up before it can have been told again. */
void pairing_link_resumed(struct core *core, struct session *session);
/* If that is where the other side of a match sits that is being made: not waited for. */
void pairing_node_gone(struct core *core, struct session *session, uint64_t boot);

void pairing_sought(struct core *core, const struct broker_event *event);
void pairing_offered(struct core *core, const struct broker_event *event);

/* The match came to nothing: back into the line, at the old place. On a draining node the search ends; the client has
 * been asked to go elsewhere. */
void pairing_seek_again(struct core *core, struct session *session);
/* The offer that was held will not be taken, if there is one. */
void pairing_decline_held(struct core *core, struct session *session);
/* Nobody waits for that match any more. What was asked for, and answered "down", may have been done all the same. */
void pairing_end_if_made(struct core *core, struct address at, struct chat_id chat, enum side side);

#endif
