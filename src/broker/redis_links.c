/* redis_links.c - all connections of a broker, and its pulse.
 *
 * Flow:  main Redis: `commands` and, subscribed to the node's control inbox, `subscriber`. Without relays, the data
 *        inbox is there, too. With relays, on each of them a `publisher`, and on this node's home among them its
 *        `listener`, subscribed to the data inbox. Every second a probe goes to each inbox: three that are not heard
 *        mean that the subscription is connected anew, as TCP alive is not subscribed; and if that does not help, what
 *        the probes are published on, too, as the name may lead to another server by now.
 * Fails: main: redis.c is told (redis_try_up(), redis_go_down()). A relay: frames to the nodes that live there are
 *        dropped, and when it is well again (it takes frames, and if it is home, the node hears itself there),
 *        LINK_RESUMED says that some may be lost.
 * Owns:  the links, and the pulse: one timer, and the two ends of each turn of the loop, at which all that was sent in
 *        it is written. */
#include "redis_priv.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

enum {
    PROBE_TICKS = REDIS_BEAT_MS / REDIS_LINK_TICK_MS,
    MOST_UNHEARD = 3,
    PULSE_HANDLES = 4,
};

/* Outlives the broker, until the loop has closed its handles. */
struct redis_pulse {
    struct redis_broker *self;
    uv_timer_t tick;
    uv_timer_t turn; /* its turn is all that it is for */
    uv_prepare_t prepare;
    uv_check_t check;
    unsigned open_handles;
};

/* --- relays ------------------------------------------------------------------------------------------------------- */

/* Boot ids are odd: their lowest bits don't spread. */
struct redis_relay *redis_home(const struct redis_broker *self, uint64_t boot) {
    return self->relay_count > 0 ? &self->relays[(boot >> 16) % self->relay_count] : NULL;
}

/* What is published there arrives: on the home relay the node hears itself, on others it gets an answer. */
static bool is_well(const struct redis_relay *relay) {
    return redis_link_up(relay->publisher) && (relay->listener == NULL || redis_link_up(relay->listener)) &&
           relay->heard;
}

static void relay_changed(struct redis_relay *relay) {
    bool well = is_well(relay);
    if (well == relay->well)
        return;
    relay->well = well;
    if (!well)
        return;
    redis_target_praise(&relay->target);
    redis_link_praise(relay->publisher);
    if (relay->listener != NULL)
        redis_link_praise(relay->listener);
    log_line(relay->self->log, LOG_LEVEL_INFO, "relay is reached", "redis=%s", relay->target.text);
    if (relay->self->up)
        redis_resumed(relay->self);
}

void redis_relay_heard(struct redis_relay *relay) {
    relay->unheard = 0;
    relay->heard = true;
    relay_changed(relay);
}

static bool can_probe_relay(const struct redis_relay *relay) {
    return redis_link_up(relay->publisher) && (relay->listener == NULL || redis_link_up(relay->listener));
}

static void on_relay_up(void *context) {
    struct redis_relay *relay = context;
    relay->unheard = 0;
    if (can_probe_relay(relay))
        redis_probe_relay(relay);
}

static void on_relay_down(void *context) {
    struct redis_relay *relay = context;
    relay->heard = false;
    relay_changed(relay);
}

static void on_relay_message(void *context, const char *bytes, size_t length) {
    struct redis_relay *relay = context;
    if (length > 0 && bytes[0] == MESSAGE_PROBE) {
        relay->self->stats.heard++;
        redis_relay_heard(relay);
    } else {
        redis_hear(relay->self, bytes, length);
    }
}

/* --- main --------------------------------------------------------------------------------------------------------- */

static void on_commands_up(void *context) {
    redis_scripts_load(context);
}

static void on_subscriber_up(void *context) {
    redis_try_up(context);
}

static void on_commands_down(void *context) {
    struct redis_broker *self = context;
    self->loaded = 0;
    redis_go_down(self);
}

static void on_subscriber_down(void *context) {
    redis_go_down(context);
}

static void on_message(void *context, const char *bytes, size_t length) {
    struct redis_broker *self = context;
    if (length > 0 && bytes[0] == MESSAGE_PROBE) {
        self->stats.heard++;
        self->unheard = 0;
        redis_heard_itself(self);
    } else {
        redis_hear(self, bytes, length);
    }
}

/* --- the pulse ---------------------------------------------------------------------------------------------------- */

typedef void link_fn(struct redis_link *link);

static void each_link(struct redis_broker *self, link_fn *fn) {
    fn(self->commands);
    fn(self->subscriber);
    for (size_t i = 0; i < self->relay_count; i++) {
        fn(self->relays[i].publisher);
        if (self->relays[i].listener != NULL)
            fn(self->relays[i].listener);
    }
}

void redis_deaf(struct redis_broker *self, struct redis_relay *home) {
    bool ever_heard = home != NULL ? home->heard : self->up;
    redis_link_deaf(home != NULL ? home->listener : self->subscriber);
    if (!ever_heard)
        redis_link_deaf(home != NULL ? home->publisher : self->commands);
}

static void probe_main(struct redis_broker *self) {
    if (!redis_can_probe(self))
        return;
    if (self->unheard >= MOST_UNHEARD)
        redis_deaf(self, NULL);
    else
        redis_probe(self);
}

