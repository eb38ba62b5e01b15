/* test_links_refused.c - servers that are not what is needed, names that lead nowhere, addresses that don't answer. */
#include "links.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

enum { URL_CHARS = 300 };

static int setup(void **state) {
    *state = links_new();
    return 0;
}

static int teardown(void **state) {
    links_free(*state);
    return 0;
}

static const char *url_of(char out[URL_CHARS], const char *host, unsigned port) {
    snprintf(out, URL_CHARS, "redis://%s:%u", host, port);
    return out;
}

/* --- servers that are not what is needed -------------------------------------------------------------------------- */

/* What a server answers to HELLO. */
#define HELLO(server, version, mode, role)                                                                             \
    "*8\r\n+server\r\n+" server "\r\n+version\r\n+" version "\r\n+mode\r\n+" mode "\r\n+role\r\n+" role "\r\n"

static bool answer_text(void *context, struct buffer *out, int argc, char *const argv[]) {
    const char *text = context;
    (void)argc;
    (void)argv;
    if (text == NULL)
        return false;
    buffer_string(out, text);
    return true;
}

struct refusal {
    const char *answer; /* to everything; NULL: hangs up; "": says nothing */
    enum redis_trouble trouble;
    const char *says; /* in the log */
};

/* The texts of errors are those of real servers. */
static const struct refusal refusals[] = {
    {HELLO("redis", "6.2.14", "standalone", "master"), REDIS_TROUBLE_VERSION, "it is redis 6.2.14, standalone, master"},
    {"-ERR unknown command `HELLO`, with args beginning with: `2`\r\n", REDIS_TROUBLE_VERSION, "unknown command"},
    {HELLO("valkey", "7.2.8", "standalone", "master"), REDIS_TROUBLE_VERSION, "valkey 7.2.8"},
    {HELLO("redis", "7.0.15", "sentinel", "master"), REDIS_TROUBLE_OTHER, "it is a Sentinel"},
    {HELLO("redis", "7.0.15", "standalone", "replica"), REDIS_TROUBLE_READ_ONLY, "standalone, replica"},
    {"-DENIED Redis is running in protected mode\r\n", REDIS_TROUBLE_PERMISSION, "protected mode"},
    {"-LOADING Redis is loading the dataset in memory\r\n", REDIS_TROUBLE_OTHER, "LOADING"},
    {"-ERR max number of clients reached\r\n", REDIS_TROUBLE_OTHER, "max number of clients"},
    {"+OK\r\n", REDIS_TROUBLE_OTHER, "answers HELLO with something else"},
    {":1\r\n", REDIS_TROUBLE_OTHER, "answers HELLO with something else"},
    {"$-1\r\n", REDIS_TROUBLE_OTHER, "answers HELLO with something else"},
    {"*-1\r\n", REDIS_TROUBLE_OTHER, "answers HELLO with something else"},
    {"*0\r\n", REDIS_TROUBLE_VERSION, "it is  , , "},
    {"*3\r\n:1\r\n$-1\r\n*1\r\n:2\r\n", REDIS_TROUBLE_VERSION, "it is  , , "},
    {"HTTP/1.1 400 Bad Request\r\n\r\n", REDIS_TROUBLE_OTHER, "is it a Redis?"},
    {"\x15\x03\x01\r\n", REDIS_TROUBLE_TLS, "use rediss://"},
    {NULL, REDIS_TROUBLE_UNREACHABLE, "is it a Redis, and without TLS?"},
    {"", REDIS_TROUBLE_SILENT, "no answer in time"},
};

static void test_wrong_servers(void **state) {
    struct links *links = *state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refusal *refusal = &refusals[i];
        char url[URL_CHARS];
        unsigned port = links_fake(links, answer_text, (void *)(uintptr_t)refusal->answer);
        unsigned logged = links_logged(links, refusal->says);
        links_join(links, 0, url_of(url, "127.0.0.1", port), NULL);
        links_until_trouble(links, 0, refusal->trouble, refusal->trouble == REDIS_TROUBLE_SILENT ? 2 : 4);
        if (links_logged(links, refusal->says) != logged + 1)
            fail_msg("%zu times: %s", (size_t)links_logged(links, refusal->says) - logged, refusal->says);
        assert_int_equal(links_stats(links, 0).trouble, refusal->trouble);
        assert_false(links_stats(links, 0).up);
        links_leave(links, 0);
    }
}

/* --- a server that takes everything, and delivers nothing --------------------------------------------------------- */

enum { SCRIPTS_SHA_CHARS = 40 };

struct deaf {
    unsigned subscriptions;
    unsigned published;
};

