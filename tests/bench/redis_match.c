/* redis_match.c - what a match costs Redis: CPU time of a Redis of its own while three brokers match people by it.
 *
 * Flow:  rounds of WINDOW pairs, each in steps that are timed apart: the candidates seek and wait; the seekers seek and
 *        find them; the candidates' nodes commit, and the seekers' are told; one side ends each chat. All requests of
 *        a step are made at once, as nodes with much to do make them: what is measured is saturation.
 * Means: the CPU time is that of the Redis process, user and system, as the kernel has it (INFO says the same): the
 *        messages, the answers, beats and probes are in it.
 *        Beside it stands what a bare script costs there that pops somebody and publishes it, pipelined as much: how
 *        fast this machine is now.
 * Fails: a round ends when everybody has been told; what goes wrong ends the program. */
#include "passerby/log.h"
#include "passerby/redis_broker.h"

#include "redis_server.h"

#include "base/memory.h"
#include "base/random.h"

#include <hiredis/hiredis.h>
#include <uv.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    NODES = 3,
    WINDOW = 192, /* 64 requests of a node in one turn of its loop */
    MATCHES = 50000,
    CHUNKS =
        20, /* the matches are measured in so many parts; the least costly tells, as noise only ever adds, and the median */
};

/* What is compared. Where anybody suits anybody, whoever comes finds whoever came before, and the two first steps are
 * one; else each pair has a language of its own, so that the candidates don't find each other. */
struct scenario {
    const char *name;
    bool anybody;
    const char *language; /* of everybody; NULL: as said above */
    unsigned topics;
    bool one_in_common;  /* only the first of them */
    unsigned bystanders; /* who wait all the time, and suit nobody */
    bool across;         /* no pair sits on one node */
};

static const struct scenario scenarios[] = {
    {.name = "nothing named", .anybody = true, .language = ""},
    {.name = "nothing named, 1,000 with topics wait", .anybody = true, .language = "", .bystanders = 1000},
    {.name = "one language", .anybody = true, .language = "en"},
    {.name = "one language, 1,000 of another wait", .anybody = true, .language = "en", .bystanders = 1000},
    {.name = "each pair its own language"},
    {.name = "the same, no pair on one node", .across = true},
    {.name = "the same, 1,000 of another wait", .bystanders = 1000},
    {.name = "the same, and 3 topics", .topics = 3},
    {.name = "the same, one of them in common", .topics = 3, .one_in_common = true},
};

enum step { WAIT, FIND, COMMIT, END, BARE, STEPS };

struct bench;

struct node {
    struct bench *bench;
    struct broker *broker;
    uint64_t boot;
    bool woken;
};

struct bench {
    const struct scenario *scenario;
    struct redis_server *server;
    struct log *log;
    uv_loop_t loop;
    struct node nodes[NODES];
    struct random random;
    uint64_t chats;
    uint64_t rounds;
    uint32_t people;
    unsigned seen[BROKER_LINK_RESUMED + 1]; /* events of this step */
    struct ticket tickets[2 * WINDOW];
    struct match {
        struct ticket seeker;
        struct ticket candidate;
    } matches[WINDOW];
    unsigned count;
    redisContext *redis; /* for the bare script */
    char bare[41];       /* its hash */
    double cpu_us[STEPS];
};

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fail(const char *why) {
    fprintf(stderr, "redis_match: %s\n", why);
    exit(1);
}

/* --- nodes -------------------------------------------------------------------------------------------------------- */

static void note(struct bench *bench, const struct broker_event *event) {
    const struct ticket *candidate = &bench->tickets[event->to.slot % (2 * WINDOW)];
    if (!address_equal(candidate->who.at, event->to) || bench->count == WINDOW)
        fail("an offer went to somebody who did not wait");
    bench->matches[bench->count++] = (struct match){event->offered.seeker, *candidate};
}

static void on_event(void *context, const struct broker_event *event) {
    struct node *node = context;
    node->bench->seen[event->kind]++;
    if (event->kind == BROKER_OFFERED)
        note(node->bench, event);
    else if (event->kind == BROKER_COMMITTED && event->status != BROKER_OK)
        fail("a match was not committed");
}

