/* links.c - nodes without a core on one loop. */
#include "links.h"

#include "passerby/log.h"

#include "base/memory.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

enum { PATIENCE_MS = 60000, METRONOME_MS = 20, LOG_BYTES = 1 << 20 };

static int64_t now_ms(void) {
    return (int64_t)(uv_hrtime() / 1000000);
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

static void on_metronome(uv_timer_t *timer) {
    ((struct links *)timer->data)->beats++;
}

int64_t links_patience_ms(void) {
    return now_ms() + PATIENCE_MS;
}

void links_turn(struct links *links, int64_t until_ms, const char *what) {
    if (now_ms() > until_ms)
        fail_msg("this has not happened: %s", what);
    uv_run(&links->loop, UV_RUN_ONCE);
    for (unsigned i = 0; i < LINKS_NODES; i++)
        if (links->nodes[i].broker != NULL)
            links->nodes[i].broker->ops->poll(links->nodes[i].broker, now_ms() + links->ahead_ms);
}

struct links *links_new(void) {
    struct links *links = memory_zero(1, sizeof *links);
    signal(SIGPIPE, SIG_IGN);
    links->stderr_file = dup(STDERR_FILENO);
    links->log_file = memfd_create("log", MFD_CLOEXEC);
    assert_true(links->log_file >= 0);
    assert_int_equal(dup2(links->log_file, STDERR_FILENO), STDERR_FILENO);
    links->log = log_new(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    assert_int_equal(uv_loop_init(&links->loop), 0);
    assert_int_equal(uv_timer_init(&links->loop, &links->metronome), 0);
    links->metronome.data = links;
    uv_timer_start(&links->metronome, on_metronome, METRONOME_MS, METRONOME_MS);
    return links;
}

/* The log as text, on the heap. */
static char *read_log(const struct links *links) {
    char *text = memory_zero(LOG_BYTES, 1);
    ssize_t length = pread(links->log_file, text, LOG_BYTES - 1, 0);
    assert_true(length >= 0);
    return text;
}

void links_free(struct links *links) {
    for (unsigned i = 0; i < LINKS_NODES; i++)
        links_leave(links, i);
    if (links->fake != NULL)
        fake_redis_close(links->fake);
    uv_close((uv_handle_t *)&links->metronome, NULL);
    uv_run(&links->loop, UV_RUN_DEFAULT);
    dup2(links->stderr_file, STDERR_FILENO);
    close(links->stderr_file);
    char *text = read_log(links);
    fputs(text, stderr);
    free(text);
    close(links->log_file);
    assert_int_equal(uv_loop_close(&links->loop), 0);
    log_free(links->log);
    free(links);
}

unsigned links_logged(const struct links *links, const char *text) {
    unsigned count = 0;
    char *log = read_log(links);
    for (const char *at = strstr(log, text); at != NULL; at = strstr(at + 1, text))
        count++;
    free(log);
    return count;
}

/* --- nodes -------------------------------------------------------------------------------------------------------- */

static void on_event(void *context, const struct broker_event *event) {
    struct links_node *node = context;
    node->events[event->kind]++;
    node->last = *event;
    if (event->kind == BROKER_RELAYED) {
        unsigned number;
        assert_int_equal(event->relayed.length, sizeof number);
        memcpy(&number, event->relayed.bytes, sizeof number);
        node->frames += number == node->frames;
    } else if (event->kind == BROKER_NODE_GONE) {
        node->gone = event->node_gone.boot;
    }
}

static void join(struct links *links, unsigned at, const struct redis_broker_options *options) {
    struct links_node *node = &links->nodes[at];
    const struct broker_listener listener = {.on_event = on_event, .context = node};
    char error[300] = "";
    assert_null(node->broker);
    *node = (struct links_node){.links = links, .boot = 0xb00000000000001ull + ((uint64_t)at << 16)};
    node->broker = redis_broker_new(&links->loop, options, node->boot, &listener, error, sizeof error);
    if (node->broker == NULL)
        fail_msg("%s", error);
}

void links_join(struct links *links, unsigned at, const char *url, const char *const relays[]) {
    join(links, at, &(struct redis_broker_options){.url = url, .relays = relays, .log = links->log});
}

void links_join_tls(struct links *links, unsigned at, const char *url, const char *ca) {
    join(links, at, &(struct redis_broker_options){.url = url, .tls_ca = ca, .log = links->log});
}

void links_leave(struct links *links, unsigned at) {
    struct links_node *node = &links->nodes[at];
    if (node->broker != NULL)
        node->broker->ops->close(node->broker);
    node->broker = NULL;
}

unsigned links_fake(struct links *links, fake_answer_fn *answer, void *context) {
    if (links->fake != NULL)
        fake_redis_close(links->fake);
    links->fake = fake_redis_new(&links->loop, answer, context);
    return fake_redis_port(links->fake);
}

struct redis_broker_stats links_stats(const struct links *links, unsigned at) {
    struct redis_broker_stats stats;
    redis_broker_stats(links->nodes[at].broker, &stats);
    return stats;
}

static bool all_up(const struct links *links) {
    for (unsigned i = 0; i < LINKS_NODES; i++)
        if (links->nodes[i].broker != NULL && !links_stats(links, i).up)
            return false;
    return true;
}

void links_until_up(struct links *links) {
    LINKS_UNTIL(links, all_up(links));
}

void links_until_trouble(struct links *links, unsigned at, enum redis_trouble trouble, unsigned times) {
    LINKS_UNTIL(links, links_stats(links, at).errors[trouble] >= times);
}

/* --- talking ------------------------------------------------------------------------------------------------------ */

void links_relay(struct links *links, unsigned from, unsigned to) {
    unsigned number = links->nodes[to].frames;
    struct broker *broker = links->nodes[from].broker;
    broker->ops->relay(broker, links->nodes[to].boot, &number, sizeof number);
}

static void ask(struct links *links, unsigned at, const struct broker_request *request) {
    struct broker *broker = links->nodes[at].broker;
    broker->ops->request(broker, request);
}

static struct ticket ticket_of(struct links *links, unsigned at) {
    return (struct ticket){
        .who = {.at = {links->nodes[at].boot, 1, 1}, .person = at + 1, .reliable = true},
        .attempt = 1,
        .relaxed = true,
        .chat = {.high = 4711, .low = ++links->chats},
    };
}

/* The node's next event of that kind. */
static struct broker_event await(struct links *links, unsigned at, enum broker_event_kind kind, unsigned before) {
    LINKS_UNTIL(links, links->nodes[at].events[kind] > before);
    return links->nodes[at].last;
}

static void match(struct links *links, unsigned one, unsigned other) {
    struct links_node *seeker = &links->nodes[one];
    struct links_node *candidate = &links->nodes[other];
    const struct ticket tickets[2] = {ticket_of(links, one), ticket_of(links, other)};
    unsigned sought = candidate->events[BROKER_SOUGHT];
    ask(links, other,
        &(struct broker_request){
            .kind = BROKER_SEEK, .asker = tickets[1].who.at, .chat = tickets[1].chat, .seek = tickets[1]});
    assert_int_equal(await(links, other, BROKER_SOUGHT, sought).status, BROKER_NONE);
    unsigned offered = candidate->events[BROKER_OFFERED];
    sought = seeker->events[BROKER_SOUGHT];
    ask(links, one,
        &(struct broker_request){
            .kind = BROKER_SEEK, .asker = tickets[0].who.at, .chat = tickets[0].chat, .seek = tickets[0]});
    assert_int_equal(await(links, one, BROKER_SOUGHT, sought).status, BROKER_OK);
    await(links, other, BROKER_OFFERED, offered);
    unsigned confirmed = seeker->events[BROKER_CONFIRMED];
    unsigned committed = candidate->events[BROKER_COMMITTED];
    ask(links, other,
        &(struct broker_request){.kind = BROKER_COMMIT,
                                 .asker = tickets[1].who.at,
                                 .chat = tickets[0].chat,
                                 .commit = {.seeker = tickets[0], .candidate = tickets[1]}});
    assert_int_equal(await(links, other, BROKER_COMMITTED, committed).status, BROKER_OK);
    await(links, one, BROKER_CONFIRMED, confirmed);
    ask(links, one,
        &(struct broker_request){.kind = BROKER_END,
                                 .asker = tickets[0].who.at,
                                 .chat = tickets[0].chat,
                                 .end = {.cause = END_LEFT, .side = SIDE_SEEKER}});
}

void links_assert_well(struct links *links, unsigned count) {
    for (unsigned from = 0; from < count; from++) {
        unsigned to = (from + 1) % count;
        unsigned before = links->nodes[to].frames;
        match(links, from, to);
        links_relay(links, from, to);
        LINKS_UNTIL(links, links->nodes[to].frames > before);
    }
}
