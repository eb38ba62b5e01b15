/* fuzz_session.c - whole sessions: two nodes on one hub, a handful of clients, and whatever the fuzzer lets happen to them.
 *
 * The input is a list of operations, one byte each, some followed by operands (enum operation). What is checked: nothing crashes,
 * each frame that a node sends is a JSON object with a `t`, no connection is told anything after its close, and in the end, when
 * everybody has gone, no session is left. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "passerby/node.h"

#include "base/memory.h"

#include <jansson.h>

enum { NODES = 2, CONNS = 6, TOKENS = 8, FRAME_BYTES = 512 };

enum operation {
    OP_OPEN,   /* conn */
    OP_TEXT,   /* conn, length, bytes */
    OP_SAY,    /* conn, which: one of the phrases below */
    OP_RESUME, /* conn, which: with a token that was handed out */
    OP_CLOSE,  /* conn */
    OP_POLL,   /* node */
    OP_TIME,   /* tenths of a second */
    OP_FULL,   /* conn: its socket takes nothing, or everything again */
    OP_DRAIN,  /* node */
    OP_LINK,   /* node, which of the broker's words on the node's link, or on the other node */
    OP_SHIFT,  /* node, tenths of a second that its loop stood still */
    OPERATIONS,
};

static const char *const phrases[] = {
    "{\"t\":\"find\"}",
    "{\"t\":\"find\",\"reliable\":true}",
    "{\"t\":\"find\",\"topics\":[\"a\",\"b\"],\"lang\":\"en-GB\",\"reliable\":true}",
    "{\"t\":\"find\",\"topics\":[\"B\"]}",
    "{\"t\":\"msg\",\"body\":\"hello\"}",
    "{\"t\":\"msg\",\"body\":\"hello\",\"seq\":1}",
    "{\"t\":\"msg\",\"body\":\"again\",\"seq\":2}",
    "{\"t\":\"ack\",\"seq\":1}",
    "{\"t\":\"ack\",\"seq\":2}",
    "{\"t\":\"typing\",\"on\":true}",
    "{\"t\":\"leave\"}",
    "{}",
};

struct client {
    bool open;
    bool closing; /* the node has closed it; on_close is still to come */
    bool full;
    session_ref session;
    uint64_t queued_tag; /* of the one reported frame that waits; 0 = none */
};

struct world {
    struct transport transport[NODES];
    struct node *node[NODES];
    struct broker *broker[NODES];
    struct transport_listener listener[NODES];
    struct metrics metrics[NODES];
    struct client client[CONNS]; /* client i is on node i % NODES; conn_ref is i + 1 */
    int64_t now_us;
    uint64_t drawn;
    char token[TOKENS][MAX_TOKEN_CHARS + 1];
    size_t tokens;
};

static struct world *world;

static int64_t monotonic_us(void *context) {
    (void)context;
    return world->now_us;
}

static int64_t wall_ms(void *context) {
    (void)context;
    return 1700000000000 + world->now_us / 1000;
}

static uint64_t random_bits(void *context) {
    (void)context;
    return (world->drawn += 0x9e3779b97f4a7c15u);
}

static void keep_token(const json_t *frame) {
    const char *token = json_string_value(json_object_get(frame, "resume"));
    if (token == NULL)
        return;
    assert(strlen(token) <= MAX_TOKEN_CHARS);
    strcpy(world->token[world->tokens++ % TOKENS], token);
}

static enum transport_sent fake_send(struct transport *transport, conn_ref conn, const struct transport_frame *frame) {
    (void)transport;
    struct client *client = &world->client[conn - 1];
    if (!client->open || client->closing)
        return TRANSPORT_DROPPED;
    json_t *json = json_loadb(frame->bytes, frame->length, JSON_ALLOW_NUL, NULL);
    assert(json_is_object(json) && json_is_string(json_object_get(json, "t")));
    keep_token(json);
    json_decref(json);
    if (!client->full)
        return TRANSPORT_WRITTEN;
    if (frame->rule == TAG_FRESH || (frame->report && client->queued_tag != 0))
        return TRANSPORT_DROPPED;
    if (frame->report)
        client->queued_tag = frame->tag;
    return TRANSPORT_QUEUED;
}

static void fake_close(struct transport *transport, conn_ref conn, enum close_code code) {
    (void)transport;
    (void)code;
    world->client[conn - 1].closing = true;
}

static void fake_pause(struct transport *transport, conn_ref conn, bool paused) {
    (void)transport;
    (void)conn;
    (void)paused;
}

static void fake_bind(struct transport *transport, conn_ref conn, session_ref session) {
    (void)transport;
    world->client[conn - 1].session = session;
}

static const struct transport_ops ops = {fake_send, fake_close, fake_pause, fake_bind};

static void tell_closed(size_t index) {
    struct client *client = &world->client[index];
    session_ref session = client->session;
    *client = (struct client){0};
    const struct transport_listener *listener = &world->listener[index % NODES];
    listener->on_close(listener->context, session, index + 1);
}

static void text(size_t index, const char *bytes, size_t length) {
    struct client *client = &world->client[index];
    const struct transport_listener *listener = &world->listener[index % NODES];
    if (client->open && !client->closing)
        listener->on_text(listener->context, client->session, index + 1, bytes, length);
}

