/* fake_broker.c - see fake_broker.h. */
#include "fake_broker.h"

#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "fake_redis.h"
#include "lie.h"

#include "base/memory.h"

enum {
    BEAT_US = SECOND_US,
    RETRY_MAX_US = SECOND_US,
    MOST_UNHEARD = 3,
    HAUNT_US = 300 * MILLISECOND_US, /* until Redis knows that a process is gone */
    HAUNT_LONG_US = 6 * SECOND_US,   /* or a machine */
    POLL_EVENTS = 64,
};

struct fake_broker *fake_broker_of(struct broker *broker) {
    return (struct fake_broker *)(void *)broker;
}

static const struct fake_broker *of_const(const struct broker *broker) {
    return (const struct fake_broker *)(const void *)broker;
}

static struct world *world_of(const struct fake_broker *self) {
    return self->redis->world;
}

/* --- the inbox ---------------------------------------------------------------------------------------------------- */

static void post(struct fake_broker *self, const struct broker_event *event) {
    inbox_post(&self->inbox, letter_new(event));
    self->listener.wake(self->listener.wake_context);
}

static void post_link(struct fake_broker *self, enum broker_event_kind kind) {
    if (kind == BROKER_LINK_RESUMED && world_of(self)->options.lie == LIE_STUCK)
        return;
    struct broker_event event = {.kind = kind, .to.boot = self->boot};
    post(self, &event);
}

static void post_gone(struct fake_broker *self, uint64_t boot) {
    if (world_of(self)->options.lie == LIE_MUTE)
        return;
    struct broker_event event = {.kind = BROKER_NODE_GONE, .to.boot = self->boot, .node_gone.boot = boot};
    post(self, &event);
}

static bool is_answered(enum broker_request_kind kind) {
    return kind != BROKER_WITHDRAW && kind != BROKER_END;
}

static void post_down(struct fake_broker *self, const struct broker_request *request) {
    static const enum broker_event_kind kinds[] = {
        [BROKER_SEEK] = BROKER_SOUGHT,    [BROKER_COMMIT] = BROKER_COMMITTED, [BROKER_ABORT] = BROKER_ABORTED,
        [BROKER_REBIND] = BROKER_REBOUND, [BROKER_LOOKUP] = BROKER_FOUND,     [BROKER_HOLD] = BROKER_FOUND,
    };
    struct broker_event event = {
        .kind = kinds[request->kind], .status = BROKER_DOWN, .to = request->asker, .chat = request->chat};
    if (request->kind == BROKER_HOLD) {
        event.chat_state.held = true;
    } else if (request->kind == BROKER_SEEK) {
        event.chat = request->seek.chat;
        event.sought.attempt = request->seek.attempt;
        event.sought.since_ms = request->seek.since_ms;
    } else if (request->kind == BROKER_COMMIT) {
        event.match.attempt = request->commit.candidate.attempt;
    } else if (request->kind == BROKER_ABORT) {
        event.match.attempt = request->abort.attempt;
    }
    post(self, &event);
}

/* --- links -------------------------------------------------------------------------------------------------------- */

static void write_to(struct fake_broker *self, int link, enum fake_letter_kind kind, uint64_t number) {
    struct fake_letter *letter = fake_letter_new(kind, NULL, 0);
    letter->boot = self->boot;
    letter->number = number;
    fake_link_write(self->links[link], letter);
}

static void write_number(struct fake_broker *self, enum fake_letter_kind kind, uint64_t number) {
    write_to(self, FAKE_LINK_COMMANDS, kind, number);
}

static void plan(struct fake_broker *self) {
    struct world *world = world_of(self);
    for (int kind = 0; kind < FAKE_LINKS; kind++) {
        bool wanted = kind <= FAKE_LINK_SUBSCRIBER || self->redis->sharded;
        if (wanted && self->links[kind] == NULL) {
            world_at(world, &self->timer, world->now_us + 1 + (int64_t)world_below(world, RETRY_MAX_US));
            return;
        }
    }
    world_at(world, &self->timer, self->beat_us);
}

