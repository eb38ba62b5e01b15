/* cluster.c - a few recording nodes joined by the broker under test. */
#include "cluster.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static void record(void *context, const struct broker_event *event) {
    struct cluster_node *node = context;
    assert_true(node->polling); /* never from within request() or relay() */
    assert_int_equal(event->to.boot, node->boot);
    node->polled++;
    if (node->count == node->capacity) {
        node->capacity = node->capacity == 0 ? 64 : node->capacity * 2;
        node->events = memory_resize(node->events, node->capacity, sizeof *node->events);
    }
    struct recorded *recorded = &node->events[node->count++];
    *recorded = (struct recorded){.event = *event};
    if (event->kind == BROKER_RELAYED)
        recorded->event.relayed.bytes = memory_copy(event->relayed.bytes, event->relayed.length);
    if (node->on_event != NULL)
        node->on_event(node, event);
}

static void wake(void *context) {
    struct cluster_node *node = context;
    node->wakes++;
}

static void forget(struct cluster_node *node) {
    for (size_t i = 0; i < node->count; i++)
        if (node->events[i].event.kind == BROKER_RELAYED)
            free((void *)(uintptr_t)node->events[i].event.relayed.bytes);
    node->count = 0;
}

int cluster_setup(void **state) {
    struct cluster *cluster = memory_zero(1, sizeof *cluster);
    cluster->fixture = *state;
    cluster->hub = cluster->fixture->open();
    cluster->now_ms = 1000;
    for (unsigned i = 0; i < CLUSTER_NODES; i++)
        cluster_join(cluster, i);
    cluster_advance(cluster, 1);
    cluster_forget(cluster);
    *state = cluster;
    return 0;
}

int cluster_teardown(void **state) {
    struct cluster *cluster = *state;
    for (unsigned i = 0; i < CLUSTER_NODES; i++) {
        if (cluster->nodes[i].broker != NULL)
            cluster_close(cluster, i);
        forget(&cluster->nodes[i]);
        free(cluster->nodes[i].events);
    }
    cluster->fixture->close(cluster->hub);
    free(cluster);
    return 0;
}

void cluster_join(struct cluster *cluster, unsigned at) {
    struct cluster_node *node = &cluster->nodes[at];
    assert_null(node->broker);
    node->boot = 0xb007000000000000u + ++cluster->boots;
    node->wakes = 0;
    struct broker_listener listener = {.on_event = record, .context = node, .wake = wake, .wake_context = node};
    node->broker = cluster->fixture->join(cluster->hub, node->boot, &listener);
}

void cluster_close(struct cluster *cluster, unsigned at) {
    struct cluster_node *node = &cluster->nodes[at];
    node->broker->ops->close(node->broker);
    node->broker = NULL;
    node->wakes = 0;
}

static void poll(struct cluster *cluster, struct cluster_node *node) {
    node->wakes = 0;
    node->polled = 0;
    node->polling = true;
    node->broker->ops->poll(node->broker, cluster->now_ms);
    node->polling = false;
}

void cluster_settle(struct cluster *cluster) {
    bool more;
    do {
        more = cluster->fixture->turn(cluster->hub);
        for (unsigned i = 0; i < CLUSTER_NODES; i++) {
            if (cluster->nodes[i].broker != NULL && cluster->nodes[i].wakes > 0) {
                poll(cluster, &cluster->nodes[i]);
                more = true;
            }
        }
    } while (more);
}

void cluster_advance(struct cluster *cluster, int64_t by_ms) {
    cluster->now_ms += by_ms;
    cluster->fixture->advance(cluster->hub, by_ms);
    for (unsigned i = 0; i < CLUSTER_NODES; i++)
        if (cluster->nodes[i].broker != NULL)
            poll(cluster, &cluster->nodes[i]);
    cluster_settle(cluster);
}

void cluster_request(struct cluster *cluster, unsigned node, const struct broker_request *request) {
    struct broker *broker = cluster->nodes[node].broker;
    struct broker_request *borrowed = memory_zero(1, sizeof *borrowed);
    *borrowed = *request;
    broker->ops->request(broker, borrowed);
    memset(borrowed, 0xff, sizeof *borrowed); /* borrowed for the call, and for no longer */
    free(borrowed);
}

