/* test_limits.c - over real sockets: who is turned away, who is timed out, who pays for the queues of all. */
#include "harness.h"

#include "admission.h"

#include <sys/resource.h>

static struct rig rig;

/* Each test starts the net with its own options. */
static int prepare(void **state) {
    (void)state;
    rig_defaults(&rig);
    return 0;
}

static int stop(void **state) {
    (void)state;
    rig_stop(&rig);
    admission_free(rig.options.admission);
    return 0;
}

static void expect_refusal(int fd, const char *extra, int status) {
    char head[4096];
    char value[64];
    assert_int_equal(client_handshake(fd, extra, head, sizeof head), status);
    assert_non_null(client_header(head, "Retry-After", value, sizeof value));
    assert_true(strtoul(value, NULL, 10) >= 1);
    assert_non_null(client_header(head, "Content-Security-Policy", value, sizeof value));
    close(fd);
}

static void test_full(void **state) {
    (void)state;
    rig.options.admission = admission_new(2, 0, (struct rate){0});
    rig_start(&rig);
    int a = client_open(rig.port);
    int b = client_open(rig.port);
    expect_refusal(client_connect(rig.port), "", 503);
    client_leave(a);
    rig_wait(&rig, &rig.closed, 1);
    a = client_open(rig.port);
    client_leave(a);
    client_leave(b);
    struct net_stats stats;
    net_stats(rig.net, &stats);
    assert_int_equal(stats.refused[REFUSED_FULL], 1);
}

static void test_too_many_of_an_address(void **state) {
    (void)state;
    rig.options.admission = admission_new(100, 1, (struct rate){0});
    rig_start(&rig);
    int a = client_open(rig.port);
    expect_refusal(client_connect(rig.port), "", 429);
    expect_refusal(client_connect(rig.port), "X-Forwarded-For: 203.0.113.1\r\n", 429); /* we trust no proxy */
    int other = client_connect_from(rig.port, "127.0.0.2", 0);
    assert_int_equal(client_handshake(other, "", NULL, 0), 101);
    client_leave(other);
    client_leave(a);
    rig_wait(&rig, &rig.closed, 2);
    client_leave(client_open(rig.port));
    struct net_stats stats;
    net_stats(rig.net, &stats);
    assert_int_equal(stats.refused[REFUSED_ADDRESS], 2);
}

static void test_too_often(void **state) {
    (void)state;
    rig.options.admission = admission_new(100, 0, (struct rate){.per_second = 1, .burst = 3});
    rig_start(&rig);
    unsigned refused = 0;
    for (int i = 0; i < 10; i++) {
        int fd = client_connect(rig.port);
        refused += client_handshake(fd, "", NULL, 0) == 429;
        close(fd);
    }
    assert_true(refused >= 3);
}

static void test_behind_a_proxy(void **state) {
    (void)state;
    static const char *const trusted[] = {"127.0.0.1", "10.0.0.0/8", NULL};
    rig.options.trusted_proxies = trusted;
    rig.options.admission = admission_new(100, 1, (struct rate){0});
    rig_start(&rig);
    static const char *const same[] = {
        "X-Forwarded-For: 203.0.113.1\r\n",
        "X-Forwarded-For: 198.51.100.1, 203.0.113.1, 10.1.2.3\r\n",
        "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 203.0.113.1\r\n",
        "Forwarded: for=203.0.113.1;proto=https\r\n",
        "Forwarded: for=\"203.0.113.1:1234\"\r\n",
    };
    int first = client_connect(rig.port);
    assert_int_equal(client_handshake(first, same[0], NULL, 0), 101);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        expect_refusal(client_connect(rig.port), same[i], 429);
    int other = client_connect(rig.port);
    assert_int_equal(client_handshake(other, "Forwarded: for=\"[2001:db8::1]\"\r\n", NULL, 0), 101);
    expect_refusal(client_connect(rig.port), "X-Forwarded-For: 2001:db8::abcd\r\n", 429); /* the same /64 */
    int liar = client_connect_from(rig.port, "127.0.0.2", 0);                             /* no proxy of ours */
    assert_int_equal(client_handshake(liar, same[0], NULL, 0), 101);
    client_leave(first);
    client_leave(other);
    client_leave(liar);
}

static void test_slow_handshakes(void **state) {
    (void)state;
    rig.options.handshake_timeout_ms = 300;
    rig_start(&rig);
    int silent = client_connect(rig.port);
    int slow = client_connect(rig.port);
    int idle = client_connect(rig.port);
    client_say(idle, "GET /none HTTP/1.1\r\nHost: x\r\n\r\n");
    char head[2048];
    assert_true(client_head(idle, head, sizeof head));
    char body[64];
    assert_true(client_read(idle, body, strlen("Not found.\n")));
    struct pollfd closed = {.fd = slow, .events = POLLIN};
    unsigned dripped = 0;
    while (poll(&closed, 1, 20) == 0) { /* a byte now and then does not help */
        client_say(slow, dripped == 0 ? "GET /" : "x");
        assert_true(++dripped < PATIENCE_S * 50);
    }
    assert_true(client_at_end(slow));
    assert_true(client_at_end(silent));
    assert_true(client_at_end(idle));
    close(slow);
    close(silent);
    close(idle);
    assert_int_equal(rig.opened, 0);
    struct net_stats stats;
    net_stats(rig.net, &stats);
    assert_int_equal(stats.accepted, 3);
    assert_int_equal(stats.refused[REFUSED_HANDSHAKE], 2);
}

