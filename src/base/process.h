/* process.h - what the kernel knows about this process, from proc(5). */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdint.h>

/* 0 where the kernel doesn't say. */
struct process_stats {
    uint64_t resident_bytes;
    uint64_t open_files;
    double start_seconds; /* Unix time */
    double cpu_seconds;   /* user and system */
};

void process_stats(struct process_stats *out);

#endif