/* Takes its chat up, or looks for its stranger again. */
static void use_token(size_t index, size_t which) {
    const char *beginning = which / TOKENS % 2 == 0 ? "\"resume\",\"token\"" : "\"find\",\"again\"";
    char frame[MAX_TOKEN_CHARS + 64];
    int length = snprintf(frame, sizeof frame, "{\"t\":%s:\"%s\"}", beginning, world->token[which % TOKENS]);
    text(index, frame, (size_t)length);
}

static void let_time_pass(int64_t tenths) {
    world->now_us += tenths * 100000;
    for (size_t i = 0; i < NODES; i++)
        while (node_deadline_ms(world->node[i]) <= world->now_us / 1000)
            node_tick(world->node[i]);
}

static void stand_still(size_t index, int64_t tenths) {
    world->now_us += tenths * 100000;
    node_shift(world->node[index], tenths * 100);
}

/* Any broker may say so at any time. */
static void tell_link(size_t index, size_t which) {
    static const enum broker_event_kind kinds[] = {BROKER_LINK_LOST, BROKER_LINK_RESUMED, BROKER_NODE_GONE};
    struct broker_event event = {.kind = kinds[which % (sizeof kinds / sizeof kinds[0])], .to.boot = index + 1};
    if (event.kind == BROKER_NODE_GONE)
        event.node_gone.boot = NODES - index;
    node_on_broker_event(world->node[index], &event);
}

static void toggle_full(size_t index) {
    struct client *client = &world->client[index];
    const struct transport_listener *listener = &world->listener[index % NODES];
    client->full = !client->full;
    uint64_t tag = client->queued_tag;
    client->queued_tag = 0;
    if (!client->full && tag != 0 && client->open && !client->closing)
        listener->on_written(listener->context, client->session, tag);
}

/* The input, read to its end and then zero for ever. */
struct input {
    const uint8_t *at;
    size_t left;
};

static uint8_t next(struct input *input) {
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->at++;
}

static void operate(struct input *input) {
    enum operation operation = next(input) % OPERATIONS;
    size_t index = next(input) % CONNS;
    struct client *client = &world->client[index];
    const struct transport_listener *listener = &world->listener[index % NODES];
    switch (operation) {
    case OP_OPEN:
        if (client->open)
            break;
        client->open = true;
        listener->on_open(listener->context, index + 1);
        break;
    case OP_TEXT: {
        size_t length = next(input);
        length = length < input->left ? length : input->left;
        text(index, (const char *)input->at, length);
        input->at += length;
        input->left -= length;
        break;
    }
    case OP_SAY: {
        const char *phrase = phrases[next(input) % (sizeof phrases / sizeof phrases[0])];
        text(index, phrase, strlen(phrase));
        break;
    }
    case OP_RESUME: use_token(index, next(input)); break;
    case OP_CLOSE:
        if (client->open)
            tell_closed(index);
        break;
    case OP_POLL: node_poll(world->node[index % NODES]); break;
    case OP_TIME: let_time_pass(next(input)); break;
    case OP_FULL: toggle_full(index); break;
    case OP_DRAIN: node_drain(world->node[index % NODES], 1000); break;
    case OP_LINK: tell_link(index % NODES, next(input)); break;
    case OP_SHIFT: stand_still(index % NODES, next(input)); break;
    case OPERATIONS: break;
    }
}

static void open_world(struct memory_hub *hub) {
    for (size_t i = 0; i < NODES; i++) {
        struct node_options options = {
            .core = {.boot = i + 1,
                     .max_body_bytes = 64,
                     .max_frame_bytes = FRAME_BYTES,
                     .window = 4,
                     .grace_ms = 5000,
                     .prefer_ms = 2000,
                     .message_rate = {10, 30},
                     .find_rate = {1, 10}},
            .clock = {monotonic_us, wall_ms, random_bits, NULL},
            .metrics = &world->metrics[i],
        };
        world->transport[i].ops = &ops;
        world->node[i] = node_new(&options);
        world->listener[i] = node_transport_listener(world->node[i]);
        struct broker_listener listener = {.on_event = node_on_broker_event, .context = world->node[i]};
        world->broker[i] = memory_hub_join(hub, options.core.boot, &listener);
        node_attach(world->node[i], &world->transport[i], world->broker[i]);
    }
}

/* Everybody goes; when the grace is over, nobody must be left. */
static void close_world(void) {
    for (size_t i = 0; i < CONNS; i++)
        if (world->client[i].open)
            tell_closed(i);
    for (size_t i = 0; i < NODES; i++)
        tell_link(i, 1);
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < NODES; i++)
            node_poll(world->node[i]);
        let_time_pass(20);
    }
    for (size_t i = 0; i < NODES; i++) {
        assert(node_gauges(world->node[i]).sessions == 0);
        world->broker[i]->ops->close(world->broker[i]);
        node_free(world->node[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct input input = {bytes, length};
    struct memory_hub *hub = memory_hub_new();
    world = memory_zero(1, sizeof *world);
    world->now_us = 1000000;
    open_world(hub);
    while (input.left > 0)
        operate(&input);
    close_world();
    memory_hub_free(hub);
    free(world);
    return 0;
}
