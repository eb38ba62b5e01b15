/* tcp.h - connecting with patience, without a loop. */
#ifndef CLIENT_TCP_H
#define CLIENT_TCP_H

#include <stdint.h>
#include <stddef.h>

/* Connects to one of the host's addresses. Returns a non-blocking socket; or -1, and one line in `error` that names
 * host and port and says why. `until_ms` is on tcp_now_ms()'s clock. */
int tcp_connect(const char *host, uint16_t port, int64_t until_ms, char *error, size_t error_size)
    __attribute__((warn_unused_result));

/* Waits for `events` of poll(2). Returns 0, or an error number (ETIMEDOUT). */
int tcp_wait(int fd, short events, int64_t until_ms) __attribute__((warn_unused_result));

/* A clock that only goes forward. */
int64_t tcp_now_ms(void);

#endif
