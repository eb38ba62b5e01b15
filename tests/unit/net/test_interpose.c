/* test_interpose.c - of a socket that is being adopted the kernel is not asked; of all others it is. */
#include "harness.h"

#include "interpose.h"

#include <dlfcn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static bool is_watched(int epoll, int fd) {
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) == 0)
        return true;
    assert_int_equal(errno, ENOENT);
    return false;
}

static void test_libraries_find_ours(void **state) {
    (void)state;
    int (*ours)(int, int, int, struct epoll_event *) = epoll_ctl;
    int (*our_write)(int, eventfd_t) = eventfd_write;
    void *found = dlsym(RTLD_DEFAULT, "epoll_ctl");
    void *found_write = dlsym(RTLD_DEFAULT, "eventfd_write");
    assert_memory_equal(&ours, &found, sizeof found);
    assert_memory_equal(&our_write, &found_write, sizeof found_write);
}

static void test_spares_the_adopted(void **state) {
    (void)state;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int adopted = eventfd(0, EFD_NONBLOCK), other = eventfd(0, EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN};
    interpose_adopting(adopted);
    assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, adopted, &event), 0);
    assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_DEL, adopted, &event), 0);
    assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_DEL, adopted, &event), 0);
    assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, adopted, &event), 0);
    assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, other, &event), 0);
    interpose_adopted();
    assert_false(is_watched(epoll, adopted));
    assert_true(is_watched(epoll, other));
    assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, adopted, &event), 0);
    assert_true(is_watched(epoll, adopted));
    close(adopted);
    close(other);
    close(epoll);
}

static void test_wakes_nobody_meanwhile(void **state) {
    (void)state;
    int fd = eventfd(0, EFD_NONBLOCK);
    eventfd_t value = 0;
    interpose_adopting(fd + 1);
    assert_int_equal(eventfd_write(fd, 1), 0);
    interpose_adopted();
    assert_int_equal(eventfd_read(fd, &value), -1);
    assert_int_equal(eventfd_write(fd, 5), 0);
    assert_int_equal(eventfd_read(fd, &value), 0);
    assert_int_equal(value, 5);
    close(fd);
    assert_int_equal(eventfd_write(fd, 1), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_libraries_find_ours),
        cmocka_unit_test(test_spares_the_adopted),
        cmocka_unit_test(test_wakes_nobody_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
