/* redis_cluster.c - the Redis broker under the suites: a coat over each broker tells the fixture when all is quiet.
 *
 * Quiet: every command is answered; a message that no node understands, published behind everything else, has come to
 *        each node; and then everybody has beaten twice, so that all know what all are. */
#include "redis_cluster.h"

#include "passerby/log.h"

#include "redis.h"

#include "base/memory.h"

#include <hiredis/hiredis.h>
#include <uv.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_MEMBERS = 16, PATIENCE_MS = 30000 };

struct hub;

/* A broker under test in a coat. */
struct member {
    struct broker broker;
    struct hub *hub;
    struct broker *inner;
    uint64_t boot;
    bool frozen;
};

struct hub {
    struct redis_server *server;
    struct log *log;
    uv_loop_t loop;
    struct member *members[MOST_MEMBERS];
    unsigned count;
    bool fresh; /* everybody knows how many wait */
};

/* One server for all tests of a program: starting it is what takes long. */
static struct redis_server *the_server;

/* --- the coat ----------------------------------------------------------------------------------------------------- */

static struct broker *inner_of(const struct broker *broker) {
    return ((const struct member *)broker)->inner;
}

static void coat_request(struct broker *broker, const struct broker_request *request) {
    inner_of(broker)->ops->request(inner_of(broker), request);
}

static void coat_relay(struct broker *broker, uint64_t boot, const void *bytes, size_t length) {
    inner_of(broker)->ops->relay(inner_of(broker), boot, bytes, length);
}

static void coat_relay_soon(struct broker *broker, uint64_t boot, const void *bytes, size_t length) {
    inner_of(broker)->ops->relay_soon(inner_of(broker), boot, bytes, length);
}

static void coat_poll(struct broker *broker, int64_t now_ms) {
    if (!((struct member *)broker)->frozen)
        inner_of(broker)->ops->poll(inner_of(broker), now_ms);
}

static void coat_report_online(struct broker *broker, uint64_t here) {
    inner_of(broker)->ops->report_online(inner_of(broker), here);
}

static uint64_t coat_online(const struct broker *broker) {
    return inner_of(broker)->ops->online(inner_of(broker));
}

static uint64_t coat_waiting(const struct broker *broker) {
    return inner_of(broker)->ops->waiting(inner_of(broker));
}

static unsigned connections(struct hub *hub) {
    const redisReply *reply = redis_server_ask(hub->server, "INFO clients");
    const char *at = strstr(reply->str, "connected_clients:");
    assert_non_null(at);
    return (unsigned)strtoul(at + strlen("connected_clients:"), NULL, 10);
}

/* Whatever a test has done: every key is ours, and dies by itself. */
static void check_keys(struct hub *hub) {
    struct text keys[1000];
    const redisReply *reply = redis_server_ask(hub->server, "KEYS *");
    size_t count = reply->elements < 1000 ? reply->elements : 1000;
    for (size_t i = 0; i < count; i++)
        keys[i] = (struct text){memory_copy(reply->element[i]->str, reply->element[i]->len), reply->element[i]->len};
    for (size_t i = 0; i < count; i++) {
        assert_memory_equal(keys[i].at, "{pb}:", 5);
        if (redis_server_ask(hub->server, "PTTL %b", keys[i].at, keys[i].length)->integer <= 0)
            fail_msg("%s lives for ever", keys[i].at);
        free((void *)(uintptr_t)keys[i].at);
    }
}

/* Returns when Redis knows, too. */
static void coat_close(struct broker *broker) {
    struct member *member = (struct member *)broker;
    struct hub *hub = member->hub;
    check_keys(hub);
    unsigned before = connections(hub);
    struct redis_broker_stats stats;
    redis_broker_stats(member->inner, &stats);
    member->inner->ops->close(member->inner);
    if (stats.up)
        while (connections(hub) != before - 2)
            ;
    for (unsigned i = 0; i < hub->count; i++)
        if (hub->members[i] == member)
            hub->members[i] = hub->members[--hub->count];
    free(member);
}

static const struct broker_ops coat = {
    .request = coat_request,
    .relay = coat_relay,
    .relay_soon = coat_relay_soon,
    .poll = coat_poll,
    .report_online = coat_report_online,
    .online = coat_online,
    .waiting = coat_waiting,
    .close = coat_close,
};

/* --- the fixture -------------------------------------------------------------------------------------------------- */

