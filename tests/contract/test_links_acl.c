/* test_links_acl.c - the users of docker/redis/acl.conf: what they may do is enough, and nothing of it is too much. */
#include "links.h"

#include <hiredis/hiredis.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

enum { URL_CHARS = 128, LINE_CHARS = 1024, MOST_RULES = 64, LONG_MS = 2000 };

struct bench {
    struct links *links;
    struct redis_process *main;
    struct redis_process *relay;
    char url[URL_CHARS];
    char relay_url[URL_CHARS];
};

static int setup(void **state) {
    static struct bench bench;
    bench.links = links_new();
    bench.main = redis_process_new(NULL);
    bench.relay = redis_process_new(NULL);
    snprintf(bench.url, sizeof bench.url, "redis://passerby:secret@127.0.0.1:%u", redis_process_port(bench.main));
    snprintf(bench.relay_url, sizeof bench.relay_url, "redis://passerby-relay:secret@127.0.0.1:%u",
             redis_process_port(bench.relay));
    *state = &bench;
    return 0;
}

static int teardown(void **state) {
    struct bench *bench = *state;
    links_free(bench->links);
    redis_process_free(bench->main);
    redis_process_free(bench->relay);
    return 0;
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

/* The line of a user, in `line`, its words in `rules`; returns how many. */
static size_t read_rules(const char *user, char line[LINE_CHARS], char *rules[MOST_RULES]) {
    char wanted[64];
    size_t count = 0;
    FILE *file = fopen(PASSERBY_ACL_FILE, "re");
    assert_non_null(file);
    snprintf(wanted, sizeof wanted, "user %s ", user);
    do
        assert_non_null(fgets(line, LINE_CHARS, file));
    while (strncmp(line, wanted, strlen(wanted)) != 0);
    fclose(file);
    char *rest = line + strlen(wanted);
    for (char *word; (word = strsep(&rest, " \n")) != NULL;) {
        assert_true(count < MOST_RULES);
        if (*word != '\0')
            rules[count++] = strcmp(word, ">CHANGE-ME") == 0 ? (char *)(uintptr_t) ">secret" : word;
    }
    return count;
}

/* Gives the user all of its rules but one; `without` = SIZE_MAX: all. */
static void set_user(struct redis_process *server, const char *user, char *const rules[], size_t count,
                     size_t without) {
    redis_process_ask(server, "ACL SETUSER %s reset", user);
    for (size_t i = 0; i < count; i++)
        if (i != without)
            redis_process_ask(server, "ACL SETUSER %s %s", user, rules[i]);
    redis_process_ask(server, "ACL LOG RESET");
}

static size_t denials(struct redis_process *server) {
    return redis_process_ask(server, "ACL LOG")->elements;
}

/* --- whatever a node does ----------------------------------------------------------------------------------------- */

static struct ticket ticket_of(struct bench *bench, unsigned node, uint32_t slot) {
    struct ticket ticket = {
        .who = {.at = {bench->links->nodes[node].boot, slot, 1}, .person = 10 * node + slot, .fence = 1},
        .attempt = 1,
        .chat = {.high = 17, .low = ++bench->links->chats},
        .topics = {.count = 1, .hash = {4711}},
        .language = "en",
        .relaxed = true,
        .recent = {99},
    };
    return ticket;
}

static void ask(struct bench *bench, unsigned node, struct broker_request request) {
    struct broker *broker = bench->links->nodes[node].broker;
    broker->ops->request(broker, &request);
}

static void seek(struct bench *bench, unsigned node, const struct ticket *ticket) {
    ask(bench, node,
        (struct broker_request){.kind = BROKER_SEEK, .asker = ticket->who.at, .chat = ticket->chat, .seek = *ticket});
}

static bool idle(struct bench *bench) {
    for (unsigned i = 0; i < 2; i++)
        if (links_stats(bench->links, i).unanswered > 0)
            return false;
    return true;
}

/* What was said to the node before this has come when this has. */
static void until_heard(struct bench *bench, unsigned node) {
    uint64_t unknown = links_stats(bench->links, node).unknown;
    redis_process_ask(bench->main, "PUBLISH {pb}:i:%016llx %s", (unsigned long long)bench->links->nodes[node].boot,
                      "~of another version");
    LINKS_UNTIL(bench->links, !links_stats(bench->links, node).up || links_stats(bench->links, node).unknown > unknown);
}

static void until_idle(struct bench *bench) {
    LINKS_UNTIL(bench->links, idle(bench));
    for (unsigned i = 0; i < 2; i++)
        until_heard(bench, i);
    LINKS_UNTIL(bench->links, idle(bench));
}

/* Nobody checks what comes of it: denied requests fail. */
static void do_everything(struct bench *bench, bool flushed) {
    struct ticket seeker = ticket_of(bench, 0, 1);
    struct ticket candidate = ticket_of(bench, 1, 1);
    struct ticket waiter = ticket_of(bench, 0, 2);
    waiter.language[0] = '\0';
    const struct address at = seeker.who.at;
    seek(bench, 1, &candidate);
    until_idle(bench);
    seek(bench, 0, &seeker);
    until_idle(bench);
    ask(bench, 1,
        (struct broker_request){.kind = BROKER_COMMIT,
                                .asker = candidate.who.at,
                                .chat = seeker.chat,
                                .commit = {.seeker = seeker, .candidate = candidate}});
    until_idle(bench);
    seek(bench, 0, &waiter);
    ask(bench, 0,
        (struct broker_request){.kind = BROKER_ABORT, .asker = at, .chat = seeker.chat, .abort = {.attempt = 1}});
    ask(bench, 0, (struct broker_request){.kind = BROKER_ABORT, .asker = at, .chat = {1, 1}, .abort = {.attempt = 1}});
    ask(bench, 0, (struct broker_request){.kind = BROKER_LOOKUP, .asker = at, .chat = seeker.chat});
    ask(bench, 0,
        (struct broker_request){
            .kind = BROKER_HOLD, .asker = at, .chat = seeker.chat, .hold = {.party = {seeker.who, candidate.who}}});
    ask(bench, 0,
        (struct broker_request){
            .kind = BROKER_HOLD, .asker = at, .chat = {2, 2}, .hold = {.party = {seeker.who, candidate.who}}});
    ask(bench, 0,
        (struct broker_request){.kind = BROKER_REBIND,
                                .asker = at,
                                .chat = seeker.chat,
                                .rebind = {.claims = {.chat = seeker.chat, .side = SIDE_SEEKER}}});
    ask(bench, 0,
        (struct broker_request){.kind = BROKER_REBIND,
                                .asker = at,
                                .chat = {3, 3},
                                .rebind = {.claims = {.chat = {3, 3}, .side = SIDE_SEEKER}}});
    until_idle(bench);
    if (flushed)
        redis_process_ask(bench->main, "SCRIPT FLUSH");
    ask(bench, 0, (struct broker_request){.kind = BROKER_WITHDRAW, .asker = waiter.who.at, .withdraw = {.attempt = 1}});
    ask(bench, 0,
        (struct broker_request){
            .kind = BROKER_END, .asker = at, .chat = seeker.chat, .end = {.cause = END_LEFT, .side = SIDE_SEEKER}});
    links_relay(bench->links, 0, 1);
    links_relay(bench->links, 1, 0);
    until_idle(bench);
}

/* An offer that nobody answers: its node becomes suspect, and the next seeker looks at who that is. */
static void suspect(struct bench *bench) {
    struct ticket candidate = ticket_of(bench, 1, 5);
    struct ticket seeker = ticket_of(bench, 0, 5);
    seek(bench, 1, &candidate);
    until_idle(bench);
    seek(bench, 0, &seeker);
    until_idle(bench);
    bench->links->ahead_ms += LONG_MS;
    until_idle(bench);
    ask(bench, 0,
        (struct broker_request){
            .kind = BROKER_ABORT, .asker = seeker.who.at, .chat = seeker.chat, .abort = {.attempt = 1}});
    seek(bench, 1, &candidate);
    seek(bench, 0, &seeker);
    until_idle(bench);
}

static bool settled(struct bench *bench, unsigned node) {
    struct redis_broker_stats stats = links_stats(bench->links, node);
    return stats.errors[REDIS_TROUBLE_PERMISSION] + stats.errors[REDIS_TROUBLE_AUTH] > 0 ||
           (stats.up && stats.relays_down == 0);
}

/* Redis has heard the last words of all nodes. */
static bool left(struct redis_process *server) {
    return strstr(redis_process_ask(server, "CLIENT LIST")->str, "name=passerby-") == NULL;
}

/* The life of two nodes, as far as it goes. One relay serves as two. `flushed`: Redis loses its
 * scripts meanwhile. */
static void live(struct bench *bench, bool by_relay, bool flushed) {
    for (unsigned i = 0; i < 2; i++)
        links_join(bench->links, i, bench->url, by_relay ? LIST(bench->relay_url, bench->relay_url) : NULL);
    LINKS_UNTIL(bench->links, settled(bench, 0) && settled(bench, 1));
    if (links_stats(bench->links, 0).up && links_stats(bench->links, 1).up) {
        do_everything(bench, flushed);
        suspect(bench);
    }
    for (unsigned i = 0; i < 2; i++)
        links_leave(bench->links, i);
    LINKS_UNTIL(bench->links, left(bench->main) && left(bench->relay));
}

/* --- enough, and not too much ------------------------------------------------------------------------------------- */

static void test_enough(void **state) {
    struct bench *bench = *state;
    char line[LINE_CHARS];
    char *rules[MOST_RULES];
    set_user(bench->main, "passerby", rules, read_rules("passerby", line, rules), SIZE_MAX);
    set_user(bench->relay, "passerby-relay", rules, read_rules("passerby-relay", line, rules), SIZE_MAX);
    live(bench, false, false);
    assert_int_equal(denials(bench->main), 0);
    live(bench, false, true);
    assert_int_equal(denials(bench->main), 0);
    live(bench, true, false);
    assert_int_equal(denials(bench->main), 0);
    assert_int_equal(denials(bench->relay), 0);
    for (unsigned i = 0; i < 2; i++)
        links_join(bench->links, i, bench->url, LIST(bench->relay_url));
    /* Not only main: a frame that comes before its receiver listens at the relay is lost. */
    LINKS_UNTIL(bench->links, settled(bench, 0) && settled(bench, 1));
    links_assert_well(bench->links, 2);
}

static void assert_none_to_spare(struct bench *bench, struct redis_process *server, const char *user, bool by_relay) {
    char line[LINE_CHARS];
    char *rules[MOST_RULES];
    size_t count = read_rules(user, line, rules);
    unsigned tried = 0;
    for (size_t i = 0; i < count; i++) {
        if (strchr("+~&", rules[i][0]) == NULL)
            continue;
        set_user(server, user, rules, count, i);
        live(bench, by_relay, strcmp(rules[i], "+eval") == 0);
        if (denials(server) == 0)
            fail_msg("%s does not need %s", user, rules[i]);
        tried++;
    }
    assert_true(tried >= 3);
    set_user(server, user, rules, count, SIZE_MAX);
}

static void test_none_to_spare(void **state) {
    struct bench *bench = *state;
    char line[LINE_CHARS];
    char *rules[MOST_RULES];
    set_user(bench->main, "passerby", rules, read_rules("passerby", line, rules), SIZE_MAX);
    assert_none_to_spare(bench, bench->relay, "passerby-relay", true);
    assert_none_to_spare(bench, bench->main, "passerby", false);
}

/* Nor has the user a way to what is somebody else's. */
static void test_confined(void **state) {
    static const char *const forbidden[] = {"GET other",
                                            "SET other x",
                                            "KEYS *",
                                            "FLUSHALL",
                                            "CONFIG GET *",
                                            "PUBLISH other x",
                                            "CLIENT KILL TYPE normal",
                                            "DEBUG SLEEP 0",
                                            "EVAL return(redis.call('get','other')) 0"};
    struct bench *bench = *state;
    char line[LINE_CHARS];
    char *rules[MOST_RULES];
    set_user(bench->main, "passerby", rules, read_rules("passerby", line, rules), SIZE_MAX);
    redisContext *redis = redisConnect("127.0.0.1", (int)redis_process_port(bench->main));
    freeReplyObject(redisCommand(redis, "AUTH passerby secret"));
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        redisReply *reply = redisCommand(redis, forbidden[i]);
        if (reply->type != REDIS_REPLY_ERROR)
            fail_msg("%s is allowed", forbidden[i]);
        freeReplyObject(reply);
    }
    redisFree(redis);
    assert_true(denials(bench->main) > 0);
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        BENCH_TEST(test_enough),
        BENCH_TEST(test_none_to_spare),
        BENCH_TEST(test_confined),
    };
    return cmocka_run_group_tests_name("links_acl", tests, NULL, NULL);
}
