/* main.c - load: a load generator for relays that speak passerby.v1; prints one JSON object with what it measured.
 *
 * Flow:   connect everybody → (close them all) → find strangers → work (talk, at a rate or as fast as it goes; or search again and again) →
 *         stop, and wait until everything said was heard and acknowledged → print.
 * Fails:  with a sentence and status 1, when anything comes that should not: another payload, another order, a message twice,
 *         a chat of one or of three, a closed connection, or nothing for --stall seconds.
 * Owns:   everything; it ends with the process. */
#include "load.h"

#include "base/memory.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    _Exit(1);
}

uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Of the whole run. */
static void put_total(struct load *load) {
    const struct tally *total = &load->tally;
    buffer_printf(&load->result,
                  "\"total\":{\"said\":%" PRIu64 ",\"heard\":%" PRIu64 ",\"matches\":%" PRIu64 ",\"across\":%" PRIu64
                  ",\"repeated\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"syncs\":%" PRIu64 ",\"aways\":%" PRIu64 "},",
                  total->said, total->heard, total->matches, total->across, total->repeated, total->gaps, total->syncs,
                  total->aways);
}

int main(int argc, char **argv) {
    struct load *load = memory_zero(1, sizeof *load);
    signal(SIGPIPE, SIG_IGN);
    options_parse(&load->options, argc, argv);
    load->people = memory_zero(load->options.people, sizeof *load->people);
    bodies_init(load);
    order_init(load);
    loop_init(load);
    watch_init(load);
    buffer_string(&load->result, "{");
    watch_put_memory(load, "memory_empty");
    phase_connect(load);
    watch_put_memory(load, "memory_connected");
    if (load->options.work == WORK_CLOSE)
        phase_close(load);
    if (load->options.work > WORK_CLOSE) {
        phase_find(load);
        watch_put_memory(load, "memory_matched");
    }
    if (load->options.work > WORK_FIND) {
        phase_work(load);
        watch_put_memory(load, "memory_talked");
    }
    put_total(load);
    buffer_printf(&load->result, "\"people\":%u}", load->options.people);
    printf("%.*s\n", (int)load->result.length, load->result.bytes);
    fflush(stdout);
    _Exit(0); /* the kernel resets the connections: SO_LINGER */
}
