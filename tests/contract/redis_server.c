/* redis_server.c - a Redis of a test's own. */
#include "redis_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"

#include <hiredis/hiredis.h>

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATH_CHARS = 128, START_TRIES = 500, START_WAIT_MS = 20 };

struct redis_server {
    char directory[PATH_CHARS];
    char socket[PATH_CHARS];
    char clock[PATH_CHARS];
    char url[PATH_CHARS];
    _Atomic int64_t *clock_us;
    bool frozen;
    pid_t pid; /* 0 = stopped */
    redisContext *connection;
    redisReply *reply;
};

static void put_path(const struct redis_server *server, char out[PATH_CHARS], const char *prefix, const char *name) {
    int length = snprintf(out, PATH_CHARS, "%s%s/%s", prefix, server->directory, name);
    assert_in_range(length, 1, PATH_CHARS - 1);
}

struct redis_server *redis_server_new(enum redis_server_clock kind) {
    struct redis_server *server = memory_zero(1, sizeof *server);
    server->frozen = kind == REDIS_SERVER_FROZEN_CLOCK;
    strcpy(server->directory, "/tmp/passerby-redis-XXXXXX");
    assert_non_null(mkdtemp(server->directory));
    put_path(server, server->socket, "", "socket");
    put_path(server, server->url, "unix:", "socket");
    put_path(server, server->clock, "", "clock");
    int file = open(server->clock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(ftruncate(file, sizeof(int64_t)), 0);
    void *memory = mmap(NULL, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    assert_true(memory != MAP_FAILED);
    close(file);
    server->clock_us = memory;
    atomic_store(server->clock_us, (int64_t)time(NULL) * 1000000);
    redis_server_start(server);
    return server;
}

static void exec_server(const struct redis_server *server) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (server->frozen) {
        setenv("LD_PRELOAD", FROZEN_CLOCK, 1);
        setenv("PASSERBY_CLOCK", server->clock, 1);
    }
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", server->socket, "--save", "", "--appendonly",
           "no", "--dir", server->directory, "--logfile", "log", "--daemonize", "no", (char *)NULL);
    _exit(127);
}

static bool connect_to(struct redis_server *server) {
    redisContext *connection = redisConnectUnix(server->socket);
    if (connection == NULL || connection->err != 0) {
        redisFree(connection);
        return false;
    }
    server->connection = connection;
    return true;
}

void redis_server_start(struct redis_server *server) {
    assert_int_equal(server->pid, 0);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0)
        exec_server(server);
    const struct timespec wait = {.tv_nsec = START_WAIT_MS * 1000000L};
    for (int i = 0; !connect_to(server); i++) {
        assert_in_range(i, 0, START_TRIES);
        nanosleep(&wait, NULL);
    }
}

void redis_server_stop(struct redis_server *server) {
    freeReplyObject(server->reply);
    redisFree(server->connection);
    server->reply = NULL;
    server->connection = NULL;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

void redis_server_free(struct redis_server *server) {
    redis_server_stop(server);
    static const char *const names[] = {"socket", "clock", "log"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[PATH_CHARS];
        put_path(server, path, "", names[i]);
        unlink(path);
    }
    rmdir(server->directory);
    munmap(server->clock_us, sizeof *server->clock_us);
    free(server);
}

const char *redis_server_url(const struct redis_server *server) {
    return server->url;
}

void redis_server_advance(struct redis_server *server, int64_t by_ms) {
    atomic_fetch_add(server->clock_us, by_ms * 1000);
}

int64_t redis_server_now_ms(const struct redis_server *server) {
    return atomic_load(server->clock_us) / 1000;
}

clockid_t redis_server_cpu(const struct redis_server *server) {
    clockid_t clock;
    assert_int_equal(clock_getcpuclockid(server->pid, &clock), 0);
    return clock;
}

const struct redisReply *redis_server_ask(struct redis_server *server, const char *format, ...) {
    freeReplyObject(server->reply);
    va_list list;
    va_start(list, format);
    server->reply = redisvCommand(server->connection, format, list);
    va_end(list);
    if (server->reply == NULL || server->reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s: %s", format, server->reply != NULL ? server->reply->str : server->connection->errstr);
    return server->reply;
}
