/* test_contexts.c - sockets of all numbers are served, each by the lws context with the shortest table. */
#include "harness.h"

#include "net_priv.h"

enum { FIRST_FILES = 1024, SECOND_FILES = FIRST_FILES * 3 / 2 };

static void say_and_hear(int fd, const char *text) {
    client_text(fd, text);
    client_expect_text(fd, text);
}

static void test_serves_all_numbers(void **state) {
    struct rig *rig = *state;
    unsigned few_count, many_count;
    int low = client_open(rig->port);
    int *few = numbers_take(FIRST_FILES, &few_count);
    int middle = client_open(rig->port);
    int *many = numbers_take(SECOND_FILES, &many_count);
    int high = client_open(rig->port);
    assert_true(low < FIRST_FILES && middle >= FIRST_FILES && high >= SECOND_FILES);
    say_and_hear(low, "low");
    say_and_hear(middle, "middle");
    say_and_hear(high, "high");
    close(middle);
    rig_wait(rig, &rig->closed, 1);
    say_and_hear(high, "still here");
    numbers_give_back(few, few_count);
    numbers_give_back(many, many_count);
    int last = client_open(rig->port);
    say_and_hear(last, "last");
    say_and_hear(low, "first");
    close(last);
    rig_wait(rig, &rig->closed, 2); /* the others are open when the net is freed */
    close(low);
    close(high);
}

static void test_takes_the_shortest_table(void **state) {
    const struct net *net = ((struct rig *)*state)->net;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(net->contexts[net->context_count - 1].files, limit.rlim_cur);
    for (unsigned i = 0; i < net->context_count; i++) {
        int below = (int)net->contexts[i].files - 1;
        assert_ptr_equal(contexts_vhost(net, below), net->contexts[i].vhost);
        assert_true(i == 0 || net->contexts[i - 1].files < net->contexts[i].files);
    }
    assert_ptr_equal(contexts_vhost(net, FIRST_FILES - 1), net->contexts[0].vhost);
    assert_ptr_equal(contexts_vhost(net, FIRST_FILES), net->contexts[1].vhost);
    assert_ptr_equal(contexts_vhost(net, SECOND_FILES), net->contexts[2].vhost);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_serves_all_numbers, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_takes_the_shortest_table, rig_setup, rig_teardown),
    };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
