/* redis_process.c - a redis-server of a test's own. */
#include "redis_process.h"

#include "base/memory.h"

#include <hiredis/hiredis.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* clang-format off */
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

enum { PATH_CHARS = 128, MOST_WORDS = 64, START_TRIES = 1000, START_WAIT_MS = 20 };

struct redis_process {
    char directory[PATH_CHARS];
    char socket[PATH_CHARS];
    char file[PATH_CHARS]; /* a Sentinel's configuration; "" = it is none */
    char *words[MOST_WORDS];
    unsigned port;
    pid_t pid; /* 0 = stopped */
    redisContext *connection;
    redisReply *reply;
};

/* Below the ports that the kernel gives to clients: nobody takes it while the server is stopped. */
unsigned redis_process_free_port(void) {
    for (int i = 0; i < START_TRIES; i++) {
        uint16_t drawn = 0;
        assert_int_equal(getrandom(&drawn, sizeof drawn, 0), sizeof drawn);
        unsigned port = 10000 + drawn % 20000;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const struct sockaddr_in address = {
            .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        bool is_free = bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
        close(fd);
        if (is_free)
            return port;
    }
    fail_msg("no port is free");
    return 0;
}

static void add_words(struct redis_process *process, const char *const words[]) {
    size_t at = 0;
    while (process->words[at] != NULL)
        at++;
    for (; words != NULL && *words != NULL; words++) {
        assert_true(at < MOST_WORDS - 1);
        process->words[at++] = memory_string(*words);
    }
}

static struct redis_process *prepare(void) {
    struct redis_process *process = memory_zero(1, sizeof *process);
    const char *program = getenv("REDIS_SERVER");
    strcpy(process->directory, "/tmp/passerby-redis-XXXXXX");
    assert_non_null(mkdtemp(process->directory));
    process->port = redis_process_free_port();
    snprintf(process->socket, sizeof process->socket, "%.100s/socket", process->directory);
    add_words(process, (const char *const[]){program != NULL ? program : "redis-server", NULL});
    return process;
}

static void exec_server(struct redis_process *process) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(process->words[0], process->words);
    _exit(127);
}

static bool connect_to(struct redis_process *process) {
    redisContext *connection = redisConnectUnix(process->socket);
    if (connection == NULL || connection->err != 0) {
        redisFree(connection);
        return false;
    }
    process->connection = connection;
    return true;
}

void redis_process_start(struct redis_process *process) {
    const struct timespec wait = {.tv_nsec = START_WAIT_MS * 1000000L};
    assert_int_equal(process->pid, 0);
    process->pid = fork();
    assert_true(process->pid >= 0);
    if (process->pid == 0)
        exec_server(process);
    for (int i = 0; !connect_to(process); i++) {
        assert_int_equal(waitpid(process->pid, NULL, WNOHANG), 0);
        assert_in_range(i, 0, START_TRIES);
        nanosleep(&wait, NULL);
    }
}

struct redis_process *redis_process_new(const char *const options[]) {
    struct redis_process *process = prepare();
    char port[8];
    snprintf(port, sizeof port, "%u", process->port);
    add_words(process, (const char *const[]){"--port", port, "--bind", "127.0.0.1", "--unixsocket", process->socket,
                                             "--save", "", "--appendonly", "no", "--dir", process->directory,
                                             "--logfile", "log", "--daemonize", "no", NULL});
    add_words(process, options);
    redis_process_start(process);
    return process;
}

struct redis_process *redis_process_new_sentinel(unsigned master_port, const char *const options[]) {
    struct redis_process *process = prepare();
    snprintf(process->file, sizeof process->file, "%.100s/sentinel.conf", process->directory);
    FILE *file = fopen(process->file, "we");
    assert_non_null(file);
    fprintf(file,
            "port %u\nbind 127.0.0.1\nunixsocket %s\ndir %s\nlogfile log\n"
            "sentinel monitor main 127.0.0.1 %u 1\nsentinel down-after-milliseconds main 500\n"
            "sentinel failover-timeout main 5000\n",
            process->port, process->socket, process->directory, master_port);
    for (; options != NULL && *options != NULL; options++)
        fprintf(file, "%s\n", *options);
    assert_int_equal(fclose(file), 0);
    add_words(process, (const char *const[]){process->file, "--sentinel", NULL});
    redis_process_start(process);
    return process;
}

static void disconnect(struct redis_process *process) {
    freeReplyObject(process->reply);
    redisFree(process->connection);
    process->reply = NULL;
    process->connection = NULL;
}

void redis_process_stop(struct redis_process *process) {
    disconnect(process);
    kill(process->pid, SIGKILL);
    waitpid(process->pid, NULL, 0);
    process->pid = 0;
}

void redis_process_free(struct redis_process *process) {
    if (process == NULL)
        return;
    if (process->pid != 0)
        redis_process_stop(process);
    static const char *const names[] = {"socket", "log", "sentinel.conf", "dump.rdb"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[2 * PATH_CHARS];
        snprintf(path, sizeof path, "%s/%s", process->directory, names[i]);
        unlink(path);
    }
    rmdir(process->directory);
    for (size_t i = 0; process->words[i] != NULL; i++)
        free(process->words[i]);
    free(process);
}

unsigned redis_process_port(const struct redis_process *process) {
    return process->port;
}

const char *redis_process_directory(const struct redis_process *process) {
    return process->directory;
}

void redis_process_freeze(struct redis_process *process) {
    kill(process->pid, SIGSTOP);
}

void redis_process_thaw(struct redis_process *process) {
    kill(process->pid, SIGCONT);
}

const struct redisReply *redis_process_ask(struct redis_process *process, const char *format, ...) {
    for (int tries = 0; tries < 2; tries++) {
        freeReplyObject(process->reply);
        va_list list;
        va_start(list, format);
        process->reply = redisvCommand(process->connection, format, list);
        va_end(list);
        if (process->reply != NULL)
            break;
        disconnect(process);
        assert_true(connect_to(process));
    }
    if (process->reply == NULL || process->reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s: %s", format, process->reply != NULL ? process->reply->str : process->connection->errstr);
    return process->reply;
}

unsigned long redis_process_calls(struct redis_process *process, const char *command) {
    char name[64];
    snprintf(name, sizeof name, "cmdstat_%s:calls=", command);
    const redisReply *reply = redis_process_ask(process, "INFO commandstats");
    const char *at = strstr(reply->str, name);
    return at != NULL ? strtoul(strchr(at, '=') + 1, NULL, 10) : 0;
}

unsigned redis_process_listeners(struct redis_process *process, const char *inbox, uint64_t boot) {
    const redisReply *reply =
        redis_process_ask(process, "PUBSUB NUMSUB {pb}:%s:%016llx", inbox, (unsigned long long)boot);
    assert_int_equal(reply->elements, 2);
    return (unsigned)reply->element[1]->integer;
}

bool redis_process_has(struct redis_process *process, const char *inbox) {
    return redis_process_ask(process, "PUBSUB CHANNELS {pb}:%s:*", inbox)->elements > 0;
}
