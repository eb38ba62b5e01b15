/* redis_relay.c - frames to other nodes: those of one turn of the loop for one node are one PUBLISH, on the Redis where
 * its data inbox lives. While earlier ones are on their way to that Redis, frames are collected for longer: with little to do, none
 * waits; with much, each PUBLISH carries what came while the one before was carried out, as in Nagle's algorithm (RFC 896). So the
 * delay is bounded by what Redis takes to answer, and the more it has to do, the less a frame costs it.
 *
 * A quick Redis would be woken for every few dozen frames, and its sleeping and waking cost more than those. So of each window of
 * WINDOW_MS, once WINDOW_FRAMES have left for it, the rest waits for the next: with much to do, Redis is woken once in a window by
 * this node; with less, nothing waits. They are counted for each Redis, not for each node there: with many nodes each PUBLISH has few
 * frames whatever is done, but all of a turn leave in one write, and are read in one.
 *
 * What nobody waits for (acks) goes with what somebody does wait for; by itself, SOON_MS after the last pack: so one alone leaves at
 * once. Else each message would wake Redis and the other node twice.
 *
 * Fails: nobody listens on the main Redis → NODE_GONE, once until the next poll; but not shortly after this node was
 *        cut off itself: the others may have been, too. Nobody listens on a relay → the node may have lost that
 *        connection alone: main is asked whether it listens there. The link is down or breaks → the frames are lost, those that
 *        wait as well; LINK_RESUMED will say so. Who closes says first what waits. */
#include "redis_priv.h"

#include "base/memory.h"

#include <hiredis/hiredis.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_PACK_BYTES = 256 * 1024, /* more leaves at once: the receiver's buffer in Redis is bounded */
    LENGTH_BYTES = 4,
    /* By trial (./dev bench, two nodes): at 10,000 messages a second each has 80 frames in 8 ms, and 128 in a burst; at saturation some
     * 750; and a pause of 4 ms left Redis 0.6 to 0.7 us a message, of 8 ms 0.3. */
    WINDOW_MS = 8,
    WINDOW_FRAMES = 192,
    /* Of 10,000 messages a second, a node has one for the other every 0.2 ms: so hardly an ack leaves by itself. From 250 packs a
     * second on it pays. */
    SOON_MS = 4,
};

/* The frames of one turn for one node. */
struct pack {
    struct buffer bytes;
    unsigned frames;
};

struct published {
    struct redis_broker *self;
    struct redis_relay *relay; /* NULL: main */
    uint64_t boot;
    unsigned *under_way; /* counts it; NULL for a probe */
};

static void name_inbox(char out[REDIS_CHANNEL_CHARS + 1], char kind, uint64_t boot) {
    snprintf(out, REDIS_CHANNEL_CHARS + 1, "{pb}:%c:%016" PRIx64, kind, boot);
}

/* --- nobody listens ----------------------------------------------------------------------------------------------- */

static void accuse(struct redis_broker *self, uint64_t boot) {
    if (self->up && self->ticks - self->trust_tick < UINT32_MAX / 2)
        redis_post_gone(self, boot);
}

/* Array of channel and number. */
static void on_counted(void *context, const struct redisReply *reply) {
    struct published published = *(struct published *)context;
    free(context);
    if (reply == NULL || published.self->closing)
        return;
    if (reply->type == REDIS_REPLY_ERROR)
        redis_complain(published.self, reply->str);
    else if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
             reply->element[1]->type == REDIS_REPLY_INTEGER && reply->element[1]->integer == 0)
        accuse(published.self, published.boot);
}

static void ask_main(struct redis_broker *self, uint64_t boot) {
    char channel[REDIS_CHANNEL_CHARS + 1];
    const char *words[] = {"PUBSUB", "NUMSUB", channel};
    struct published *published = memory_zero(1, sizeof *published);
    *published = (struct published){.self = self, .boot = boot};
    name_inbox(channel, 'i', boot);
    if (!redis_link_send(self->commands, on_counted, published, 3, words, NULL))
        free(published);
}

static void nobody_listens(const struct published *published) {
    struct redis_broker *self = published->self;
    if (published->boot == self->boot)
        redis_deaf(self, published->relay);
    else if (published->relay != NULL)
        ask_main(self, published->boot);
    else
        accuse(self, published->boot);
}

/* --- publishing --------------------------------------------------------------------------------------------------- */

static void on_published(void *context, const struct redisReply *reply) {
    struct published published = *(struct published *)context;
    struct redis_broker *self = published.self;
    free(context);
    if (published.under_way != NULL)
        --*published.under_way;
    if (reply == NULL || self->closing)
        return;
    bool elsewhere = published.relay != NULL && published.relay->listener == NULL && published.boot == self->boot;
    if (reply->type == REDIS_REPLY_ERROR && published.relay != NULL)
        redis_target_trouble(&published.relay->target, redis_trouble_of(reply->str), "relay-publisher", reply->str);
    else if (reply->type == REDIS_REPLY_ERROR)
        redis_complain(self, reply->str);
    else if (elsewhere)
        redis_relay_heard(published.relay);
    else if (reply->type == REDIS_REPLY_INTEGER && reply->integer == 0)
        nobody_listens(&published);
}

