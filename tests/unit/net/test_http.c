/* test_http.c - the page's files, the node's answers, and what an upgrade request must be like. */
#include "harness.h"

#include "passerby/net.h"

enum { BIG_BYTES = 1 << 20 };

static uint8_t big[BIG_BYTES];

static const struct asset files[] = {
    {.path = "/",
     .content_type = "text/html; charset=utf-8",
     .etag = "\"abc\"",
     .plain = {(const uint8_t *)"<p>plain", 8},
     .gzip = {(const uint8_t *)"gzipped", 7},
     .brotli = {(const uint8_t *)"br", 2}},
    {.path = "/app.js",
     .content_type = "text/javascript; charset=utf-8",
     .etag = "\"js\"",
     .plain = {(const uint8_t *)"let a", 5}},
    {.path = "/big", .content_type = "application/octet-stream", .etag = "\"big\"", .plain = {big, BIG_BYTES}},
    {.path = NULL},
};

static bool handler(void *context, enum http_door door, const char *method, const char *path,
                    struct http_answer *answer) {
    (void)context;
    bool internal = door != HTTP_PUBLIC;
    bool get = strcmp(method, "GET") == 0;
    *answer = (struct http_answer){200, "application/json", "{\"a\":1}", 7};
    if (!internal && strcmp(path, "/api/stats") == 0) {
        if (!get)
            *answer = (struct http_answer){405, "text/plain", "no\n", 3};
        return true;
    }
    if (internal && strcmp(path, "/drain") == 0) {
        answer->status = strcmp(method, "POST") != 0 ? 405 : door == HTTP_LOCAL ? 202 : 403;
        return true;
    }
    return internal && get && strcmp(path, "/livez") == 0;
}

static int start(void **state) {
    static struct rig rig;
    rig_defaults(&rig);
    for (size_t i = 0; i < BIG_BYTES; i++)
        big[i] = (uint8_t)(i * 31 >> 3);
    rig.options.assets = files;
    rig.options.http_handler = handler;
    static const char *const origins[] = {"friend.example", "other.example:8443", NULL};
    rig.options.allowed_origins = origins;
    rig_start(&rig);
    *state = &rig;
    return 0;
}

static int stop(void **state) {
    rig_stop(*state);
    return 0;
}

struct reply {
    int status;
    char head[4096];
    char body[4096];
    size_t length;
};

/* Reads an answer to a request on an open connection. */
static void read_reply(int fd, struct reply *reply, bool has_body) {
    char value[128];
    assert_true(client_head(fd, reply->head, sizeof reply->head));
    reply->status = client_status(reply->head);
    reply->length = 0;
    if (client_header(reply->head, "Content-Length", value, sizeof value) != NULL)
        reply->length = strtoul(value, NULL, 10);
    assert_true(reply->length < sizeof reply->body);
    if (has_body && reply->length > 0)
        assert_true(client_read(fd, reply->body, reply->length));
    reply->body[has_body ? reply->length : 0] = '\0';
}

static void ask(int fd, const char *request_line, const char *headers, struct reply *reply) {
    char request[2048];
    snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: chat.example\r\n%s\r\n", request_line, headers);
    client_say(fd, request);
    read_reply(fd, reply, strncmp(request_line, "HEAD", 4) != 0);
}

static void ask_once(uint16_t port, const char *request_line, const char *headers, struct reply *reply) {
    int fd = client_connect(port);
    ask(fd, request_line, headers, reply);
    close(fd);
}

static void expect_header(const struct reply *reply, const char *name, const char *expected) {
    char value[1024];
    const char *found = client_header(reply->head, name, value, sizeof value);
    if (expected == NULL)
        assert_null(found);
    else if (found == NULL)
        fail_msg("no %s in %s", name, reply->head);
    else
        assert_string_equal(found, expected);
}

