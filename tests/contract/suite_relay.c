/* suite_relay.c - bytes to other nodes, nodes that are gone, and what all nodes together count. */
#include "cluster.h"

#include <string.h>

static void assert_relayed(struct cluster *cluster, unsigned node, const void *bytes, size_t length) {
    struct broker_event event = cluster_take(cluster, node, BROKER_RELAYED);
    assert_int_equal(event.relayed.length, length);
    if (length > 0)
        assert_memory_equal(event.relayed.bytes, bytes, length);
}

static void test_bytes(void **state) {
    struct cluster *cluster = *state;
    enum { LARGE = 64 * 1024 };
    static const char with_nul[] = "a\0b\xff";
    char large[LARGE];
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)(i * 7);
    cluster_relay(cluster, 0, cluster->nodes[1].boot, with_nul, sizeof with_nul);
    cluster_relay(cluster, 0, cluster->nodes[1].boot, large, sizeof large);
    cluster_settle(cluster);
    assert_relayed(cluster, 1, with_nul, sizeof with_nul);
    assert_relayed(cluster, 1, large, sizeof large);
    cluster_assert_quiet(cluster);
}

/* More than one poll may deliver: everything must come by wakes alone, in the order of each sender. */
static void test_order(void **state) {
    struct cluster *cluster = *state;
    enum { SENDERS = 3, FRAMES = 1500 };
    for (unsigned frame = 0; frame < FRAMES; frame++) {
        for (unsigned sender = 0; sender < SENDERS; sender++) {
            unsigned label[2] = {sender, frame};
            cluster_relay(cluster, sender, cluster->nodes[3].boot, label, sizeof label);
        }
    }
    cluster_settle(cluster);

    unsigned next[SENDERS] = {0};
    assert_int_equal(cluster->nodes[3].count, SENDERS * FRAMES);
    for (size_t i = 0; i < SENDERS * FRAMES; i++) {
        const struct broker_event *event = &cluster->nodes[3].events[i].event;
        unsigned label[2];
        assert_int_equal(event->kind, BROKER_RELAYED);
        assert_int_equal(event->relayed.length, sizeof label);
        memcpy(label, event->relayed.bytes, sizeof label);
        assert_int_equal(label[1], next[label[0]]++);
    }
}

static void test_poll_is_bounded(void **state) {
    struct cluster *cluster = *state;
    enum { FRAMES = 20000, BOUND = 5000 };
    for (int i = 0; i < FRAMES; i++)
        cluster_relay(cluster, 0, cluster->nodes[1].boot, &i, sizeof i);
    struct cluster_node *node = &cluster->nodes[1];
    while (cluster->fixture->turn(cluster->hub) || node->wakes > 0) {
        node->wakes = 0;
        node->polled = 0;
        node->polling = true;
        node->broker->ops->poll(node->broker, cluster->now_ms);
        node->polling = false;
        assert_in_range(node->polled, 0, BOUND);
    }
    assert_int_equal(node->count, FRAMES);
}

static void answer(struct cluster_node *node, const struct broker_event *event) {
    unsigned left;
    uint64_t back;
    memcpy(&back, event->relayed.bytes, sizeof back);
    memcpy(&left, (const char *)event->relayed.bytes + sizeof back, sizeof left);
    if (left == 0)
        return;
    char reply[sizeof back + sizeof left];
    left--;
    memcpy(reply, &node->boot, sizeof back);
    memcpy(reply + sizeof back, &left, sizeof left);
    node->polling = false; /* an answer that came from within relay() would be noticed */
    node->broker->ops->relay(node->broker, back, reply, sizeof reply);
    node->polling = true;
}

static void test_answering_from_an_event(void **state) {
    struct cluster *cluster = *state;
    unsigned left = 99;
    char first[sizeof(uint64_t) + sizeof left];
    memcpy(first, &cluster->nodes[0].boot, sizeof(uint64_t));
    memcpy(first + sizeof(uint64_t), &left, sizeof left);
    for (unsigned i = 0; i < CLUSTER_NODES; i++)
        cluster->nodes[i].on_event = answer;
    cluster_relay(cluster, 0, cluster->nodes[1].boot, first, sizeof first);
    cluster_settle(cluster);
    assert_int_equal(cluster->nodes[0].count, 50);
    assert_int_equal(cluster->nodes[1].count, 50);
}

