/* redis_call.c - the requests of one turn of the loop become one call of each script, and its answers come back. While many of
 * earlier turns are under way, requests are collected for longer: with little to do, none waits; with much, fewer and fuller calls
 * leave, as what a call costs Redis beside its requests is as much as two or three of them.
 *
 * Flow:  the bytes of each request → at the end of the turn EVALSHA → an array of answers in the same order, and behind
 *        them the pieces of what this node is told by it, as if it had come to its inbox.
 * Fails: the link is down or breaks → NULL is answered; the script may have run. Redis has lost the script (SCRIPT
 *        FLUSH) → its text is sent, which also loads it. An error, of the call or of one request in it → logged, NULL;
 *        READONLY and its like: the server was made a replica, the link is cut to find the one that is not. */
#include "redis_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "redis_codec.h"

#include "base/memory.h"

#include <hiredis/hiredis.h>

enum {
    FIXED_WORDS = 5, /* EVALSHA sha 1 key node */
    /* Of one call: nobody else is served meanwhile, mostly half a millisecond for so many. What costs once a call is with 128 a thirtieth
     * of what the requests do; with 64 a fifteenth, with 25 an eighth (callgrind). */
    MOST_REQUESTS = 128,
    /* So many under way let others wait. Of 1,000 matches a second over three nodes, a node has less than one under way; of 25,000 on
     * two, hundreds. If one let others wait, as in Nagle's algorithm, calls would be as full, but whenever Redis is late everybody
     * would wait for it twice. */
    MANY_REQUESTS = 32,
    FIRST_ROOM = 4,
};

static const char *const sources[REDIS_SCRIPTS] = {
    [SCRIPT_BEAT] = redis_script_beat,
    [SCRIPT_MATCH] = redis_script_match,
    [SCRIPT_CHAT] = redis_script_chat,
    [SCRIPT_CROWD] = redis_script_crowd,
};

struct asked {
    struct broker_request request; /* what it is about, if it is about one */
    redis_answer_fn *answer;
    size_t end; /* of its bytes */
};

struct redis_call {
    struct redis_broker *self;
    enum redis_script script;
    bool again;          /* Redis had lost the script: its text was sent */
    struct buffer bytes; /* of all requests */
    struct asked *asked;
    unsigned count;
    unsigned room;
};

static void send_call(struct redis_call *call);

/* --- asking ------------------------------------------------------------------------------------------------------- */

struct buffer *redis_call_begin(struct redis_broker *self, enum redis_script script,
                                const struct broker_request *request, redis_answer_fn *answer) {
    struct redis_call *call = self->calls[script];
    if (call == NULL) {
        call = memory_zero(1, sizeof *call);
        call->self = self;
        call->script = script;
        self->calls[script] = call;
    }
    if (call->count == call->room) {
        call->room = call->room > 0 ? 2 * call->room : FIRST_ROOM;
        call->asked = memory_resize(call->asked, call->room, sizeof *call->asked);
    }
    struct asked *asked = &call->asked[call->count];
    *asked = (struct asked){.answer = answer};
    if (request != NULL)
        asked->request = *request;
    return &call->bytes;
}

static void send_all(struct redis_broker *self) {
    for (size_t i = 0; i < REDIS_SCRIPTS; i++) {
        struct redis_call *call = self->calls[i];
        self->calls[i] = NULL;
        if (call != NULL)
            send_call(call);
    }
}

void redis_call_end(struct redis_broker *self, enum redis_script script) {
    struct redis_call *call = self->calls[script];
    call->asked[call->count].end = call->bytes.length;
    if (++call->count < MOST_REQUESTS && self->up)
        return;
    send_all(self); /* else who asks for what is rare would wait for as long as calls fill up, and be overtaken */
}

void redis_calls_flush(struct redis_broker *self) {
    if (self->requests_under_way >= MANY_REQUESTS && self->up && !self->closing)
        return; /* their answers bring another turn, unless a full call is earlier */
    send_all(self);
}

void redis_calls_drop(struct redis_broker *self) {
    assert(!self->up);
    redis_calls_flush(self);
}

size_t redis_calls_queued(const struct redis_broker *self) {
    size_t queued = 0;
    for (size_t i = 0; i < REDIS_SCRIPTS; i++)
        queued += self->calls[i] != NULL;
    return queued;
}

void redis_calls_init(struct redis_broker *self) {
    list_init(&self->owed);
}

