/* input.c - what comes in on a file descriptor.
 *
 * Fails: an error is taken for the end. A line that is too long is thrown away as it comes, so that memory stays
 *        bounded. */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { READ_BYTES = 4096, MAX_LINE_BYTES = 128 << 10 /* twice what an operator can let a message have */ };

static void stop(struct input *input) {
    input->running = false;
    if (input->is_file)
        uv_idle_stop(&input->idle);
    else
        uv_poll_stop(&input->poll);
}

static void read_some(struct input *input) {
    ssize_t length = read(input->fd, buffer_reserve(&input->bytes, READ_BYTES), READ_BYTES);
    if (length > 0) {
        input->bytes.length += (size_t)length;
    } else if (length == 0 || (errno != EINTR && errno != EAGAIN)) {
        input->at_end = true;
        stop(input);
    }
    input->on_ready(input->context);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    read_some(poll->data);
}

static void on_idle(uv_idle_t *idle) {
    read_some(idle->data);
}

void input_init(struct input *input, struct uv_loop_s *loop, int fd, void (*on_ready)(void *context), void *context) {
    *input = (struct input){.fd = fd, .on_ready = on_ready, .context = context};
    input->poll.data = input->idle.data = input;
    int flags = fcntl(fd, F_GETFL);
    /* epoll refuses files, and devices like /dev/null. */
    input->is_file = uv_guess_handle(fd) == UV_FILE || uv_poll_init(loop, &input->poll, fd) != 0;
    if (input->is_file)
        uv_idle_init(loop, &input->idle);
    else
        (void)fcntl(fd, F_SETFL, flags); /* libuv made it non-blocking, and with it a terminal that others share */
}

void input_fini(struct input *input) {
    uv_close(input->is_file ? (uv_handle_t *)&input->idle : (uv_handle_t *)&input->poll, NULL);
    buffer_fini(&input->bytes);
}

void input_run(struct input *input, bool runs) {
    if (runs == input->running || input->at_end)
        return;
    input->running = runs;
    if (!runs)
        stop(input);
    else if (input->is_file)
        uv_idle_start(&input->idle, on_idle);
    else
        uv_poll_start(&input->poll, UV_READABLE | UV_DISCONNECT, on_readable);
}

/* How many bytes the next line has, its end included; 0 = it is not complete. */
static size_t line_length(const struct input *input) {
    if (input->bytes.length == 0)
        return 0;
    const char *end = memchr(input->bytes.bytes, '\n', input->bytes.length);
    if (end != NULL)
        return (size_t)(end - input->bytes.bytes) + 1;
    return input->at_end || input->bytes.length > MAX_LINE_BYTES ? input->bytes.length : 0;
}

enum input_line input_take_line(struct input *input, struct text *line) {
    for (;;) {
        buffer_consume(&input->bytes, input->taken);
        input->taken = line_length(input);
        if (input->taken == 0 && input->at_end && input->skipping) {
            input->skipping = false; /* the input ended with what was thrown away last */
            return INPUT_TOO_LONG;
        }
        if (input->taken == 0)
            return INPUT_NONE;
        *line = (struct text){input->bytes.bytes, input->taken};
        bool was_skipping = input->skipping;
        bool is_complete = line->at[line->length - 1] == '\n';
        input->skipping = !is_complete && !input->at_end;
        if (input->skipping)
            continue;
        if (was_skipping || line->length > MAX_LINE_BYTES)
            return INPUT_TOO_LONG;
        line->length -= is_complete;
        if (line->length > 0 && line->at[line->length - 1] == '\r')
            line->length--;
        return INPUT_LINE;
    }
}

struct text input_take_bytes(struct input *input) {
    buffer_consume(&input->bytes, input->taken);
    input->taken = input->bytes.length;
    return (struct text){input->bytes.bytes, input->bytes.length};
}

size_t input_pending(const struct input *input) {
    int unread = 0;
    if (!input->at_end && ioctl(input->fd, FIONREAD, &unread) != 0)
        unread = 0;
    return input->bytes.length - input->taken + (size_t)unread;
}

bool input_is_over(const struct input *input) {
    return input->at_end && input->taken == input->bytes.length && !input->skipping;
}
