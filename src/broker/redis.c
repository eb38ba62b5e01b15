/* redis.c - the Redis broker: joins processes and machines by one Redis. Safety lives in the nodes; what is in Redis
 * may be lost at any moment, and costs time.
 *
 * Flow:   the connections stand (redis_links.c), the scripts are loaded, and a probe that was published to the node's
 *         own control inbox has been heard → up: requests are taken. Every second a beat (redis_beat.c) and a probe.
 * Fails:  a connection to the main Redis breaks, or nothing is answered or heard for 3 s → LINK_LOST; requests are
 *         answered BROKER_DOWN, frames are dropped. Up again, or a relay is well again, or the beat finds that Redis
 *         has forgotten this node → LINK_RESUMED: the node tells everything again, as nothing is kept on its behalf
 *         here.
 * Owns:   the links, the inbox, and what waits for answers.
 * Rule:   no event is delivered but from poll(). */
#include "redis.h"

#include "redis_priv.h"

#include "base/memory.h"

#include <hiredis/hiredis.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    POLL_EVENTS = 1024, /* that one poll() delivers at most: the node's clients must get their turn */
    /* Who was cut off together with this node may take as long as its longest pause between two attempts to be back. */
    TRUST_TICKS = (REDIS_LINK_RETRY_MOST_MS + 1000) / REDIS_LINK_TICK_MS,
    FAREWELL_MS = 300,
};

static struct redis_broker *self_of(struct broker *broker) {
    return (struct redis_broker *)broker;
}

static const struct redis_broker *self_of_const(const struct broker *broker) {
    return (const struct redis_broker *)broker;
}

/* --- the inbox ---------------------------------------------------------------------------------------------------- */

static void wake(struct redis_broker *self) {
    if (self->listener.wake != NULL)
        self->listener.wake(self->listener.wake_context);
}

void redis_post(struct redis_broker *self, const struct broker_event *event) {
    bool first = inbox_empty(&self->inbox);
    inbox_post(&self->inbox, letter_new(event));
    if (first)
        wake(self);
}

void redis_resumed(struct redis_broker *self) {
    self->stats.resumed++;
    struct broker_event event = {.kind = BROKER_LINK_RESUMED, .to.boot = self->boot};
    redis_post(self, &event);
}

void redis_post_gone(struct redis_broker *self, uint64_t boot) {
    if (map_get(&self->gone, boot) != NULL)
        return;
    map_set(&self->gone, boot, self);
    struct broker_event event = {.kind = BROKER_NODE_GONE, .to.boot = self->boot, .node_gone.boot = boot};
    redis_post(self, &event);
}

/* --- the connections ---------------------------------------------------------------------------------------------- */

static void come_up(struct redis_broker *self) {
    self->up = true;
    redis_target_praise(&self->main);
    redis_link_praise(self->commands);
    redis_link_praise(self->subscriber);
    log_line(self->log, LOG_LEVEL_INFO, "redis is reached", "redis=%s again=%s", self->main.text,
             self->has_been_up ? "yes" : "no");
    redis_beat_begin(self);
    redis_pay(self);
    if (self->has_been_up) {
        self->trust_tick = self->ticks + TRUST_TICKS;
        redis_resumed(self);
    }
    self->has_been_up = true;
}

void redis_try_up(struct redis_broker *self) {
    if (self->up || !redis_can_probe(self))
        return;
    self->unheard = 0;
    redis_probe(self);
}

void redis_heard_itself(struct redis_broker *self) {
    if (!self->up && redis_can_probe(self))
        come_up(self);
}

void redis_loaded(struct redis_broker *self) {
    redis_try_up(self);
}

void redis_go_down(struct redis_broker *self) {
    if (!self->up)
        return;
    self->up = false;
    redis_calls_drop(self);
    if (self->relay_count == 0)
        redis_drop_packs(self);
    struct broker_event event = {.kind = BROKER_LINK_LOST, .to.boot = self->boot};
    redis_post(self, &event);
}

void redis_beat_due(struct redis_broker *self) {
    redis_beat_tick(self);
    wake(self);
}

/* --- the broker --------------------------------------------------------------------------------------------------- */

static void redis_request(struct broker *broker, const struct broker_request *request) {
    redis_ask(self_of(broker), request);
}

static void redis_relay(struct broker *broker, uint64_t boot, const void *bytes, size_t length) {
    redis_pack(self_of(broker), boot, bytes, length, true);
}

static void redis_relay_soon(struct broker *broker, uint64_t boot, const void *bytes, size_t length) {
    redis_pack(self_of(broker), boot, bytes, length, false);
}