static void *open_hub(void) {
    struct hub *hub = memory_zero(1, sizeof *hub);
    hub->server = the_server;
    hub->log = log_new(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    assert_int_equal(uv_loop_init(&hub->loop), 0);
    redis_server_ask(hub->server, "FLUSHALL");
    return hub;
}

static void close_hub(void *context) {
    struct hub *hub = context;
    assert_int_equal(hub->count, 0);
    uv_run(&hub->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&hub->loop), 0);
    check_keys(hub);
    log_free(hub->log);
    free(hub);
}

static struct broker *join(void *context, uint64_t boot, const struct broker_listener *listener) {
    struct hub *hub = context;
    char error[200];
    struct member *member = memory_zero(1, sizeof *member);
    member->broker.ops = &coat;
    member->hub = hub;
    member->boot = boot;
    struct redis_broker_options options = {.url = redis_server_url(hub->server), .log = hub->log};
    member->inner = redis_broker_new(&hub->loop, &options, boot, listener, error, sizeof error);
    assert_non_null(member->inner);
    assert_true(hub->count < MOST_MEMBERS);
    hub->members[hub->count++] = member;
    return &member->broker;
}

static bool busy(const struct hub *hub) {
    for (unsigned i = 0; i < hub->count; i++) {
        struct redis_broker_stats stats;
        redis_broker_stats(hub->members[i]->inner, &stats);
        if (!stats.up || stats.unanswered > 0)
            return true;
    }
    return false;
}

static uint64_t heard(const struct hub *hub) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < hub->count; i++) {
        struct redis_broker_stats stats;
        redis_broker_stats(hub->members[i]->inner, &stats);
        sum += stats.heard - stats.unknown;
    }
    return sum;
}

static int64_t real_ms(void) {
    return (int64_t)(uv_hrtime() / 1000000);
}

/* Until every command has been answered. Returns whether there were any. */
static bool run_commands(struct hub *hub) {
    int64_t until_ms = real_ms() + PATIENCE_MS;
    uv_run(&hub->loop, UV_RUN_NOWAIT);
    bool any = busy(hub);
    while (busy(hub)) {
        uv_run(&hub->loop, UV_RUN_ONCE);
        assert_true(real_ms() < until_ms);
    }
    return any;
}

/* Says something that no node understands to each of them, until it has come: then so has everything that was said
 * before. */
static void wait_for_messages(struct hub *hub) {
    int64_t until_ms = real_ms() + PATIENCE_MS;
    for (unsigned i = 0; i < hub->count; i++) {
        struct member *member = hub->members[i];
        struct redis_broker_stats before;
        struct redis_broker_stats now;
        redis_broker_stats(member->inner, &before);
        const redisReply *reply =
            redis_server_ask(hub->server, "PUBLISH {pb}:i:%016llx ?", (unsigned long long)member->boot);
        bool listens = reply->integer > 0;
        do {
            uv_run(&hub->loop, listens ? UV_RUN_ONCE : UV_RUN_NOWAIT);
            redis_broker_stats(member->inner, &now);
            assert_true(real_ms() < until_ms);
        } while (listens && now.up && now.unknown == before.unknown);
    }
}

static bool turn(void *context) {
    struct hub *hub = context;
    uint64_t before = heard(hub);
    bool more = run_commands(hub);
    wait_for_messages(hub);
    more = more || heard(hub) != before;
    if (more) {
        hub->fresh = false;
    } else if (!hub->fresh) {
        for (int round = 0; round < 2; round++) { /* all say how many they are, then all hear it */
            for (unsigned i = 0; i < hub->count; i++)
                if (!hub->members[i]->frozen)
                    redis_broker_beat(hub->members[i]->inner);
            run_commands(hub);
        }
        hub->fresh = more = true;
    } else {
        hub->fresh = false;
    }
    return more;
}

static void advance(void *context, int64_t by_ms) {
    struct hub *hub = context;
    redis_server_advance(hub->server, by_ms);
}

static const struct fixture fixture = {
    .name = "redis",
    .open = open_hub,
    .close = close_hub,
    .join = join,
    .turn = turn,
    .advance = advance,
    .operations = 3000,
};

/* --- what the tests of this broker ask ---------------------------------------------------------------------------- */

int redis_cluster_main(int (*tests)(const struct fixture *fixture)) {
    signal(SIGPIPE, SIG_IGN);
    the_server = redis_server_new(REDIS_SERVER_FROZEN_CLOCK);
    int failed = tests(&fixture);
    redis_server_free(the_server);
    return failed;
}

struct redis_server *redis_cluster_server(const struct cluster *cluster) {
    return ((struct hub *)cluster->hub)->server;
}

struct redis_broker_stats redis_cluster_stats(const struct cluster *cluster, unsigned node) {
    struct redis_broker_stats stats;
    redis_broker_stats(inner_of(cluster->nodes[node].broker), &stats);
    return stats;
}

