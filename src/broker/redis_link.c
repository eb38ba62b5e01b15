/* redis_link.c - a connection to a Redis that is made again whenever it breaks.
 *
 * Flow:  WAITING ─timer→ ASKING (only by Sentinels: who is the master?) → DIALING → GREETING → UP.
 * Fails: in any state, the same way: the target notes the trouble, commands have been answered with NULL, on_down if it
 *        was up, and after a while (exponential, jittered, until the owner praises it) all begins anew, the Sentinels'
 *        question included: so a failover is followed. Nothing heard for REDIS_LINK_STALLED_TICKS while an answer is
 *        due is a failure, too. Ticks are counted, not time: a process that was frozen reads what has come before it
 *        may think that nothing came.
 * Owns:  the wire while GREETING or UP; before, the call that lays it. */
#include "redis_link.h"

#include "redis_dial.h"
#include "redis_sentinel.h"

#include "base/memory.h"
#include "base/random.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum link_state { WAITING, ASKING, DIALING, GREETING, UP };

struct redis_link {
    struct redis_link_options options;
    struct random random;
    enum link_state state;
    uv_timer_t retry;
    struct redis_sentinel sentinel;
    struct redis_dial dial;
    struct redis_greeting greeting;
    struct redis_wire *wire; /* GREETING, UP */
    unsigned stalled;        /* ticks since anything was heard, while something is awaited */
    unsigned failures;       /* since it was praised */
    bool closing;
    char client[REDIS_LINK_NAME_CHARS];
};

static void begin(struct redis_link *link);

/* --- failing ------------------------------------------------------------------------------------------------------ */

static void on_retry(uv_timer_t *timer) {
    begin(timer->data);
}

static void retry_later(struct redis_link *link) {
    enum { MOST_DOUBLINGS = 7 };
    uint64_t most = (uint64_t)REDIS_LINK_RETRY_LEAST_MS
                    << (link->failures < MOST_DOUBLINGS ? link->failures : MOST_DOUBLINGS);
    if (most > REDIS_LINK_RETRY_MOST_MS)
        most = REDIS_LINK_RETRY_MOST_MS;
    link->failures++;
    uv_update_time(link->options.loop);
    uv_timer_start(&link->retry, on_retry, most / 2 + random_below(&link->random, most / 2 + 1), 0);
}

static void fail(struct redis_link *link, enum redis_trouble trouble, const char *why) {
    bool was_up = link->state == UP;
    link->state = WAITING;
    if (link->closing)
        return;
    redis_target_trouble(link->options.target, trouble, link->options.name, why);
    retry_later(link);
    if (was_up)
        link->options.on_down(link->options.context);
}

static void on_lost(void *context, enum redis_trouble trouble, const char *why) {
    struct redis_link *link = context;
    link->wire = NULL;
    fail(link, trouble, why);
}

static void cut(struct redis_link *link, enum redis_trouble trouble, const char *why) {
    if (link->wire != NULL)
        redis_wire_break(link->wire, trouble, why);
}

void redis_link_reset(struct redis_link *link, const char *error) {
    cut(link, redis_trouble_of(error), error);
}

void redis_link_deaf(struct redis_link *link) {
    cut(link, REDIS_TROUBLE_DEAF, "TCP is alive, but not subscribed");
}

/* --- connecting --------------------------------------------------------------------------------------------------- */

static void on_greeted(void *context) {
    struct redis_link *link = context;
    link->state = UP;
    link->options.on_up(link->options.context);
}

static void on_message(void *context, const char *bytes, size_t length) {
    struct redis_link *link = context;
    link->options.on_message(link->options.context, bytes, length);
}

static void on_dialed(void *context, struct redis_wire *wire) {
    struct redis_link *link = context;
    const struct redis_wire_listener listener = {.context = link, .on_lost = on_lost};
    link->state = GREETING;
    link->stalled = 0;
    link->wire = link->greeting.wire = wire;
    redis_wire_listen(wire, &listener);
    redis_greet(&link->greeting);
}

static void on_dial_failed(void *context, enum redis_trouble trouble, const char *why) {
    fail(context, trouble, why);
}

static void dial(struct redis_link *link, const char *host, uint16_t port) {
    link->state = DIALING;
    if (!redis_dial_start(&link->dial, link->options.loop, link->options.target->tls, host, port))
        fail(link, link->dial.trouble, link->dial.why);
}

