/* test_wiretap.c - follows frames however they are cut up, and sees reads of this thread alone. */
#include "harness.h"

#include "wiretap.h"

static unsigned reads;

static void count_read(struct wiretap *tap) {
    (void)tap;
    reads++;
}

/* Several frames, of which the last is not masked. Returns the length; *bad_at is where its mask bit stands. */
static size_t stream(char *out, size_t *bad_at) {
    static char payload[70000];
    size_t length = client_frame(out, OP_TEXT, "hello", 5);
    length += client_frame(out + length, OP_PING, "", 0);
    length += client_frame(out + length, OP_TEXT | NO_FIN, payload, 126);
    length += client_frame(out + length, OP_MORE, payload, 65535);
    length += client_frame(out + length, OP_TEXT, payload, sizeof payload);
    *bad_at = length + 1;
    return length + client_frame(out + length, OP_TEXT | NO_MASK, "x", 1);
}

static void test_follows_frames(void **state) {
    (void)state;
    char *all = malloc(200000);
    assert_non_null(all);
    size_t bad_at;
    size_t length = stream(all, &bad_at);
    static const size_t steps[] = {1, 2, 3, 7, 272, 4096, 200000};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct wiretap tap = {0};
        wiretap_upgraded(&tap, 70000);
        for (size_t at = 0; at < length; at += steps[i]) {
            size_t step = length - at < steps[i] ? length - at : steps[i];
            wiretap_frames(&tap, (uint8_t *)all + at, step);
            assert_int_equal(tap.unmasked, at + step > bad_at);
        }
    }
    free(all);
}

