/* memory.c - the memory broker: a hub with one mutex joins the nodes of one process.
 *
 * Flow:  request() does its work at once, under the hub's mutex, and posts the answers to the inboxes of the nodes
 *        concerned. An inbox that was empty wakes its node, whose poll() takes the letters out and, outside the mutex,
 *        delivers them.
 * Time:  the hub's clock is the greatest time that any poll() has brought; nothing here reads a clock.
 * Fails: a node that is not joined is gone: an offer never goes there, as its tickets left with it; a relay to it is
 *        answered NODE_GONE, once until the sender polls; whatever else was for it is dropped.
 * Owns:  the line, the register, the members, and the letters in their inboxes. */
#include "passerby/broker.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "inbox.h"
#include "line.h"
#include "registry.h"

#include "base/map.h"
#include "base/memory.h"

/* Events that one poll() delivers at most: the node's clients must get their turn. */
enum { POLL_EVENTS = 1024 };

struct memory_hub {
    pthread_mutex_t mutex; /* guards all of this, and what struct member says */
    int64_t now_ms;        /* never 0: a ticket's since_ms of 0 says that it is new */
    struct map members;    /* boot → struct member */
    struct line *line;
    struct registry *registry;
    uint64_t online; /* of all members */
};

/* One node's connection. */
struct member {
    struct broker broker;
    struct memory_hub *hub;
    uint64_t boot;
    struct broker_listener listener;
    struct inbox inbox;  /* guarded by the hub's mutex */
    struct map gone;     /* boot → itself: NODE_GONE is in the inbox. Guarded by the hub's mutex */
    uint64_t online;     /* guarded by the hub's mutex */
    struct inbox polled; /* taken from the inbox, not yet delivered; the node's thread only */
    bool polling;        /* the node's thread only */
};

static struct member *member_of(struct broker *broker) {
    return (struct member *)broker;
}

static const struct member *member_of_const(const struct broker *broker) {
    return (const struct member *)broker;
}

static void lock(struct memory_hub *hub) {
    int failed = pthread_mutex_lock(&hub->mutex);
    assert(failed == 0);
    (void)failed;
}

static void unlock(struct memory_hub *hub) {
    int failed = pthread_mutex_unlock(&hub->mutex);
    assert(failed == 0);
    (void)failed;
}

/* --- posting: all of it under the mutex --------------------------------------------------------------------------- */

/* Wakes under the mutex too: outside it the node could close, and free what wake() uses, in between. */
static void deliver(struct member *member, struct letter *letter) {
    bool first = inbox_empty(&member->inbox);
    inbox_post(&member->inbox, letter);
    if (first && member->listener.wake != NULL)
        member->listener.wake(member->listener.wake_context);
}

static void post(struct memory_hub *hub, const struct broker_event *event) {
    struct member *member = map_get(&hub->members, event->to.boot);
    if (member != NULL)
        deliver(member, letter_new(event));
}

static void post_gone(struct member *member, uint64_t boot) {
    if (map_get(&member->gone, boot) != NULL)
        return;
    map_set(&member->gone, boot, member);
    struct broker_event event = {.kind = BROKER_NODE_GONE, .to.boot = member->boot, .node_gone.boot = boot};
    deliver(member, letter_new(&event));
}

/* --- requests: all of it under the mutex -------------------------------------------------------------------------- */

static void seek(struct memory_hub *hub, const struct broker_request *request) {
    assert(address_equal(request->asker, request->seek.who.at));
    struct ticket seeker = request->seek;
    if (seeker.since_ms == 0)
        seeker.since_ms = hub->now_ms;

    struct broker_event sought = {.kind = BROKER_SOUGHT, .status = BROKER_NONE, .to = request->asker};
    sought.sought.attempt = seeker.attempt;
    sought.sought.since_ms = seeker.since_ms;

    struct ticket candidate;
    if (line_seek(hub->line, &seeker, &candidate)) {
        struct broker_event offered = {.kind = BROKER_OFFERED, .to = candidate.who.at, .chat = seeker.chat};
        offered.offered.attempt = candidate.attempt;
        offered.offered.seeker = seeker;
        post(hub, &offered);
        sought.status = BROKER_OK;
        sought.chat = seeker.chat;
        sought.sought.node = candidate.who.at.boot;
    }
    post(hub, &sought);
}

static void withdraw(struct memory_hub *hub, const struct broker_request *request) {
    line_withdraw(hub->line, request->asker, request->withdraw.attempt);
}

