/* floor.c - floor: accepts, reads and writes by epoll. Prints the port it listens on.
 *
 * Flow:  epoll_wait → recv → frames → jansson → send to the stranger: two system calls a message when there is much to do, three
 *        when there is little. */
#include "floor.h"

#include "base/memory.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 1024, READ_BYTES = 64 << 10, BACKLOG = 4096, SEND_BUFFER_BYTES = 64 << 10 };

static int epoll;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void watch(struct person *person, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.ptr = person};
    if (epoll_ctl(epoll, operation, person->fd, &event) != 0)
        die("epoll_ctl");
}

static void keep(struct buffer **kept, const char *bytes, size_t length) {
    if (*kept == NULL)
        *kept = memory_zero(1, sizeof **kept);
    buffer_append(*kept, bytes, length);
}

static void forget(struct buffer **kept) {
    if (*kept == NULL)
        return;
    buffer_fini(*kept);
    free(*kept);
    *kept = NULL;
}

bool floor_send(struct person *person, const struct buffer *what) {
    ssize_t sent = 0;
    if (person->out == NULL) {
        sent = send(person->fd, what->bytes, what->length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return false;
        sent = sent < 0 ? 0 : sent;
        if ((size_t)sent < what->length)
            watch(person, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    }
    if ((size_t)sent < what->length)
        keep(&person->out, what->bytes + sent, what->length - (size_t)sent);
    return true;
}

static bool flush(struct person *person) {
    struct buffer *out = person->out;
    if (out == NULL)
        return true;
    ssize_t sent = send(person->fd, out->bytes, out->length, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN;
    buffer_consume(out, (size_t)sent);
    if (out->length > 0)
        return true;
    forget(&person->out);
    watch(person, EPOLLIN, EPOLL_CTL_MOD);
    return true;
}

static void end(struct person *person) {
    rules_gone(person);
    close(person->fd);
    forget(&person->in);
    forget(&person->out);
    free(person);
}

/* How much of what was read is done with; -1: close. */
static long take(struct person *person, char *bytes, size_t length, struct told *told) {
    long upgraded = person->upgraded ? 0 : frames_upgrade(person, bytes, length, &told->self);
    if (upgraded < 0 || !person->upgraded)
        return upgraded;
    long taken = frames_take(person, bytes + upgraded, length - (size_t)upgraded, told);
    return taken < 0 ? -1 : upgraded + taken;
}

/* The stranger first: they have waited for it. If they are gone, epoll will say so. */
static bool tell(struct person *person, const struct told *told) {
    if (told->stranger.length > 0 && person->stranger != NULL)
        floor_send(person->stranger, &told->stranger);
    return told->self.length == 0 || floor_send(person, &told->self);
}

static bool receive(struct person *person) {
    static char bytes[2 * READ_BYTES];
    static struct told told;
    size_t before = 0;
    if (person->in != NULL) {
        before = person->in->length;
        if (before > READ_BYTES)
            return false;
        memcpy(bytes, person->in->bytes, before);
    }
    ssize_t got = recv(person->fd, bytes + before, READ_BYTES, 0);
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    forget(&person->in);
    size_t length = before + (size_t)got;
    buffer_clear(&told.self);
    buffer_clear(&told.stranger);
    long taken = take(person, bytes, length, &told);
    if (!tell(person, &told) || taken < 0)
        return false;
    if ((size_t)taken < length)
        keep(&person->in, bytes + taken, length - (size_t)taken);
    return true;
}

static void accept_all(int listener) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct person *person = memory_zero(1, sizeof *person);
        person->fd = fd;
        watch(person, EPOLLIN, EPOLL_CTL_ADD);
    }
}

/* What accepted sockets take over from their listener is set there, once. */
static int open_listener(void) {
    int on = 1;
    int send_bytes = SEND_BUFFER_BYTES;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes) != 0 ||
        bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        die("listen");
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    frames_init();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = open_listener();
    struct epoll_event first = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &first);
    for (;;) {
        static struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct person *person = events[i].data.ptr;
            if (person == NULL)
                accept_all(listener);
            else if (((events[i].events & EPOLLOUT) != 0 && !flush(person)) ||
                     ((events[i].events & ~EPOLLOUT) != 0 && !receive(person)))
                end(person);
        }
    }
}