static void come_up(struct fake_broker *self) {
    self->up = true;
    fake_redis_joined(self->redis);
    self->resumed_us = world_of(self)->now_us;
    if (self->has_been_up)
        post_link(self, BROKER_LINK_RESUMED);
    self->has_been_up = true;
    self->gone_count = 0;
    world_trace(world_of(self), "node %u is up", self->server->index);
}

static void go_down(struct fake_broker *self) {
    for (struct fake_letter *letter; (letter = fake_row_take(&self->unanswered)) != NULL;) {
        post_down(self, &letter->request);
        free(letter);
    }
    if (!self->up)
        return;
    self->up = false;
    fake_redis_parted(self->redis);
    post_link(self, BROKER_LINK_LOST);
    world_trace(world_of(self), "node %u is cut off", self->server->index);
}

/* The node's end of a link is closed; Redis may not know for a while. */
static void drop_link(struct fake_broker *self, int kind, int64_t ghost_us, bool flushed) {
    struct fake_link *link = self->links[kind];
    if (link == NULL)
        return;
    self->links[kind] = NULL;
    if (!link->severed && kind != FAKE_LINK_COMMANDS && kind != FAKE_LINK_RELAY_OUT) {
        fake_redis_haunt(self->redis, self->boot, kind == FAKE_LINK_RELAY_IN || !self->redis->sharded, ghost_us);
        if (kind == FAKE_LINK_SUBSCRIBER)
            fake_redis_haunt(self->redis, self->boot, false, ghost_us);
    }
    fake_link_abandon(link, flushed);
    if (kind == FAKE_LINK_COMMANDS)
        self->firsts = 0;
}

void fake_broker_lost(struct fake_broker *self, struct fake_link *link) {
    enum fake_link_kind kind = link->kind;
    uint64_t keep = world_below(world_of(self), link->down.count + 1);
    while (keep-- > 0) /* the kernel had them already */
        fake_broker_hear(self, fake_row_take(&link->down));
    drop_link(self, kind, 0, false);
    if (kind == FAKE_LINK_COMMANDS || kind == FAKE_LINK_SUBSCRIBER)
        go_down(self);
    else
        self->data_lost = true;
    plan(self);
}

/* It does not hear itself: the links are worth nothing. */
static void give_up(struct fake_broker *self) {
    struct world *world = world_of(self);
    int64_t until_us = world->now_us + 1 + (int64_t)world_below(world, HAUNT_US);
    if (self->server->cut_until_us > until_us)
        until_us = self->server->cut_until_us;
    world_trace(world, "node %u does not hear itself", self->server->index);
    for (int kind = 0; kind < FAKE_LINKS; kind++)
        drop_link(self, kind, until_us, false);
    go_down(self);
}

/* Opens what is missing, if Redis can be reached. */
static void connect(struct fake_broker *self) {
    const struct world *world = world_of(self);
    if (self->server->cut_until_us > world->now_us)
        return;
    bool main_up = self->redis->down_until_us <= world->now_us;
    bool fresh = self->links[FAKE_LINK_COMMANDS] == NULL || self->links[FAKE_LINK_SUBSCRIBER] == NULL;
    bool whole = true;
    for (int kind = 0; kind < FAKE_LINKS; kind++) {
        bool relay = kind > FAKE_LINK_SUBSCRIBER;
        if (self->links[kind] == NULL && (relay ? self->redis->sharded : main_up))
            self->links[kind] = fake_link_open(self->redis, self, (enum fake_link_kind)kind);
        whole = whole && (self->links[kind] != NULL || (relay && !self->redis->sharded));
    }
    if (fresh && main_up) {
        self->unheard = 0;
        self->fresh = true;
        self->beat_us = world->now_us;
    }
    if (whole && self->data_lost) {
        self->data_lost = false;
        self->resumed_us = world->now_us;
        if (self->up)
            post_link(self, BROKER_LINK_RESUMED);
    }
}

