/* fake_redis.c - a server that answers commands as the test says. */
#include "fake_redis.h"

#include "base/memory.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

enum { MOST_CALLERS = 64, MOST_WORDS = 64, READ_BYTES = 4096 };

struct caller {
    uv_tcp_t tcp;
    struct fake_redis *fake; /* NULL: closing */
    struct buffer in;
    char read[READ_BYTES];
};

struct fake_redis {
    uv_tcp_t tcp;
    fake_answer_fn *answer;
    void *context;
    struct caller *callers[MOST_CALLERS];
    unsigned count;
};

static void on_caller_closed(uv_handle_t *handle) {
    struct caller *caller = handle->data;
    buffer_fini(&caller->in);
    free(caller);
}

static void hang_up(struct caller *caller) {
    struct fake_redis *fake = caller->fake;
    if (fake == NULL)
        return;
    for (unsigned i = 0; i < fake->count; i++)
        if (fake->callers[i] == caller)
            fake->callers[i] = fake->callers[--fake->count];
    caller->fake = NULL;
    uv_close((uv_handle_t *)&caller->tcp, on_caller_closed);
}

/* Takes "*2\r\n$4\r\nPING\r\n…" apart; returns its length, 0 if there is more to come. The words' ends become NULs. */
static size_t take_command(char *bytes, size_t length, int *argc, char *argv[]) {
    char *at = bytes;
    char *end = bytes + length;
    char *line = memchr(at, '\n', (size_t)(end - at));
    if (line == NULL)
        return 0;
    *argc = atoi(at + 1);
    assert_in_range(*argc, 1, MOST_WORDS);
    at = line + 1;
    for (int i = 0; i < *argc; i++) {
        line = memchr(at, '\n', (size_t)(end - at));
        if (line == NULL)
            return 0;
        size_t size = strtoul(at + 1, NULL, 10);
        if ((size_t)(end - line) < 1 + size + 2)
            return 0;
        argv[i] = line + 1;
        at = line + 1 + size + 2;
    }
    for (int i = 0; i < *argc; i++) /* only now, as it may have to be read again */
        argv[i][strcspn(argv[i], "\r")] = '\0';
    return (size_t)(at - bytes);
}

static void serve(struct caller *caller) {
    struct buffer out = {0};
    char *argv[MOST_WORDS];
    int argc = 0;
    size_t taken;
    bool goes_on = true;
    while (goes_on && (taken = take_command(caller->in.bytes, caller->in.length, &argc, argv)) > 0) {
        goes_on = caller->fake->answer(caller->fake->context, &out, argc, argv);
        memmove(caller->in.bytes, caller->in.bytes + taken, caller->in.length - taken);
        caller->in.length -= taken;
    }
    if (out.length > 0) { /* small, and so taken at once */
        uv_buf_t piece = uv_buf_init(out.bytes, (unsigned)out.length);
        assert_int_equal(uv_try_write((uv_stream_t *)&caller->tcp, &piece, 1), out.length);
    }
    buffer_fini(&out);
    if (!goes_on)
        hang_up(caller);
}

static void on_allocate(uv_handle_t *handle, size_t size, uv_buf_t *out) {
    struct caller *caller = handle->data;
    (void)size;
    *out = uv_buf_init(caller->read, sizeof caller->read);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *bytes) {
    struct caller *caller = stream->data;
    if (length > 0)
        buffer_append(&caller->in, bytes->base, (size_t)length);
    if (length < 0)
        hang_up(caller);
    else if (length > 0)
        serve(caller);
}

static void on_call(uv_stream_t *server, int status) {
    struct fake_redis *fake = server->data;
    struct caller *caller = memory_zero(1, sizeof *caller);
    assert_int_equal(status, 0);
    assert_true(fake->count < MOST_CALLERS);
    caller->fake = fake;
    fake->callers[fake->count++] = caller;
    assert_int_equal(uv_tcp_init(server->loop, &caller->tcp), 0);
    caller->tcp.data = caller;
    assert_int_equal(uv_accept(server, (uv_stream_t *)&caller->tcp), 0);
    assert_int_equal(uv_read_start((uv_stream_t *)&caller->tcp, on_allocate, on_read), 0);
}

struct fake_redis *fake_redis_new(uv_loop_t *loop, fake_answer_fn *answer, void *context) {
    struct fake_redis *fake = memory_zero(1, sizeof *fake);
    struct sockaddr_in address;
    fake->answer = answer;
    fake->context = context;
    assert_int_equal(uv_tcp_init(loop, &fake->tcp), 0);
    fake->tcp.data = fake;
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    assert_int_equal(uv_tcp_bind(&fake->tcp, (const struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&fake->tcp, 16, on_call), 0);
    return fake;
}

unsigned fake_redis_port(const struct fake_redis *fake) {
    struct sockaddr_in address;
    int length = sizeof address;
    assert_int_equal(uv_tcp_getsockname(&fake->tcp, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

static void on_closed(uv_handle_t *handle) {
    free(handle->data);
}

void fake_redis_close(struct fake_redis *fake) {
    while (fake->count > 0)
        hang_up(fake->callers[0]);
    uv_close((uv_handle_t *)&fake->tcp, on_closed);
}