/* Also where the node doesn't live: a relay isn't to be found dead only when there is something to say. */
static void probe_relay(struct redis_relay *relay) {
    if (!can_probe_relay(relay))
        return;
    if (relay->listener != NULL && relay->unheard >= MOST_UNHEARD)
        redis_deaf(relay->self, relay);
    else
        redis_probe_relay(relay);
}

static void on_tick(uv_timer_t *timer) {
    struct redis_broker *self = ((struct redis_pulse *)timer->data)->self;
    self->ticks++;
    redis_target_tick(&self->main);
    for (size_t i = 0; i < self->relay_count; i++)
        redis_target_tick(&self->relays[i].target);
    each_link(self, redis_link_tick);
    if (self->ticks % PROBE_TICKS != 0)
        return;
    if (self->up)
        redis_beat_due(self);
    probe_main(self);
    for (size_t i = 0; i < self->relay_count; i++)
        probe_relay(&self->relays[i]);
}

static void end_turn(struct redis_pulse *pulse) {
    redis_calls_flush(pulse->self);
    redis_publish_packs(pulse->self);
    each_link(pulse->self, redis_link_flush);
}

static void on_prepare(uv_prepare_t *prepare) {
    end_turn(prepare->data);
}

static void on_check(uv_check_t *check) {
    end_turn(check->data);
}

static void on_turn(uv_timer_t *timer) {
    (void)timer;
}

uint64_t redis_loop_ms(const struct redis_broker *self) {
    return uv_now(self->pulse->tick.loop);
}

void redis_turn_within(struct redis_broker *self, uint64_t ms) {
    uv_timer_t *turn = &self->pulse->turn;
    if (!uv_is_active((uv_handle_t *)turn) || uv_timer_get_due_in(turn) > ms)
        uv_timer_start(turn, on_turn, ms, 0);
}

static void begin_pulse(struct redis_broker *self, struct uv_loop_s *loop) {
    struct redis_pulse *pulse = memory_zero(1, sizeof *pulse);
    pulse->self = self;
    int failed = uv_timer_init(loop, &pulse->tick);
    failed |= uv_timer_init(loop, &pulse->turn);
    failed |= uv_prepare_init(loop, &pulse->prepare);
    failed |= uv_check_init(loop, &pulse->check);
    assert(failed == 0);
    (void)failed;
    pulse->tick.data = pulse->turn.data = pulse->prepare.data = pulse->check.data = pulse;
    pulse->open_handles = PULSE_HANDLES;
    uv_timer_start(&pulse->tick, on_tick, REDIS_LINK_TICK_MS, REDIS_LINK_TICK_MS);
    uv_prepare_start(&pulse->prepare, on_prepare);
    uv_check_start(&pulse->check, on_check);
    self->pulse = pulse;
}

static void on_handle_closed(uv_handle_t *handle) {
    struct redis_pulse *pulse = handle->data;
    if (--pulse->open_handles == 0)
        free(pulse);
}

static void end_pulse(struct redis_pulse *pulse) {
    uv_close((uv_handle_t *)&pulse->tick, on_handle_closed);
    uv_close((uv_handle_t *)&pulse->turn, on_handle_closed);
    uv_close((uv_handle_t *)&pulse->prepare, on_handle_closed);
    uv_close((uv_handle_t *)&pulse->check, on_handle_closed);
}

/* --- the outside -------------------------------------------------------------------------------------------------- */

static void open_relay(struct redis_relay *relay, struct uv_loop_s *loop, bool home) {
    struct redis_link_options options = {
        .loop = loop,
        .target = &relay->target,
        .name = "relay-publisher",
        .boot = relay->self->boot,
        .context = relay,
        .on_up = on_relay_up,
        .on_down = on_relay_down,
        .on_message = on_relay_message,
    };
    relay->publisher = redis_link_new(&options);
    if (!home)
        return;
    options.name = "relay-listener";
    options.channels[0] = relay->self->data;
    relay->listener = redis_link_new(&options);
}

void redis_links_open(struct redis_broker *self, struct uv_loop_s *loop) {
    struct redis_link_options options = {
        .loop = loop,
        .target = &self->main,
        .name = "commands",
        .boot = self->boot,
        .context = self,
        .on_up = on_commands_up,
        .on_down = on_commands_down,
        .on_message = on_message,
    };
    self->commands = redis_link_new(&options);
    options.name = "subscriber";
    options.on_up = on_subscriber_up;
    options.on_down = on_subscriber_down;
    options.channels[0] = self->control;
    options.channels[1] = self->relay_count == 0 ? self->data : NULL;
    self->subscriber = redis_link_new(&options);
    for (size_t i = 0; i < self->relay_count; i++)
        open_relay(&self->relays[i], loop, &self->relays[i] == redis_home(self, self->boot));
    begin_pulse(self, loop);
}

void redis_links_close(struct redis_broker *self) {
    end_pulse(self->pulse);
    each_link(self, redis_link_close);
}

void redis_links_drain(struct redis_broker *self, int timeout_ms) {
    redis_link_drain(self->commands, timeout_ms);
    for (size_t i = 0; i < self->relay_count; i++)
        redis_link_drain(self->relays[i].publisher, timeout_ms);
}

bool redis_can_probe(const struct redis_broker *self) {
    return self->loaded == REDIS_SCRIPTS && redis_link_up(self->commands) && redis_link_up(self->subscriber);
}