static bool answer_deaf(void *context, struct buffer *out, int argc, char *const argv[]) {
    struct deaf *deaf = context;
    if (strcmp(argv[0], "HELLO") == 0) {
        buffer_string(out, HELLO("redis", "7.0.15", "standalone", "master"));
    } else if (strcmp(argv[0], "SCRIPT") == 0) {
        buffer_printf(out, "$%d\r\n%040d\r\n", SCRIPTS_SHA_CHARS, 0);
    } else if (strcmp(argv[0], "PUBLISH") == 0) {
        deaf->published++;
        buffer_string(out, ":1\r\n");
    } else if (strcmp(argv[0], "SUBSCRIBE") == 0) {
        deaf->subscriptions++;
        for (int i = 1; i < argc; i++)
            buffer_printf(out, "*3\r\n$9\r\nsubscribe\r\n$%zu\r\n%s\r\n:%d\r\n", strlen(argv[i]), argv[i], i);
    } else {
        buffer_string(out, "+OK\r\n");
    }
    return true;
}

/* TCP is alive, the channels are confirmed, but nothing comes: it is not taken for good, and subscribed to again. */
static void test_deaf(void **state) {
    struct links *links = *state;
    struct deaf deaf = {0};
    char url[URL_CHARS];
    unsigned port = links_fake(links, answer_deaf, &deaf);
    links_join(links, 0, url_of(url, "127.0.0.1", port), NULL);
    links_until_trouble(links, 0, REDIS_TROUBLE_DEAF, 3); /* both connections, and then one again */
    assert_true(deaf.subscriptions >= 2);
    assert_in_range(deaf.published, 6, 20);
    assert_false(links_stats(links, 0).has_been_up);
    assert_int_equal(links_logged(links, "this node does not hear itself"), 1);
    links_leave(links, 0);
}

/* --- names and addresses ------------------------------------------------------------------------------------------ */

static void test_localhost(void **state) {
    struct links *links = *state;
    char url[URL_CHARS];
    struct redis_process *server = redis_process_new(NULL);
    links_join(links, 0, url_of(url, "localhost", redis_process_port(server)), NULL);
    links_join(links, 1, url_of(url, "localhost", redis_process_port(server)), NULL);
    links_until_up(links);
    links_assert_well(links, 2);
    redis_process_free(server);
}

static void test_no_such_name(void **state) {
    static const char
        unspeakable[] = /* a label of 64 characters: no resolver needs to ask anybody (RFC 1035 section 2.3.4) */
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.invalid";
    struct links *links = *state;
    char url[URL_CHARS];
    links_join(links, 0, url_of(url, unspeakable, 1), NULL);
    links_until_trouble(links, 0, REDIS_TROUBLE_UNRESOLVED, 4);
    assert_int_equal(links_stats(links, 0).trouble, REDIS_TROUBLE_UNRESOLVED);
    assert_int_equal(links_logged(links, "can't be resolved"), 1);
    assert_int_equal(links_logged(links, unspeakable), 2); /* as the URL, and as the reason */
}

/* Closing while a name is being looked up is harmless. */
static void test_left_in_a_hurry(void **state) {
    struct links *links = *state;
    char url[URL_CHARS];
    for (unsigned i = 0; i < 50; i++) {
        links_join(links, 0, url_of(url, "localhost", 1), NULL);
        for (unsigned turns = 0; turns < i % 10; turns++)
            uv_run(&links->loop, UV_RUN_NOWAIT);
        links_leave(links, 0);
    }
}

/* A listening socket whose queue is full lets SYNs go unanswered, as a black hole in the network does. */
struct black_hole {
    int listener;
    int callers[4];
    unsigned port;
};

static void dig(struct black_hole *hole) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    hole->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(hole->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(hole->listener, 0), 0);
    assert_int_equal(getsockname(hole->listener, (struct sockaddr *)&address, &length), 0);
    hole->port = ntohs(address.sin_port);
    for (size_t i = 0; i < sizeof hole->callers / sizeof *hole->callers; i++) {
        hole->callers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(hole->callers[i], (struct sockaddr *)&address,
                      sizeof address); /* the last ones are never answered */
    }
}

static void fill(struct black_hole *hole) {
    close(hole->listener);
    for (size_t i = 0; i < sizeof hole->callers / sizeof *hole->callers; i++)
        close(hole->callers[i]);
}

static void test_black_hole(void **state) {
    struct links *links = *state;
    struct black_hole hole;
    char url[URL_CHARS];
    dig(&hole);
    links_join(links, 0, url_of(url, "127.0.0.1", hole.port), NULL);
    unsigned beats = links->beats;
    links_until_trouble(links, 0, REDIS_TROUBLE_UNREACHABLE, 3);
    assert_int_equal(links_logged(links, "no answer to connecting"), 1);
    assert_true(links->beats > beats + 20); /* the loop went on meanwhile */
    fill(&hole);
}

#define LINKS_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        LINKS_TEST(test_wrong_servers),   LINKS_TEST(test_deaf),
        LINKS_TEST(test_localhost),       LINKS_TEST(test_no_such_name),
        LINKS_TEST(test_left_in_a_hurry), LINKS_TEST(test_black_hole),
    };
    return cmocka_run_group_tests_name("links_refused", tests, NULL, NULL);
}
