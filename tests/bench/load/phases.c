/* phases.c - connect, find, work: each runs until it is done, and appends what it measured to the result.
 *
 * Flow:  at a rate, what is due is timed from when it was due, not from when the load got round to it, so that a relay that
 *        stands still is charged for all that would have been said meanwhile (no "coordinated omission").
 * Fails: nothing is heard for --stall seconds while something is awaited. */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    TURN_NS = 50000000, /* the longest wait */
    SECOND_NS = 1000000000,
    SAMPLE = 1000,          /* connections at either end that are charged apart */
    RESEND_NS = 2000000000, /* how often it is looked whether something must be said again */
    PATIENCE_S = 10,        /* PROTOCOL.md: what is unacknowledged for so long is said again */
};

/* With --gate the phases of several processes begin together. Whoever waits goes on answering pings. */
static void gate(struct load *load, const char *phase) {
    char byte;
    ssize_t got;
    if (!load->options.gate)
        return;
    printf("%s\n", phase);
    fflush(stdout);
    while ((got = read(STDIN_FILENO, &byte, 1)) < 0 && (errno == EAGAIN || errno == EINTR))
        loop_turn(load, now_ns() + TURN_NS);
    if (got != 1)
        exit(1);
}

void phase_turn(struct load *load, uint64_t until_ns) {
    uint64_t now = now_ns();
    if (now > load->moved_ns && now - load->moved_ns > load->options.stall_s * (uint64_t)SECOND_NS)
        fail("nothing for %u s: %u of %u people are connected, %u of %u in a chat; %llu of %llu messages were heard",
             load->options.stall_s, load->greeted, load->options.people, load->matched, load->options.talkers,
             (unsigned long long)load->tally.heard, (unsigned long long)load->tally.said);
    loop_turn(load, until_ns < now + TURN_NS ? until_ns : now + TURN_NS);
}

/* --- connect ------------------------------------------------------------------------------------------------------ */

static void connect_until(struct load *load, uint32_t count) {
    while (load->greeted < count) {
        while (load->dialled < load->options.people && load->dialled - load->greeted < load->options.at_once)
            socket_dial(load, &load->people[load->dialled++]);
        phase_turn(load, UINT64_MAX);
    }
}

void phase_connect(struct load *load) {
    struct reading begin, first, last, end;
    uint32_t people = load->options.people;
    if (load->options.gate)
        fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
    gate(load, "connect");
    load->moved_ns = now_ns();
    watch_read(load, &begin);
    if (people >= 2 * SAMPLE) {
        connect_until(load, SAMPLE);
        watch_read(load, &first);
        connect_until(load, people - SAMPLE);
        watch_read(load, &last);
    }
    connect_until(load, people);
    watch_read(load, &end);
    watch_put(load, "connect", &begin, &end);
    if (people >= 2 * SAMPLE) {
        watch_put(load, "connect_first", &begin, &first);
        watch_put(load, "connect_last", &last, &end);
    }
}

/* --- find --------------------------------------------------------------------------------------------------------- */

void phase_find(struct load *load) {
    struct reading begin, end;
    uint32_t searching = 0;
    gate(load, "find");
    load->moved_ns = now_ns();
    watch_read(load, &begin);
    while (load->matched < load->options.talkers) {
        while (searching < load->options.talkers && searching - load->matched < load->options.at_once)
            person_find(load, &load->people[load->search[searching++]], now_ns());
        phase_turn(load, UINT64_MAX);
    }
    if (load->strangers.count > 0)
        fail("%zu chats have one person", load->strangers.count);
    watch_read(load, &end);
    watch_put(load, "find", &begin, &end);
}

/* --- work --------------------------------------------------------------------------------------------------------- */

/* The next person that has a stranger, and another one than `but`. */
static struct person *next_matched(struct load *load, const struct person *but) {
    for (uint32_t i = 0; i < load->options.talkers; i++) {
        struct person *person = order_next(load);
        bool other = but == NULL || (person != but && person->peer - 1 != person_index(load, but));
        if (person->state == PERSON_MATCHED && person->peer != 0 && other)
            return person;
    }
    return NULL;
}

/* One message. Who has a full window is passed over: the relay owes it acks. False if that is everybody: then it is still due. */
static bool due_message(struct load *load, uint64_t due_ns) {
    for (uint32_t i = 0; i < load->options.talkers; i++)
        if (person_say(load, order_next(load), due_ns, NULL))
            return true;
    return false;
}

/* Two people of different chats search, find each other, and so do then the two whom they have left: two matches. False if the
 * relay has let everybody wait: then they are still due. */
