/* test_memory_threads.c - four nodes, each on its own thread, pair a few thousand people over one hub.
 *
 * Each node drives its own people: seek; when offered, commit; some seekers give up at once, and whoever's match
 * failed seeks again. As everybody accepts everybody and their number is even, all must end in a pair, and each in
 * one only. Every pair says hello to the other node. ThreadSanitizer watches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "passerby/broker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

enum { THREADS = 4, PER_THREAD = 1000, ROUNDS = 3, PATIENCE = 4 /* one search in so many is given up at once */ };

struct person {
    struct ticket ticket;
    struct chat_id chat; /* nobody but its thread writes; read when all threads are done */
    struct address peer;
    unsigned pairs;
    unsigned hellos;
};

struct party_room;

struct worker {
    struct party_room *room;
    struct broker *broker;
    uint64_t boot;
    struct random random;
    struct person people[PER_THREAD];
    pthread_t thread;
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t changed;
    bool woken;
    bool done;
};

/* What the threads share. */
struct party_room {
    struct memory_hub *hub;
    struct worker workers[THREADS];
    pthread_mutex_t mutex; /* guards the rest */
    unsigned greeted;      /* people who are in a pair and were said hello to */
};

static void wake(void *context) {
    struct worker *worker = context;
    pthread_mutex_lock(&worker->mutex);
    worker->woken = true;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
}

/* Returns false when everybody is done. */
static bool wait_for_news(struct worker *worker) {
    pthread_mutex_lock(&worker->mutex);
    while (!worker->woken && !worker->done)
        pthread_cond_wait(&worker->changed, &worker->mutex);
    worker->woken = false;
    bool done = worker->done;
    pthread_mutex_unlock(&worker->mutex);
    return !done;
}

static void seek(struct worker *worker, struct person *person) {
    struct ticket *ticket = &person->ticket;
    ticket->attempt++;
    ticket->chat = (struct chat_id){random_u64(&worker->random), random_u64(&worker->random)};
    struct broker_request request = {.kind = BROKER_SEEK, .asker = ticket->who.at, .seek = *ticket};
    worker->broker->ops->request(worker->broker, &request);
}

static void on_sought(struct worker *worker, struct person *person, const struct broker_event *event) {
    person->ticket.since_ms = event->sought.since_ms;
    if (event->status != BROKER_OK || random_below(&worker->random, PATIENCE) > 0)
        return;
    struct broker_request request = {.kind = BROKER_ABORT, .asker = event->to, .chat = event->chat};
    request.abort.attempt = event->sought.attempt;
    worker->broker->ops->request(worker->broker, &request);
}

static void on_offered(struct worker *worker, struct person *person, const struct broker_event *event) {
    struct broker_request request = {.kind = BROKER_COMMIT, .asker = event->to, .chat = event->chat};
    request.commit.seeker = event->offered.seeker;
    request.commit.candidate = person->ticket;
    worker->broker->ops->request(worker->broker, &request);
}

static void greeted(struct worker *worker, struct person *person) {
    struct party_room *room = worker->room;
    if (person->pairs == 0 || person->hellos == 0)
        return;
    pthread_mutex_lock(&room->mutex);
    bool all = ++room->greeted == THREADS * PER_THREAD;
    pthread_mutex_unlock(&room->mutex);
    for (int i = 0; all && i < THREADS; i++) {
        pthread_mutex_lock(&room->workers[i].mutex);
        room->workers[i].done = true;
        pthread_cond_signal(&room->workers[i].changed);
        pthread_mutex_unlock(&room->workers[i].mutex);
    }
}

static void on_match(struct worker *worker, struct person *person, const struct broker_event *event) {
    if (event->status == BROKER_NONE) {
        seek(worker, person);
        return;
    }
    if (event->kind == BROKER_ABORTED)
        return; /* CONFIRMED came or comes as well */
    person->pairs++;
    person->chat = event->chat;
    person->peer = event->match.peer.who.at;
    worker->broker->ops->relay(worker->broker, person->peer.boot, &person->peer, sizeof person->peer);
    greeted(worker, person);
}

static void on_event(void *context, const struct broker_event *event) {
    struct worker *worker = context;
    if (event->kind == BROKER_RELAYED) {
        struct address to;
        memcpy(&to, event->relayed.bytes, sizeof to);
        worker->people[to.slot].hellos++;
        greeted(worker, &worker->people[to.slot]);
        return;
    }
    struct person *person = &worker->people[event->to.slot];
    if (event->kind == BROKER_SOUGHT)
        on_sought(worker, person, event);
    else if (event->kind == BROKER_OFFERED)
        on_offered(worker, person, event);
    else
        on_match(worker, person, event);
}

