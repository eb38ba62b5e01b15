/* bench.h - a node between a transport and a broker that the test plays. */
#ifndef TESTS_NODE_BENCH_H
#define TESTS_NODE_BENCH_H

#include "passerby/node.h"

#include "passerby/secret.h"
#include "passerby/wire.h"

#include "base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#define BENCH_UNUSED __attribute__((unused))

enum { HERE = 1, THERE = 2, MOST = 64, TEXT = 600, CONN = 7 };

static const struct address STRANGER = {THERE, 7, 1};

/* What the node asked its transport to send. */
struct sent {
    conn_ref conn;
    char text[TEXT];
    uint64_t tag;
    enum tag_rule rule;
    bool report;
};

struct bench {
    struct transport transport;
    struct broker broker;
    struct node *node;
    struct transport_listener clients;
    struct metrics metrics;
    int64_t now_us;
    int64_t wall_ms;
    uint64_t bits;
    /* transport */
    enum transport_sent answer; /* of send() */
    struct sent sent[MOST];
    size_t sent_count;
    session_ref bound;
    conn_ref closed;
    enum close_code closed_with;
    int pauses; /* +1 for a pause, -1 for its end */
    /* broker */
    struct broker_request requests[MOST];
    size_t request_count;
    struct buffer relayed;
    uint64_t relayed_to;
    bool relayed_soon; /* the last of it may be late */
    uint64_t here;
    int64_t polled_ms;
};

/* --- the transport and the broker --------------------------------------------------------------------------------- */

static BENCH_UNUSED struct bench *bench_of(struct transport *transport) {
    return (struct bench *)(void *)((char *)transport - offsetof(struct bench, transport));
}

static BENCH_UNUSED enum transport_sent fake_send(struct transport *transport, conn_ref conn,
                                                  const struct transport_frame *frame) {
    struct bench *bench = bench_of(transport);
    assert_true(bench->sent_count < MOST && frame->length < TEXT);
    struct sent *sent = &bench->sent[bench->sent_count++];
    memset(frame->bytes - TRANSPORT_HEADROOM_BYTES, 0xee, TRANSPORT_HEADROOM_BYTES); /* ours to write on */
    *sent = (struct sent){.conn = conn, .tag = frame->tag, .rule = frame->rule, .report = frame->report};
    memcpy(sent->text, frame->bytes, frame->length);
    return bench->answer;
}

static BENCH_UNUSED void fake_close(struct transport *transport, conn_ref conn, enum close_code code) {
    bench_of(transport)->closed = conn;
    bench_of(transport)->closed_with = code;
}

static BENCH_UNUSED void fake_pause(struct transport *transport, conn_ref conn, bool paused) {
    assert_int_equal(conn, CONN);
    bench_of(transport)->pauses += paused ? 1 : -1;
}

static BENCH_UNUSED void fake_bind(struct transport *transport, conn_ref conn, session_ref session) {
    assert_true(conn != 0);
    bench_of(transport)->bound = session;
}

static const struct transport_ops transport_ops = {fake_send, fake_close, fake_pause, fake_bind};

static BENCH_UNUSED struct bench *bench_of_broker(const struct broker *broker) {
    return (struct bench *)(void *)((char *)(uintptr_t)broker - offsetof(struct bench, broker));
}

static BENCH_UNUSED void fake_request(struct broker *broker, const struct broker_request *request) {
    struct bench *bench = bench_of_broker(broker);
    assert_true(bench->request_count < MOST);
    bench->requests[bench->request_count++] = *request;
}

static BENCH_UNUSED void fake_relay(struct broker *broker, uint64_t boot, const void *bytes, size_t length) {
    bench_of_broker(broker)->relayed_to = boot;
    bench_of_broker(broker)->relayed_soon = false;
    buffer_append(&bench_of_broker(broker)->relayed, bytes, length);
}

static BENCH_UNUSED void fake_relay_soon(struct broker *broker, uint64_t boot, const void *bytes, size_t length) {
    fake_relay(broker, boot, bytes, length);
    bench_of_broker(broker)->relayed_soon = true;
}

static BENCH_UNUSED void fake_poll(struct broker *broker, int64_t now_ms) {
    bench_of_broker(broker)->polled_ms = now_ms;
}

static BENCH_UNUSED void fake_report_online(struct broker *broker, uint64_t here) {
    bench_of_broker(broker)->here = here;
}

static BENCH_UNUSED uint64_t fake_online(const struct broker *broker) {
    return bench_of_broker(broker)->here + 40;
}

static const struct broker_ops broker_ops = {
    .request = fake_request,
    .relay = fake_relay,
    .relay_soon = fake_relay_soon,
    .poll = fake_poll,
    .report_online = fake_report_online,
    .online = fake_online,
};

