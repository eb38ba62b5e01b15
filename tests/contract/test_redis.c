/* test_redis.c - the contract suite on the Redis broker, over a real Redis. */
#include "redis_cluster.h"

static int suites(const struct fixture *fixture) {
    return suite_match(fixture) + suite_chat(fixture) + suite_hold(fixture) + suite_relay(fixture) +
           suite_random(fixture);
}

int main(void) {
    return redis_cluster_main(suites);
}
