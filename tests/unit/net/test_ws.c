/* test_ws.c - WebSocket over real sockets: the rules of PROTOCOL.md, "Transport". */
#include "harness.h"

#include "admission.h"

static void test_echoes(void **state) {
    struct rig *rig = *state;
    int fd = client_open(rig->port);
    client_text(fd, "hello");
    client_expect_text(fd, "hello");
    char big[16384 + 1];
    memset(big, 'b', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    client_text(fd, big);
    client_expect_text(fd, big);
    client_leave(fd);
}

static void test_keeps_the_order_of_many(void **state) {
    struct rig *rig = *state;
    int fd = client_open(rig->port);
    enum { COUNT = 500 };
    char *all = malloc(COUNT * 64);
    assert_non_null(all);
    size_t length = 0;
    char text[32];
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "message %u", i);
        length += client_frame(all + length, OP_TEXT, text, strlen(text));
    }
    client_send(fd, all, length);
    free(all);
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "message %u", i);
        client_expect_text(fd, text);
    }
    client_leave(fd);
}

static void test_takes_bytes_one_by_one(void **state) {
    struct rig *rig = *state;
    int fd = client_open(rig->port);
    char frame[64];
    size_t length = client_frame(frame, OP_TEXT, "dripping", 8);
    for (size_t i = 0; i < length; i++)
        client_send(fd, frame + i, 1);
    client_expect_text(fd, "dripping");
    client_leave(fd);
}