void redis_calls_fini(struct redis_broker *self) {
    assert(redis_calls_queued(self) == 0);
    redis_owed_drop(self);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

void redis_complain(struct redis_broker *self, const char *error) {
    redis_target_trouble(&self->main, redis_trouble_of(error), "commands", error);
}

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

static void refused(struct redis_broker *self, const char *error) {
    self->refused = true;
    redis_complain(self, error);
    if (begins(error, "READONLY") || begins(error, "MASTERDOWN"))
        redis_link_reset(self->commands, error);
}

/* `reply` is an answer of the script, or NULL. */
static void answer(struct redis_call *call, unsigned at, const struct redisReply *reply) {
    struct redis_reader reader = {.bad = true};
    if (reply != NULL && reply->len > 0 && reply->str[0] == '!')
        refused(call->self, reply->str + 1);
    else if (reply != NULL) {
        call->self->main.trouble = REDIS_TROUBLE_NONE;
        reader = (struct redis_reader){.at = reply->str, .left = reply->len};
    }
    if (call->asked[at].answer != NULL && !call->self->closing)
        call->asked[at].answer(call->self, &call->asked[at].request, &reader);
}

static bool is_list(const struct redisReply *reply) {
    return reply->type == REDIS_REPLY_ARRAY && reply->elements > 0;
}

static bool are_strings(const struct redisReply *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (list->element[i]->type != REDIS_REPLY_STRING)
            return false;
    return true;
}

/* What this node is told, in pieces. */
static void take_pieces(struct redis_broker *self, const struct redisReply *pieces) {
    struct buffer message = {0};
    for (size_t i = 0; i < pieces->elements; i++)
        buffer_append(&message, pieces->element[i]->str, pieces->element[i]->len);
    redis_take_message(self, message.bytes, message.length);
    buffer_fini(&message);
}

/* `reply` is what the script gives, or NULL. */
static void finish(struct redis_call *call, const struct redisReply *reply) {
    struct redis_broker *self = call->self;
    bool good =
        reply != NULL && is_list(reply) && reply->elements == call->count + 1 && are_strings(reply, call->count);
    for (unsigned i = 0; i < call->count; i++)
        answer(call, i, good ? reply->element[i] : NULL);
    const struct redisReply *pieces = good ? reply->element[call->count] : NULL;
    if (pieces != NULL && is_list(pieces) && are_strings(pieces, pieces->elements) && !self->closing)
        take_pieces(self, pieces);
    buffer_fini(&call->bytes);
    free(call->asked);
    free(call);
}

static void on_reply(void *context, const struct redisReply *reply) {
    struct redis_call *call = context;
    call->self->requests_under_way -= call->count;
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        if (begins(reply->str, "NOSCRIPT") && !call->again) {
            call->again = true;
            send_call(call);
            return;
        }
        refused(call->self, reply->str);
        reply = NULL;
    }
    finish(call, reply);
}

static void send_call(struct redis_call *call) {
    struct redis_broker *self = call->self;
    const char *script = call->again ? sources[call->script] : self->sha[call->script];
    const char *words[FIXED_WORDS + MOST_REQUESTS] = {call->again ? "EVAL" : "EVALSHA", script, "1", REDIS_NODES_KEY};
    size_t lengths[FIXED_WORDS + MOST_REQUESTS];
    for (size_t i = 0; i < FIXED_WORDS - 1; i++)
        lengths[i] = strlen(words[i]);
    struct buffer node = {0};
    redis_put_u64(&node, self->boot);
    words[FIXED_WORDS - 1] = node.bytes;
    lengths[FIXED_WORDS - 1] = node.length;
    size_t begin = 0;
    for (unsigned i = 0; i < call->count; i++) {
        words[FIXED_WORDS + i] = call->bytes.bytes + begin;
        lengths[FIXED_WORDS + i] = call->asked[i].end - begin;
        begin = call->asked[i].end;
    }
    if (self->up && redis_link_send(self->commands, on_reply, call, (int)(FIXED_WORDS + call->count), words, lengths))
        self->requests_under_way += call->count;
    else
        finish(call, NULL);
    buffer_fini(&node);
}

/* --- scripts ------------------------------------------------------------------------------------------------------ */

static void on_loaded(void *context, const struct redisReply *reply) {
    struct redis_broker *self = context;
    if (reply == NULL || self->closing || self->loaded == REDIS_SCRIPTS)
        return;
    if (reply->type != REDIS_REPLY_STRING || reply->len != REDIS_SHA_CHARS) {
        redis_link_reset(self->commands, reply->type == REDIS_REPLY_ERROR ? reply->str : "scripts are not loaded");
        return;
    }
    memcpy(self->sha[self->loaded], reply->str, REDIS_SHA_CHARS);
    if (++self->loaded == REDIS_SCRIPTS)
        redis_loaded(self);
}

void redis_scripts_load(struct redis_broker *self) {
    self->loaded = 0;
    for (size_t i = 0; i < REDIS_SCRIPTS; i++) {
        const char *words[] = {"SCRIPT", "LOAD", sources[i]};
        bool sent = redis_link_send(self->commands, on_loaded, self, 3, words, NULL);
        (void)sent; /* if not: the link is breaking, and this is done again when it is up */
    }
}
