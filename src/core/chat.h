/* chat.h - the life of one side of a chat: begun, held while somebody is away, ended. */
#ifndef CORE_CHAT_H
#define CORE_CHAT_H

#include "core_priv.h"

/* A chat for the session, which has none; the caller fills in the rest. Owned by the session. */
struct chat *chat_open(struct core *core, struct session *session, struct chat_id id, enum side side);
/* NULL included. */
void chat_free(struct core *core, struct chat *chat);

/* The stranger: who was met last. */
static inline struct party chat_peer(const struct session *session) {
    const struct chat *chat = session->chat;
    return (struct party){chat->peer.at, session->recent[0], chat->peer.fence, chat->peer_reliable};
}
/* Where the stranger sits now; who they are is not the register's to say. */
void chat_set_peer(struct chat *chat, const struct party *peer);
/* `leave`: the chat, the search, or nothing at all. */
void chat_leave(struct core *core, struct session *session);
/* The chat is over for our client; the state becomes IDLE, or the session ends if nobody is connected to it. */
void chat_ended(struct core *core, struct session *session, enum ended_reason reason);
/* What a tombstone means to this side. */
enum ended_reason chat_reason(struct tombstone how, enum side side);

/* Ends everything the session has, then its connection, then itself: for the close codes that end chats. */
void chat_throw_out(struct core *core, struct session *session, enum close_code code);
/* The connection dropped in the middle of a chat: it is held, unless its client has asked to leave it. */
void chat_drop(struct core *core, struct session *session);
/* The stranger is not there; the chat is held for so long. */
void chat_peer_away(struct core *core, struct session *session, int64_t grace_ms);
/* The stranger resumed, or was wrongly taken to be away. */
void chat_peer_back(struct core *core, struct session *session);
/* SYNC or STATE to the stranger's session: is our client here, and if not, how long is it held for? */
void chat_tell_state(struct core *core, struct session *session, enum peer_kind kind);
/* SYNC to the stranger's session, which was there for all we know: if it does not answer, they are away, until it does. */
void chat_ask_state(struct core *core, struct session *session);
/* The same, if that was asked otherwise (REBOUND). */
void chat_await_state(struct core *core, struct session *session);
/* Sets the timer to when the chat ends, as things stand. */
void chat_set_timer(struct core *core, struct session *session);
void chat_timer(struct core *core, struct session *session);
/* The register agrees that nobody came back in time: END, and LOOKUP, whose answer ends the chat here. */
void chat_end_overdue(struct core *core, struct session *session);

#endif
