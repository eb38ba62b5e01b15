/* loop.c - one epoll for everybody. */
#include "load.h"

#include <errno.h>
#include <sys/epoll.h>

enum { EVENTS = 512 };

void loop_init(struct load *load) {
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load->epoll < 0)
        fail("epoll_create1 failed");
}

void loop_watch(struct load *load, struct person *person, uint32_t events, bool known) {
    struct epoll_event event = {.events = events, .data.u32 = person_index(load, person)};
    if (epoll_ctl(load->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, person->fd, &event) != 0)
        fail("epoll_ctl failed: errno %d", errno);
}

void loop_turn(struct load *load, uint64_t until_ns) {
    struct epoll_event events[EVENTS];
    uint64_t now = now_ns();
    uint64_t wait_ns = until_ns > now ? until_ns - now : 0;
    struct timespec wait = {(time_t)(wait_ns / 1000000000u), (long)(wait_ns % 1000000000u)};
    int count = epoll_pwait2(load->epoll, events, EVENTS, &wait, NULL);
    if (count < 0 && errno != EINTR)
        fail("epoll_pwait2 failed: errno %d", errno);
    for (int i = 0; i < count; i++)
        socket_event(load, &load->people[events[i].data.u32], events[i].events);
}
