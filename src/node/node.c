/* node.c - turns callbacks into events, carries actions out.
 *
 * Flow:   transport or broker calls → an event, stamped with time and randomness once → core_step() → its actions,
 *         in order.
 * Fails:  a client's malformed frame becomes EVENT_FAULT, another node's is counted and skipped.
 * Owns:   the core, and two scratch buffers.
 *
 * A frame that the kernel takes at once, and whose sender wanted to know, becomes EVENT_WRITTEN after the step that
 * sent it. */
#include "passerby/node.h"

#include <assert.h>
#include <stdlib.h>

#include "passerby/secret.h"
#include "passerby/wire.h"

#include "base/buffer.h"
#include "base/memory.h"

/* A written frame to report: at most one a step, but for timers and broken nodes, which send none. */
struct written {
    session_ref session;
    uint64_t tag;
};

struct node {
    struct node_options options;
    struct core *core;
    struct transport *transport;
    struct broker *broker;
    struct buffer frame;    /* TRANSPORT_HEADROOM_BYTES, then the JSON of the frame that is being sent */
    struct buffer envelope; /* the envelope that is being sent */
    struct written *written;
    size_t written_count;
    size_t written_capacity;
    uint64_t connections;
    int64_t last_us; /* the time of the last event: the clock never goes back */
};

struct node *node_new(const struct node_options *options) {
    struct node *node = memory_zero(1, sizeof *node);
    node->options = *options;
    node->core = core_new(&options->core);
    return node;
}

void node_attach(struct node *node, struct transport *transport, struct broker *broker) {
    node->transport = transport;
    node->broker = broker;
}

void node_free(struct node *node) {
    core_free(node->core);
    buffer_fini(&node->frame);
    buffer_fini(&node->envelope);
    free(node->written);
    free(node);
}

static int64_t now_us(struct node *node) {
    const struct clock *clock = &node->options.clock;
    int64_t now = clock->monotonic_us(clock->context);
    if (now > node->last_us)
        node->last_us = now;
    return node->last_us;
}

/* --- actions ------------------------------------------------------------------------------------------------------ */

static void remember_written(struct node *node, session_ref session, uint64_t tag) {
    if (node->written_count == node->written_capacity) {
        node->written_capacity = node->written_capacity == 0 ? 4 : node->written_capacity * 2;
        node->written = memory_resize(node->written, node->written_capacity, sizeof *node->written);
    }
    node->written[node->written_count++] = (struct written){session, tag};
}

static void send_frame(struct node *node, const struct action *action) {
    const struct server_frame *frame = &action->send.frame;
    struct server_frame with_token;
    char token[MAX_TOKEN_CHARS];
    if (frame->kind == SERVER_MATCHED || frame->kind == SERVER_RESUMED) {
        with_token = *frame;
        struct text *resume = frame->kind == SERVER_MATCHED ? &with_token.matched.resume : &with_token.resumed.resume;
        *resume = (struct text){token, secret_seal(node->options.key, &action->send.claims, token)};
        frame = &with_token;
    } else if (frame->kind == SERVER_ERROR) {
        metrics_add_label(node->options.metrics, METRIC_ERRORS, frame->error.code, 1);
    }
    buffer_clear(&node->frame);
    buffer_reserve(&node->frame, TRANSPORT_HEADROOM_BYTES);
    node->frame.length = TRANSPORT_HEADROOM_BYTES;
    wire_encode(frame, &node->frame);
    struct transport_frame out = {
        .bytes = node->frame.bytes + TRANSPORT_HEADROOM_BYTES,
        .length = node->frame.length - TRANSPORT_HEADROOM_BYTES,
        .tag = action->send.tag,
        .rule = action->send.rule,
        .report = action->send.report,
    };
    enum transport_sent sent = node->transport->ops->send(node->transport, action->conn, &out);
    if (sent == TRANSPORT_WRITTEN && action->send.report)
        remember_written(node, action->session, action->send.tag);
}

static void send_to_peer(struct node *node, const struct peer_frame *frame) {
    buffer_clear(&node->envelope);
    wire_envelope_encode(frame, &node->envelope);
    const struct broker_ops *ops = node->broker->ops;
    (frame->kind == PEER_ACK ? ops->relay_soon : ops->relay)(node->broker, frame->to.boot, node->envelope.bytes,
                                                             node->envelope.length);
}