static bool due_match(struct load *load, uint64_t due_ns) {
    struct person *one = next_matched(load, NULL);
    struct person *other = one == NULL ? NULL : next_matched(load, one);
    if (other == NULL)
        return false;
    person_find(load, one, due_ns);
    person_find(load, other, due_ns);
    return true;
}

/* Everything that is due by `until_ns`; returns when the next is. 0: the relay has let everybody wait, and it is not done. */
static uint64_t keep_rate(struct load *load, uint64_t began_ns, uint64_t until_ns, uint64_t *done) {
    bool match = load->options.work == WORK_MATCH;
    double interval_ns = (match ? 2e9 : 1e9) / load->options.rate;
    uint64_t due = began_ns + (uint64_t)((double)*done * interval_ns);
    while (due < until_ns) {
        if (!(match ? due_match(load, due) : due_message(load, due)))
            return 0;
        due = began_ns + (uint64_t)((double)++*done * interval_ns);
    }
    return due;
}

static uint64_t units(const struct load *load) {
    return load->options.work == WORK_MATCH ? load->tally.matches : load->tally.heard;
}

static void repeat_lost(struct load *load) {
    static uint64_t looked_ns;
    uint64_t now = now_ns();
    if (!load->options.tolerant || now - looked_ns < RESEND_NS)
        return;
    looked_ns = now;
    for (uint32_t i = 0; i < load->options.talkers; i++) {
        struct person *person = &load->people[load->search[i]];
        if (person->said > person->acked &&
            now - person->said_ns[(person->acked + 1) % WINDOW] > (uint64_t)PATIENCE_S * SECOND_NS)
            person_say_again(load, person);
    }
}

/* Works for that long and until all that was due meanwhile is under way, or until so much is done. */
static void work(struct load *load, double seconds, uint64_t count) {
    uint64_t began = now_ns();
    uint64_t end = count > 0 ? UINT64_MAX : began + (uint64_t)(seconds * 1e9);
    uint64_t from = units(load);
    uint64_t done = 0;
    while (count > 0 ? units(load) - from < count : now_ns() < end) {
        uint64_t due = load->options.rate > 0 ? keep_rate(load, began, now_ns(), &done) : UINT64_MAX;
        phase_turn(load, due == 0 || due > end ? end : due);
        repeat_lost(load);
    }
    while (count == 0 && load->options.rate > 0 && keep_rate(load, began, end, &done) == 0)
        phase_turn(load, UINT64_MAX);
}

/* In each pair one begins: what goes to and fro is one message at a time, so that none are read or written together. */
static void begin(struct load *load) {
    load->talking = true;
    load->moved_ns = now_ns();
    for (uint32_t i = 0; i < load->options.talkers && load->options.rate == 0; i++) {
        struct person *person = order_next(load);
        if (person->state != PERSON_MATCHED || person->peer - 1 < person_index(load, person))
            continue;
        if (load->options.work == WORK_TALK)
            person_say(load, person, now_ns(), NULL);
        else
            person_find(load, person, now_ns());
    }
}

static bool all_is_said(const struct load *load) {
    if (load->tally.heard < load->tally.said)
        return false;
    for (uint32_t i = 0; i < load->options.talkers; i++) {
        const struct person *person = &load->people[load->search[i]];
        if (person->acked < person->said)
            return false;
    }
    return true;
}

/* Nothing new is said; whatever was is to be heard and acknowledged; whoever searches is to find. */
static void finish(struct load *load) {
    load->talking = false;
    load->moved_ns = now_ns();
    while (load->options.work == WORK_MATCH ? load->matched < load->options.talkers : !all_is_said(load)) {
        phase_turn(load, UINT64_MAX);
        repeat_lost(load);
    }
}

void phase_work(struct load *load) {
    struct reading from, to;
    bool warm = load->options.warm_s > 0;
    gate(load, "work");
    if (warm) {
        begin(load);
        work(load, load->options.warm_s, 0);
    }
    watch_read(load, &from);
    load->from_ns = from.at_ns;
    if (!warm)
        begin(load);
    work(load, load->options.measured_s, load->options.messages);
    watch_read(load, &to);
    load->to_ns = to.at_ns;
    finish(load);
    if (load->latency.count != load->due)
        fail("%llu messages or searches were due, and %llu have a latency", (unsigned long long)load->due,
             (unsigned long long)load->latency.count);
    gate(load, "end");
    watch_put(load, "work", &from, &to);
    histogram_put(&load->latency, &load->result);
}
