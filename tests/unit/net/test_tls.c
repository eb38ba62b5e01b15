/* test_tls.c - TLS: the same service through it, and a certificate that is read again. The client is openssl's
 * s_client. */
#include "harness.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static const char certificate[] = "cert.pem"; /* in a directory of the test's own */
static const char key[] = "key.pem";
static char directory[64];
static struct rig rig;
static pid_t openssl;

__attribute__((format(printf, 1, 2))) static void shell(const char *format, ...) {
    char command[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    assert_int_equal(system(command), 0);
}

static void make_certificate(const char *name) {
    shell("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=%s "
          "-keyout %s.new -out %s.new 2>/dev/null && mv %s.new %s && mv %s.new %s",
          name, key, certificate, key, key, certificate, certificate);
}

static int start(void **state) {
    (void)state;
    strcpy(directory, "/tmp/passerby-test-tls-XXXXXX");
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chdir(directory), 0);
    make_certificate("first.example");
    rig_defaults(&rig);
    rig.options.tls_certificate = certificate;
    rig.options.tls_key = key;
    rig_start(&rig);
    return 0;
}

static int stop(void **state) {
    (void)state;
    rig_stop(&rig);
    shell("rm -r %s", directory);
    return 0;
}

/* A plain socket whose other end is s_client. */
static int tls_connect(void) {
    int ends[2];
    char address[32];
    struct timeval patience = {.tv_sec = PATIENCE_S};
    snprintf(address, sizeof address, "127.0.0.1:%u", rig.port);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    openssl = fork();
    assert_true(openssl >= 0);
    if (openssl == 0) {
        dup2(ends[1], 0);
        dup2(ends[1], 1);
        dup2(open("/dev/null", O_WRONLY), 2); /* it complains about certificates that sign themselves */
        execlp("openssl", "openssl", "s_client", "-quiet", "-connect", address, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    return ends[0];
}

static void tls_close(int fd) {
    close(fd);
    kill(openssl, SIGTERM);
    assert_int_equal(waitpid(openssl, NULL, 0), openssl);
}

/* The name in the certificate that a new connection gets. */
static void expect_name_now(const char *name) {
    shell("openssl s_client -connect 127.0.0.1:%u </dev/null 2>/dev/null | openssl x509 -noout -subject | grep -q '= "
          "*%s$'",
          rig.port, name);
}

/* The same, of each lws context: those take sockets by their number. */
static void expect_name(const char *name) {
    unsigned count;
    expect_name_now(name);
    int *taken = numbers_take(1024, &count);
    expect_name_now(name);
    numbers_give_back(taken, count);
}

static void test_websocket(void **state) {
    (void)state;
    int fd = tls_connect();
    assert_int_equal(client_handshake(fd, "Sec-WebSocket-Protocol: passerby.v1\r\n", NULL, 0), 101);
    client_text(fd, "hidden");
    client_expect_text(fd, "hidden");
    static char big[16384 + 1];
    memset(big, 'b', sizeof big - 1);
    for (int i = 0; i < 20; i++)
        client_text(fd, big);
    for (int i = 0; i < 20; i++)
        client_expect_text(fd, big);
    client_text(fd, "flood 90 10000"); /* more than the kernel takes at once */
    for (unsigned i = 0; i < 90; i++) {
        assert_int_equal(client_next(fd, big, sizeof big, NULL), OP_TEXT);
        assert_int_equal(strtoul(big, NULL, 10), i);
    }
    client_send_frame(fd, OP_TEXT | NO_MASK, "{}", 2);
    assert_int_equal(client_close_code(fd), 1002);
    tls_close(fd);
    rig_wait(&rig, &rig.closed, 1);
}

static void test_frames_behind_the_handshake(void **state) {
    (void)state;
    int fd = tls_connect();
    char all[1024] = "GET /ws HTTP/1.1\r\nHost: chat.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    size_t length = strlen(all);
    length += client_frame(all + length, OP_TEXT, "early", 5);
    client_send(fd, all, length);
    char head[1024];
    assert_true(client_head(fd, head, sizeof head));
    client_expect_text(fd, "early");
    tls_close(fd);
    rig_wait(&rig, &rig.closed, 1);
}

/* Many frames in one TLS record, and a pause at one of them: what TLS and lws hold is read when the pause ends. */
static void test_pauses_within_a_record(void **state) {
    (void)state;
    int fd = tls_connect();
    assert_int_equal(client_handshake(fd, "", NULL, 0), 101);
    char text[81];
    static char all[12000]; /* more than lws reads at once */
    size_t length = 0;
    for (unsigned i = 0; i < 120; i++) {
        memset(text, '.', sizeof text - 1);
        text[snprintf(text, sizeof text, i % 40 == 5 ? "pause 50 %u" : "%u", i)] = ' ';
        length += client_frame(all + length, OP_TEXT, text, sizeof text - 1);
    }
    client_send(fd, all, length);
    for (unsigned i = 0; i < 120; i++) {
        if (i % 40 == 5)
            continue;
        assert_int_equal(client_next(fd, text, sizeof text, NULL), OP_TEXT);
        assert_int_equal(strtoul(text, NULL, 10), i);
    }
    tls_close(fd);
    rig_wait(&rig, &rig.closed, 1);
}

static void test_internal_server_is_plain(void **state) {
    (void)state;
    char head[2048];
    int fd = client_connect(rig.internal_port);
    client_say(fd, "GET /livez HTTP/1.1\r\nHost: passerby\r\n\r\n");
    assert_true(client_head(fd, head, sizeof head));
    assert_int_equal(client_status(head), 404); /* there is no handler */
    close(fd);
}

static void test_plain_bytes_on_the_tls_port(void **state) {
    (void)state;
    int fd = client_connect(rig.port);
    client_say(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    char byte;
    while (client_read(fd, &byte, 1))
        ;
    close(fd);
    expect_name("first.example");
}

static void reload(struct rig *unused, void *result) {
    (void)unused;
    *(bool *)result = net_reload_tls(rig.net);
}

static void test_reload(void **state) {
    (void)state;
    bool good = false;
    int fd = tls_connect();
    assert_int_equal(client_handshake(fd, "", NULL, 0), 101);
    expect_name("first.example");
    make_certificate("second.example");
    expect_name("first.example");
    rig_run(&rig, reload, &good);
    assert_true(good);
    expect_name("second.example");
    shell("echo nonsense >%s", key);
    rig_run(&rig, reload, &good);
    assert_false(good);
    expect_name("second.example");
    client_text(fd, "the connection lives on");
    client_expect_text(fd, "the connection lives on");
    tls_close(fd);
    rig_wait(&rig, &rig.closed, 1);
}

static void expect_refused(const char *bad_certificate, const char *bad_key, const char *says) {
    uv_loop_t loop;
    char error[512] = "";
    struct transport_listener listener = {0};
    struct net_options options = rig.options;
    options.tls_certificate = bad_certificate;
    options.tls_key = bad_key;
    uv_loop_init(&loop);
    assert_null(net_new(&loop, &options, &listener, error, sizeof error));
    assert_string_equal(error, says);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_bad_files(void **state) {
    (void)state;
    shell("openssl ecparam -name prime256v1 -genkey -noout -out other.pem");
    shell("echo garbage >garbage.pem");
    shell("(cat %s; echo -----BEGIN CERTIFICATE-----; echo nonsense; echo -----END CERTIFICATE-----) >half.pem",
          certificate);
    expect_refused("half.pem", key, "--tls-cert: half.pem: no chain of PEM certificates");
    expect_refused("missing.pem", key, "--tls-cert: missing.pem: No such file or directory");
    expect_refused(certificate, "missing.pem", "--tls-key: missing.pem: No such file or directory");
    expect_refused(certificate, NULL, "--tls-key: missing; a certificate and its key go together");
    expect_refused("garbage.pem", key, "--tls-cert: garbage.pem: no chain of PEM certificates");
    expect_refused(certificate, "garbage.pem", "--tls-key: garbage.pem: no PEM private key without a pass phrase");
    expect_refused(certificate, "other.pem", "--tls-key: other.pem: not the key of the certificate in cert.pem");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
        TEST(test_websocket),
        TEST(test_frames_behind_the_handshake),
        TEST(test_pauses_within_a_record),
        TEST(test_internal_server_is_plain),
        TEST(test_plain_bytes_on_the_tls_port),
        TEST(test_reload),
        TEST(test_bad_files),
#undef TEST
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