static void count(struct node *node, const struct action *action) {
    struct metrics *metrics = node->options.metrics;
    switch (action->count.kind) {
    case COUNT_SEARCH: metrics_add(metrics, METRIC_SEARCHES, 1); break;
    case COUNT_MATCH:
        metrics_add(metrics, METRIC_MATCHES, 1);
        metrics_observe_us(metrics, HISTOGRAM_WAIT, (uint64_t)action->count.value_ms * 1000);
        break;
    case COUNT_MESSAGE: metrics_add(metrics, METRIC_MESSAGES, 1); break;
    case COUNT_RETRANSMIT: metrics_add(metrics, METRIC_RETRANSMISSIONS, 1); break;
    case COUNT_ENDED: metrics_add_label(metrics, METRIC_ENDED, action->count.ended, 1); break;
    case COUNT_RESUME: metrics_add(metrics, METRIC_RESUMES, 1); break;
    case COUNT_AWAY: metrics_add(metrics, METRIC_DROPS, 1); break;
    }
}

static void carry_out(struct node *node, const struct action *action) {
    struct transport *transport = node->transport;
    switch (action->kind) {
    case ACTION_BIND: transport->ops->bind(transport, action->conn, action->session); break;
    case ACTION_SEND: send_frame(node, action); break;
    case ACTION_CLOSE: transport->ops->close(transport, action->conn, action->close.code); break;
    case ACTION_PAUSE: transport->ops->pause(transport, action->conn, action->pause.paused); break;
    case ACTION_PEER: send_to_peer(node, &action->peer); break;
    case ACTION_REQUEST: node->broker->ops->request(node->broker, &action->request); break;
    case ACTION_COUNT: count(node, action); break;
    }
}

static void step_once(struct node *node, struct event *event, int64_t at_us) {
    const struct clock *clock = &node->options.clock;
    event->now_ms = at_us / 1000;
    event->wall_ms = clock->wall_ms(clock->context);
    event->entropy[0] = clock->random_u64(clock->context);
    event->entropy[1] = clock->random_u64(clock->context);
    struct actions actions = core_step(node->core, event);
    for (size_t i = 0; i < actions.count; i++)
        carry_out(node, &actions.list[i]);
}

static void step_at(struct node *node, struct event *event, int64_t at_us) {
    assert(node->written_count == 0);
    step_once(node, event, at_us);
    for (size_t i = 0; i < node->written_count; i++) {
        struct event written = {.kind = EVENT_WRITTEN, .session = node->written[i].session};
        written.written.tag = node->written[i].tag;
        step_once(node, &written, at_us);
    }
    node->written_count = 0;
}

static void step(struct node *node, struct event *event) {
    step_at(node, event, now_us(node));
}

/* --- from the transport ------------------------------------------------------------------------------------------- */

static void report_connections(struct node *node, uint64_t connections) {
    node->connections = connections;
    node->broker->ops->report_online(node->broker, connections);
}

static void on_open(void *context, conn_ref conn) {
    struct node *node = context;
    report_connections(node, node->connections + 1);
    struct event event = {.kind = EVENT_OPENED, .conn = conn};
    event.opened.online = node->broker->ops->online(node->broker);
    step(node, &event);
}

static void hash_topics(const struct node *node, struct client_frame *frame) {
    for (size_t i = 0; i < frame->find.topic_count; i++)
        frame->find.topics[i].hash = secret_topic(node->options.key, frame->find.topics[i].folded);
}

/* What the frame's token says: NULL if it has none, or not a good one. */
static const struct claims *open_token(const struct node *node, const struct client_frame *frame,
                                       struct claims *claims) {
    struct text token = {0};
    if (frame->kind == CLIENT_RESUME)
        token = frame->resume.token;
    else if (frame->kind == CLIENT_FIND && frame->find.again)
        token = frame->find.token;
    return token.at != NULL && secret_open(node->options.key, token, claims) ? claims : NULL;
}