static void wake(void *context) {
    struct node *node = context;
    node->woken = true;
}

static void turn(struct bench *bench) {
    uv_run(&bench->loop, UV_RUN_NOWAIT);
    for (unsigned i = 0; i < NODES; i++) {
        struct node *node = &bench->nodes[i];
        if (!node->woken)
            continue;
        node->woken = false;
        node->broker->ops->poll(node->broker, (int64_t)(uv_hrtime() / 1000000));
    }
}

static bool busy(const struct bench *bench) {
    for (unsigned i = 0; i < NODES; i++) {
        struct redis_broker_stats stats;
        redis_broker_stats(bench->nodes[i].broker, &stats);
        if (!stats.up || stats.unanswered > 0)
            return true;
    }
    return false;
}

static void request(struct bench *bench, struct broker_request *request) {
    for (unsigned i = 0; i < NODES; i++)
        if (bench->nodes[i].boot == request->asker.boot)
            bench->nodes[i].broker->ops->request(bench->nodes[i].broker, request);
}

/* --- people ------------------------------------------------------------------------------------------------------- */

static struct ticket person(struct bench *bench, unsigned node, uint32_t slot) {
    struct ticket ticket = {
        .who = {.at = {bench->nodes[node].boot, slot, ++bench->people}, .person = random_u64(&bench->random)},
        .attempt = 1,
        .chat = {random_u64(&bench->random), ++bench->chats},
        .topics.count = (uint8_t)bench->scenario->topics,
    };
    for (unsigned i = 0; i < RECENT_STRANGERS; i++)
        ticket.recent[i] = random_u64(&bench->random);
    return ticket;
}

static void seek(struct bench *bench, const struct ticket *ticket) {
    struct broker_request seeking = {.kind = BROKER_SEEK, .asker = ticket->who.at, .chat = ticket->chat};
    seeking.seek = *ticket;
    request(bench, &seeking);
}

/* The i-th pair of a round. */
static struct ticket one_of(struct bench *bench, unsigned node, unsigned i, unsigned slot) {
    struct ticket ticket = person(bench, node, slot);
    if (bench->scenario->language != NULL) {
        strcpy(ticket.language, bench->scenario->language);
    } else {
        ticket.language[0] = (char)('a' + i / 26);
        ticket.language[1] = (char)('a' + i % 26);
    }
    for (unsigned j = 0; j < bench->scenario->topics; j++) {
        bool own = bench->scenario->one_in_common && j > 0;
        uint64_t number = bench->rounds * 2 * WINDOW + (own ? slot : i);
        ticket.topics.hash[j] = (number * 4 + j + 1) * 0x9e3779b97f4a7c15u;
    }
    bench->tickets[slot] = ticket;
    return ticket;
}

static void candidates_seek(struct bench *bench) {
    for (unsigned i = 0; i < WINDOW; i++) {
        unsigned node = bench->scenario->across ? 1 + i % (NODES - 1) : i % NODES;
        struct ticket ticket = one_of(bench, node, i, i);
        seek(bench, &ticket);
    }
}

static void seekers_seek(struct bench *bench) {
    for (unsigned i = 0; i < WINDOW; i++) {
        unsigned node = bench->scenario->across ? 0 : i / (WINDOW / NODES);
        struct ticket ticket = one_of(bench, node, i, WINDOW + i);
        seek(bench, &ticket);
    }
}

static void commit_all(struct bench *bench) {
    for (unsigned i = 0; i < WINDOW; i++) {
        const struct match *match = &bench->matches[i];
        struct broker_request committing = {
            .kind = BROKER_COMMIT, .asker = match->candidate.who.at, .chat = match->seeker.chat};
        committing.commit.seeker = match->seeker;
        committing.commit.candidate = match->candidate;
        request(bench, &committing);
    }
}