static void test_pings_the_silent_and_cuts_the_dead(void **state) {
    (void)state;
    rig.options.ping_interval_ms = 100;
    rig.options.dead_after_ms = 450;
    rig_start(&rig);
    int alive = client_open(rig.port);
    int dead = client_open(rig.port);
    char frame[128];
    for (int i = 0; i < 15; i++) { /* far beyond dead_after: answering pings keeps alive */
        assert_int_equal(client_next(alive, frame, sizeof frame, NULL), OP_PING);
        client_send_frame(alive, OP_PONG, "", 0);
    }
    unsigned pings = 0;
    while (client_next(dead, frame, sizeof frame, NULL) == OP_PING)
        pings++;
    assert_in_range(pings, 1, 5);
    rig_wait(&rig, &rig.closed, 1);
    assert_int_equal(rig.closed, 1);
    close(dead);
    for (int i = 0; i < 15; i++) { /* so does any byte at all */
        client_send(alive, i == 0 ? "\x81\x8f" : "m", i == 0 ? 2 : 1);
        assert_int_equal(client_next(alive, frame, sizeof frame, NULL), OP_PING);
    }
    close(alive);
    rig_wait(&rig, &rig.closed, 2);
}

/* Stops the loop for longer than dead_after_ms, while the peer says something. */
static void freeze(struct rig *unused, void *argument) {
    (void)unused;
    usleep(2000000);
    client_text(*(int *)argument, "I was here all the time");
}

static void test_a_standstill_is_nobodys_silence(void **state) {
    (void)state;
    rig.options.ping_interval_ms = 200;
    rig.options.dead_after_ms = 500;
    rig_start(&rig);
    int fd = client_open(rig.port);
    rig_run(&rig, freeze, &fd);
    char frame[128];
    int op;
    while ((op = client_next(fd, frame, sizeof frame, NULL)) == OP_PING)
        client_send_frame(fd, OP_PONG, "", 0);
    assert_int_equal(op, OP_TEXT);
    close(fd);
    rig_wait(&rig, &rig.closed, 1);
}

static void test_the_longest_queue_pays(void **state) {
    (void)state;
    rig.options.total_queue_bytes = 1 << 20;
    rig.options.queue_bytes = 8 << 20;
    rig_start(&rig);
    int patient = client_connect_from(rig.port, NULL, 8192);
    assert_int_equal(client_handshake(patient, "", NULL, 0), 101);
    client_text(patient, "flood 40 10000");
    int greedy = client_connect_from(rig.port, NULL, 8192);
    assert_int_equal(client_handshake(greedy, "", NULL, 0), 101);
    client_text(greedy, "flood 700 10000");
    rig_wait(&rig, &rig.texts, 2);
    struct net_stats stats;
    net_stats(rig.net, &stats);
    assert_true(stats.queued_bytes <= 1 << 20);
    assert_int_equal(client_close_code(greedy), 4001);
    close(greedy);
    static char frame[10001];
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(client_next(patient, frame, sizeof frame, NULL), OP_TEXT);
        assert_int_equal(strtoul(frame, NULL, 10), i);
    }
    client_leave(patient);
    rig_wait(&rig, &rig.closed, 2);
}

static void test_out_of_files(void **state) {
    (void)state;
    rig_start(&rig);
    int working = client_open(rig.port);
    struct rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    int clients[4];
    for (size_t i = 0; i < 4; i++)
        clients[i] = socket(AF_INET, SOCK_STREAM, 0);
    int highest = dup(clients[3]);
    close(highest);
    struct rlimit few = {(rlim_t)highest, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0); /* the next accept has no file */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(rig.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct timeval patience = {.tv_sec = PATIENCE_S};
    for (size_t i = 0; i < 4; i++) {
        setsockopt(clients[i], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        assert_int_equal(connect(clients[i], (struct sockaddr *)&address, sizeof address), 0);
    }
    assert_true(client_at_end(clients[0])); /* told at once, rather than left waiting */
    client_text(working, "still here");
    client_expect_text(working, "still here");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    close(clients[0]);
    int late = client_open(rig.port); /* accepting goes on */
    client_leave(late);
    for (size_t i = 1; i < 4; i++)
        close(clients[i]);
    client_leave(working);
}

static void test_addresses_that_cannot_be(void **state) {
    (void)state;
    rig_start(&rig);
    static const struct {
        const char *listen[3];
        const char *says;
    } rows[] = {
        {{"127.0.0.1", NULL}, "--listen: 127.0.0.1: not an address; write HOST:PORT or [IPV6]:PORT"},
        {{"127.0.0.1:99999", NULL}, "--listen: 127.0.0.1:99999: not an address; write HOST:PORT or [IPV6]:PORT"},
        {{"::1:80", NULL}, "--listen: ::1:80: not an address; write HOST:PORT or [IPV6]:PORT"},
        {{"192.0.2.1:80", NULL}, "--listen: 192.0.2.1:80: Cannot assign requested address"},
        {{"127.0.0.1:0", "192.0.2.1:80", NULL}, "--listen: 192.0.2.1:80: Cannot assign requested address"},
        {{NULL}, "--listen: there is no address to listen on"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uv_loop_t loop;
        char error[256] = "";
        struct transport_listener listener = {0};
        struct net_options options = rig.options;
        options.listen = rows[i].listen;
        uv_loop_init(&loop);
        assert_null(net_new(&loop, &options, &listener, error, sizeof error));
        assert_string_equal(error, rows[i].says);
        uv_run(&loop, UV_RUN_DEFAULT);
        assert_int_equal(uv_loop_close(&loop), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare, stop)
        TEST(test_full),
        TEST(test_too_many_of_an_address),
        TEST(test_too_often),
        TEST(test_behind_a_proxy),
        TEST(test_slow_handshakes),
        TEST(test_pings_the_silent_and_cuts_the_dead),
        TEST(test_a_standstill_is_nobodys_silence),
        TEST(test_the_longest_queue_pays),
        TEST(test_out_of_files),
        TEST(test_addresses_that_cannot_be),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