/* What one side of a committed chat is told about the other. */
static struct broker_event match_event(enum broker_event_kind kind, const struct chat_record *chat, enum side side,
                                       uint32_t attempt, const struct ticket *peer) {
    const struct party *self = &chat->party[side];
    struct broker_event event = {.kind = kind, .to = self->at, .chat = chat->id};
    event.match.attempt = attempt;
    event.match.peer = *peer;
    event.match.peer.who = chat->party[side_other(side)];
    event.match.fence = self->fence;
    return event;
}

static void post_no_match(struct memory_hub *hub, enum broker_event_kind kind, const struct broker_request *request,
                          uint32_t attempt) {
    struct broker_event event = {
        .kind = kind, .status = BROKER_NONE, .to = request->asker, .chat = request->chat, .match.attempt = attempt};
    post(hub, &event);
}

/* A seeker whose node is gone never heard of the match, and has no token to come back with: as good as given up. */
static void commit(struct memory_hub *hub, const struct broker_request *request) {
    const struct ticket *seeker = &request->commit.seeker;
    const struct ticket *candidate = &request->commit.candidate;
    const struct chat_record *chat = NULL;
    if (map_get(&hub->members, seeker->who.at.boot) != NULL)
        chat = registry_commit(hub->registry, request->chat, seeker, candidate, hub->now_ms);
    if (chat == NULL) {
        post_no_match(hub, BROKER_COMMITTED, request, candidate->attempt);
        return;
    }
    struct broker_event committed = match_event(BROKER_COMMITTED, chat, SIDE_CANDIDATE, candidate->attempt, seeker);
    struct broker_event confirmed = match_event(BROKER_CONFIRMED, chat, SIDE_SEEKER, seeker->attempt, candidate);
    post(hub, &committed);
    post(hub, &confirmed);
}

static void give_up(struct memory_hub *hub, const struct broker_request *request) {
    uint32_t attempt = request->abort.attempt;
    struct ticket candidate;
    const struct chat_record *chat = registry_abort(hub->registry, request->chat, hub->now_ms, &candidate);
    if (chat == NULL) {
        post_no_match(hub, BROKER_ABORTED, request, attempt);
        return;
    }
    struct broker_event aborted = match_event(BROKER_ABORTED, chat, SIDE_SEEKER, attempt, &candidate);
    post(hub, &aborted);
}

/* Answers with what the register says; `chat` may be NULL. */
static void post_chat(struct memory_hub *hub, enum broker_event_kind kind, const struct broker_request *request,
                      const struct chat_record *chat, struct address previous) {
    struct broker_event event = {.kind = kind, .status = BROKER_NONE, .to = request->asker, .chat = request->chat};
    event.chat_state.held = request->kind == BROKER_HOLD;
    if (chat != NULL) {
        event.status = chat->ended.cause == END_NONE ? BROKER_OK : BROKER_OVER;
        event.chat_state.record = *chat;
        event.chat_state.previous = previous;
    }
    post(hub, &event);
}

static void rebind(struct memory_hub *hub, const struct broker_request *request) {
    assert(chat_id_equal(request->chat, request->rebind.claims.chat));
    struct address previous = {0};
    const struct chat_record *chat = registry_rebind(hub->registry, &request->rebind.claims, request->rebind.only_from,
                                                     request->asker, hub->now_ms, &previous);
    post_chat(hub, BROKER_REBOUND, request, chat, previous);
}

static void lookup(struct memory_hub *hub, const struct broker_request *request) {
    const struct chat_record *chat = registry_lookup(hub->registry, request->chat, hub->now_ms);
    post_chat(hub, BROKER_FOUND, request, chat, (struct address){0});
}

static void hold(struct memory_hub *hub, const struct broker_request *request) {
    const struct chat_record *chat =
        registry_hold(hub->registry, request->chat, request->asker, request->hold.party, hub->now_ms);
    post_chat(hub, BROKER_FOUND, request, chat, (struct address){0});
}

static void end(struct memory_hub *hub, const struct broker_request *request) {
    registry_end(hub->registry, request->chat, request->asker, request->end, hub->now_ms);
}

/* --- the broker --------------------------------------------------------------------------------------------------- */

static void memory_request(struct broker *broker, const struct broker_request *request) {
    static void (*const handlers[])(struct memory_hub *, const struct broker_request *) = {
        [BROKER_SEEK] = seek,     [BROKER_WITHDRAW] = withdraw, [BROKER_COMMIT] = commit, [BROKER_ABORT] = give_up,
        [BROKER_REBIND] = rebind, [BROKER_LOOKUP] = lookup,     [BROKER_HOLD] = hold,     [BROKER_END] = end,
    };
    struct member *self = member_of(broker);
    assert(request->asker.boot == self->boot);
    assert((size_t)request->kind < sizeof handlers / sizeof *handlers);
    lock(self->hub);
    handlers[request->kind](self->hub, request);
    unlock(self->hub);
}

