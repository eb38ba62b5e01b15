/* process.c - what the kernel knows about this process, from proc(5). */
#include "base/process.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t resident_bytes(void) {
    unsigned long resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%*u %lu", &resident) != 1)
        resident = 0;
    fclose(file);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_files(void) {
    const uint64_t not_ours = 3; /* ".", ".." and the directory itself */
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL)
        return 0;
    uint64_t entries = 0;
    while (readdir(directory) != NULL)
        entries++;
    closedir(directory);
    return entries > not_ours ? entries - not_ours : 0;
}

static double clock_seconds(clockid_t id) {
    struct timespec time;
    clock_gettime(id, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The kernel gives clock ticks since it booted: field 22 of /proc/self/stat. */
static double start_seconds(void) {
    FILE *file = fopen("/proc/self/stat", "re");
    if (file == NULL)
        return 0;
    char stat[1024];
    size_t length = fread(stat, 1, sizeof stat - 1, file);
    fclose(file);
    stat[length] = '\0';
    /* Field 2 is the program's name in parentheses and may hold anything; field 3 follows the last of them. */
    const char *rest = strrchr(stat, ')');
    unsigned long long ticks;
    if (rest == NULL ||
        sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &ticks) !=
            1)
        return 0;
    double age = clock_seconds(CLOCK_BOOTTIME) - (double)ticks / (double)sysconf(_SC_CLK_TCK);
    return clock_seconds(CLOCK_REALTIME) - age;
}

void process_stats(struct process_stats *out) {
    out->resident_bytes = resident_bytes();
    out->open_files = open_files();
    out->start_seconds = start_seconds();
    out->cpu_seconds = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
}