static void test_files_on_one_connection(void **state) {
    struct rig *rig = *state;
    struct reply reply;
    int fd = client_connect(rig->port);
    ask(fd, "GET /", "", &reply);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "<p>plain");
    expect_header(&reply, "Content-Type", "text/html; charset=utf-8");
    expect_header(&reply, "ETag", "\"abc\"");
    expect_header(&reply, "Vary", "Accept-Encoding");
    expect_header(&reply, "Cache-Control", "no-cache");
    expect_header(&reply, "Content-Encoding", NULL);
    ask(fd, "GET /?from=here", "Accept-Encoding: gzip, deflate, br\r\n", &reply);
    assert_string_equal(reply.body, "br");
    expect_header(&reply, "Content-Encoding", "br");
    expect_header(&reply, "ETag", "\"abc-br\"");
    ask(fd, "GET /", "Accept-Encoding: br;q=0.1, gzip\r\n", &reply);
    assert_string_equal(reply.body, "gzipped");
    expect_header(&reply, "Content-Encoding", "gzip");
    ask(fd, "HEAD /", "Accept-Encoding: gzip\r\n", &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.length, 7);
    ask(fd, "GET /", "If-None-Match: \"x\", W/\"abc-gzip\"\r\nAccept-Encoding: gzip\r\n", &reply);
    assert_int_equal(reply.status, 304);
    expect_header(&reply, "Content-Length", NULL);
    expect_header(&reply, "ETag", "\"abc-gzip\"");
    ask(fd, "GET /app.js", "Accept-Encoding: br\r\n", &reply);
    assert_string_equal(reply.body, "let a");
    ask(fd, "GET /none", "", &reply);
    assert_int_equal(reply.status, 404);
    ask(fd, "GET /app.js", "", &reply);
    assert_int_equal(reply.status, 200);
    close(fd);
}

static void test_security_headers_on_everything(void **state) {
    struct rig *rig = *state;
    static const char *const requests[] = {"GET /", "GET /none", "POST /", "GET /api/stats", "GET /ws", NULL};
    for (const char *const *request = requests; *request != NULL; request++) {
        struct reply reply;
        ask_once(rig->port, *request, "", &reply);
        char policy[1024];
        assert_non_null(client_header(reply.head, "Content-Security-Policy", policy, sizeof policy));
        assert_non_null(strstr(policy, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                                       "connect-src 'self' ws://chat.example wss://chat.example; "));
        assert_non_null(strstr(policy, "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
                                       "frame-ancestors 'none'"));
        expect_header(&reply, "X-Content-Type-Options", "nosniff");
        expect_header(&reply, "Referrer-Policy", "no-referrer");
        expect_header(&reply, "Cross-Origin-Opener-Policy", "same-origin");
    }
    struct reply reply;
    int fd = client_connect(rig->port);
    client_say(fd, "GET / HTTP/1.1\r\nHost: a; script-src *\r\n\r\n");
    read_reply(fd, &reply, true);
    assert_null(strstr(reply.head, "script-src *"));
    close(fd);
}

static void test_methods(void **state) {
    struct rig *rig = *state;
    struct reply reply;
    ask_once(rig->port, "POST /", "Content-Length: 0\r\n", &reply);
    assert_int_equal(reply.status, 405);
    expect_header(&reply, "Allow", "GET, HEAD");
    ask_once(rig->port, "DELETE /app.js", "", &reply);
    assert_int_equal(reply.status, 405);
    ask_once(rig->port, "POST /api/stats", "Content-Length: 3\r\n\r\nabc", &reply);
    assert_int_equal(reply.status, 405);
    ask_once(rig->port, "GET /ws", "", &reply);
    assert_int_equal(reply.status, 426);
    expect_header(&reply, "Upgrade", "websocket");
}

static void test_dynamic_paths(void **state) {
    struct rig *rig = *state;
    struct reply reply;
    ask_once(rig->port, "GET /api/stats", "", &reply);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "{\"a\":1}");
    expect_header(&reply, "Content-Type", "application/json");
    expect_header(&reply, "Cache-Control", "no-store");
    ask_once(rig->port, "HEAD /api/stats", "", &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.length, 7);
    ask_once(rig->port, "GET /livez", "", &reply); /* that is for the internal server */
    assert_int_equal(reply.status, 404);
}