static void test_nobody_there(void **state) {
    struct cluster *cluster = *state;
    enum { FRAMES = 100 };
    const uint64_t unknown = 0xdead;
    const uint64_t other = 0xdeaf;
    for (int i = 0; i < FRAMES; i++) {
        cluster_relay(cluster, 0, unknown, &i, sizeof i);
        cluster_relay(cluster, 0, other, &i, sizeof i);
        cluster_relay(cluster, 0, cluster->nodes[1].boot, &i, sizeof i);
    }
    cluster_settle(cluster);
    assert_int_equal(cluster_left(cluster, 1, BROKER_RELAYED), FRAMES);
    unsigned gone = cluster_left(cluster, 0, BROKER_NODE_GONE);
    assert_in_range(gone, 2, 20); /* not one for each frame */
    unsigned seen[2] = {0};
    while (gone-- > 0) {
        struct broker_event event = cluster_take(cluster, 0, BROKER_NODE_GONE);
        assert_true(event.node_gone.boot == unknown || event.node_gone.boot == other);
        seen[event.node_gone.boot == other]++;
    }
    assert_true(seen[0] > 0 && seen[1] > 0);

    cluster_relay(cluster, 0, unknown, "", 1); /* and it is said again */
    cluster_settle(cluster);
    assert_int_equal(cluster_take(cluster, 0, BROKER_NODE_GONE).node_gone.boot, unknown);
    assert_int_equal(cluster_left(cluster, 2, BROKER_NODE_GONE), 0);
}

static void test_closed_node(void **state) {
    struct cluster *cluster = *state;
    uint64_t boot = cluster->nodes[1].boot;
    cluster_relay(cluster, 0, boot, "lost", 4);
    cluster_close(cluster, 1);
    cluster_settle(cluster);
    assert_int_equal(cluster->nodes[1].count, 0); /* what waited in its inbox is dropped */
    cluster_forget(cluster);

    cluster_relay(cluster, 0, boot, "lost", 4);
    cluster_settle(cluster);
    assert_int_equal(cluster_take(cluster, 0, BROKER_NODE_GONE).node_gone.boot, boot);

    cluster_join(cluster, 1); /* with a new boot id: the old one stays gone */
    cluster_settle(cluster);  /* it may take a while until it can be reached */
    cluster_relay(cluster, 0, boot, "lost", 4);
    cluster_relay(cluster, 0, cluster->nodes[1].boot, "here", 4);
    cluster_settle(cluster);
    assert_relayed(cluster, 1, "here", 4);
    assert_int_equal(cluster_left(cluster, 1, BROKER_RELAYED), 0);
    assert_int_equal(cluster_take(cluster, 0, BROKER_NODE_GONE).node_gone.boot, boot);
}

static void assert_online(struct cluster *cluster, uint64_t online) {
    cluster_settle(cluster);
    for (unsigned i = 0; i < CLUSTER_NODES; i++)
        if (cluster->nodes[i].broker != NULL)
            assert_int_equal(cluster->nodes[i].broker->ops->online(cluster->nodes[i].broker), online);
}

static void report(struct cluster *cluster, unsigned node, uint64_t here) {
    cluster->nodes[node].broker->ops->report_online(cluster->nodes[node].broker, here);
}

static void test_online(void **state) {
    struct cluster *cluster = *state;
    assert_online(cluster, 0);
    report(cluster, 0, 5);
    report(cluster, 1, 7);
    report(cluster, 2, 1000000);
    assert_online(cluster, 1000012);
    report(cluster, 2, 3);
    report(cluster, 0, 0);
    assert_online(cluster, 10);
    cluster_close(cluster, 1);
    assert_online(cluster, 3);
    cluster_join(cluster, 1);
    assert_online(cluster, 3);
}

int suite_relay(const struct fixture *fixture) {
    const struct CMUnitTest tests[] = {
        CLUSTER_TEST(test_bytes, fixture),           CLUSTER_TEST(test_order, fixture),
        CLUSTER_TEST(test_poll_is_bounded, fixture), CLUSTER_TEST(test_answering_from_an_event, fixture),
        CLUSTER_TEST(test_nobody_there, fixture),    CLUSTER_TEST(test_closed_node, fixture),
        CLUSTER_TEST(test_online, fixture),
    };
    return cmocka_run_group_tests_name(fixture->name, tests, NULL, NULL);
}