static void end_all(struct bench *bench) {
    for (unsigned i = 0; i < WINDOW; i++) {
        const struct ticket *seeker = &bench->matches[i].seeker;
        struct broker_request ending = {.kind = BROKER_END, .asker = seeker->who.at, .chat = seeker->chat};
        ending.end = (struct tombstone){END_LEFT, SIDE_SEEKER};
        request(bench, &ending);
    }
}

static void take_replies(struct bench *bench, unsigned count) {
    while (count-- > 0) {
        redisReply *reply = NULL;
        if (redisGetReply(bench->redis, (void **)&reply) != REDIS_OK || reply->type == REDIS_REPLY_ERROR)
            fail(reply != NULL ? reply->str : bench->redis->errstr);
        freeReplyObject(reply);
    }
}

static void load_bare_script(struct bench *bench) {
    redisReply *reply = redisCommand(bench->redis, "SCRIPT LOAD %s",
                                     "local one = redis.call('ZPOPMIN', KEYS[1]) "
                                     "return redis.call('PUBLISH', '{pb}:i:' .. ARGV[1], one[1])");
    if (reply == NULL || reply->type != REDIS_REPLY_STRING)
        fail("the bare script can't be loaded");
    snprintf(bench->bare, sizeof bench->bare, "%s", reply->str);
    freeReplyObject(reply);
}

static void fill_bare_line(struct bench *bench) {
    for (unsigned i = 0; i < WINDOW; i++)
        redisAppendCommand(bench->redis, "ZADD {pb}:bare %u ?%0100u", i, i);
    take_replies(bench, WINDOW);
}

/* To a node's inbox: a message that it does not know. */
static void pop_and_publish(struct bench *bench) {
    for (unsigned i = 0; i < WINDOW; i++)
        redisAppendCommand(bench->redis, "EVALSHA %s 1 {pb}:bare %016llx", bench->bare,
                           (unsigned long long)bench->nodes[0].boot);
    take_replies(bench, WINDOW);
}

/* --- measuring ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*begin)(struct bench *);
    enum broker_event_kind events[2]; /* that each pair brings */
    unsigned kinds;
} steps[STEPS] = {
    [WAIT] = {"seek, wait", candidates_seek, {0}, 0},
    [FIND] = {"seek, find", seekers_seek, {BROKER_OFFERED}, 1},
    [COMMIT] = {"commit", commit_all, {BROKER_CONFIRMED}, 1},
    [END] = {"end", end_all, {0}, 0},
    [BARE] = {"(bare)", pop_and_publish, {0}, 0},
};

static bool done(const struct bench *bench, enum step step) {
    for (unsigned i = 0; i < steps[step].kinds; i++)
        if (bench->seen[steps[step].events[i]] < WINDOW)
            return false;
    return !busy(bench);
}

static void take(struct bench *bench, enum step step) {
    clockid_t clock = redis_server_cpu(bench->server);
    if (step == BARE)
        fill_bare_line(bench);
    if (step != FIND)
        memset(bench->seen, 0, sizeof bench->seen);
    double before = seconds(clock);
    if (step == WAIT)
        bench->count = 0;
    steps[step].begin(bench);
    if (step == WAIT && bench->scenario->anybody)
        return; /* the seekers seek in the same turn */
    while (!done(bench, step))
        turn(bench);
    bench->cpu_us[step] += (seconds(clock) - before) * 1e6;
}

static void join(struct bench *bench) {
    for (unsigned i = 0; i < NODES; i++) {
        struct node *node = &bench->nodes[i];
        char error[200];
        struct redis_broker_options options = {.url = redis_server_url(bench->server), .log = bench->log};
        struct broker_listener listener = {on_event, node, wake, node};
        node->bench = bench;
        node->boot = 0x9e3779b97f4a7c15u * (i + 1);
        node->broker = redis_broker_new(&bench->loop, &options, node->boot, &listener, error, sizeof error);
        if (node->broker == NULL)
            fail(error);
    }
    while (busy(bench))
        turn(bench);
}

