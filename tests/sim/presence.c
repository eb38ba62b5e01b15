/* presence.c - since when each of the two people of a chat has really been gone, or out of reach.
 *
 * Flow:  a connection breaks, or a node can't be reached → absent; a resume, or the node can be reached → here again.
 *        A grace that is over by the truth marks its member as overdue: only then may the chat end by it.
 * Rules: absent for its stranger is who has no connection that works, or one to a node that others can't reach. */
#include "presence.h"

#include "cluster.h"
#include "fake_redis.h"

enum { DEAF_SLACK_MS = 300 }; /* until a node has heard that it is cut off, or is not */

void presence_bind(struct pipe *pipe, struct chat *chat, uint32_t side) {
    if (chat != NULL)
        chats_hold(chat);
    if (pipe->bound != NULL) {
        struct member *before = &pipe->bound->member[pipe->side];
        if (before->pipe == pipe)
            before->pipe = NULL;
        chats_release(pipe->bound);
    }
    pipe->bound = chat;
    pipe->side = side;
}

static int64_t ms(int64_t us) {
    return us / MILLISECOND_US;
}

static int64_t deaf_us(const struct world *world) {
    return world->redis == NULL ? 0 : fake_redis_deaf_us(world->redis);
}

/* When the grace of a member who is gone, or out of reach, runs out. If its stranger was known to be gone as well by
 * then, the later counts. The time in which nobody could come back does not. */
static int64_t deadline_ms(const struct world *world, const struct member *own, const struct member *peer) {
    int64_t grace_ms = world->climate.core.grace_ms;
    int64_t deaf_ms = ms(deaf_us(world) - own->deaf_us);
    int64_t end_ms = ms(own->absent_us) + grace_ms + (deaf_ms > DEAF_SLACK_MS ? deaf_ms - DEAF_SLACK_MS : 0);
    if (own->gone_us < 0 || peer->gone_us < 0 || ms(peer->known_us) > end_ms || peer->gone_us < own->gone_us)
        return end_ms;
    return end_ms + ms(peer->absent_us) - ms(own->absent_us);
}

void presence_judge(const struct world *world, struct chat *chat) {
    for (uint32_t i = 0; i < 2; i++) {
        struct member *own = &chat->member[i];
        if (own->absent_us >= 0 && ms(world->now_us) >= deadline_ms(world, own, &chat->member[1 - i]))
            own->overdue = true;
    }
}

static void set_absent(const struct world *world, struct member *member) {
    if (member->absent_us >= 0)
        return;
    member->absent_us = world->now_us;
    member->deaf_us = deaf_us(world);
}

static bool is_reachable(const struct pipe *pipe) {
    return pipe->server == NULL || pipe->server->unreachable_us < 0;
}

static void disturb(struct world *world, struct server *server) {
    if (server->unreachable_us < 0)
        server->unreachable_us = world->now_us;
    for (struct list *link = server->pipes.next; link != &server->pipes; link = link->next) {
        struct pipe *pipe = list_entry(link, struct pipe, siblings);
        if (pipe->bound == NULL) {
            if (pipe->link.resume_open) { /* the register may have moved the chat here already */
                pipe->link.wants->member[pipe->link.wants_side].drops++;
                set_absent(world, &pipe->link.wants->member[pipe->link.wants_side]);
            }
            continue;
        }
        struct member *member = &pipe->bound->member[pipe->side];
        member->drops++;
        if (member->pipe == pipe)
            set_absent(world, member);
        pipe->bound->disturbed |= pipe->bound->members == 2;
    }
}

void presence_disturbed(struct world *world, struct server *server) {
    for (uint32_t i = 0; i < world->options.nodes; i++)
        if (server == NULL || server == &world->servers[i])
            disturb(world, &world->servers[i]);
}

void presence_reached(struct world *world, struct server *server) {
    for (struct list *link = server->pipes.next; link != &server->pipes; link = link->next) {
        struct pipe *pipe = list_entry(link, struct pipe, siblings);
        struct chat *chat = pipe->bound != NULL ? pipe->bound : pipe->link.resume_open ? pipe->link.wants : NULL;
        if (chat == NULL)
            continue;
        presence_judge(world, chat);
        struct member *member = &chat->member[pipe->bound != NULL ? pipe->side : pipe->link.wants_side];
        if ((member->pipe == pipe || pipe->bound == NULL) && member->gone_us < 0)
            member->absent_us = -1;
    }
    server->unreachable_us = -1;
}

static void set_gone(const struct world *world, struct chat *chat, struct member *member, bool known) {
    presence_judge(world, chat);
    member->pipe = NULL;
    if (member->gone_us >= 0)
        return;
    member->gone_us = world->now_us;
    set_absent(world, member);
    member->known_us = known ? world->now_us : NEVER_US;
    member->drops++;
}

void presence_here(const struct world *world, struct chat *chat, struct member *member, struct pipe *pipe) {
    presence_judge(world, chat);
    member->gone_us = -1;
    if (is_reachable(pipe)) {
        member->absent_us = -1;
    } else { /* whoever was absent before is so still */
        member->drops++;
        set_absent(world, member);
    }
    member->pipe = pipe;
    member->last = pipe->conn;
    if (pipe->broken)
        set_gone(world, chat, member, !pipe->node_open);
}

void presence_broken(struct world *world, struct pipe *pipe) {
    if (pipe->bound == NULL) {
        struct chat *wanted = pipe->link.resume_open ? pipe->link.wants : NULL;
        if (wanted != NULL) /* the chat may have moved to this connection already */
            set_gone(world, wanted, &wanted->member[pipe->link.wants_side], false);
        return;
    }
    struct member *member = &pipe->bound->member[pipe->side];
    if (member->pipe == pipe)
        set_gone(world, pipe->bound, member, !pipe->node_open);
}

void presence_noticed(struct world *world, struct pipe *pipe) {
    if (pipe->bound == NULL) {
        if (pipe->link.resume_open && pipe->server == NULL)
            pipe->link.wants->member[pipe->link.wants_side].astray = true;
        return;
    }
    struct member *member = &pipe->bound->member[pipe->side];
    if (member->gone_us >= 0 && member->known_us == NEVER_US && member->last == pipe->conn)
        member->known_us = world->now_us;
}

void presence_pipe_over(struct pipe *pipe) {
    presence_bind(pipe, NULL, 0);
    if (pipe->link.wants != NULL)
        chats_release(pipe->link.wants);
    pipe->link.wants = NULL;
}
