/* redis_greeting.c - the first words on a wire.
 *
 * Flow:  HELLO with user, password and a name for CLIENT LIST; the answer says which server in which role this is →
 *        SELECT, unless it is database 0 → SUBSCRIBE; each once the one before was well.
 * Fails: each refusal breaks the wire with the trouble that it means. HELLO is spoken in protocol 2, and needs no
 *        permission: it exists since Redis 6.0, so that a server that doesn't know it is too old as well. */
#include "redis_greeting.h"

#include "redis_target.h"

#include "base/redis_url.h"

#include <hiredis/hiredis.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_REDIS = 7, LEAST_VALKEY = 8 };

static void refuse(struct redis_greeting *greeting, const struct redisReply *reply) {
    redis_wire_break(greeting->wire, redis_trouble_of(reply->str), reply->str);
}

/* --- channels ----------------------------------------------------------------------------------------------------- */

static bool is_text(const struct redisReply *reply) {
    return reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS;
}

static bool is_word(const struct redisReply *reply, const char *word) {
    return is_text(reply) && strcmp(reply->str, word) == 0;
}

static void on_push(void *context, const struct redisReply *reply) {
    struct redis_greeting *greeting = context;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
        return;
    if (is_word(reply->element[0], "message") && reply->element[2]->type == REDIS_REPLY_STRING) {
        greeting->on_message(greeting->context, reply->element[2]->str, reply->element[2]->len);
    } else if (is_word(reply->element[0], "subscribe") && greeting->awaited > 0) {
        if (--greeting->awaited == 0)
            greeting->on_greeted(greeting->context);
    }
}

static void subscribe(struct redis_greeting *greeting) {
    while (greeting->awaited < REDIS_GREETING_CHANNELS && greeting->channels[greeting->awaited] != NULL)
        greeting->awaited++;
    if (greeting->awaited == 0)
        greeting->on_greeted(greeting->context);
    else if (!redis_wire_subscribe(greeting->wire, on_push, greeting, (int)greeting->awaited, greeting->channels))
        redis_wire_break(greeting->wire, REDIS_TROUBLE_OTHER, "it can't be subscribed");
}

/* --- who is there ------------------------------------------------------------------------------------------------- */

/* Of the array of names and values that HELLO answers: the text behind a name; "" if there is none. */
static const char *value_of(const struct redisReply *reply, const char *name) {
    for (size_t i = 0; i + 1 < reply->elements; i += 2)
        if (is_word(reply->element[i], name) && is_text(reply->element[i + 1]))
            return reply->element[i + 1]->str;
    return "";
}

/* Returns whether it is one that we can work with. */
static bool judge(struct redis_greeting *greeting, const struct redisReply *reply) {
    const char *server = value_of(reply, "server");
    const char *version = value_of(reply, "version");
    const char *role = value_of(reply, "role");
    const char *mode = value_of(reply, "mode");
    unsigned long least = strcmp(server, "valkey") == 0 ? LEAST_VALKEY : LEAST_REDIS;
    char why[128];
    snprintf(why, sizeof why, "it is %.20s %.20s, %.20s, %.20s", server, version, mode, role);
    if (strcmp(mode, "sentinel") == 0)
        redis_wire_break(greeting->wire, REDIS_TROUBLE_OTHER, "it is a Sentinel: use redis+sentinel://host/name");
    else if (strtoul(version, NULL, 10) < least)
        redis_wire_break(greeting->wire, REDIS_TROUBLE_VERSION, why);
    else if (strcmp(role, "master") != 0)
        redis_wire_break(greeting->wire, REDIS_TROUBLE_READ_ONLY, why);
    else
        return true;
    return false;
}

static void on_selected(void *context, const struct redisReply *reply) {
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
        refuse(context, reply);
    else if (reply != NULL)
        subscribe(context);
}

static void select_database(struct redis_greeting *greeting) {
    char database[16];
    const char *words[] = {"SELECT", database};
    snprintf(database, sizeof database, "%u", greeting->url->database);
    if (!redis_wire_send(greeting->wire, on_selected, greeting, 2, words, NULL))
        redis_wire_break(greeting->wire, REDIS_TROUBLE_OTHER, "it can't be greeted");
}

static void on_hello(void *context, const struct redisReply *reply) {
    struct redis_greeting *greeting = context;
    if (reply == NULL)
        return;
    if (reply->type == REDIS_REPLY_ERROR)
        refuse(greeting, reply);
    else if (reply->type != REDIS_REPLY_ARRAY)
        redis_wire_break(greeting->wire, REDIS_TROUBLE_OTHER, "it answers HELLO with something else");
    else if (!judge(greeting, reply))
        return;
    else if (greeting->url->database != 0)
        select_database(greeting);
    else
        subscribe(greeting);
}

void redis_greet(struct redis_greeting *greeting) {
    const struct redis_url *url = greeting->url;
    const char *user = url->user != NULL ? url->user : "default";
    const char *words[] = {"HELLO", "2", "SETNAME", greeting->client, "AUTH", user, url->password};
    greeting->awaited = 0;
    if (!redis_wire_send(greeting->wire, on_hello, greeting, url->password != NULL ? 7 : 4, words, NULL))
        redis_wire_break(greeting->wire, REDIS_TROUBLE_OTHER, "it can't be greeted");
}