static bool publish(struct redis_broker *self, struct redis_relay *relay, char kind, uint64_t boot, const char *bytes,
                    size_t length, unsigned *under_way) {
    char channel[REDIS_CHANNEL_CHARS + 1];
    const char *words[] = {"PUBLISH", channel, bytes};
    const size_t lengths[] = {strlen("PUBLISH"), REDIS_CHANNEL_CHARS, length};
    struct published *published = memory_zero(1, sizeof *published);
    *published = (struct published){self, relay, boot, under_way};
    if (under_way != NULL)
        ++*under_way;
    name_inbox(channel, kind, boot);
    struct redis_link *link = relay != NULL ? relay->publisher : self->commands;
    bool sent = redis_link_send(link, on_published, published, 3, words, lengths);
    if (!sent) {
        free(published);
        if (under_way != NULL)
            --*under_way;
    }
    return sent;
}

static void free_pack(struct pack *pack) {
    buffer_fini(&pack->bytes);
    free(pack);
}

/* To a node's home. */
static struct redis_traffic *traffic_to(struct redis_broker *self, uint64_t boot) {
    struct redis_relay *home = redis_home(self, boot);
    return home != NULL ? &home->traffic : &self->traffic;
}

static void count_frames(const struct redis_broker *self, struct redis_traffic *traffic, unsigned frames) {
    uint64_t now_ms = redis_loop_ms(self);
    traffic->left_ms = now_ms;
    if (now_ms - traffic->since_ms >= WINDOW_MS) {
        traffic->since_ms = now_ms;
        traffic->frames = 0;
    }
    traffic->frames += frames;
}

static void publish_pack(struct redis_broker *self, uint64_t boot, struct pack *pack) {
    struct redis_traffic *traffic = traffic_to(self, boot);
    if (publish(self, redis_home(self, boot), 'd', boot, pack->bytes.bytes, pack->bytes.length, &traffic->under_way)) {
        count_frames(self, traffic, pack->frames);
        self->stats.published++;
        self->stats.relayed += pack->frames;
    } else {
        self->stats.dropped += pack->frames;
    }
    free_pack(pack);
}

static bool takes_frames(const struct redis_broker *self, uint64_t boot) {
    const struct redis_relay *home = redis_home(self, boot);
    return home != NULL ? redis_link_up(home->publisher) : self->up;
}

/* --- the outside -------------------------------------------------------------------------------------------------- */

void redis_pack(struct redis_broker *self, uint64_t boot, const void *bytes, size_t length, bool urgent) {
    if (!takes_frames(self, boot)) {
        self->stats.dropped++;
        return;
    }
    struct pack *pack = map_get(&self->packs, boot);
    if (pack != NULL && pack->bytes.length + LENGTH_BYTES + length > MOST_PACK_BYTES) {
        publish_pack(self, boot, map_take(&self->packs, boot));
        pack = NULL;
    }
    if (pack == NULL) {
        pack = memory_zero(1, sizeof *pack);
        map_set(&self->packs, boot, pack);
        buffer_append(&pack->bytes, &(char){MESSAGE_FRAMES}, 1);
    }
    const uint8_t prefix[LENGTH_BYTES] = {(uint8_t)length, (uint8_t)(length >> 8), (uint8_t)(length >> 16),
                                          (uint8_t)(length >> 24)};
    buffer_append(&pack->bytes, prefix, sizeof prefix);
    buffer_append(&pack->bytes, bytes, length);
    pack->frames++;
    traffic_to(self, boot)->urgent |= urgent;
}

/* Whether what is collected is to wait for more. */
static bool waits(struct redis_broker *self, const struct redis_traffic *traffic) {
    if (self->closing)
        return false;
    if (traffic->under_way > 0)
        return true; /* its answer brings another turn */
    uint64_t now_ms = redis_loop_ms(self);
    uint64_t until_ms = traffic->urgent ? now_ms : traffic->left_ms + SOON_MS;
    if (traffic->frames >= WINDOW_FRAMES && until_ms < traffic->since_ms + WINDOW_MS)
        until_ms = traffic->since_ms + WINDOW_MS;
    if (until_ms <= now_ms)
        return false;
    redis_turn_within(self, until_ms - now_ms);
    return true;
}

void redis_publish_packs(struct redis_broker *self) {
    struct map packs = self->packs;
    self->packs = (struct map){0};
    for (size_t pass = 0; pass < 2; pass++) { /* all that may go, before any of it counts as under way */
        for (size_t i = 0; i < packs.capacity; i++) {
            struct map_slot *slot = &packs.slots[i];
            if (slot->value == NULL)
                continue;
            if (pass == 1) {
                traffic_to(self, slot->key)->urgent = false;
                publish_pack(self, slot->key, slot->value);
            } else if (waits(self, traffic_to(self, slot->key))) {
                map_set(&self->packs, slot->key, slot->value);
                slot->value = NULL;
            }
        }
    }
    map_fini(&packs);
}

void redis_drop_packs(struct redis_broker *self) {
    for (size_t i = 0; i < self->packs.capacity; i++) {
        struct pack *pack = self->packs.slots[i].value;
        if (pack == NULL)
            continue;
        self->stats.dropped += pack->frames;
        free_pack(pack);
    }
    map_fini(&self->packs);
}

static const char probe[] = {MESSAGE_PROBE};

void redis_probe(struct redis_broker *self) {
    if (publish(self, NULL, 'i', self->boot, probe, sizeof probe, NULL))
        self->unheard++;
}

void redis_probe_relay(struct redis_relay *relay) {
    if (publish(relay->self, relay, 'd', relay->self->boot, probe, sizeof probe, NULL))
        relay->unheard++;
}
