/* redis_beat.c - says every second that this node lives (beat.lua), and hears how the cluster stands.
 *
 * Flow:  a beat, while this node hears its own probes: whom nobody could tell anything is better taken for silent. The
 *        answer says how many wait and how many people there are; which nodes are silent: NODE_GONE, once for each
 *        until it is heard again; and whether Redis has forgotten this node.
 *        The first one on new links takes what this node has in the line out of it: a failover may have brought back what
 *        was withdrawn, and the core tells the rest again.
 * Fails: Redis doesn't know this node any more, as it has lost its data, or has suspected the node, or taken it for
 *        silent, and its tickets with it; or it has lost some of its data; or it has refused something, so that nobody
 *        knows what it left undone → LINK_RESUMED. While it goes on refusing, that comes ever more seldom: it makes every
 *        client send again.
 * Owns:  the set of silent nodes. */
#include "redis.h"

#include <inttypes.h>

#include "redis_priv.h"
#include "redis_codec.h"

enum {
    MOST_UNHEARD = 1, /* probes on their way: one may just have been sent */
    MOST_PAUSE_BEATS = 64,
    CALM_BEATS = 2 * MOST_PAUSE_BEATS, /* without a refusal: the next one is news */
};

/* What the answer to a beat says. */
struct news {
    uint64_t epoch;
    uint64_t waiting;
    uint64_t online;
    bool missed; /* this node was given up, at least by some */
};

/* Whoever was not known to be silent is gone; whoever is not any more may be gone again. */
static void take_silent(struct redis_broker *self, struct redis_reader *answer) {
    struct map silent = {0};
    while (answer->left > 0) {
        uint64_t boot = redis_take_u64(answer);
        if (answer->bad)
            break;
        map_set(&silent, boot, self);
        if (map_get(&self->silent, boot) == NULL)
            redis_post_gone(self, boot);
    }
    map_fini(&self->silent);
    self->silent = silent;
}

/* Has something been left undone that may be told again now? */
static bool has_refused(struct redis_broker *self) {
    self->refusals.untold = self->refusals.untold || self->refused;
    self->refusals.calm = self->refused ? 0 : self->refusals.calm + 1;
    self->refused = false;
    if (self->refusals.calm > CALM_BEATS)
        self->refusals.pause = 0;
    if (self->refusals.wait > 0)
        self->refusals.wait--;
    if (!self->refusals.untold || self->refusals.wait > 0)
        return false;
    unsigned longer = self->refusals.pause == 0 ? 1 : self->refusals.pause * 2;
    self->refusals.pause = self->refusals.wait = longer < MOST_PAUSE_BEATS ? longer : MOST_PAUSE_BEATS;
    self->refusals.untold = false;
    return true;
}

static void forgotten(struct redis_broker *self, const char *why) {
    log_line(self->log, LOG_LEVEL_WARNING, "redis may have forgotten something, telling it again", "why=%s", why);
    redis_resumed(self);
}

static void take_news(struct redis_broker *self, const struct news *news) {
    bool lost = self->epoch != news->epoch;
    self->epoch = news->epoch;
    self->waiting = news->waiting;
    self->online = news->online;
    bool refused = has_refused(self);
    if (self->adopting)
        return;
    if (news->missed)
        forgotten(self, "forgot-this-node");
    else if (lost)
        forgotten(self, "lost-a-chat");
    else if (refused && self->refusals.pause == 1)
        forgotten(self, "refused-something");
    else if (refused)
        redis_resumed(self); /* the log has it */
}

static void beaten(struct redis_broker *self, const struct broker_request *request, struct redis_reader *answer) {
    (void)request;
    struct news news = {.epoch = redis_take_u64(answer)};
    news.waiting = redis_take_u64(answer);
    news.online = redis_take_u64(answer);
    news.missed = redis_take_letter(answer) != 0;
    if (answer->bad)
        return;
    take_news(self, &news);
    take_silent(self, answer);
    self->adopting = false;
}

static void beat(struct redis_broker *self, bool first) {
    self->beat_due = false;
    if (self->unheard > MOST_UNHEARD)
        return;
    struct buffer *out = redis_call_begin(self, SCRIPT_BEAT, NULL, beaten);
    redis_put_letter(out, 'B');
    redis_put_u64(out, self->here);
    redis_put_letter(out, first ? '1' : '0');
    redis_call_end(self, SCRIPT_BEAT);
}

void redis_broker_beat(struct broker *broker) {
    beat((struct redis_broker *)broker, false);
}

void redis_beat_begin(struct redis_broker *self) {
    self->adopting = true;
    beat(self, true);
}

void redis_beat_tick(struct redis_broker *self) {
    self->beat_due = true;
}

void redis_beat_poll(struct redis_broker *self, int64_t now_ms) {
    self->now_ms = now_ms;
    if (!self->up || (!self->beat_due && now_ms - self->beat_ms < REDIS_BEAT_MS))
        return;
    self->beat_ms = now_ms;
    beat(self, false);
}

void redis_beat_leave(struct redis_broker *self) {
    redis_put_letter(redis_call_begin(self, SCRIPT_BEAT, NULL, NULL), 'L');
    redis_call_end(self, SCRIPT_BEAT);
    redis_calls_flush(self);
}

void redis_beat_fini(struct redis_broker *self) {
    map_fini(&self->silent);
}
