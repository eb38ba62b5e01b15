/* socket.c - a person's TCP connection: dialled from one of many loopback addresses, upgraded, read and written.
 *
 * Owns:  person.fd, person.in and person.out; the two buffers exist only while something is in them. */
#include "load.h"

#include "base/memory.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PEOPLE_PER_ADDRESS = 250, /* far fewer than there are ports */
    BUFFER_BYTES = 4096,      /* SO_RCVBUF and SO_SNDBUF: a million of them */
    READ_BYTES = 64 << 10,
};

/* RFC 6455 section 1.3 has this key, and this answer to it. */
static const char accept_line[] = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

static void set(int fd, int level, int option, int value) {
    setsockopt(fd, level, option, &value, sizeof value);
}

static struct sockaddr_in source_of(const struct load *load, uint32_t index) {
    uint32_t host = load->options.sources + index / PEOPLE_PER_ADDRESS;
    struct sockaddr_in source = {.sin_family = AF_INET};
    source.sin_addr.s_addr = htonl(0x7f010001u + (host / 250 << 8) + host % 250);
    return source;
}

void socket_dial(struct load *load, struct person *person) {
    uint32_t index = person_index(load, person);
    struct sockaddr_in source = source_of(load, index);
    const struct sockaddr_in *target = &load->options.targets[index % load->options.target_count];
    person->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (person->fd < 0)
        fail("socket failed: errno %d", errno);
    struct linger reset = {1, 0}; /* no port is left in TIME_WAIT */
    setsockopt(person->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    set(person->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    set(person->fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (load->options.body_bytes <= BUFFER_BYTES / 4) {
        set(person->fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
        set(person->fd, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES);
    }
    if (bind(person->fd, (struct sockaddr *)&source, sizeof source) != 0)
        fail("bind failed: errno %d", errno);
    if (connect(person->fd, (const struct sockaddr *)target, sizeof *target) != 0 && errno != EINPROGRESS)
        fail("connect failed: errno %d", errno);
    person->state = PERSON_DIALLING;
    loop_watch(load, person, EPOLLIN | EPOLLOUT, false);
}

/* Makes a buffer for what is left of `bytes`, or frees the one that was there. */
static void keep(struct buffer **kept, const char *bytes, size_t length) {
    if (length > 0) {
        if (*kept == NULL)
            *kept = memory_zero(1, sizeof **kept);
        buffer_append(*kept, bytes, length);
    } else if (*kept != NULL) {
        buffer_fini(*kept);
        free(*kept);
        *kept = NULL;
    }
}

void socket_close(struct load *load, struct person *person) {
    close(person->fd);
    person->fd = -1;
    person->state = PERSON_GONE;
    keep(&person->in, NULL, 0);
    keep(&person->out, NULL, 0);
    load->gone++;
}

void socket_send(struct load *load, struct person *person, const char *bytes, size_t length) {
    ssize_t sent = 0;
    if (person->out == NULL) {
        sent = send(person->fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            fail("person %u: send failed: errno %d", person_index(load, person), errno);
        if (sent < 0)
            sent = 0;
        if ((size_t)sent < length)
            loop_watch(load, person, EPOLLIN | EPOLLOUT, true);
    }
    if ((size_t)sent < length)
        keep(&person->out, bytes + sent, length - (size_t)sent);
}

static void flush(struct load *load, struct person *person) {
    struct buffer *out = person->out;
    if (out == NULL)
        return;
    ssize_t sent = send(person->fd, out->bytes, out->length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        fail("person %u: send failed: errno %d", person_index(load, person), errno);
    if (sent <= 0)
        return;
    buffer_consume(out, (size_t)sent);
    if (out->length > 0)
        return;
    keep(&person->out, NULL, 0);
    loop_watch(load, person, EPOLLIN, true);
}

static void request_upgrade(struct load *load, struct person *person) {
    const struct sockaddr_in *target = &load->options.targets[person_index(load, person) % load->options.target_count];
    bool socketio = load->options.dialect == DIALECT_SOCKETIO;
    struct buffer request = {0};
    buffer_printf(&request,
                  "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
                  socketio ? "/socket.io/?EIO=4&transport=websocket" : "/ws", ntohs(target->sin_port),
                  socketio ? "" : "Sec-WebSocket-Protocol: passerby.v1\r\n");
    person->state = PERSON_UPGRADING;
    loop_watch(load, person, EPOLLIN, true);
    socket_send(load, person, request.bytes, request.length);
    buffer_fini(&request);
}

static void on_writable(struct load *load, struct person *person) {
    int error = 0;
    socklen_t size = sizeof error;
    if (person->state != PERSON_DIALLING) {
        flush(load, person);
        return;
    }
    if (getsockopt(person->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
        fail("person %u: connect failed: errno %d", person_index(load, person), error);
    request_upgrade(load, person);
}

/* Returns how many bytes of the answer to the upgrade were taken; 0 if it is not whole. */
static size_t take_upgrade(struct load *load, struct person *person, char *bytes, size_t length) {
    char *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    size_t head = (size_t)(end + 4 - bytes);
    if (memcmp(bytes, "HTTP/1.1 101", 12) != 0)
        fail("person %u: refused: %.*s", person_index(load, person), (int)head, bytes);
    bool accepted = false;
    for (size_t at = 0; at + sizeof accept_line - 1 <= head && !accepted; at++)
        accepted = strncasecmp(bytes + at, accept_line, sizeof accept_line - 1) == 0;
    if (!accepted)
        fail("person %u: the upgrade is not accepted: %.*s", person_index(load, person), (int)head, bytes);
    person->state = PERSON_UPGRADED;
    return head;
}

static size_t take(struct load *load, struct person *person, char *bytes, size_t length) {
    size_t taken = 0;
    if (person->state == PERSON_UPGRADING && (taken = take_upgrade(load, person, bytes, length)) == 0)
        return 0;
    return taken + frames_take(load, person, bytes + taken, length - taken);
}

static void on_readable(struct load *load, struct person *person) {
    static char bytes[READ_BYTES];
    size_t before = person->in == NULL ? 0 : person->in->length;
    if (before > sizeof bytes / 2)
        fail("person %u: a frame without an end", person_index(load, person));
    if (before > 0)
        memcpy(bytes, person->in->bytes, before);
    ssize_t got = recv(person->fd, bytes + before, sizeof bytes - before, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got == 0 && person->state == PERSON_CUTTING) {
        load->moved_ns = now_ns();
        socket_close(load, person);
        return;
    }
    if (got <= 0)
        fail("person %u: the connection is gone (%s)", person_index(load, person), got == 0 ? "closed" : "reset");
    keep(&person->in, NULL, 0);
    size_t length = before + (size_t)got;
    size_t taken = take(load, person, bytes, length);
    if (taken < length)
        keep(&person->in, bytes + taken, length - taken);
}

void socket_event(struct load *load, struct person *person, uint32_t events) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0)
        on_writable(load, person);
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0 && person->state != PERSON_DIALLING)
        on_readable(load, person);
}