void cluster_relay(struct cluster *cluster, unsigned node, uint64_t boot, const void *bytes, size_t length) {
    struct broker *broker = cluster->nodes[node].broker;
    char *borrowed = memory_copy(bytes, length);
    broker->ops->relay(broker, boot, borrowed, length);
    memset(borrowed, 0xff, length);
    free(borrowed);
}

struct broker_event cluster_take(struct cluster *cluster, unsigned at, enum broker_event_kind kind) {
    struct cluster_node *node = &cluster->nodes[at];
    for (size_t i = 0; i < node->count; i++) {
        struct recorded *recorded = &node->events[i];
        if (!recorded->taken && recorded->event.kind == kind) {
            recorded->taken = true;
            return recorded->event;
        }
    }
    fail_msg("node %u has no event of kind %d", at, (int)kind);
    return (struct broker_event){0};
}

unsigned cluster_left(const struct cluster *cluster, unsigned at, enum broker_event_kind kind) {
    const struct cluster_node *node = &cluster->nodes[at];
    unsigned left = 0;
    for (size_t i = 0; i < node->count; i++)
        left += !node->events[i].taken && node->events[i].event.kind == kind;
    return left;
}

void cluster_assert_quiet(const struct cluster *cluster) {
    for (unsigned i = 0; i < CLUSTER_NODES; i++)
        for (size_t j = 0; j < cluster->nodes[i].count; j++)
            if (!cluster->nodes[i].events[j].taken)
                fail_msg("node %u has an event of kind %d left", i, (int)cluster->nodes[i].events[j].event.kind);
}

void cluster_forget(struct cluster *cluster) {
    for (unsigned i = 0; i < CLUSTER_NODES; i++)
        forget(&cluster->nodes[i]);
}

struct address cluster_address(const struct cluster *cluster, unsigned node, uint32_t slot) {
    return (struct address){.boot = cluster->nodes[node].boot, .slot = slot, .generation = 7};
}

struct ticket cluster_ticket(struct cluster *cluster, unsigned node, uint32_t slot) {
    return (struct ticket){
        .who = {.at = cluster_address(cluster, node, slot),
                .person = ((uint64_t)node + 1) << 32 | slot,
                .reliable = slot % 2 == 0},
        .attempt = 1,
        .chat = {.high = 0xc4a7, .low = ++cluster->chats},
    };
}

unsigned cluster_node_of(const struct cluster *cluster, uint64_t boot) {
    unsigned at = 0;
    while (cluster->nodes[at].boot != boot) {
        at++;
        assert_true(at < CLUSTER_NODES);
    }
    return at;
}

/* Requests, settles, and takes the answer. */
static struct broker_event ask(struct cluster *cluster, const struct broker_request *request,
                               enum broker_event_kind answer) {
    unsigned node = cluster_node_of(cluster, request->asker.boot);
    cluster_request(cluster, node, request);
    cluster_settle(cluster);
    struct broker_event event = cluster_take(cluster, node, answer);
    assert_address(event.to, request->asker);
    return event;
}

void cluster_withdraw(struct cluster *cluster, struct address asker, uint32_t attempt) {
    struct broker_request request = {.kind = BROKER_WITHDRAW, .asker = asker, .withdraw.attempt = attempt};
    cluster_request(cluster, cluster_node_of(cluster, asker.boot), &request);
    cluster_settle(cluster);
}

void cluster_end(struct cluster *cluster, struct address asker, struct chat_id chat, struct tombstone how) {
    struct broker_request request = {.kind = BROKER_END, .asker = asker, .chat = chat, .end = how};
    cluster_request(cluster, cluster_node_of(cluster, asker.boot), &request);
    cluster_settle(cluster);
}

struct broker_event cluster_seek(struct cluster *cluster, const struct ticket *ticket) {
    struct broker_request request = {.kind = BROKER_SEEK, .asker = ticket->who.at, .seek = *ticket};
    struct broker_event event = ask(cluster, &request, BROKER_SOUGHT);
    assert_int_equal(event.sought.attempt, ticket->attempt);
    if (event.status == BROKER_OK)
        assert_chat(event.chat, ticket->chat);
    return event;
}