/* The data inbox on the relay Redis is probed as the control inbox is: a link to it may be dead without a word. */
static void probe_relay(struct fake_broker *self) {
    struct world *world = world_of(self);
    if (self->links[FAKE_LINK_RELAY_OUT] == NULL || self->links[FAKE_LINK_RELAY_IN] == NULL) {
        self->unheard_relay = 0;
    } else if (self->unheard_relay++ < MOST_UNHEARD) {
        write_to(self, FAKE_LINK_RELAY_OUT, FAKE_PROBE, 1);
    } else {
        world_trace(world, "node %u does not hear itself through the relay", self->server->index);
        int64_t until_us = world->now_us + 1 + (int64_t)world_below(world, HAUNT_US);
        drop_link(self, FAKE_LINK_RELAY_OUT, until_us, false);
        drop_link(self, FAKE_LINK_RELAY_IN, until_us, false);
        self->data_lost = true;
        self->unheard_relay = 0;
    }
}

void fake_broker_tick(struct fake_broker *self) {
    const struct world *world = world_of(self);
    connect(self);
    bool linked = self->links[FAKE_LINK_COMMANDS] != NULL && self->links[FAKE_LINK_SUBSCRIBER] != NULL;
    if (linked && world->now_us >= self->beat_us) {
        self->beat_us = world->now_us + BEAT_US;
        if (self->unheard >= MOST_UNHEARD) {
            give_up(self);
        } else {
            if (self->unheard < 2) {
                write_number(self, self->fresh ? FAKE_FIRST_BEAT : FAKE_BEAT, self->here);
                self->firsts += self->fresh;
                self->fresh = false;
            }
            write_number(self, FAKE_PROBE, 0);
            self->unheard++;
            probe_relay(self);
        }
    }
    plan(self);
}

/* --- what arrives ------------------------------------------------------------------------------------------------- */

static bool named(const uint64_t *list, uint32_t count, uint64_t boot) {
    for (uint32_t i = 0; i < count; i++)
        if (list[i] == boot)
            return true;
    return false;
}

static void beaten(struct fake_broker *self, const struct fake_beat *beat) {
    bool forgot = self->epoch != 0 && (self->epoch != beat->epoch || !beat->known || beat->silent);
    self->epoch = beat->epoch;
    self->online = beat->online;
    self->waiting = beat->waiting;
    self->firsts -= beat->fresh;
    if (!self->up) {
        if (beat->fresh && self->firsts == 0 && !self->fresh && self->links[FAKE_LINK_SUBSCRIBER] != NULL)
            come_up(self);
    } else if (forgot) {
        self->resumed_us = world_of(self)->now_us;
        post_link(self, BROKER_LINK_RESUMED);
    }
    for (uint32_t i = 0; i < beat->gone_count; i++)
        if (!named(self->gone, self->gone_count, beat->gone[i]))
            post_gone(self, beat->gone[i]);
    self->gone_count = beat->gone_count;
    memcpy(self->gone, beat->gone, sizeof self->gone);
}

void fake_broker_hear(struct fake_broker *self, struct fake_letter *letter) {
    struct broker_event relayed = {.kind = BROKER_RELAYED, .to.boot = self->boot};
    switch (letter->kind) {
    case FAKE_ANSWER:
        free(fake_row_take(&self->unanswered));
        post(self, &letter->event);
        break;
    case FAKE_SAID: post(self, &letter->event); break;
    case FAKE_RECEIVERS:
        if ((letter->number == 0 || lie_gone(world_of(self))) && self->up)
            post_gone(self, letter->boot);
        break;
    case FAKE_BEATEN: beaten(self, &letter->beat); break;
    case FAKE_PROBE: *(letter->number == 1 ? &self->unheard_relay : &self->unheard) = 0; break;
    case FAKE_FRAMES:
        relayed.relayed.bytes = letter->bytes;
        relayed.relayed.length = letter->length;
        post(self, &relayed);
        break;
    default: break;
    }
    free(letter);
}

bool fake_broker_settled(const struct fake_broker *self, int64_t us) {
    return self->up && !self->data_lost && world_of(self)->now_us - self->resumed_us >= us;
}