static void test_internal_server(void **state) {
    struct rig *rig = *state;
    struct reply reply;
    ask_once(rig->internal_port, "GET /livez", "", &reply);
    assert_int_equal(reply.status, 200);
    ask_once(rig->internal_port, "POST /drain", "", &reply);
    assert_int_equal(reply.status, 202);
    ask_once(rig->internal_port, "GET /drain", "", &reply);
    assert_int_equal(reply.status, 405);
    expect_header(&reply, "Allow", "POST");
    ask_once(rig->internal_port, "GET /", "", &reply);
    assert_int_equal(reply.status, 404);
    ask_once(rig->internal_port, "GET /api/stats", "", &reply);
    assert_int_equal(reply.status, 404);
    int fd = client_connect(rig->internal_port);
    assert_int_equal(client_handshake(fd, "", NULL, 0), 404);
    close(fd);
}

/* Who is on this machine, and speaks for nobody else. */
static void test_local_door(void **state) {
    struct rig *rig = *state;
    struct reply reply;
    static const char *const for_others[] = {"X-Forwarded-For: 127.0.0.1\r\n", "X-Forwarded-For:\r\n",
                                             "Forwarded: for=127.0.0.1\r\n", "Origin: http://127.0.0.1:9090\r\n"};
    for (size_t i = 0; i < sizeof for_others / sizeof for_others[0]; i++) {
        ask_once(rig->internal_port, "POST /drain", for_others[i], &reply);
        if (reply.status != 403)
            fail_msg("%d for %s", reply.status, for_others[i]);
    }
    static const char *const from[] = {"127.0.0.6", "127.0.0.1"};
    for (size_t i = 0; i < 2; i++) {
        int fd = client_connect_from(rig->internal_port, from[i], 0);
        ask(fd, "POST /drain", "", &reply);
        assert_int_equal(reply.status, i == 0 ? 403 : 202);
        close(fd);
    }
    ask_once(rig->port, "POST /drain", "", &reply);
    assert_int_equal(reply.status, 404);
}