static bool is_frozen(const struct cluster *cluster, unsigned node) {
    return ((struct member *)cluster->nodes[node].broker)->frozen;
}

void redis_cluster_freeze(struct cluster *cluster, unsigned node, bool frozen) {
    ((struct member *)cluster->nodes[node].broker)->frozen = frozen;
}

void redis_cluster_pass(struct cluster *cluster, unsigned seconds) {
    while (seconds-- > 0)
        cluster_advance(cluster, 1000);
}

void redis_cluster_wait_until_down(struct cluster *cluster) {
    struct hub *hub = cluster->hub;
    int64_t until_ms = real_ms() + PATIENCE_MS;
    for (unsigned node = 0; node < CLUSTER_NODES; node++)
        while (redis_cluster_stats(cluster, node).up) {
            uv_run(&hub->loop, UV_RUN_ONCE);
            assert_true(real_ms() < until_ms);
        }
}

void redis_cluster_take_each(struct cluster *cluster, enum broker_event_kind kind) {
    cluster_settle(cluster);
    for (unsigned node = 0; node < CLUSTER_NODES; node++) {
        if (is_frozen(cluster, node))
            continue;
        cluster_take(cluster, node, kind);
        assert_int_equal(cluster_left(cluster, node, kind), 0);
    }
}

struct ticket redis_cluster_waits(struct cluster *cluster, unsigned node, uint32_t slot, const char *language) {
    struct ticket ticket = cluster_ticket(cluster, node, slot);
    strcpy(ticket.language, language);
    struct broker_event sought = cluster_seek(cluster, &ticket);
    assert_int_equal(sought.status, BROKER_NONE);
    ticket.since_ms = sought.sought.since_ms;
    return ticket;
}

void redis_cluster_waits_again(struct cluster *cluster, struct ticket *ticket) {
    ticket->attempt++;
    struct broker_event sought = cluster_seek(cluster, ticket);
    assert_int_equal(sought.status, BROKER_NONE);
    assert_int_equal(sought.sought.since_ms, ticket->since_ms);
}

struct redis_pair redis_cluster_offered(struct cluster *cluster) {
    struct redis_pair pair = {.candidate = redis_cluster_waits(cluster, 1, 2, "")};
    pair.seeker = cluster_ticket(cluster, 0, 1);
    struct broker_event sought = cluster_seek(cluster, &pair.seeker);
    assert_int_equal(sought.status, BROKER_OK);
    pair.seeker.since_ms = sought.sought.since_ms;
    assert_address(cluster_take(cluster, 1, BROKER_OFFERED).to, pair.candidate.who.at);
    cluster_assert_quiet(cluster);
    return pair;
}

struct redis_pair redis_cluster_chatting(struct cluster *cluster) {
    struct redis_pair pair = redis_cluster_offered(cluster);
    assert_int_equal(cluster_commit(cluster, &pair.seeker, &pair.candidate).status, BROKER_OK);
    assert_address(cluster_take(cluster, 0, BROKER_CONFIRMED).to, pair.seeker.who.at);
    cluster_assert_quiet(cluster);
    pair.seeker.who.fence = pair.candidate.who.fence = 1;
    return pair;
}

void redis_cluster_assert_goes_on(struct cluster *cluster, const struct redis_pair *pair) {
    struct broker_event found = cluster_lookup(cluster, cluster_address(cluster, 3, 9), pair->seeker.chat);
    assert_int_equal(found.status, BROKER_OK);
    assert_party(&found.chat_state.record.party[SIDE_SEEKER], &pair->seeker.who);
    assert_party(&found.chat_state.record.party[SIDE_CANDIDATE], &pair->candidate.who);
}

void redis_cluster_assert_well(struct cluster *cluster) {
    struct redis_pair pair = redis_cluster_chatting(cluster);
    redis_cluster_assert_goes_on(cluster, &pair);
    cluster_end(cluster, pair.seeker.who.at, pair.seeker.chat, (struct tombstone){END_LEFT, SIDE_SEEKER});
    for (unsigned from = 0; from < CLUSTER_NODES; from++)
        cluster_relay(cluster, from, cluster->nodes[(from + 1) % CLUSTER_NODES].boot, "hi", 2);
    cluster_settle(cluster);
    for (unsigned to = 0; to < CLUSTER_NODES; to++)
        assert_int_equal(cluster_take(cluster, to, BROKER_RELAYED).relayed.length, 2);
    cluster_assert_quiet(cluster);
    assert_int_equal(cluster_waiting(cluster), 0);
}