struct broker_event cluster_commit(struct cluster *cluster, const struct ticket *seeker,
                                   const struct ticket *candidate) {
    struct broker_request request = {.kind = BROKER_COMMIT, .asker = candidate->who.at, .chat = seeker->chat};
    request.commit.seeker = *seeker;
    request.commit.candidate = *candidate;
    struct broker_event event = ask(cluster, &request, BROKER_COMMITTED);
    assert_chat(event.chat, seeker->chat);
    assert_int_equal(event.match.attempt, candidate->attempt);
    return event;
}

struct broker_event cluster_abort(struct cluster *cluster, const struct ticket *seeker) {
    struct broker_request request = {.kind = BROKER_ABORT, .asker = seeker->who.at, .chat = seeker->chat};
    request.abort.attempt = seeker->attempt;
    struct broker_event event = ask(cluster, &request, BROKER_ABORTED);
    assert_chat(event.chat, seeker->chat);
    assert_int_equal(event.match.attempt, seeker->attempt);
    return event;
}

struct broker_event cluster_rebind(struct cluster *cluster, struct address asker, const struct claims *claims) {
    struct broker_request request = {.kind = BROKER_REBIND, .asker = asker, .chat = claims->chat};
    request.rebind.claims = *claims;
    struct broker_event event = ask(cluster, &request, BROKER_REBOUND);
    assert_chat(event.chat, claims->chat);
    return event;
}

struct broker_event cluster_lookup(struct cluster *cluster, struct address asker, struct chat_id chat) {
    struct broker_request request = {.kind = BROKER_LOOKUP, .asker = asker, .chat = chat};
    struct broker_event event = ask(cluster, &request, BROKER_FOUND);
    assert_chat(event.chat, chat);
    assert_false(event.chat_state.held);
    return event;
}

struct broker_event cluster_hold(struct cluster *cluster, struct address asker, struct chat_id chat,
                                 const struct party *seeker, const struct party *candidate) {
    struct broker_request request = {.kind = BROKER_HOLD, .asker = asker, .chat = chat};
    request.hold.party[SIDE_SEEKER] = *seeker;
    request.hold.party[SIDE_CANDIDATE] = *candidate;
    struct broker_event event = ask(cluster, &request, BROKER_FOUND);
    assert_chat(event.chat, chat);
    assert_true(event.chat_state.held);
    return event;
}

uint64_t cluster_waiting(struct cluster *cluster) {
    cluster_settle(cluster);
    uint64_t waiting = UINT64_MAX;
    for (unsigned i = 0; i < CLUSTER_NODES; i++) {
        const struct broker *broker = cluster->nodes[i].broker;
        if (broker == NULL)
            continue;
        if (waiting == UINT64_MAX)
            waiting = broker->ops->waiting(broker);
        assert_int_equal(broker->ops->waiting(broker), waiting);
    }
    return waiting;
}

void assert_address(struct address is, struct address should_be) {
    assert_int_equal(is.boot, should_be.boot);
    assert_int_equal(is.slot, should_be.slot);
    assert_int_equal(is.generation, should_be.generation);
}

void assert_chat(struct chat_id is, struct chat_id should_be) {
    assert_int_equal(is.high, should_be.high);
    assert_int_equal(is.low, should_be.low);
}

void assert_party(const struct party *is, const struct party *should_be) {
    assert_address(is->at, should_be->at);
    assert_int_equal(is->person, should_be->person);
    assert_int_equal(is->fence, should_be->fence);
    assert_int_equal(is->reliable, should_be->reliable);
}

void assert_old_party(const struct party *is, const struct party *should_be) {
    if (is->at.boot != 0)
        assert_party(is, should_be);
    else
        assert_int_equal(is->fence, 0);
}

void assert_ticket(const struct ticket *is, const struct ticket *should_be) {
    assert_address(is->who.at, should_be->who.at);
    assert_int_equal(is->who.person, should_be->who.person);
    assert_int_equal(is->who.reliable, should_be->who.reliable);
    assert_int_equal(is->attempt, should_be->attempt);
    assert_int_equal(is->relaxed, should_be->relaxed);
    assert_chat(is->chat, should_be->chat);
    assert_int_equal(is->topics.count, should_be->topics.count);
    for (unsigned i = 0; i < should_be->topics.count; i++)
        assert_int_equal(is->topics.hash[i], should_be->topics.hash[i]);
    assert_string_equal(is->language, should_be->language);
}