/* A client that does not wait for the answer to its handshake. Its frames stand where lws 4.1 would build that answer. */
static int open_with_frames(struct rig *rig, const char *frames, size_t length) {
    int fd = client_connect(rig->port);
    char all[2048];
    char filler[301];
    memset(filler, 'f', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    int head = snprintf(all, sizeof all,
                        "GET /ws HTTP/1.1\r\nHost: chat.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nUser-Agent: "
                        "%s\r\n\r\n",
                        filler);
    memcpy(all + head, frames, length);
    client_send(fd, all, (size_t)head + length);
    char answer[1024];
    assert_true(client_head(fd, answer, sizeof answer));
    assert_int_equal(client_status(answer), 101);
    return fd;
}

static void test_takes_frames_behind_the_handshake(void **state) {
    struct rig *rig = *state;
    char frames[64];
    size_t length = client_frame(frames, OP_TEXT, "early", 5);
    length += client_frame(frames + length, OP_TEXT, "birds", 5);
    int fd = open_with_frames(rig, frames, length);
    client_expect_text(fd, "early");
    client_expect_text(fd, "birds");
    client_leave(fd);
    length = client_frame(frames, OP_TEXT | NO_MASK, "early", 5);
    fd = open_with_frames(rig, frames, length);
    assert_int_equal(client_close_code(fd), 1002);
    close(fd);
    rig_wait(rig, &rig->closed, 2);
}

static void test_puts_fragments_together(void **state) {
    struct rig *rig = *state;
    int fd = client_open(rig->port);
    client_send_frame(fd, OP_TEXT | NO_FIN, "a\xe2", 2); /* in the middle of a character */
    client_send_frame(fd, OP_PONG, "\xff\xfe", 2);
    client_send_frame(fd, OP_MORE | NO_FIN, "", 0);
    client_send_frame(fd, OP_PING, "p", 1);
    client_send_frame(fd, OP_MORE | NO_FIN, "\x82", 1);
    client_send_frame(fd, OP_MORE, "\xac!", 2);
    char frame[64];
    unsigned seen = 0; /* the pong may come before or behind the echo */
    for (int i = 0; i < 2; i++) {
        int op = client_next(fd, frame, sizeof frame, NULL);
        assert_string_equal(frame, op == OP_PONG ? "p" : "a\xe2\x82\xac!");
        seen |= 1u << op;
    }
    assert_int_equal(seen, 1u << OP_PONG | 1u << OP_TEXT);
    client_send_frame(fd, OP_TEXT | NO_FIN, "x", 1);
    client_send_frame(fd, OP_MORE, "", 0);
    client_expect_text(fd, "x");
    client_send_frame(fd, OP_TEXT, "", 0);
    client_expect_text(fd, "");
    client_leave(fd);
}

static void test_takes_a_message_of_one_byte_fragments(void **state) {
    struct rig *rig = *state;
    int fd = client_open(rig->port);
    enum { LENGTH = 16384 };
    char *all = malloc(LENGTH * 8);
    char *text = calloc(1, LENGTH + 1);
    assert_true(all != NULL && text != NULL);
    size_t length = 0;
    for (size_t i = 0; i < LENGTH; i++) {
        text[i] = 'f';
        length += client_frame(all + length, (i == 0 ? OP_TEXT : OP_MORE) | (i < LENGTH - 1 ? NO_FIN : 0), "f", 1);
    }
    client_send(fd, all, length);
    client_expect_text(fd, text);
    free(text);
    free(all);
    client_leave(fd);
}

static void test_close_codes_of_faults(void **state) {
    struct rig *rig = *state;
    static const char surrogate[] = "\xed\xa0\x80";
    static const struct {
        unsigned op;
        const char *payload;
        size_t length;
        unsigned code;
        const char *what;
    } rows[] = {
        {OP_BINARY, "b", 1, 1003, "binary"},
        {OP_TEXT, "\xff", 1, 1007, "invalid UTF-8"},
        {OP_TEXT, surrogate, 3, 1007, "a surrogate"},
        {OP_TEXT, "\xe2\x82", 2, 1007, "half a character"},
        {OP_TEXT | NO_MASK, "{}", 2, 1002, "unmasked text"},
        {OP_TEXT | NO_MASK, "", 0, 1002, "unmasked empty text"},
        {OP_PING | NO_MASK, "", 0, 1002, "unmasked ping"},
        {OP_CLOSE | NO_MASK, "\x03\xe8", 2, 1002, "unmasked close"},
        {3, "", 0, 1002, "a reserved opcode"},
        {OP_TEXT | 0x40, "{}", 2, 1002, "a reserved bit"},
        {OP_MORE, "{}", 2, 1002, "a continuation of nothing"},
        {OP_PING | NO_FIN, "", 0, 1002, "a fragmented ping"},
        {OP_CLOSE, "\x03", 1, 1002, "a close with half a code"},
        {OP_CLOSE, "\x03\xed", 2, 1002, "a close with 1005"},
        {OP_CLOSE, "\x03\xe8\xff", 3, 1007, "a close with garbage as its reason"},
        {OP_CLOSE, "\x03\xe9", 2, 1001, "a close with 1001"},
        {OP_CLOSE, "\x0f\xa1 bye", 6, 4001, "a close with 4001"},
        {OP_CLOSE, "", 0, 1005, "a close without a code"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = client_open(rig->port);
        client_text(fd, "fine");
        client_expect_text(fd, "fine");
        client_send_frame(fd, rows[i].op, rows[i].payload, rows[i].length);
        unsigned code = client_close_code(fd);
        if (code != rows[i].code)
            fail_msg("%s: close code %u instead of %u", rows[i].what, code, rows[i].code);
        client_send_frame(fd, OP_CLOSE, "\x03\xe8", 2);
        assert_int_equal(client_close_code(fd), 0); /* the end: no second Close */
        close(fd);
    }
    rig_wait(rig, &rig->closed, sizeof rows / sizeof *rows);
}

static void test_unmasked_header_and_payload_apart(void **state) {
    struct rig *rig = *state;
    int fd = client_open(rig->port);
    char frame[512];
    char text[300];
    memset(text, 't', sizeof text);
    client_frame(frame, OP_TEXT | NO_MASK, text, sizeof text);
    client_send(fd, frame, 3); /* in the middle of the extended length */
    assert_int_equal(client_close_code(fd), 1002);
    close(fd);
    rig_wait(rig, &rig->closed, 1);
    assert_int_equal(rig->texts, 0);
}

static void test_too_big(void **state) {
    struct rig *rig = *state;
    char big[16385];
    memset(big, 'b', sizeof big);
    int fd = client_open(rig->port);
    client_send_frame(fd, OP_TEXT, big, sizeof big);
    assert_int_equal(client_close_code(fd), 1009);
    close(fd);

    fd = client_open(rig->port); /* in fragments */
    for (int i = 0; i < 17; i++)
        client_send_frame(fd, (i == 0 ? OP_TEXT : OP_MORE) | NO_FIN, big, 1000);
    assert_int_equal(client_close_code(fd), 1009);
    close(fd);

    fd = client_open(rig->port); /* promised: 2^40 */
    client_send(fd, "\x81\xff\x00\x00\x01\x00\x00\x00\x00\x00\x01\x02\x03\x04some of it", 24);
    assert_int_equal(client_close_code(fd), 1009);
    close(fd);

    fd = client_open(rig->port); /* nothing, for ever */
    client_send_frame(fd, OP_TEXT | NO_FIN, "", 0);
    for (int i = 0; i < 5000; i++)
        client_send_frame(fd, OP_MORE | NO_FIN, "", 0);
    assert_int_equal(client_close_code(fd), 1009);
    close(fd);
    rig_wait(rig, &rig->closed, 4);
    assert_int_equal(rig->texts, 0);
}

/* The length alone is the fault: nothing else comes, or everything at once. */
static void test_close_codes_of_lengths(void **state) {
    struct rig *rig = *state;
    static const struct {
        const char *header;
        size_t length;
        unsigned code;
        const char *what;
    } rows[] = {
        {"\x81\xff\x00\x00\x01\x00\x00\x00\x00\x00", 10, 1009, "2^40"},
        {"\x81\xfe\x40\x01", 4, 1009, "one too many"},
        {"\x01\xfe\x40\x01", 4, 1009, "one too many, in a fragment"},
        {"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10, 1002, "64 bits"},
        {"\x89\xfe\x00\x7e", 4, 1002, "a ping of 126"},
        {"\x8a\xfe\xff\xff", 4, 1002, "a pong of 65535"},
        {"\x88\xfe\x00\x7e", 4, 1002, "a close of 126"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t behind = 0; behind <= 2000; behind += 1000) {
            int fd = client_open(rig->port);
            char frames[4096] = {0};
            size_t before = client_frame(frames, OP_TEXT, "fine", 4);
            memcpy(frames + before, rows[i].header, rows[i].length);
            client_send(fd, frames, before + rows[i].length + behind);
            client_expect_text(fd, "fine");
            unsigned code = client_close_code(fd);
            if (code != rows[i].code)
                fail_msg("%s: close code %u instead of %u", rows[i].what, code, rows[i].code);
            close(fd);
        }
    rig_wait(rig, &rig->closed, sizeof rows / sizeof *rows * 3);
}

static void test_closes_when_told(void **state) {
    struct rig *rig = *state;
    int fd = client_open(rig->port);
    client_text(fd, "close 4501");
    client_text(fd, "after the close");
    char frame[128];
    size_t length;
    assert_int_equal(client_next(fd, frame, sizeof frame, &length), OP_CLOSE);
    assert_memory_equal(frame, "\x11\x95superseded", 12);
    client_text(fd, "and more");
    client_send_frame(fd, OP_CLOSE, "\x11\x95", 2);
    assert_true(client_at_end(fd));
    close(fd);
    rig_wait(rig, &rig->closed, 1);
    assert_int_equal(rig->texts, 1);
    assert_int_equal(rig->closed_session, 77);
}

static void test_cuts_who_does_not_answer_the_close(void **state) {
    struct rig *rig = *state;
    int fd = client_open(rig->port);
    client_text(fd, "close 1012");
    assert_int_equal(client_close_code(fd), 1012);
    assert_true(client_at_end(fd)); /* although we never answered */
    close(fd);
    rig_wait(rig, &rig->closed, 1);
}

static void test_closes_behind_what_is_queued(void **state) {
    struct rig *rig = *state;
    int fd = client_connect_from(rig->port, NULL, 8192);
    assert_int_equal(client_handshake(fd, "", NULL, 0), 101);
    enum { COUNT = 50, LENGTH = 10000 };
    char all[256];
    size_t length = client_frame(all, OP_TEXT, "flood 50 10000", 14);
    length += client_frame(all + length, OP_TEXT, "close 1001", 10);
    client_send(fd, all, length);
    rig_wait(rig, &rig->texts, 2);
    static char frame[LENGTH + 1];
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(client_next(fd, frame, sizeof frame, NULL), OP_TEXT);
        assert_int_equal(strtoul(frame, NULL, 10), i);
    }
    assert_int_equal(client_close_code(fd), 1001);
    close(fd);
    rig_wait(rig, &rig->closed, 1);
}

static void test_reports_what_was_queued(void **state) {
    struct rig *rig = *state;
    int fd = client_connect_from(rig->port, NULL, 8192);
    assert_int_equal(client_handshake(fd, "", NULL, 0), 101);
    client_text(fd, "flood 60 10000");
    rig_wait(rig, &rig->texts, 1);
    assert_true(rig->sent_queued > 10);
    assert_true(rig->written < rig->sent_queued);
    static char frame[10001];
    for (unsigned i = 0; i < 60; i++) {
        assert_int_equal(client_next(fd, frame, sizeof frame, NULL), OP_TEXT);
        assert_int_equal(strtoul(frame, NULL, 10), i);
    }
    rig_wait(rig, &rig->written, rig->sent_queued);
    assert_int_equal(rig->written, rig->sent_queued);
    client_text(fd, "still well");
    client_expect_text(fd, "still well");
    struct net_stats stats;
    net_stats(rig->net, &stats);
    assert_int_equal(stats.queued_bytes, 0);
    client_leave(fd);
}

static void test_nothing_overtakes_the_queue(void **state) {
    struct rig *rig = *state;
    int fd = client_connect_from(rig->port, NULL, 8192);
    assert_int_equal(client_handshake(fd, "", NULL, 0), 101);
    rig->chase = true; /* sends when the queue is shorter by one, and lws is free */
    client_text(fd, "flood 60 10000");
    rig_wait(rig, &rig->texts, 1); /* read meanwhile, the kernel might take it all, and nothing be queued */
    assert_true(rig->sent_queued > 0);
    static char frame[10001];
    for (unsigned i = 0; i < 60; i++) {
        assert_int_equal(client_next(fd, frame, sizeof frame, NULL), OP_TEXT);
        assert_int_equal(strtoul(frame, NULL, 10), i);
        assert_int_equal(strlen(frame), 10000);
    }
    client_expect_text(fd, "chaser");
    client_leave(fd);
}

static void test_drops_a_slow_reader(void **state) {
    struct rig *rig = *state;
    int slow = client_connect_from(rig->port, NULL, 8192);
    assert_int_equal(client_handshake(slow, "", NULL, 0), 101);
    int other = client_open(rig->port);
    client_text(slow, "flood 4000 10000");
    rig_wait(rig, &rig->texts, 1);
    client_text(other, "not my fault");
    client_expect_text(other, "not my fault");
    assert_true(rig->sent_dropped > 0);
    /* Whoever reads on gets what was on its way, and the reason. */
    assert_int_equal(client_close_code(slow), 4001);
    close(slow);
    rig_wait(rig, &rig->closed, 1);
    struct net_stats stats;
    net_stats(rig->net, &stats);
    assert_int_equal(stats.queued_bytes, 0);
    client_leave(other);
}

static void test_cuts_a_reader_who_never_reads(void **state) {
    struct rig *rig = *state;
    int fd = client_connect_from(rig->port, NULL, 8192);
    assert_int_equal(client_handshake(fd, "", NULL, 0), 101);
    client_text(fd, "flood 4000 10000");
    rig_wait(rig, &rig->closed, 1);
    close(fd);
}

/* With a queue in front, the tag rules decide what is queued. */
static void expect_tags(struct rig *rig, const char *command, const char *const *expected) {
    int fd = client_connect_from(rig->port, NULL, 8192);
    assert_int_equal(client_handshake(fd, "", NULL, 0), 101);
    char all[256];
    size_t length = client_frame(all, OP_TEXT, "flood 50 10000", 14);
    length += client_frame(all + length, OP_TEXT, command, strlen(command));
    client_send(fd, all, length);
    rig_wait(rig, &rig->texts, 2);
    static char frame[10001];
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(client_next(fd, frame, sizeof frame, NULL), OP_TEXT);
    for (; *expected != NULL; expected++)
        client_expect_text(fd, *expected);
    client_leave(fd);
}

static void test_tag_none(void **state) {
    expect_tags(*state, "tags 0 5 3", (const char *const[]){"tag 0", "tag 1", "tag 2", "done", NULL});
}

static void test_tag_keep(void **state) {
    expect_tags(*state, "tags 1 5 3", (const char *const[]){"tag 0", "done", NULL});
}

static void test_tag_replace(void **state) {
    expect_tags(*state, "tags 2 5 3", (const char *const[]){"tag 2", "done", NULL});
}

static void test_tag_fresh(void **state) {
    expect_tags(*state, "tags 3 5 3", (const char *const[]){"done", NULL});
}

static void test_pause_holds_back(void **state) {
    struct rig *rig = *state;
    int fd = client_open(rig->port);
    char all[4096];
    size_t length = 0;
    for (int round = 0; round < 5; round++) { /* paused again while the rest waits */
        length += client_frame(all + length, OP_TEXT, "pause 50", 8);
        length += client_frame(all + length, OP_TEXT, "one", 3);
        length += client_frame(all + length, OP_TEXT | NO_FIN, "tw", 2);
        length += client_frame(all + length, OP_MORE, "o", 1);
        length += client_frame(all + length, OP_PING, "", 0);
    }
    client_send(fd, all, length);
    char frame[64];
    for (int round = 0; round < 5; round++) {
        client_expect_text(fd, "one");
        client_expect_text(fd, "two");
        int op = client_next(fd, frame, sizeof frame, NULL);
        if (op == OP_TEXT) /* a pong may come behind, or be left out when two pings wait */
            fail_msg("unexpected text %s", frame);
    }
    assert_int_equal(rig->texts, 15);
    client_leave(fd);
}

static void pause_last(struct rig *rig, void *paused) {
    rig_pause(rig, rig->last, paused != NULL);
}

static void test_pause_from_outside(void **state) {
    struct rig *rig = *state;
    int fd = client_open(rig->port);
    rig_wait(rig, &rig->opened, 1);
    conn_ref first = rig->last;
    rig_run(rig, pause_last, rig);
    client_text(fd, "held");
    int other = client_open(rig->port); /* takes several turns of the loop */
    client_text(other, "through");
    client_expect_text(other, "through");
    rig_wait(rig, &rig->texts, 1);
    assert_int_equal(rig->texts, 1);
    rig->last = first;
    rig_run(rig, pause_last, NULL);
    client_expect_text(fd, "held");
    client_leave(other);
    client_leave(fd);
}

static void close_stale(struct rig *rig, void *argument) {
    (void)argument;
    rig_close(rig, 0, 1000);
    rig_close(rig, 12345, 1000);
    rig_close(rig, (conn_ref)99 << 32 | 1, 1000);
    rig_pause(rig, UINT64_MAX, true);
    assert_int_equal(rig_send(rig, (conn_ref)99 << 32 | 1, "x", 1, 0, TAG_NONE), TRANSPORT_DROPPED);
}

static void test_stale_references_do_nothing(void **state) {
    struct rig *rig = *state;
    int fd = client_open(rig->port);
    rig_run(rig, close_stale, NULL);
    rig->closing = 0;
    client_text(fd, "unharmed");
    client_expect_text(fd, "unharmed");
    client_leave(fd);
}

static void close_all(struct rig *rig, void *argument) {
    (void)argument;
    net_stop_accepting(rig->net);
    net_close_all(rig->net, CLOSE_RESTART);
}

static void test_close_all(void **state) {
    struct rig *rig = *state;
    int fd[20];
    for (size_t i = 0; i < 20; i++)
        fd[i] = client_open(rig->port);
    rig_run(rig, close_all, NULL);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(client_close_code(fd[i]), 1012);
        client_send_frame(fd[i], OP_CLOSE, "\x03\xf4", 2);
        close(fd[i]);
    }
    rig_wait(rig, &rig->closed, 20);
    struct net_stats stats;
    net_stats(rig->net, &stats);
    assert_int_equal(stats.connections, 0);
    assert_int_equal(stats.closed_by_code[6], 20); /* the row of RESTART */
}

static void test_aborted_connections(void **state) {
    struct rig *rig = *state;
    for (int i = 0; i < 50; i++) {
        int fd = client_open(rig->port);
        client_text(fd, "flood 20 10000");
        struct linger hard = {1, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(fd);
    }
    rig_wait(rig, &rig->closed, 50);
}

static void test_freed_with_connections_open(void **state) {
    struct rig *rig = *state;
    for (int i = 0; i < 10; i++) /* rig_stop() sees that each is told to be closed */
        (void)client_open(rig->port);
    int half = client_connect(rig->port);
    client_say(half, "GET /ws HT");
    int queued = client_connect_from(rig->port, NULL, 8192);
    assert_int_equal(client_handshake(queued, "", NULL, 0), 101);
    client_text(queued, "flood 50 10000");
    rig_wait(rig, &rig->texts, 1);
}

static void test_freed_in_the_turn_of_a_failed_write(void **state) {
    struct rig *rig = *state;
    rig->abort_before_free = client_open(rig->port);
    rig_wait(rig, &rig->opened, 1);
}

/* Whatever a client writes in front of what its proxy writes, it stays the address that the proxy says, or the proxy's. */
static void test_no_client_chooses_its_address(void **state) {
    (void)state;
    static struct rig rig;
    static const char *const trusted[] = {"127.0.0.1", NULL};
    static char too_long[2][3000];
    rig_defaults(&rig);
    rig.options.trusted_proxies = trusted;
    rig.options.admission = admission_new(100, 1, (struct rate){0});
    rig_start(&rig);
    int proxy = client_open(rig.port); /* its own address is taken */
    const struct {
        const char *headers;
        int status;
    } rows[] = {
        {"", 429},
        {"X-Forwarded-For: \r\nForwarded: for=4.4.4.1\r\n", 429},
        {"X-Forwarded-For:\r\nForwarded: for=4.4.4.2\r\n", 429},
        {"Forwarded: for=4.4.4.3\r\nForwarded: for=9.9.9.9\r\n", 429},
        {"Forwarded: for=4.4.4.4\r\nA: b\r\nforwarded:for=9.9.9.9\r\n", 429},
        {"Forwarded:\r\nForwarded: for=4.4.4.5\r\n", 429},
        {"Forwarded:\r\n", 429},
        {too_long[0], 400},
        {too_long[1], 400},
        {"Forwarded: for=4.4.4.6\r\n", 101},
    };
    snprintf(too_long[0], sizeof *too_long, "X-Forwarded-For: %02100d, 9.9.9.9\r\nForwarded: for=4.4.4.7\r\n", 1);
    snprintf(too_long[1], sizeof *too_long, "Forwarded: for=%02100d, for=9.9.9.9\r\n", 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = client_connect(rig.port);
        int status = client_handshake(fd, rows[i].headers, NULL, 0);
        if (status != rows[i].status)
            fail_msg("row %zu: %d instead of %d", i, status, rows[i].status);
        close(fd);
    }
    int direct = client_connect_from(rig.port, "127.0.0.2", 0); /* no proxy of ours: it may write what it likes */
    assert_int_equal(client_handshake(direct, too_long[0], NULL, 0), 101);
    client_leave(direct);
    client_leave(proxy);
    rig_stop(&rig);
    admission_free(rig.options.admission);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
        TEST(test_echoes),
        TEST(test_keeps_the_order_of_many),
        TEST(test_takes_bytes_one_by_one),
        TEST(test_takes_frames_behind_the_handshake),
        TEST(test_puts_fragments_together),
        TEST(test_takes_a_message_of_one_byte_fragments),
        TEST(test_close_codes_of_faults),
        TEST(test_unmasked_header_and_payload_apart),
        TEST(test_too_big),
        TEST(test_close_codes_of_lengths),
        TEST(test_closes_when_told),
        TEST(test_cuts_who_does_not_answer_the_close),
        TEST(test_closes_behind_what_is_queued),
        TEST(test_reports_what_was_queued),
        TEST(test_nothing_overtakes_the_queue),
        TEST(test_drops_a_slow_reader),
        TEST(test_cuts_a_reader_who_never_reads),
        TEST(test_tag_none),
        TEST(test_tag_keep),
        TEST(test_tag_replace),
        TEST(test_tag_fresh),
        TEST(test_pause_holds_back),
        TEST(test_pause_from_outside),
        TEST(test_stale_references_do_nothing),
        TEST(test_close_all),
        TEST(test_aborted_connections),
        TEST(test_freed_with_connections_open),
        TEST(test_freed_in_the_turn_of_a_failed_write),
#undef TEST
        cmocka_unit_test(test_no_client_chooses_its_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