/* --- the broker --------------------------------------------------------------------------------------------------- */

static void fake_request(struct broker *broker, const struct broker_request *request) {
    struct fake_broker *self = fake_broker_of(broker);
    struct fake_letter *letter = fake_letter_new(FAKE_REQUEST, NULL, 0);
    letter->request = *request;
    if (!self->up) {
        if (is_answered(request->kind))
            post_down(self, request);
        fake_redis_miss(self->redis, letter);
        free(letter);
        return;
    }
    if (is_answered(request->kind)) {
        struct fake_letter *copy = fake_letter_new(FAKE_REQUEST, NULL, 0);
        copy->request = *request;
        fake_row_push(&self->unanswered, copy);
    }
    fake_link_write(self->links[FAKE_LINK_COMMANDS], letter);
}

static void fake_relay(struct broker *broker, uint64_t boot, const void *bytes, size_t length) {
    struct fake_broker *self = fake_broker_of(broker);
    struct fake_link *link = self->links[self->redis->sharded ? FAKE_LINK_RELAY_OUT : FAKE_LINK_COMMANDS];
    if (!self->up || link == NULL)
        return;
    struct fake_letter *letter = fake_letter_new(FAKE_PUBLISH, bytes, length);
    letter->boot = boot;
    fake_link_write(link, letter);
}

static void fake_poll(struct broker *broker, int64_t now_ms) {
    struct fake_broker *self = fake_broker_of(broker);
    (void)now_ms;
    for (int i = 0; i < POLL_EVENTS && !inbox_empty(&self->inbox); i++) {
        struct letter *letter = inbox_take(&self->inbox);
        self->listener.on_event(self->listener.context, &letter->event);
        free(letter);
    }
    if (!inbox_empty(&self->inbox))
        self->listener.wake(self->listener.wake_context);
}

static void fake_report_online(struct broker *broker, uint64_t here) {
    fake_broker_of(broker)->here = here;
}

static uint64_t fake_online(const struct broker *broker) {
    return of_const(broker)->online;
}

static uint64_t fake_waiting(const struct broker *broker) {
    return of_const(broker)->waiting;
}

void fake_broker_kill(struct broker *broker) {
    struct fake_broker *self = fake_broker_of(broker);
    struct world *world = world_of(self);
    int64_t ghost_us = 1 + (int64_t)world_below(world, world_chance(world, 4) ? HAUNT_LONG_US : HAUNT_US);
    for (int kind = 0; kind < FAKE_LINKS; kind++)
        drop_link(self, kind, world->now_us + ghost_us, false);
}

static void fake_close(struct broker *broker) {
    struct fake_broker *self = fake_broker_of(broker);
    if (self->links[FAKE_LINK_COMMANDS] != NULL)
        write_number(self, FAKE_LEAVE, 0);
    for (int kind = 0; kind < FAKE_LINKS; kind++)
        drop_link(self, kind, 0, true);
    if (self->up)
        fake_redis_parted(self->redis);
    world_forget(world_of(self), &self->timer);
    list_remove(&self->siblings);
    inbox_fini(&self->inbox);
    fake_row_clear(&self->unanswered);
    free(self);
}

static const struct broker_ops ops = {
    .request = fake_request,
    .relay = fake_relay,
    .relay_soon = fake_relay,
    .poll = fake_poll,
    .report_online = fake_report_online,
    .online = fake_online,
    .waiting = fake_waiting,
    .close = fake_close,
};

struct broker *fake_broker_join(struct fake_redis *redis, struct server *server, uint64_t boot,
                                const struct broker_listener *listener) {
    struct fake_broker *self = memory_zero(1, sizeof *self);
    self->broker.ops = &ops;
    self->redis = redis;
    self->server = server;
    self->boot = boot;
    self->listener = *listener;
    list_append(&redis->brokers, &self->siblings);
    source_init(&self->timer, SOURCE_FAKE_BROKER, self);
    fake_broker_tick(self);
    return &self->broker;
}