static void *run(void *context) {
    struct worker *worker = context;
    int64_t now_ms = 1;
    for (unsigned i = 0; i < PER_THREAD; i++) {
        seek(worker, &worker->people[i]);
        if (i % 16 == 0)
            worker->broker->ops->poll(worker->broker, now_ms++);
    }
    worker->broker->ops->report_online(worker->broker, PER_THREAD);
    while (wait_for_news(worker)) {
        worker->broker->ops->poll(worker->broker, now_ms++);
        (void)worker->broker->ops->waiting(worker->broker);
    }
    return NULL;
}

static struct party_room *open_room(uint64_t seed) {
    struct party_room *room = memory_zero(1, sizeof *room);
    room->hub = memory_hub_new();
    pthread_mutex_init(&room->mutex, NULL);
    for (unsigned i = 0; i < THREADS; i++) {
        struct worker *worker = &room->workers[i];
        worker->room = room;
        worker->boot = i + 1;
        random_init(&worker->random, seed * THREADS + i);
        pthread_mutex_init(&worker->mutex, NULL);
        pthread_cond_init(&worker->changed, NULL);
        for (uint32_t slot = 0; slot < PER_THREAD; slot++) {
            worker->people[slot].ticket.who.at = (struct address){.boot = worker->boot, .slot = slot, .generation = 1};
            worker->people[slot].ticket.who.person = worker->boot << 32 | slot;
        }
        struct broker_listener listener = {on_event, worker, wake, worker};
        worker->broker = memory_hub_join(room->hub, worker->boot, &listener);
    }
    return room;
}

static void close_room(struct party_room *room) {
    for (unsigned i = 0; i < THREADS; i++) {
        struct worker *worker = &room->workers[i];
        worker->broker->ops->close(worker->broker);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_cond_destroy(&room->workers[i].changed);
        pthread_mutex_destroy(&room->workers[i].mutex);
    }
    memory_hub_free(room->hub);
    pthread_mutex_destroy(&room->mutex);
    free(room);
}

static void assert_paired(const struct party_room *room) {
    for (unsigned i = 0; i < THREADS; i++) {
        for (unsigned j = 0; j < PER_THREAD; j++) {
            const struct person *person = &room->workers[i].people[j];
            assert_int_equal(person->pairs, 1);
            assert_int_equal(person->hellos, 1);
            const struct person *peer = &room->workers[person->peer.boot - 1].people[person->peer.slot];
            assert_ptr_not_equal(peer, person);
            assert_true(address_equal(peer->peer, person->ticket.who.at));
            assert_true(chat_id_equal(peer->chat, person->chat));
        }
        const struct broker *broker = room->workers[i].broker;
        assert_int_equal(broker->ops->waiting(broker), 0);
        assert_int_equal(broker->ops->online(broker), THREADS * PER_THREAD);
    }
}

static void test_everybody_is_paired(void **state) {
    (void)state;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct party_room *room = open_room(round);
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&room->workers[i].thread, NULL, run, &room->workers[i]), 0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(room->workers[i].thread, NULL);
        assert_paired(room);
        close_room(room);
    }
}

/* Nodes that come and go while another one talks to them: their wake-ups and inboxes must not be used after their
 * end. */
struct visitor {
    struct memory_hub *hub;
    pthread_t thread;
    unsigned wakes;
};

static void count_wake(void *context) {
    ((struct visitor *)context)->wakes++;
}

static void ignore(void *context, const struct broker_event *event) {
    (void)context;
    (void)event;
}

enum { VISITS = 2000, VISITOR_BOOT = 77 };

static void *come_and_go(void *context) {
    struct visitor *visitor = context;
    for (int i = 0; i < VISITS; i++) {
        struct visitor *short_lived = memory_zero(1, sizeof *short_lived);
        struct broker_listener listener = {ignore, NULL, count_wake, short_lived};
        struct broker *broker = memory_hub_join(visitor->hub, VISITOR_BOOT, &listener);
        broker->ops->report_online(broker, 1);
        if (i % 2 == 0)
            broker->ops->poll(broker, i);
        broker->ops->close(broker);
        free(short_lived);
    }
    return NULL;
}

static void test_nodes_come_and_go(void **state) {
    (void)state;
    struct visitor visitor = {.hub = memory_hub_new()};
    struct visitor host = {.hub = visitor.hub};
    struct broker_listener listener = {ignore, NULL, count_wake, &host};
    struct broker *broker = memory_hub_join(host.hub, 1, &listener);
    assert_int_equal(pthread_create(&visitor.thread, NULL, come_and_go, &visitor), 0);
    for (int i = 0; i < VISITS * 4; i++) {
        broker->ops->relay(broker, VISITOR_BOOT, &i, sizeof i);
        if (i % 64 == 0)
            broker->ops->poll(broker, i);
    }
    pthread_join(visitor.thread, NULL);
    assert_int_equal(broker->ops->online(broker), 0);
    broker->ops->close(broker);
    memory_hub_free(visitor.hub);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everybody_is_paired),
        cmocka_unit_test(test_nodes_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
