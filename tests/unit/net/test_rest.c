/* test_rest.c - a long frame is read in few reads, whole, and nothing behind it is. */
#include "harness.h"

#include "base/random.h"

#include <sys/syscall.h>

enum { MOST = 16000, MESSAGES = 400 };

/* What other threads than the test's own read: the net. Its recv() calls this one, as the program's symbols come first. */
static _Atomic unsigned reads;
static pthread_t tester;

__attribute__((used, visibility("default"))) ssize_t recvfrom(int fd, void *bytes, size_t length, int flags,
                                                              struct sockaddr *from, socklen_t *from_size);
ssize_t recvfrom(int fd, void *bytes, size_t length, int flags, struct sockaddr *from, socklen_t *from_size) {
    if (!pthread_equal(pthread_self(), tester))
        reads++;
    return syscall(SYS_recvfrom, fd, bytes, length, flags, from, from_size);
}

/* A text of that length, of which each six letters say where they stand. */
static const char *text_of(size_t length) {
    static char text[MOST + 1];
    for (size_t i = 0; i < length; i++)
        text[i] = (char)(i % 6 == 5 ? '.' : 'a' + (i / 6 >> 3 * (i % 6)) % 8);
    text[length] = '\0';
    return text;
}

static void test_few_reads(void **state) {
    struct rig *rig = *state;
    int fd = client_open(rig->port);
    static const struct {
        size_t length;
        unsigned most;
    } rows[] = {{20, 1}, {1000, 2}, {4000, 2}, {16000, 10}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        client_text(fd, "first");
        client_expect_text(fd, "first");
        reads = 0;
        client_text(fd, text_of(rows[i].length));
        client_expect_text(fd, text_of(rows[i].length));
        assert_in_range(reads, 1, rows[i].most);
    }
    close(fd);
    rig_wait(rig, &rig->closed, 1);
}

/* Of all lengths, in pieces as they may come, of two people at once. */
static void test_all_lengths(void **state) {
    struct rig *rig = *state;
    static char frame[MOST + 16];
    struct random random;
    random_init(&random, 7);
    int fds[] = {client_open(rig->port), client_open(rig->port)};
    for (int i = 0; i < MESSAGES; i++) {
        int fd = fds[i % 2];
        size_t size = random_below(&random, 3) > 0 ? random_below(&random, 1500) : random_below(&random, MOST);
        size_t length = client_frame(frame, OP_TEXT, text_of(size), size);
        for (size_t at = 0; at < length;) {
            size_t piece = 1 + random_below(&random, random_below(&random, 2) > 0 ? length : 200);
            piece = piece < length - at ? piece : length - at;
            client_send(fd, frame + at, piece);
            at += piece;
        }
        client_expect_text(fd, text_of(size));
    }
    close(fds[0]);
    close(fds[1]);
    rig_wait(rig, &rig->closed, 2);
}

/* What comes behind a long frame waits in the socket, and is not lost, when the connection is paused by it. */
static void test_pause_behind(void **state) {
    struct rig *rig = *state;
    static char all[3 * MOST];
    char pause[1200] = "pause 100 ";
    memset(pause + strlen(pause), 'x', sizeof pause - 1 - strlen(pause));
    int fd = client_open(rig->port);
    size_t length = client_frame(all, OP_TEXT, pause, sizeof pause - 1);
    length += client_frame(all + length, OP_TEXT, text_of(1000), 1000);
    length += client_frame(all + length, OP_TEXT, text_of(9000), 9000);
    length += client_frame(all + length, OP_TEXT, text_of(10), 10);
    client_send(fd, all, length);
    client_expect_text(fd, text_of(1000));
    client_expect_text(fd, text_of(9000));
    client_expect_text(fd, text_of(10));
    close(fd);
    rig_wait(rig, &rig->closed, 1);
}

/* Who goes in the midst of a long frame is gone. */
static void test_gone_in_the_midst(void **state) {
    struct rig *rig = *state;
    static char frame[MOST + 16];
    size_t length = client_frame(frame, OP_TEXT, text_of(MOST), MOST);
    for (unsigned i = 0; i < 20; i++) {
        struct linger hard = {1, 0};
        int fd = client_open(rig->port);
        client_send(fd, frame, length / 20 * i + 200);
        if (i % 2 == 0)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(fd);
        rig_wait(rig, &rig->closed, i + 1);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_few_reads),
        TEST(test_all_lengths),
        TEST(test_pause_behind),
        TEST(test_gone_in_the_midst),
    };
#undef TEST
    tester = pthread_self();
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