static void on_master(void *context, const char *host, uint16_t port) {
    dial(context, host, port);
}

static void on_nobody(void *context, const char *why) {
    fail(context, REDIS_TROUBLE_SENTINEL, why);
}

static void begin(struct redis_link *link) {
    const struct redis_url *url = &link->options.target->url;
    switch (url->scheme) {
    case REDIS_SCHEME_TCP: dial(link, url->hosts[0].name, url->hosts[0].port); break;
    case REDIS_SCHEME_UNIX: dial(link, url->path, 0); break;
    case REDIS_SCHEME_SENTINEL:
        link->state = ASKING;
        if (!redis_sentinel_ask(&link->sentinel, link->options.loop, link->options.target->tls, url))
            fail(link, REDIS_TROUBLE_SENTINEL, link->sentinel.why);
        break;
    }
}

/* --- the pulse ---------------------------------------------------------------------------------------------------- */

static void watch_for_stall(struct redis_link *link) {
    bool awaited = link->state == GREETING || redis_wire_unanswered(link->wire) > 0;
    link->stalled = awaited && !redis_wire_heard(link->wire) ? link->stalled + 1 : 0;
    if (link->stalled > REDIS_LINK_STALLED_TICKS)
        redis_wire_stall(link->wire);
}

void redis_link_tick(struct redis_link *link) {
    switch (link->state) {
    case WAITING: break;
    case ASKING: redis_sentinel_tick(&link->sentinel); break;
    case DIALING:
        if (redis_dial_tick(&link->dial))
            redis_target_trouble(link->options.target, REDIS_TROUBLE_UNRESOLVED, link->options.name,
                                 "the resolver has not answered yet");
        break;
    case GREETING:
    case UP: watch_for_stall(link); break;
    }
}

void redis_link_flush(struct redis_link *link) {
    if (link->state == ASKING)
        redis_sentinel_flush(&link->sentinel);
    else if (link->wire != NULL)
        redis_wire_flush(link->wire);
}

/* --- the outside -------------------------------------------------------------------------------------------------- */

struct redis_link *redis_link_new(const struct redis_link_options *options) {
    struct redis_link *link = memory_zero(1, sizeof *link);
    link->options = *options;
    random_init(&link->random, options->boot ^ (uintptr_t)link);
    snprintf(link->client, sizeof link->client, "passerby-%016" PRIx64 "-%s", options->boot, options->name);
    link->sentinel = (struct redis_sentinel){.context = link, .on_master = on_master, .on_nobody = on_nobody};
    link->dial = (struct redis_dial){.context = link, .on_dialed = on_dialed, .on_failed = on_dial_failed};
    link->greeting = (struct redis_greeting){
        .url = &options->target->url,
        .client = link->client,
        .channels = {options->channels[0], options->channels[1]},
        .context = link,
        .on_greeted = on_greeted,
        .on_message = on_message,
    };
    int failed = uv_timer_init(options->loop, &link->retry);
    assert(failed == 0);
    (void)failed;
    link->retry.data = link;
    uv_timer_start(&link->retry, on_retry, 0, 0);
    return link;
}

static void on_timer_closed(uv_handle_t *handle) {
    free(handle->data);
}

void redis_link_close(struct redis_link *link) {
    link->closing = true;
    if (link->state == ASKING)
        redis_sentinel_cancel(&link->sentinel);
    if (link->state == DIALING)
        redis_dial_cancel(&link->dial);
    cut(link, REDIS_TROUBLE_NONE, "");
    uv_close((uv_handle_t *)&link->retry, on_timer_closed);
}

void redis_link_praise(struct redis_link *link) {
    link->failures = 0;
}

bool redis_link_up(const struct redis_link *link) {
    return link->state == UP;
}

bool redis_link_send(struct redis_link *link, redis_reply_fn *fn, void *context, int argc, const char *const argv[],
                     const size_t lengths[]) {
    return link->state == UP && redis_wire_send(link->wire, fn, context, argc, argv, lengths);
}

void redis_link_drain(struct redis_link *link, int timeout_ms) {
    if (link->wire != NULL)
        redis_wire_drain(link->wire, timeout_ms);
}

size_t redis_link_unanswered(const struct redis_link *link) {
    return link->wire != NULL ? redis_wire_unanswered(link->wire) : 0;
}