static void test_a_big_file_to_a_slow_reader(void **state) {
    struct rig *rig = *state;
    int fd = client_connect_from(rig->port, NULL, 8192);
    char head[4096];
    client_say(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\nGET /app.js HTTP/1.1\r\nHost: x\r\n\r\n"); /* two at once */
    struct reply reply;
    ask_once(rig->port, "GET /app.js", "", &reply); /* meanwhile */
    assert_int_equal(reply.status, 200);
    assert_true(client_head(fd, head, sizeof head));
    static uint8_t got[BIG_BYTES];
    assert_true(client_read(fd, got, sizeof got));
    assert_memory_equal(got, big, sizeof got);
    read_reply(fd, &reply, true);
    assert_string_equal(reply.body, "let a");
    close(fd);
}

/* A client that sends request after request and reads nothing is cut: lws would spin on what it sends. */
static void expect_cut(struct rig *rig, const char *request) {
    int fd = client_connect_from(rig->port, NULL, 4096);
    struct pollfd ended = {.fd = fd, .events = 0};
    for (int i = 0; i < PATIENCE_S * 100 && (ended.revents & (POLLHUP | POLLERR)) == 0; i++) {
        for (int n = 0; n < 1000; n++)
            if (send(fd, request, strlen(request), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
                break;
        poll(&ended, 1, 10);
    }
    assert_true((ended.revents & (POLLHUP | POLLERR)) != 0);
    close(fd);
}

static void test_requests_sent_ahead_without_reading(void **state) {
    struct rig *rig = *state;
    expect_cut(rig, "GET /app.js HTTP/1.1\r\nHost: x\r\n\r\n"); /* each answer fits into the socket's buffer */
    expect_cut(rig, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    struct reply reply;
    ask_once(rig->port, "GET /app.js", "", &reply);
    assert_int_equal(reply.status, 200);
}

static void test_upgrade_requests(void **state) {
    struct rig *rig = *state;
    static const struct {
        const char *extra;
        int status;
    } rows[] = {
        {"", 101},
        {"Sec-WebSocket-Protocol: passerby.v1\r\n", 101},
        {"Sec-WebSocket-Protocol: chat, passerby.v1\r\n", 101},
        {"Sec-WebSocket-Protocol: chat\r\n", 400},
        {"Sec-WebSocket-Protocol: passerby.v10, passerby\r\n", 400},
        {"Origin: http://chat.example\r\n", 101},
        {"Origin: https://CHAT.example\r\n", 101},
        {"Origin: https://chat.example:443\r\n", 101},
        {"Origin: https://chat.example:444\r\n", 403},
        {"Origin: https://friend.example\r\n", 101},
        {"Origin: https://other.example:8443\r\n", 101},
        {"Origin: https://other.example\r\n", 403},
        {"Origin: https://evil.example\r\n", 403},
        {"Origin: http://chat.example.evil.example\r\n", 403},
        {"Origin: http://chat.example\r\nOrigin: http://evil.example\r\n", 403},
        {"Origin: null\r\n", 403},
        {"Origin: \r\n", 403},
        {"Origin:\r\n", 403},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = client_connect(rig->port);
        char head[4096];
        int status = client_handshake(fd, rows[i].extra, head, sizeof head);
        if (status != rows[i].status)
            fail_msg("%s: %d instead of %d", rows[i].extra, status, rows[i].status);
        char protocol[64];
        bool named = client_header(head, "Sec-WebSocket-Protocol", protocol, sizeof protocol) != NULL;
        assert_int_equal(named, status == 101 && strstr(rows[i].extra, "passerby.v1") != NULL);
        assert_null(client_header(head, "Sec-WebSocket-Extensions", protocol, sizeof protocol));
        if (status == 101) {
            client_leave(fd);
        } else {
            char body[256];
            assert_non_null(client_header(head, "Content-Length", body, sizeof body));
            size_t length = strtoul(body, NULL, 10);
            assert_true(length > 0 && length < sizeof body && client_read(fd, body, length));
            assert_true(client_at_end(fd));
            close(fd);
        }
    }
    struct net_stats stats;
    net_stats(rig->net, &stats);
    assert_int_equal(stats.refused[REFUSED_ORIGIN], 8);
}

static void test_bad_upgrades(void **state) {
    struct rig *rig = *state;
    static const struct {
        const char *request;
        int status;
    } rows[] = {
        {"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
         "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n",
         400},
        {"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
         "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n",
         404},
        {"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
         "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
         400},
        {"GET /other HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
         404},
        {"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
         426},
        {"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\n\r\n",
         400},
        {"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: close\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
         400},
        {"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
         400},
        {"POST /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
         405},
        {"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: rot13\r\nConnection: Upgrade\r\n\r\n", 403}, /* by lws itself */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reply reply;
        int fd = client_connect(rig->port);
        client_say(fd, rows[i].request);
        read_reply(fd, &reply, true);
        if (reply.status != rows[i].status)
            fail_msg("%s: %d instead of %d", rows[i].request, reply.status, rows[i].status);
        assert_true(client_at_end(fd));
        close(fd);
    }
    struct reply reply;
    int fd = client_connect(rig->port); /* an upgrade behind a request on the same connection */
    ask(fd, "GET /", "", &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(client_handshake(fd, "", NULL, 0), 101);
    client_leave(fd);
}

static void test_garbage(void **state) {
    struct rig *rig = *state;
    static const char *const rows[] = {
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\r\n\r\n\r\n\r\n",
        "BREW /coffee HTTP/1.1\r\n\r\n",
        "GET  HTTP/1.1\r\n\r\n",
        "GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://elsewhere/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "GET /%00%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: \r\n\r\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = client_connect(rig->port);
        client_say(fd, rows[i]);
        shutdown(fd, SHUT_WR);
        char byte;
        while (client_read(fd, &byte, 1))
            ;
        close(fd);
    }
    int fd = client_connect(rig->port); /* a head without an end */
    for (int i = 0; i < 2000; i++)
        client_say(fd, "X-Header-Without-End: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
    close(fd);
    struct reply reply;
    ask_once(rig->port, "GET /", "", &reply);
    assert_int_equal(reply.status, 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
        TEST(test_files_on_one_connection),
        TEST(test_security_headers_on_everything),
        TEST(test_methods),
        TEST(test_dynamic_paths),
        TEST(test_internal_server),
        TEST(test_local_door),
        TEST(test_a_big_file_to_a_slow_reader),
        TEST(test_requests_sent_ahead_without_reading),
        TEST(test_upgrade_requests),
        TEST(test_bad_upgrades),
        TEST(test_garbage),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