static void redis_poll(struct broker *broker, int64_t now_ms) {
    struct redis_broker *self = self_of(broker);
    assert(!self->polling);
    redis_beat_poll(self, now_ms);
    struct inbox polled = {0};
    inbox_move(&self->inbox, &polled);
    map_fini(&self->gone);

    self->polling = true;
    for (int i = 0; i < POLL_EVENTS && !inbox_empty(&polled); i++) {
        struct letter *letter = inbox_take(&polled);
        self->listener.on_event(self->listener.context, &letter->event);
        free(letter);
    }
    self->polling = false;
    if (inbox_empty(&polled))
        return;
    inbox_move(&self->inbox, &polled); /* what came meanwhile goes behind what is left */
    inbox_move(&polled, &self->inbox);
    wake(self);
}

static void redis_report_online(struct broker *broker, uint64_t here) {
    self_of(broker)->here = here;
}

static uint64_t redis_online(const struct broker *broker) {
    const struct redis_broker *self = self_of_const(broker);
    return self->online > self->here ? self->online : self->here;
}

static uint64_t redis_waiting(const struct broker *broker) {
    return self_of_const(broker)->waiting;
}

static void free_broker(struct redis_broker *self) {
    for (size_t i = 0; i < self->relay_count; i++)
        redis_target_fini(&self->relays[i].target);
    redis_target_fini(&self->main);
    free(self->relays);
    free(self);
}

static void redis_close(struct broker *broker) {
    struct redis_broker *self = self_of(broker);
    assert(!self->polling);
    self->closing = true;
    redis_publish_packs(self);
    if (self->up)
        redis_beat_leave(self); /* so that nobody is offered to people who are gone */
    redis_links_drain(self, FAREWELL_MS);
    redis_links_close(self);
    redis_drop_packs(self);
    redis_beat_fini(self);
    redis_calls_fini(self);
    inbox_fini(&self->inbox);
    map_fini(&self->gone);
    free_broker(self);
}

void redis_broker_stats(const struct broker *broker, struct redis_broker_stats *out) {
    const struct redis_broker *self = self_of_const(broker);
    *out = self->stats;
    out->up = self->up && self->epoch != 0;
    out->has_been_up = self->has_been_up && self->epoch != 0;
    out->trouble = self->main.trouble;
    out->unanswered = redis_link_unanswered(self->commands) + redis_calls_queued(self) + self->packs.count;
    for (size_t i = 0; i < self->relay_count; i++) {
        const struct redis_relay *relay = &self->relays[i];
        out->relays_down += !relay->well;
        out->unanswered += redis_link_unanswered(relay->publisher);
        if (out->trouble == REDIS_TROUBLE_NONE)
            out->trouble = relay->target.trouble;
    }
}

static const struct broker_ops redis_ops = {
    .request = redis_request,
    .relay = redis_relay,
    .relay_soon = redis_relay_soon,
    .poll = redis_poll,
    .report_online = redis_report_online,
    .online = redis_online,
    .waiting = redis_waiting,
    .close = redis_close,
};

static bool open_targets(struct redis_broker *self, const struct redis_broker_options *options, char *error,
                         size_t error_size) {
    size_t count = 0;
    while (options->relays != NULL && options->relays[count] != NULL)
        count++;
    if (!redis_target_init(&self->main, "--redis", options->url, options, self->stats.errors, error, error_size))
        return false;
    self->relays = memory_zero(count + 1, sizeof *self->relays);
    for (; self->relay_count < count; self->relay_count++) {
        struct redis_relay *relay = &self->relays[self->relay_count];
        relay->self = self;
        if (!redis_target_init(&relay->target, "--redis-relay", options->relays[self->relay_count], options,
                               self->stats.errors, error, error_size))
            return false;
        if (relay->target.url.scheme == REDIS_SCHEME_SENTINEL) {
            snprintf(error, error_size,
                     "--redis-relay: a relay keeps nothing that a failover could save; use redis://");
            self->relay_count++;
            return false;
        }
    }
    return true;
}

struct broker *redis_broker_new(struct uv_loop_s *loop, const struct redis_broker_options *options, uint64_t boot,
                                const struct broker_listener *listener, char *error, size_t error_size) {
    assert(boot != 0);
    struct redis_broker *self = memory_zero(1, sizeof *self);
    self->broker.ops = &redis_ops;
    self->boot = boot;
    self->listener = *listener;
    self->log = options->log;
    if (!open_targets(self, options, error, error_size)) {
        free_broker(self);
        return NULL;
    }
    redis_calls_init(self);
    snprintf(self->control, sizeof self->control, "{pb}:i:%016" PRIx64, boot);
    snprintf(self->data, sizeof self->data, "{pb}:d:%016" PRIx64, boot);
    redis_links_open(self, loop);
    return &self->broker;
}
