/* main.c - load: a load generator for relays that speak passerby.v1; prints one JSON object with what it measured.
 *
 * Flow:   connect everybody → find strangers → work (talk, at a rate or as fast as it goes; or search again and again) →
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

/* What people say, after who says it: ASCII, and letters of two and of three bytes. */
static void write_filler(char filler[MAX_BODY]) {
    static const char sentence[] = "is it raining where you are? here it is \xe2\x80\x94 f\xc3\xbcr immer. ";
    enum { LENGTH = sizeof sentence - 1 };
    for (size_t i = 0; i < MAX_BODY; i++)
        filler[i] = sentence[i % LENGTH];
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
    write_filler(load->filler);
    loop_init(load);
    watch_init(load);
    buffer_string(&load->result, "{");
    watch_put_memory(load, "memory_empty");
    phase_connect(load);
    watch_put_memory(load, "memory_connected");
    if (load->options.work != WORK_IDLE) {
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
