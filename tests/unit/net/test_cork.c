/* test_cork.c - what one read brings for a connection leaves in one write, and nothing else is held back. */
#include "harness.h"

#include <sys/syscall.h>

/* What other threads than the test's own send: the net. Its send() calls this one, as the program's symbols come first. */
static _Atomic unsigned writes;
static pthread_t tester;

__attribute__((used, visibility("default"))) ssize_t sendto(int fd, const void *bytes, size_t length, int flags,
                                                            const struct sockaddr *to, socklen_t to_size);
ssize_t sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *to, socklen_t to_size) {
    if (!pthread_equal(pthread_self(), tester))
        writes++;
    return syscall(SYS_sendto, fd, bytes, length, flags, to, to_size);
}

/* Opens a connection, which then is rig->last. */
static int open_last(struct rig *rig, unsigned opened) {
    int fd = client_open(rig->port);
    rig_wait(rig, &rig->opened, opened);
    return fd;
}

/* Several text frames in one write. */
static void say_together(int fd, const char *const *texts, size_t count) {
    char bytes[1024];
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += client_frame(bytes + length, 1, texts[i], strlen(texts[i]));
    client_send(fd, bytes, length);
}

static void expect_numbered(int fd, unsigned number, size_t length) {
    static char frame[32768];
    char expected[16];
    size_t got;
    assert_int_equal(client_next(fd, frame, sizeof frame, &got), 1);
    assert_int_equal(got, length);
    int digits = snprintf(expected, sizeof expected, "%ux", number);
    assert_memory_equal(frame, expected, (size_t)digits);
    for (size_t i = (size_t)digits; i < length; i++)
        assert_int_equal(frame[i], 'x');
}

static void test_one_read_one_write(void **state) {
    struct rig *rig = *state;
    static const char *const texts[] = {"last 1 20", "last 1 21", "last 1 22"};
    int speaker = open_last(rig, 1), listener = open_last(rig, 2);
    unsigned before = writes;
    say_together(speaker, texts, 3);
    for (unsigned i = 0; i < 3; i++)
        expect_numbered(listener, 0, 20 + i);
    assert_int_equal(writes - before, 1);
    client_leave(speaker);
    client_leave(listener);
}

static void test_many_frames_of_all_sizes(void **state) {
    struct rig *rig = *state;
    static const unsigned lengths[] = {16, 125, 126, 127, 4000, 16000};
    int speaker = open_last(rig, 1), listener = open_last(rig, 2);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char text[32];
        snprintf(text, sizeof text, "last 20 %u", lengths[i]);
        client_text(speaker, text);
        for (unsigned number = 0; number < 20; number++)
            expect_numbered(listener, number, lengths[i]);
    }
    client_leave(speaker);
    client_leave(listener);
}

/* The kernel takes a part, the rest is queued; all of it arrives, once and in order. */
static void test_a_listener_that_does_not_read(void **state) {
    struct rig *rig = *state;
    enum { ROUNDS = 40, FRAMES = 20, LENGTH = 800 };
    int speaker = open_last(rig, 1), listener = client_connect_from(rig->port, "127.0.0.1", 2048);
    assert_int_equal(client_handshake(listener, "", NULL, 0), 101);
    rig_wait(rig, &rig->opened, 2);
    unsigned said = rig->texts;
    for (unsigned i = 0; i < ROUNDS; i++)
        client_text(speaker, "last 20 800");
    rig_wait(rig, &rig->texts, said + ROUNDS);
    for (unsigned i = 0; i < ROUNDS; i++)
        for (unsigned number = 0; number < FRAMES; number++)
            expect_numbered(listener, number, LENGTH);
    client_leave(speaker);
    client_leave(listener);
}

/* Frames for somebody who is gone by then do no harm. */
static void test_who_leaves_meanwhile(void **state) {
    struct rig *rig = *state;
    int speaker = open_last(rig, 1), listener = open_last(rig, 2);
    struct linger reset = {1, 0};
    setsockopt(listener, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(listener);
    for (unsigned i = 0; i < 50; i++)
        client_text(speaker, "last 3 100");
    rig_wait(rig, &rig->closed, 1);
    client_text(speaker, "still here");
    client_expect_text(speaker, "still here");
    client_leave(speaker);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void) {
    tester = pthread_self();
    const struct CMUnitTest tests[] = {
        TEST(test_one_read_one_write),
        TEST(test_many_frames_of_all_sizes),
        TEST(test_a_listener_that_does_not_read),
        TEST(test_who_leaves_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
