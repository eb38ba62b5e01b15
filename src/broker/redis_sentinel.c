/* redis_sentinel.c - asks Sentinels which server is the master.
 *
 * Flow:  one Sentinel after the other: connect, SENTINEL get-master-addr-by-name, hang up → the first answer is taken.
 *        Whether that server agrees is for the greeting to find out: a Sentinel may not have heard of a failover yet.
 * Fails: it can't be reached, is silent, or doesn't know the name → the next one; none left → on_nobody. One that wants
 *        a password is given the same as the server: Sentinels with another one are not supported. */
#include "redis_sentinel.h"

#include "redis_link.h"
#include "redis_target.h"

#include <hiredis/hiredis.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool ask_next(struct redis_sentinel *sentinel);
static void question(struct redis_sentinel *sentinel);

static const struct redis_host *current(const struct redis_sentinel *sentinel) {
    return &sentinel->url->hosts[sentinel->at];
}

static void note(struct redis_sentinel *sentinel, const char *why) {
    snprintf(sentinel->why, sizeof sentinel->why, "%s:%u: %s", current(sentinel)->name, current(sentinel)->port, why);
}

static void hang_up(struct redis_sentinel *sentinel, const char *why) {
    if (sentinel->wire != NULL)
        redis_wire_break(sentinel->wire, REDIS_TROUBLE_SENTINEL, why);
}

/* --- one Sentinel ------------------------------------------------------------------------------------------------- */

static void on_authenticated(void *context, const struct redisReply *reply) {
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
        hang_up(context, reply->str);
    else if (reply != NULL)
        question(context);
}

static void authenticate(struct redis_sentinel *sentinel) {
    const struct redis_url *url = sentinel->url;
    const char *words[] = {"AUTH", url->user != NULL ? url->user : url->password, url->password};
    sentinel->authenticated = true;
    if (!redis_wire_send(sentinel->wire, on_authenticated, sentinel, url->user != NULL ? 3 : 2, words, NULL))
        hang_up(sentinel, "it can't be asked");
}

static bool take_master(struct redis_sentinel *sentinel, const struct redisReply *reply) {
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING)
        return false;
    unsigned long port = strtoul(reply->element[1]->str, NULL, 10);
    if (port == 0 || port > UINT16_MAX || reply->element[0]->len >= sizeof sentinel->host)
        return false;
    snprintf(sentinel->host, sizeof sentinel->host, "%s", reply->element[0]->str);
    sentinel->port = (uint16_t)port;
    return true;
}

static void on_answer(void *context, const struct redisReply *reply) {
    struct redis_sentinel *sentinel = context;
    if (reply == NULL)
        return;
    bool wants_password = reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOAUTH", 6) == 0;
    if (wants_password && sentinel->url->password != NULL && !sentinel->authenticated)
        authenticate(sentinel);
    else if (reply->type == REDIS_REPLY_ERROR)
        hang_up(sentinel, reply->str);
    else if (!take_master(sentinel, reply))
        hang_up(sentinel, "it knows no master by that name");
    else
        hang_up(sentinel, "answered");
}

static void question(struct redis_sentinel *sentinel) {
    const char *words[] = {"SENTINEL", "get-master-addr-by-name", sentinel->url->name};
    if (!redis_wire_send(sentinel->wire, on_answer, sentinel, 3, words, NULL))
        hang_up(sentinel, "it can't be asked");
}

/* --- one after the other ------------------------------------------------------------------------------------------ */

/* After an answer, or without one. */
static void on_lost(void *context, enum redis_trouble trouble, const char *why) {
    struct redis_sentinel *sentinel = context;
    (void)trouble;
    sentinel->wire = NULL;
    if (sentinel->port != 0) {
        sentinel->on_master(sentinel->context, sentinel->host, sentinel->port);
        return;
    }
    note(sentinel, why);
    if (!ask_next(sentinel))
        sentinel->on_nobody(sentinel->context, sentinel->why);
}

static void on_dialed(void *context, struct redis_wire *wire) {
    struct redis_sentinel *sentinel = context;
    const struct redis_wire_listener listener = {.context = sentinel, .on_lost = on_lost};
    sentinel->dialing = false;
    sentinel->wire = wire;
    sentinel->ticks = 0;
    redis_wire_listen(wire, &listener);
    question(sentinel);
}

static void on_failed(void *context, enum redis_trouble trouble, const char *why) {
    struct redis_sentinel *sentinel = context;
    (void)trouble;
    sentinel->dialing = false;
    note(sentinel, why);
    if (!ask_next(sentinel))
        sentinel->on_nobody(sentinel->context, sentinel->why);
}

static bool ask_next(struct redis_sentinel *sentinel) {
    while (sentinel->asked < sentinel->url->host_count) {
        if (sentinel->asked++ > 0)
            sentinel->at = (sentinel->at + 1) % sentinel->url->host_count;
        sentinel->dial = (struct redis_dial){.context = sentinel, .on_dialed = on_dialed, .on_failed = on_failed};
        sentinel->authenticated = false;
        sentinel->dialing = redis_dial_start(&sentinel->dial, sentinel->loop, sentinel->tls, current(sentinel)->name,
                                             current(sentinel)->port);
        if (sentinel->dialing)
            return true;
        note(sentinel, sentinel->dial.why);
    }
    return false;
}

/* --- the outside -------------------------------------------------------------------------------------------------- */

bool redis_sentinel_ask(struct redis_sentinel *sentinel, uv_loop_t *loop, struct redis_tls *tls,
                        const struct redis_url *url) {
    sentinel->loop = loop;
    sentinel->tls = tls;
    sentinel->url = url;
    sentinel->asked = 0;
    sentinel->port = 0;
    return ask_next(sentinel);
}

void redis_sentinel_tick(struct redis_sentinel *sentinel) {
    if (sentinel->dialing)
        redis_dial_tick(&sentinel->dial);
    else if (sentinel->wire != NULL && ++sentinel->ticks > REDIS_LINK_STALLED_TICKS)
        redis_wire_stall(sentinel->wire);
}

void redis_sentinel_flush(struct redis_sentinel *sentinel) {
    if (sentinel->wire != NULL)
        redis_wire_flush(sentinel->wire);
}

static void ignore_loss(void *context, enum redis_trouble trouble, const char *why) {
    (void)context;
    (void)trouble;
    (void)why;
}

void redis_sentinel_cancel(struct redis_sentinel *sentinel) {
    if (sentinel->dialing)
        redis_dial_cancel(&sentinel->dial);
    sentinel->dialing = false;
    if (sentinel->wire != NULL) {
        const struct redis_wire_listener nobody = {.on_lost = ignore_loss};
        redis_wire_listen(sentinel->wire, &nobody);
        hang_up(sentinel, "cancelled");
        sentinel->wire = NULL;
    }
}