static void memory_relay(struct broker *broker, uint64_t boot, const void *bytes, size_t length) {
    struct member *self = member_of(broker);
    struct broker_event event = {.kind = BROKER_RELAYED, .to.boot = boot, .relayed = {bytes, length}};
    struct letter *letter = letter_new(&event); /* copies outside the mutex */
    lock(self->hub);
    struct member *to = map_get(&self->hub->members, boot);
    if (to != NULL)
        deliver(to, letter);
    else
        post_gone(self, boot);
    unlock(self->hub);
    if (to == NULL)
        free(letter);
}

static void memory_poll(struct broker *broker, int64_t now_ms) {
    struct member *self = member_of(broker);
    struct memory_hub *hub = self->hub;
    assert(!self->polling);

    lock(hub);
    if (now_ms > hub->now_ms) {
        hub->now_ms = now_ms;
        registry_expire(hub->registry, now_ms);
    }
    inbox_move(&self->inbox, &self->polled);
    map_fini(&self->gone);
    unlock(hub);

    self->polling = true;
    for (int i = 0; i < POLL_EVENTS && !inbox_empty(&self->polled); i++) {
        struct letter *letter = inbox_take(&self->polled);
        self->listener.on_event(self->listener.context, &letter->event);
        free(letter);
    }
    self->polling = false;
    if (!inbox_empty(&self->polled) && self->listener.wake != NULL)
        self->listener.wake(self->listener.wake_context);
}

static void memory_report_online(struct broker *broker, uint64_t here) {
    struct member *self = member_of(broker);
    lock(self->hub);
    self->hub->online += here - self->online;
    self->online = here;
    unlock(self->hub);
}

static uint64_t memory_online(const struct broker *broker) {
    struct memory_hub *hub = member_of_const(broker)->hub;
    lock(hub);
    uint64_t online = hub->online;
    unlock(hub);
    return online;
}

static uint64_t memory_waiting(const struct broker *broker) {
    struct memory_hub *hub = member_of_const(broker)->hub;
    lock(hub);
    uint64_t waiting = line_count(hub->line);
    unlock(hub);
    return waiting;
}

static void memory_close(struct broker *broker) {
    struct member *self = member_of(broker);
    struct memory_hub *hub = self->hub;
    assert(!self->polling);

    lock(hub);
    map_take(&hub->members, self->boot);
    line_drop(hub->line, self->boot);
    hub->online -= self->online;
    for (size_t i = 0; i < hub->members.capacity; i++)
        if (hub->members.slots[i].value != NULL)
            post_gone(hub->members.slots[i].value, self->boot);
    unlock(hub);

    inbox_fini(&self->inbox);
    inbox_fini(&self->polled);
    map_fini(&self->gone);
    free(self);
}

static const struct broker_ops memory_ops = {
    .request = memory_request,
    .relay = memory_relay,
    .relay_soon = memory_relay,
    .poll = memory_poll,
    .report_online = memory_report_online,
    .online = memory_online,
    .waiting = memory_waiting,
    .close = memory_close,
};

/* --- the hub ------------------------------------------------------------------------------------------------------ */

struct memory_hub *memory_hub_new(void) {
    struct memory_hub *hub = memory_zero(1, sizeof *hub);
    int failed = pthread_mutex_init(&hub->mutex, NULL);
    assert(failed == 0);
    (void)failed;
    hub->now_ms = 1;
    hub->line = line_new();
    hub->registry = registry_new();
    return hub;
}

void memory_hub_free(struct memory_hub *hub) {
    assert(hub->members.count == 0);
    registry_free(hub->registry);
    line_free(hub->line);
    map_fini(&hub->members);
    pthread_mutex_destroy(&hub->mutex);
    free(hub);
}

struct broker *memory_hub_join(struct memory_hub *hub, uint64_t boot, const struct broker_listener *listener) {
    assert(boot != 0);
    struct member *member = memory_zero(1, sizeof *member);
    member->broker.ops = &memory_ops;
    member->hub = hub;
    member->boot = boot;
    member->listener = *listener;
    lock(hub);
    const void *before = map_set(&hub->members, boot, member);
    assert(before == NULL);
    (void)before;
    unlock(hub);
    return &member->broker;
}
