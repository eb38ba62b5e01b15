/* ask.h - what the files of core ask for in a step: of the broker, of clients, of other sessions. */
#ifndef CORE_ASK_H
#define CORE_ASK_H

#include "core_priv.h"

/* A zeroed action at the end of the list; good until the next one is taken. */
struct action *ask_action(struct core *core, enum action_kind kind);
struct broker_request *ask_broker(struct core *core, enum broker_request_kind kind, struct address asker,
                                  struct chat_id chat);
/* HOLD, with all that the session knows of its chat. */
void ask_hold(struct core *core, const struct session *session);
void ask_count(struct core *core, enum count_kind kind, enum ended_reason ended, int64_t value_ms);

/* What a token for the session's chat says. */
struct claims ask_claims(const struct session *session);

/* A zeroed frame for the session's client, which the caller fills in. It goes nowhere when there is no connection. */
struct server_frame *ask_tell(struct core *core, const struct session *session, enum server_kind kind);
/* The same for MATCHED and RESUMED, with the claims of the token for the session's chat. */
struct server_frame *ask_tell_token(struct core *core, const struct session *session, enum server_kind kind);

/* A zeroed frame for another session, here or elsewhere. Good until the next one is taken; the caller fills it in. It
 * goes nowhere when the address is not known (boot 0). */
struct peer_frame *ask_peer(struct core *core, enum peer_kind kind, struct address to, struct address from);
/* The same, from our side of a chat to the stranger's. */
struct peer_frame *ask_peer_of(struct core *core, enum peer_kind kind, const struct session *session);

#endif
