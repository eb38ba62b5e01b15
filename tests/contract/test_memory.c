/* test_memory.c - the contract suite on the memory broker. */
#include "cluster.h"

static void *open_hub(void) {
    return memory_hub_new();
}

static void close_hub(void *hub) {
    memory_hub_free(hub);
}

static struct broker *join(void *hub, uint64_t boot, const struct broker_listener *listener) {
    return memory_hub_join(hub, boot, listener);
}

/* Everything happens within request() and poll(). */
static bool turn(void *hub) {
    (void)hub;
    return false;
}

static void advance(void *hub, int64_t by_ms) {
    (void)hub;
    (void)by_ms;
}

int main(void) {
    static const struct fixture fixture = {
        .name = "memory",
        .open = open_hub,
        .close = close_hub,
        .join = join,
        .turn = turn,
        .advance = advance,
        .operations = 100000,
    };
    return suite_match(&fixture) + suite_chat(&fixture) + suite_hold(&fixture) + suite_relay(&fixture) +
           suite_random(&fixture);
}