/* Headers alone, whole and byte by byte. */
static void test_lengths(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        size_t for_lws;
        bool broken;
        bool too_big;
        const char *what;
    } rows[] = {
        {"\x81\xfe\x40\x00", 4, 4, false, false, "16384, the most"},
        {"\x81\xfe\x40\x01", 4, 4, false, true, "one more"},
        {"\x82\xfe\x40\x01", 4, 4, false, true, "binary"},
        {"\x00\xfe\x40\x01", 4, 4, false, true, "a continuation"},
        {"\x83\xfe\x40\x01", 4, 4, false, false, "a reserved opcode: for lws"},
        {"\x81\xff\x00\x00\x01\x00\x00\x00\x00\x00", 10, 10, false, true, "2^40"},
        {"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10, 10, false, true, "2^63 - 1"},
        {"\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00", 10, 3, true, false, "2^63"},
        {"\x89\xfd", 2, 2, false, false, "a ping of 125"},
        {"\x89\xfe\x00\x7e", 4, 2, true, false, "a ping of 126"},
        {"\x88\xff\x00\x00\x00\x00\x00\x00\x00\x01", 10, 2, true, false, "a close in 64 bits"},
        {"\x81\x80mask\x8a\xfe\x00\x7e", 10, 8, true, false, "a pong behind a text"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t step = 1; step <= rows[i].length; step += rows[i].length - 1) {
            struct wiretap tap = {0};
            uint8_t bytes[16];
            size_t for_lws = 0;
            wiretap_upgraded(&tap, 16384);
            memcpy(bytes, rows[i].bytes, rows[i].length);
            for (size_t at = 0; at < rows[i].length && !tap.broken; at += step)
                for_lws += wiretap_frames(&tap, bytes + at, step);
            if (tap.broken != rows[i].broken || tap.too_big != rows[i].too_big || for_lws != rows[i].for_lws)
                fail_msg("%s: broken %d, too big %d, %zu for lws", rows[i].what, tap.broken, tap.too_big, for_lws);
            assert_false(tap.unmasked);
        }
}

static void test_hides_what_breaks(void **state) {
    (void)state;
    struct wiretap tap = {0};
    uint8_t ping[] = {0x89, 0xfe, 0, 126};
    wiretap_upgraded(&tap, 16384);
    assert_int_equal(wiretap_frames(&tap, ping, sizeof ping), 2);
    assert_int_equal(ping[1], 0x80 | 125);
    assert_int_equal(wiretap_frames(&tap, ping, sizeof ping), 1); /* whatever comes */
    struct wiretap other = {0};
    uint8_t text[] = {0x81, 0xff, 0xff, 0xff};
    wiretap_upgraded(&other, 16384);
    assert_int_equal(wiretap_frames(&other, text, sizeof text), 3);
    assert_int_equal(text[2], 0x7f);
}

static void test_counts_forwarded_lines(void **state) {
    (void)state;
    static const struct {
        const char *request;
        unsigned count;
    } rows[] = {
        {"GET / HTTP/1.1\r\nA: b\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\nForwarded: for=a\r\n\r\n", 1},
        {"GET / HTTP/1.1\r\nfOrWaRdEd:\r\nA: Forwarded: b\r\nFORWARDED:x\r\n\r\n", 2},
        {"GET / HTTP/1.1\r\nX-Forwarded: a\r\nForwarded-For: b\r\nForwarde: c\r\n\r\n", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wiretap tap = {0};
        for (int round = 0; round < 2; round++) { /* a request does not count for the next */
            for (const char *at = rows[i].request; *at != '\0'; at++)
                assert_int_equal(wiretap_request(&tap, (const uint8_t *)at, 1), 1);
            assert_int_equal(tap.forwarded, rows[i].count);
        }
    }
}

static void test_cuts_behind_a_request(void **state) {
    (void)state;
    static const char get[] = "GET / HTTP/1.1\r\nA: b\r\n\r\n";
    static const char post[] = "POST / HTTP/1.1\r\n\r\nbody";
    struct wiretap tap = {0};
    char both[128];
    snprintf(both, sizeof both, "%s%s", get, get);
    assert_int_equal(wiretap_request(&tap, (const uint8_t *)both, strlen(both)), sizeof get - 1);
    assert_int_equal(wiretap_request(&tap, (const uint8_t *)get, 22), 22);
    assert_int_equal(wiretap_request(&tap, (const uint8_t *)"\r", 1), 1);
    assert_int_equal(wiretap_request(&tap, (const uint8_t *)"\nGET", 4), 1);
    assert_int_equal(wiretap_request(&tap, (const uint8_t *)post, sizeof post - 1), sizeof post - 1);
}

static void ignore(struct wiretap *tap) {
    (void)tap;
}

static void *read_it(void *argument) {
    char byte;
    assert_int_equal(recv(*(int *)argument, &byte, 1, 0), 1);
    return NULL;
}

static void test_sees_what_is_watched(void **state) {
    (void)state;
    int fds[2];
    char byte;
    struct wiretap tap = {0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(send(fds[1], "abcd", 4, 0), 4);
    reads = 0;
    assert_int_equal(recv(fds[0], &byte, 1, 0), 1);
    assert_int_equal(reads, 0);
    const struct wiretap_hooks hooks = {ignore, count_read};
    wiretap_watch(fds[0], NULL, &tap, &hooks);
    assert_int_equal(recv(fds[0], &byte, 1, 0), 1);
    assert_int_equal(byte, 'b');
    assert_int_equal(reads, 1);
    pthread_t thread;
    pthread_create(&thread, NULL, read_it, &fds[0]); /* not this thread's business */
    pthread_join(thread, NULL);
    assert_int_equal(reads, 1);
    wiretap_unwatch(&tap);
    wiretap_unwatch(&tap);
    assert_int_equal(recv(fds[0], &byte, 1, 0), 1);
    assert_int_equal(reads, 1);
    assert_int_equal(recv(fds[0], &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    close(fds[0]);
    close(fds[1]);
}

/* Over UDP, where the kernel holds back for as long as it takes, and one read brings what left together. */
static void test_holds_back_the_answer_to_an_upgrade(void **state) {
    (void)state;
    const struct wiretap_hooks hooks = {ignore, count_read};
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof name;
    struct wiretap tap = {0};
    char got[8];
    int peer = socket(AF_INET, SOCK_DGRAM, 0);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(peer, (struct sockaddr *)&name, size), 0);
    assert_int_equal(getsockname(peer, (struct sockaddr *)&name, &size), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, size), 0);
    wiretap_watch(fd, NULL, &tap, &hooks);
    assert_int_equal(send(fd, "a", 1, 0), 1);
    assert_false(tap.held);
    assert_int_equal(recv(peer, got, sizeof got, 0), 1);
    wiretap_granted(&tap);
    assert_int_equal(send(fd, "b", 1, 0), 1);
    assert_true(tap.held);
    wiretap_upgraded(&tap, 1000);
    assert_int_equal(send(fd, "cd", 2, 0), 2);
    assert_false(tap.held);
    assert_int_equal(recv(peer, got, sizeof got, 0), 3);
    assert_memory_equal(got, "bcd", 3);
    wiretap_unwatch(&tap);
    close(fd);
    close(peer);
}

/* A socket's number may have been given away before it is unwatched. */
static void test_leaves_others_watched(void **state) {
    (void)state;
    const struct wiretap_hooks hooks = {ignore, count_read};
    int fds[2];
    char byte;
    struct wiretap before = {0}, now = {0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    wiretap_watch(fds[0], NULL, &before, &hooks);
    wiretap_watch(fds[0], NULL, &now, &hooks);
    wiretap_unwatch(&before);
    assert_int_equal(send(fds[1], "a", 1, 0), 1);
    reads = 0;
    assert_int_equal(recv(fds[0], &byte, 1, 0), 1);
    assert_int_equal(reads, 1);
    wiretap_unwatch(&now);
    close(fds[0]);
    close(fds[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follows_frames),        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_hides_what_breaks),     cmocka_unit_test(test_counts_forwarded_lines),
        cmocka_unit_test(test_cuts_behind_a_request), cmocka_unit_test(test_sees_what_is_watched),
        cmocka_unit_test(test_leaves_others_watched), cmocka_unit_test(test_holds_back_the_answer_to_an_upgrade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
