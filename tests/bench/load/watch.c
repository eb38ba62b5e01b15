/* watch.c - what the watched processes cost: their CPU clocks (user and system time, all threads, as the kernel has it), and
 * their anonymous memory. */
#include "load.h"

#include <inttypes.h>
#include <stdio.h>

void watch_init(struct load *load) {
    for (unsigned i = 0; i < load->options.watched_count; i++)
        if (clock_getcpuclockid(load->options.watched[i].pid, &load->clocks[i]) != 0)
            fail("--watch: there is no process %d", load->options.watched[i].pid);
}

void watch_read(const struct load *load, struct reading *reading) {
    for (unsigned i = 0; i < load->options.watched_count; i++) {
        struct timespec cpu;
        if (clock_gettime(load->clocks[i], &cpu) != 0)
            fail("process %d is gone", load->options.watched[i].pid);
        reading->cpu_ns[i] = (uint64_t)cpu.tv_sec * 1000000000u + (uint64_t)cpu.tv_nsec;
    }
    struct timespec own;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
    reading->own_ns = (uint64_t)own.tv_sec * 1000000000u + (uint64_t)own.tv_nsec;
    reading->at_ns = now_ns();
    reading->tally = load->tally;
}

void watch_put(struct load *load, const char *name, const struct reading *from, const struct reading *to) {
    struct buffer *out = &load->result;
    const struct tally *before = &from->tally;
    const struct tally *after = &to->tally;
    buffer_printf(out, "\"%s\":{\"seconds\":%.6f,\"said\":%" PRIu64 ",\"heard\":%" PRIu64 ",\"acks\":%" PRIu64, name,
                  (double)(to->at_ns - from->at_ns) / 1e9, after->said - before->said, after->heard - before->heard,
                  after->acks - before->acks);
    buffer_printf(out, ",\"matches\":%" PRIu64 ",\"load_us\":%.1f,\"cpu_us\":{", after->matches - before->matches,
                  (double)(to->own_ns - from->own_ns) / 1e3);
    for (unsigned i = 0; i < load->options.watched_count; i++)
        buffer_printf(out, "%s\"%s\":%.1f", i > 0 ? "," : "", load->options.watched[i].name,
                      (double)(to->cpu_ns[i] - from->cpu_ns[i]) / 1e3);
    buffer_string(out, "}},");
}

static uint64_t anonymous_bytes(int pid) {
    char path[64];
    char line[256];
    unsigned long long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *status = fopen(path, "r");
    if (status == NULL)
        fail("process %d is gone", pid);
    while (fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "RssAnon: %llu kB", &kib) == 1)
            break;
    fclose(status);
    return kib * 1024;
}

void watch_put_memory(struct load *load, const char *name) {
    struct buffer *out = &load->result;
    buffer_printf(out, "\"%s\":{", name);
    for (unsigned i = 0; i < load->options.watched_count; i++)
        buffer_printf(out, "%s\"%s\":%" PRIu64, i > 0 ? "," : "", load->options.watched[i].name,
                      anonymous_bytes(load->options.watched[i].pid));
    buffer_string(out, "},");
}
