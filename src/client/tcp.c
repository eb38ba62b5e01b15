/* tcp.c - connecting with patience, without a loop: for the health check, and to learn why lws could not connect. */
#include "tcp.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int64_t tcp_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int tcp_wait(int fd, short events, int64_t until_ms) {
    for (;;) {
        int64_t left_ms = until_ms - tcp_now_ms();
        if (left_ms < 0)
            left_ms = 0;
        struct pollfd poll_fd = {.fd = fd, .events = events};
        int ready = poll(&poll_fd, 1, left_ms > INT_MAX ? INT_MAX : (int)left_ms);
        if (ready > 0)
            return 0;
        if (ready == 0)
            return ETIMEDOUT;
        if (errno != EINTR)
            return errno;
    }
}

/* Returns 0, or an error number. */
static int connect_address(int fd, const struct addrinfo *address, int64_t until_ms) {
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    int why = tcp_wait(fd, POLLOUT, until_ms);
    socklen_t size = sizeof why;
    if (why == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) != 0)
        why = errno;
    return why;
}

int tcp_connect(const char *host, uint16_t port, int64_t until_ms, char *error, size_t error_size) {
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(host, service, &hints, &found);
    if (failure != 0) {
        snprintf(error, error_size, "%s: %s", host, gai_strerror(failure));
        return -1;
    }
    int fd = -1, why = 0;
    for (const struct addrinfo *each = found; each != NULL && fd < 0; each = each->ai_next) {
        fd = socket(each->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        why = fd < 0 ? errno : connect_address(fd, each, until_ms);
        if (fd >= 0 && why != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    if (fd < 0)
        snprintf(error, error_size, "%s port %u: %s", host, port, strerror(why));
    return fd;
}
