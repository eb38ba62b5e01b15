/* test_memory.c - what the memory broker does beyond the contract that all brokers share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "passerby/broker.h"

struct node {
    struct broker *broker;
    struct broker_event last;
    unsigned events;
    unsigned wakes;
};

static void on_event(void *context, const struct broker_event *event) {
    struct node *node = context;
    node->last = *event;
    node->events++;
}

static void wake(void *context) {
    ((struct node *)context)->wakes++;
}

static void join(struct memory_hub *hub, uint64_t boot, struct node *node) {
    struct broker_listener listener = {on_event, node, wake, node};
    *node = (struct node){.broker = memory_hub_join(hub, boot, &listener)};
}

static void poll(struct node *node, int64_t now_ms) {
    node->broker->ops->poll(node->broker, now_ms);
}

static void leave(struct node *node) {
    node->broker->ops->close(node->broker);
}

/* A wake-up for the first letter in an empty inbox, none for the next; and one more when a poll left something. */
static void test_wakes(void **state) {
    (void)state;
    enum { FRAMES = 1500 };
    struct memory_hub *hub = memory_hub_new();
    struct node a;
    struct node b;
    join(hub, 1, &a);
    join(hub, 2, &b);
    for (int i = 0; i < FRAMES; i++)
        a.broker->ops->relay(a.broker, 2, &i, sizeof i);
    assert_int_equal(b.wakes, 1);
    poll(&b, 1);
    assert_in_range(b.events, 1, FRAMES - 1);
    assert_int_equal(b.wakes, 2);
    poll(&b, 1);
    assert_int_equal(b.events, FRAMES);
    assert_int_equal(b.wakes, 2);
    a.broker->ops->relay(a.broker, 2, "", 0);
    assert_int_equal(b.wakes, 3);
    poll(&b, 1);
    assert_int_equal(b.last.relayed.length, 0);
    assert_int_equal(a.wakes, 0);
    leave(&a);
    leave(&b);
    memory_hub_free(hub);
}

static void test_everybody_hears_of_a_node_that_left(void **state) {
    (void)state;
    struct memory_hub *hub = memory_hub_new();
    struct node nodes[3];
    for (uint64_t i = 0; i < 3; i++)
        join(hub, i + 1, &nodes[i]);
    leave(&nodes[1]);
    for (int i = 0; i < 3; i += 2) {
        nodes[i].broker->ops->relay(nodes[i].broker, 2, "", 0); /* and does not hear it twice */
        poll(&nodes[i], 1);
        assert_int_equal(nodes[i].events, 1);
        assert_int_equal(nodes[i].last.kind, BROKER_NODE_GONE);
        assert_int_equal(nodes[i].last.node_gone.boot, 2);
    }
    leave(&nodes[0]);
    leave(&nodes[2]);
    memory_hub_free(hub);
}

static struct broker_event seek(struct node *node, uint64_t boot, int64_t now_ms) {
    struct ticket ticket = {.who = {.at = {.boot = boot}, .person = boot}, .attempt = 1};
    struct broker_request request = {.kind = BROKER_SEEK, .asker = ticket.who.at, .seek = ticket};
    node->broker->ops->request(node->broker, &request);
    poll(node, now_ms);
    return node->last;
}

/* The hub's time is the latest that anybody brought, and is never 0. */
static void test_clock(void **state) {
    (void)state;
    struct memory_hub *hub = memory_hub_new();
    struct node a;
    struct node b;
    join(hub, 1, &a);
    join(hub, 2, &b);
    assert_int_not_equal(seek(&a, 1, 0).sought.since_ms, 0);
    poll(&a, 5000);
    poll(&b, 4000);
    struct broker_event sought = seek(&b, 2, 4001);
    assert_int_equal(sought.kind, BROKER_SOUGHT);
    assert_int_equal(sought.sought.since_ms, 5000);
    leave(&a);
    leave(&b);
    memory_hub_free(hub);
}

static void test_a_node_may_poll_anyway(void **state) {
    (void)state;
    struct memory_hub *hub = memory_hub_new();
    struct node node = {0};
    struct broker_listener listener = {.on_event = on_event, .context = &node};
    node.broker = memory_hub_join(hub, 1, &listener);
    for (int i = 0; i < 3000; i++)
        node.broker->ops->relay(node.broker, 1, &i, sizeof i);
    for (int i = 0; i < 3; i++)
        poll(&node, 1);
    assert_int_equal(node.events, 3000);
    leave(&node);
    memory_hub_free(hub);
}

/* What a poll has left over is freed as well (LeakSanitizer looks). */
static void test_leaving_in_between(void **state) {
    (void)state;
    struct memory_hub *hub = memory_hub_new();
    struct node node;
    join(hub, 1, &node);
    for (int i = 0; i < 3000; i++)
        node.broker->ops->relay(node.broker, 1, &i, sizeof i);
    poll(&node, 1);
    node.broker->ops->relay(node.broker, 1, "", 0);
    assert_in_range(node.events, 1, 2999);
    leave(&node);
    memory_hub_free(hub);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wakes),
        cmocka_unit_test(test_everybody_hears_of_a_node_that_left),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_a_node_may_poll_anyway),
        cmocka_unit_test(test_leaving_in_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