static void on_text(void *context, session_ref session, conn_ref conn, const char *bytes, size_t length) {
    struct node *node = context;
    struct event event = {.session = session, .conn = conn};
    struct wire_frame decoded;
    struct wire_fault fault;
    int64_t began_us = now_us(node);
    if (!wire_decode(bytes, length, &decoded, &fault)) {
        event.kind = EVENT_FAULT;
        event.fault.code = fault.code;
        event.fault.detail = fault.detail;
        step_at(node, &event, began_us);
        return;
    }
    struct claims claims;
    event.kind = EVENT_RECEIVED;
    event.received.frame = &decoded.frame;
    event.received.claims = open_token(node, &decoded.frame, &claims);
    if (decoded.frame.kind == CLIENT_FIND)
        hash_topics(node, &decoded.frame);
    if (decoded.frame.kind == CLIENT_FIND && event.received.claims != NULL)
        decoded.frame.find.again_hash = secret_again(node->options.key, claims.chat);
    step_at(node, &event, began_us);
    if (decoded.frame.kind == CLIENT_MSG)
        metrics_observe_us(node->options.metrics, HISTOGRAM_RELAY, (uint64_t)(now_us(node) - began_us));
    wire_release(&decoded);
}

static void on_written(void *context, session_ref session, uint64_t tag) {
    struct event event = {.kind = EVENT_WRITTEN, .session = session};
    event.written.tag = tag;
    step(context, &event);
}

static void on_close(void *context, session_ref session, conn_ref conn) {
    struct node *node = context;
    report_connections(node, node->connections - 1);
    struct event event = {.kind = EVENT_CLOSED, .session = session, .conn = conn};
    step(node, &event);
}

struct transport_listener node_transport_listener(struct node *node) {
    return (struct transport_listener){on_open, on_text, on_written, on_close, node};
}

/* --- from the broker ---------------------------------------------------------------------------------------------- */

static void on_relayed(struct node *node, const char *bytes, size_t length) {
    for (;;) {
        struct peer_frame frame;
        struct event event = {.kind = EVENT_PEER, .peer = &frame};
        switch (wire_envelope_next(&bytes, &length, &frame)) {
        case ENVELOPE_FRAME:
            if (frame.to.boot == node->options.core.boot)
                step(node, &event);
            break;
        case ENVELOPE_UNKNOWN: metrics_add(node->options.metrics, METRIC_PEER_UNKNOWN, 1); break;
        case ENVELOPE_GARBAGE: metrics_add(node->options.metrics, METRIC_PEER_GARBAGE, 1); return;
        case ENVELOPE_END: return;
        }
    }
}

void node_on_broker_event(void *context, const struct broker_event *event) {
    struct node *node = context;
    if (event->kind == BROKER_RELAYED) {
        on_relayed(node, event->relayed.bytes, event->relayed.length);
        return;
    }
    struct event broker = {.kind = EVENT_BROKER, .broker = event};
    step(node, &broker);
}

void node_poll(struct node *node) {
    node->broker->ops->poll(node->broker, now_us(node) / 1000);
}

/* --- time --------------------------------------------------------------------------------------------------------- */

int64_t node_deadline_ms(const struct node *node) {
    return core_deadline(node->core);
}

void node_tick(struct node *node) {
    struct event event = {.kind = EVENT_TICK};
    step(node, &event);
}

void node_shift(struct node *node, int64_t gap_ms) {
    struct event event = {.kind = EVENT_SHIFT};
    event.shift.gap_ms = gap_ms;
    step(node, &event);
}

void node_drain(struct node *node, uint32_t spread_ms) {
    struct event event = {.kind = EVENT_DRAIN};
    event.drain.spread_ms = spread_ms;
    step(node, &event);
}

void node_observe(struct node *node) {
    struct metrics *metrics = node->options.metrics;
    struct core_gauges gauges = core_gauges(node->core);
    metrics_set(metrics, METRIC_SESSIONS, gauges.sessions);
    metrics_set(metrics, METRIC_WAITING, gauges.waiting);
    metrics_set(metrics, METRIC_CHATS, gauges.chatting);
    metrics_set(metrics, METRIC_AWAY, gauges.away);
    metrics_set(metrics, METRIC_ONLINE, node->broker->ops->online(node->broker));
}

struct core_gauges node_gauges(const struct node *node) {
    return core_gauges(node->core);
}
