/* interpose.c - functions that lws and libuv call in vain, answered without doing them.
 *
 * The program's own definition of a name comes before the libraries' (ELF symbol interposition, as in wiretap.c). For a connection
 * these were five system calls of fourteen: libuv tries whether epoll takes the socket, by adding it and taking it out again; forgets it,
 * twice, before it is first watched; and lws wakes the loop, which is running.
 *
 * Fails: where symbols can't be interposed, all this is done again, and costs what it costs.
 * Owns:  which socket this thread is adopting: no argument of epoll_ctl(2) could say it. */
#include "interpose.h"

#include <libwebsockets.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NONE = -1 };

static _Thread_local int adopting = NONE;

/* For the libraries to find, and for link-time optimisation, which sees no caller, to keep. */
#define INTERPOSES __attribute__((used, visibility("default")))

void interpose_adopting(int fd) {
    adopting = fd;
}

void interpose_adopted(void) {
    adopting = NONE;
}

/* epoll_ctl(2). That a socket can be watched is known; and one that is new was never watched. */
INTERPOSES int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
    return fd == adopting ? 0 : (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}

/* eventfd_write(3), by which lws has its loop look at a new socket from another thread. */
INTERPOSES int eventfd_write(int fd, eventfd_t value) {
    return adopting != NONE || write(fd, &value, sizeof value) == sizeof value ? 0 : -1;
}

/* What lws would log, were its level not 0. It looks at that behind a call with all arguments, some 15 times for each
 * message. */
INTERPOSES void _lws_log(int filter, const char *format, ...) {
    (void)filter;
    (void)format;
}

#if LWS_LIBRARY_VERSION_NUMBER >= 4003000
INTERPOSES void _lws_log_cx(lws_log_cx_t *cx, lws_log_prepend_cx_t prepend, void *object, int filter,
                            const char *function, const char *format, ...) {
    (void)cx, (void)prepend, (void)object, (void)filter, (void)function, (void)format;
}
#endif
