/* frozen_clock.c - preloaded into a server, it makes the wall clock stand still, and go on only when the test says so.
 *
 * The file that PASSERBY_CLOCK names holds the time, 8 bytes of microseconds since 1970. Monotonic clocks are left
 * alone. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static _Atomic int64_t *clock_us;

__attribute__((constructor)) static void open_clock(void) {
    const char *path = getenv("PASSERBY_CLOCK");
    int file = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *memory = mmap(NULL, sizeof *clock_us, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (memory != MAP_FAILED)
        clock_us = memory;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    int64_t us = clock_us != NULL ? atomic_load(clock_us) : 0;
    now->tv_sec = us / 1000000;
    now->tv_usec = us % 1000000;
    return 0;
}

time_t time(time_t *out) {
    struct timeval now;
    gettimeofday(&now, NULL);
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}

int clock_gettime(clockid_t clock, struct timespec *out) {
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
        struct timeval now;
        gettimeofday(&now, NULL);
        *out = (struct timespec){now.tv_sec, now.tv_usec * 1000};
        return 0;
    }
    static int (*_Atomic real)(clockid_t, struct timespec *);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    return real(clock, out);
}
