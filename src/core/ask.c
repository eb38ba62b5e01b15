/* ask.c - collects what one step asks for: actions, and frames for sessions of this same node. */
#include "ask.h"

#include <assert.h>
#include <string.h>

#include "chat.h"
#include "session.h"

#include "base/memory.h"

struct action *ask_action(struct core *core, enum action_kind kind) {
    if (core->action_count == core->action_capacity) {
        core->action_capacity = core->action_capacity == 0 ? 16 : core->action_capacity * 2;
        core->actions = memory_resize(core->actions, core->action_capacity, sizeof *core->actions);
    }
    struct action *action = &core->actions[core->action_count++];
    memset(action, 0, kind == ACTION_COUNT ? offsetof(struct action, count) + sizeof action->count : sizeof *action);
    action->kind = kind;
    return action;
}

struct broker_request *ask_broker(struct core *core, enum broker_request_kind kind, struct address asker,
                                  struct chat_id chat) {
    struct broker_request *request = &ask_action(core, ACTION_REQUEST)->request;
    request->kind = kind;
    request->asker = asker;
    request->chat = chat;
    return request;
}

void ask_hold(struct core *core, const struct session *session) {
    const struct chat *chat = session->chat;
    struct address at = session_address(core, session);
    struct broker_request *request = ask_broker(core, BROKER_HOLD, at, chat->id);
    request->hold.party[chat->side] = (struct party){at, session->person, chat->fence, session->reliable};
    request->hold.party[side_other(chat->side)] = chat_peer(session);
}

void ask_count(struct core *core, enum count_kind kind, enum ended_reason ended, int64_t value_ms) {
    struct action *action = ask_action(core, ACTION_COUNT);
    action->count.kind = kind;
    action->count.ended = ended;
    action->count.value_ms = value_ms;
}

static struct action *tell(struct core *core, const struct session *session, enum server_kind kind) {
    struct action *action = session->conn != 0 ? ask_action(core, ACTION_SEND) : &core->unheard;
    memset(&action->send, 0, sizeof action->send);
    action->conn = session->conn;
    action->send.frame.kind = kind;
    return action;
}

struct server_frame *ask_tell(struct core *core, const struct session *session, enum server_kind kind) {
    return &tell(core, session, kind)->send.frame;
}

struct claims ask_claims(const struct session *session) {
    const struct chat *chat = session->chat;
    struct claims claims = {
        .chat = chat->id,
        .side = chat->side,
        .reliable = session->reliable,
        .peer_reliable = chat->peer_reliable,
        .person = session->person,
        .peer = session->recent[0],
        .born_ms = chat->born_wall_ms,
    };
    memcpy(claims.earlier, &session->recent[1], sizeof claims.earlier);
    return claims;
}

struct server_frame *ask_tell_token(struct core *core, const struct session *session, enum server_kind kind) {
    struct action *action = tell(core, session, kind);
    action->send.claims = ask_claims(session);
    return &action->send.frame;
}

struct peer_frame *ask_peer(struct core *core, enum peer_kind kind, struct address to, struct address from) {
    struct peer_frame *frame;
    if (to.boot == 0) {
        frame = &core->unsent;
        memset(frame, 0, sizeof *frame);
    } else if (to.boot == core->options.boot) {
        if (core->local_count == core->local_capacity) {
            core->local_capacity = core->local_capacity == 0 ? 16 : core->local_capacity * 2;
            core->local = memory_resize(core->local, core->local_capacity, sizeof *core->local);
        }
        frame = &core->local[core->local_count++];
        memset(frame, 0, sizeof *frame);
    } else {
        frame = &ask_action(core, ACTION_PEER)->peer;
    }
    frame->kind = kind;
    frame->to = to;
    frame->from = from;
    return frame;
}

struct peer_frame *ask_peer_of(struct core *core, enum peer_kind kind, const struct session *session) {
    const struct chat *chat = session->chat;
    struct peer_frame *frame = ask_peer(core, kind, chat->peer.at, session_address(core, session));
    frame->chat = chat->id;
    frame->side = chat->side;
    frame->fence = chat->fence;
    return frame;
}