static void let_bystanders_wait(struct bench *bench) {
    for (unsigned i = 0; i < bench->scenario->bystanders; i++) {
        struct ticket ticket = person(bench, i % NODES, WINDOW + i);
        bool speechless = bench->scenario->language != NULL && bench->scenario->language[0] == '\0';
        strcpy(ticket.language, speechless ? "" : "xx");
        ticket.topics = (struct topics){{i + 1}, speechless};
        ticket.who.person = 1; /* nor do they suit each other */
        seek(bench, &ticket);
    }
    do
        turn(bench);
    while (busy(bench));
}

static void leave(struct bench *bench) {
    for (unsigned i = 0; i < NODES; i++)
        bench->nodes[i].broker->ops->close(bench->nodes[i].broker);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    uv_loop_close(&bench->loop);
}

static int compare(const void *a, const void *b) {
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

static double match_us(const double cpu_us[STEPS]) {
    return cpu_us[WAIT] + cpu_us[FIND] + cpu_us[COMMIT];
}

/* What each step of a match cost in the chunk in which a match cost the least, and the median of what a match cost. */
static double measure(struct bench *bench, unsigned matches, double least_us[STEPS]) {
    double sums_us[CHUNKS];
    for (unsigned chunk = 0; chunk < CHUNKS; chunk++) {
        unsigned count = 0;
        memset(bench->cpu_us, 0, sizeof bench->cpu_us);
        for (; count < matches / CHUNKS; count += WINDOW, bench->rounds++)
            for (enum step at = WAIT; at < STEPS; at++)
                take(bench, at);
        for (enum step at = WAIT; at < STEPS; at++)
            bench->cpu_us[at] /= count;
        sums_us[chunk] = match_us(bench->cpu_us);
        if (chunk == 0 || sums_us[chunk] < match_us(least_us))
            memcpy(least_us, bench->cpu_us, sizeof bench->cpu_us);
    }
    qsort(sums_us, CHUNKS, sizeof *sums_us, compare);
    return sums_us[CHUNKS / 2];
}

static void run(const struct scenario *scenario, unsigned matches) {
    struct bench *bench = memory_zero(1, sizeof *bench);
    bench->scenario = scenario;
    bench->server = redis_server_new(REDIS_SERVER_REAL_CLOCK);
    bench->log = log_new(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    random_init(&bench->random, 1);
    uv_loop_init(&bench->loop);
    bench->redis = redisConnectUnix(redis_server_url(bench->server) + strlen("unix:"));
    if (bench->redis == NULL || bench->redis->err != 0)
        fail("Redis can't be reached");
    load_bare_script(bench);
    join(bench);
    let_bystanders_wait(bench);

    double least_us[STEPS];
    double median_us = measure(bench, matches, least_us);
    printf("| %-37s |", scenario->name);
    for (enum step at = WAIT; at < STEPS; at++)
        printf(" %10.2f |", least_us[at]);
    printf(" %10.2f | %10.2f | %10.0f |\n", match_us(least_us), median_us, 2e6 / median_us);
    fflush(stdout);
    leave(bench);
    redisFree(bench->redis);
    redis_server_free(bench->server);
    log_free(bench->log);
    free(bench);
}

static void print_head(void) {
    static const char *const titles[] = {"a match", "its median", "finds/s"};
    printf(
        "Redis' CPU, microseconds per match, at saturation. A match is the first three; (bare) is a script that pops\n"
        "and publishes, for comparison. All of the one of %d parts in which a match cost the least, and the median of "
        "what\n"
        "a match cost in these; finds/s: what one core of Redis would bear, by the median.\n\n",
        CHUNKS);
    printf("| %-37s |", "");
    for (enum step at = WAIT; at < STEPS; at++)
        printf(" %10s |", steps[at].name);
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        printf(" %10s |", titles[i]);
    printf("\n| ------------------------------------- |");
    for (size_t i = 0; i < STEPS + sizeof titles / sizeof *titles; i++)
        printf(" ---------- |");
    printf("\n");
}

/* redis_match [MATCHES [SCENARIO]] */
int main(int argc, char **argv) {
    unsigned matches = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : MATCHES;
    print_head();
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
        if (argc < 3 || strcmp(scenarios[i].name, argv[2]) == 0)
            run(&scenarios[i], matches);
    return 0;
}