/* --- the bench ---------------------------------------------------------------------------------------------------- */

static BENCH_UNUSED int64_t bench_us(void *context) {
    return ((struct bench *)context)->now_us;
}

static BENCH_UNUSED int64_t bench_wall_ms(void *context) {
    return ((struct bench *)context)->wall_ms;
}

static BENCH_UNUSED uint64_t bench_bits(void *context) {
    return ((struct bench *)context)->bits += 0x9e3779b97f4a7c15u;
}

static BENCH_UNUSED void bench_init_with(struct bench *bench, struct rate messages) {
    memset(bench, 0, sizeof *bench);
    bench->now_us = 5000000;
    bench->wall_ms = 1700000000000;
    struct node_options options = {
        .core = {.boot = HERE,
                 .max_body_bytes = 20,
                 .max_frame_bytes = 1000,
                 .window = 4,
                 .grace_ms = 60000,
                 .prefer_ms = 8000,
                 .message_rate = messages},
        .clock = {bench_us, bench_wall_ms, bench_bits, bench},
        .metrics = &bench->metrics,
    };
    secret_derive("secret", 6, options.key);
    bench->transport.ops = &transport_ops;
    bench->broker.ops = &broker_ops;
    bench->node = node_new(&options);
    node_attach(bench->node, &bench->transport, &bench->broker);
    bench->clients = node_transport_listener(bench->node);
}

static BENCH_UNUSED void bench_init(struct bench *bench) {
    bench_init_with(bench, (struct rate){0});
}

static BENCH_UNUSED void bench_fini(struct bench *bench) {
    node_free(bench->node);
    buffer_fini(&bench->relayed);
}

static BENCH_UNUSED void forget(struct bench *bench) {
    bench->sent_count = bench->request_count = 0;
    buffer_clear(&bench->relayed);
}

static BENCH_UNUSED session_ref open_one(struct bench *bench) {
    bench->clients.on_open(bench->clients.context, CONN);
    forget(bench);
    return bench->bound;
}

static BENCH_UNUSED void hear(struct bench *bench, session_ref session, const char *text) {
    bench->clients.on_text(bench->clients.context, session, CONN, text, strlen(text));
}

#define expect_sent(bench, expected)                                                                                   \
    do {                                                                                                               \
        assert_int_equal((bench)->sent_count, 1);                                                                      \
        assert_string_equal((bench)->sent[0].text, (expected));                                                        \
        forget(bench);                                                                                                 \
    } while (0)

static BENCH_UNUSED void answer(struct bench *bench, struct broker_event event) {
    node_on_broker_event(bench->node, &event);
}

/* The session finds, and is matched with the stranger elsewhere. Returns the chat's id. */
static BENCH_UNUSED struct chat_id match(struct bench *bench, session_ref session, bool reliable,
                                         bool stranger_reliable) {
    hear(bench, session, reliable ? "{\"t\":\"find\",\"reliable\":true}" : "{\"t\":\"find\"}");
    struct ticket ticket = bench->requests[bench->request_count - 1].seek;
    struct broker_event sought = {.kind = BROKER_SOUGHT, .to = ticket.who.at, .chat = ticket.chat};
    sought.sought.attempt = ticket.attempt;
    answer(bench, sought);
    forget(bench);
    struct broker_event confirmed = {.kind = BROKER_CONFIRMED, .to = ticket.who.at, .chat = ticket.chat};
    confirmed.match.peer.who = (struct party){STRANGER, 4711, 1, stranger_reliable};
    confirmed.match.fence = 1;
    answer(bench, confirmed);
    return ticket.chat;
}

/* Copies the string field of the frame that was sent last. */
static BENCH_UNUSED void field(const struct bench *bench, const char *name, char out[TEXT]) {
    char pattern[32];
    (void)snprintf(pattern, sizeof pattern, "\"%s\":\"", name);
    const char *at = strstr(bench->sent[0].text, pattern);
    assert_non_null(at);
    at += strlen(pattern);
    size_t length = strcspn(at, "\"");
    memcpy(out, at, length);
    out[length] = '\0';
}

static BENCH_UNUSED struct peer_frame from_stranger(session_ref session, struct chat_id chat, enum peer_kind kind) {
    return (struct peer_frame){.kind = kind,
                               .to = {HERE, (uint32_t)session, (uint32_t)(session >> 32)},
                               .from = STRANGER,
                               .chat = chat,
                               .side = SIDE_CANDIDATE,
                               .fence = 1};
}

static BENCH_UNUSED void relay_to(struct bench *bench, const void *bytes, size_t length) {
    struct broker_event event = {.kind = BROKER_RELAYED, .to.boot = HERE, .relayed = {bytes, length}};
    answer(bench, event);
}

#endif
