/* line.c - the waiting line, as many small queues, so that nobody incompatible is looked at.
 *
 * A queue holds, in order of their wait, the tickets that have a subject and a scope.
 * Subjects of a ticket: each of its topics; and OPEN, if it would take somebody with whom it shares none.
 * Scopes of a ticket:   its language; EVERYBODY; and RELAXED, if it is.
 * A ticket waits in the queue of each of its subjects with each of its scopes: in 2 at least, in 27 at most.
 *
 * Flow: A seeker looks under its own subjects, as both must share one; and in the scopes that suit it: EVERYBODY if it
 *       names no language, else its language and "not named", and RELAXED if it is relaxed itself. All whom it meets
 *       there accept it and are accepted, but for strangers met recently and itself elsewhere: looked at in vain.
 *       Topics come first; OPEN, where nothing is in common, only if they led to nobody.
 * Owns: the waiters (by node, slot and generation), and the queues, which exist while somebody is in them. */
#include "line.h"

#include <stdlib.h>
#include <string.h>

#include "order.h"
#include "ticket.h"

#include "base/list.h"
#include "base/map.h"
#include "base/memory.h"

enum {
    MAX_SUBJECTS = MAX_TOPICS + 1,
    MAX_SCOPES = 3,
};

/* The subject of tickets that don't insist on a topic; no topic's hash is 0. */
#define SUBJECT_OPEN ((uint64_t)0)

/* A language is its up to 8 bytes as a number, "" is 0; these two are no UTF-8. */
#define SCOPE_EVERYBODY UINT64_MAX
#define SCOPE_RELAXED   (UINT64_MAX - 1)

struct queue {
    uint64_t subject;
    uint64_t scope;
    struct queue *next; /* another one with the same key in line.queues */
    struct order order; /* of places */
};

/* One waiter's link in one queue. */
struct place {
    struct order_link link;
    struct queue *queue;
    struct waiter *waiter;
};

struct waiter {
    struct ticket ticket;
    unsigned place_count;
    struct place places[];
};

/* One node's waiters. */
struct house {
    struct map waiters; /* slot and generation → struct waiter */
};

struct line {
    struct map houses; /* boot → struct house */
    struct map queues; /* queue_key() → first struct queue */
    size_t count;
    uint64_t arrivals;
    uint64_t examined;
};

/* --- queues ------------------------------------------------------------------------------------------------------- */

static uint64_t queue_key(uint64_t subject, uint64_t scope) {
    return subject ^ (scope * 0x9e3779b97f4a7c15u);
}

static struct queue *queue_find(const struct line *line, uint64_t subject, uint64_t scope) {
    struct queue *queue = map_get(&line->queues, queue_key(subject, scope));
    while (queue != NULL && (queue->subject != subject || queue->scope != scope))
        queue = queue->next;
    return queue;
}

static struct queue *queue_open(struct line *line, uint64_t subject, uint64_t scope) {
    struct queue *queue = queue_find(line, subject, scope);
    if (queue == NULL) {
        queue = memory_zero(1, sizeof *queue);
        queue->subject = subject;
        queue->scope = scope;
        queue->next = map_set(&line->queues, queue_key(subject, scope), queue);
    }
    return queue;
}

static void queue_close(struct line *line, struct queue *queue) {
    uint64_t key = queue_key(queue->subject, queue->scope);
    struct queue *first = map_take(&line->queues, key);
    struct queue **at = &first;
    while (*at != queue)
        at = &(*at)->next;
    *at = queue->next;
    if (first != NULL)
        map_set(&line->queues, key, first);
    free(queue);
}

/* --- where a ticket waits, and where a seeker looks --------------------------------------------------------------- */

static uint64_t language_scope(const struct ticket *ticket) {
    uint64_t scope = 0;
    memcpy(&scope, ticket->language, strnlen(ticket->language, sizeof scope));
    return scope;
}

static unsigned own_subjects(const struct ticket *ticket, uint64_t subjects[MAX_SUBJECTS]) {
    unsigned count = ticket->topics.count;
    memcpy(subjects, ticket->topics.hash, count * sizeof *subjects);
    if (ticket_open(ticket))
        subjects[count++] = SUBJECT_OPEN;
    return count;
}

static unsigned own_scopes(const struct ticket *ticket, uint64_t scopes[MAX_SCOPES]) {
    unsigned count = 0;
    scopes[count++] = language_scope(ticket);
    scopes[count++] = SCOPE_EVERYBODY;
    if (ticket->relaxed)
        scopes[count++] = SCOPE_RELAXED;
    return count;
}

static unsigned suiting_scopes(const struct ticket *seeker, uint64_t scopes[MAX_SCOPES]) {
    unsigned count = 0;
    if (seeker->language[0] == '\0') {
        scopes[count++] = SCOPE_EVERYBODY;
        return count;
    }
    scopes[count++] = language_scope(seeker);
    scopes[count++] = 0;
    if (seeker->relaxed)
        scopes[count++] = SCOPE_RELAXED;
    return count;
}

/* --- entering and leaving ----------------------------------------------------------------------------------------- */

static uint64_t house_key(struct address at) {
    return (uint64_t)at.slot << 32 | at.generation;
}

static struct waiter *waiter_find(const struct line *line, struct address at) {
    const struct house *house = map_get(&line->houses, at.boot);
    return house == NULL ? NULL : map_get(&house->waiters, house_key(at));
}

static void enter(struct line *line, const struct ticket *ticket) {
    uint64_t subjects[MAX_SUBJECTS];
    uint64_t scopes[MAX_SCOPES];
    unsigned subject_count = own_subjects(ticket, subjects);
    unsigned scope_count = own_scopes(ticket, scopes);

    struct waiter *waiter = memory_zero(1, sizeof *waiter + subject_count * scope_count * sizeof *waiter->places);
    waiter->ticket = *ticket;
    line->arrivals++;
    for (unsigned i = 0; i < subject_count; i++) {
        for (unsigned j = 0; j < scope_count; j++) {
            struct place *place = &waiter->places[waiter->place_count++];
            place->waiter = waiter;
            place->queue = queue_open(line, subjects[i], scopes[j]);
            place->link.since_ms = ticket->since_ms;
            place->link.arrival = line->arrivals;
            order_insert(&place->queue->order, &place->link);
        }
    }

    struct house *house = map_get(&line->houses, ticket->who.at.boot);
    if (house == NULL) {
        house = memory_zero(1, sizeof *house);
        map_set(&line->houses, ticket->who.at.boot, house);
    }
    map_set(&house->waiters, house_key(ticket->who.at), waiter);
    line->count++;
}

/* Frees a waiter that its house no longer knows. */
static void leave(struct line *line, struct waiter *waiter) {
    for (unsigned i = 0; i < waiter->place_count; i++) {
        struct place *place = &waiter->places[i];
        order_remove(&place->queue->order, &place->link);
        if (order_empty(&place->queue->order))
            queue_close(line, place->queue);
    }
    line->count--;
    free(waiter);
}

static void take_out(struct line *line, struct address at) {
    struct house *house = map_get(&line->houses, at.boot);
    struct waiter *waiter = house == NULL ? NULL : map_take(&house->waiters, house_key(at));
    if (waiter != NULL)
        leave(line, waiter);
}

/* --- searching ---------------------------------------------------------------------------------------------------- */

struct best {
    const struct place *place; /* NULL = nobody yet */
    unsigned common;
};

/* Looks through one queue for somebody better than `best`. Nobody in it who was not looked at before has more than
 * `most` topics in common with the seeker. */
static void scan(struct line *line, const struct queue *queue, const struct ticket *seeker, unsigned most,
                 struct best *best) {
    for (struct order_link *link = order_first(&queue->order); link != NULL; link = order_next(link)) {
        if (best->place != NULL && best->common >= most && !order_before(link, &best->place->link))
            return;
        const struct place *place = list_entry(link, struct place, link);
        line->examined++;
        if (!ticket_agree(seeker, &place->waiter->ticket))
            continue;
        unsigned common = ticket_common(seeker, &place->waiter->ticket);
        if (best->place == NULL || common > best->common ||
            (common == best->common && order_before(link, &best->place->link)))
            *best = (struct best){place, common};
    }
}

static void search_subject(struct line *line, uint64_t subject, const struct ticket *seeker, unsigned most,
                           struct best *best) {
    uint64_t scopes[MAX_SCOPES];
    unsigned count = suiting_scopes(seeker, scopes);
    for (unsigned i = 0; i < count; i++) {
        const struct queue *queue = queue_find(line, subject, scopes[i]);
        if (queue != NULL)
            scan(line, queue, seeker, most, best);
    }
}

static const struct waiter *find(struct line *line, const struct ticket *seeker) {
    struct best best = {NULL, 0};
    unsigned count = seeker->topics.count;
    /* Whoever shares an earlier topic was looked at under that one: `count - i` is the most that others can share. */
    for (unsigned i = 0; i < count && best.common <= count - i; i++)
        search_subject(line, seeker->topics.hash[i], seeker, count - i, &best);
    if (best.place == NULL && ticket_open(seeker))
        search_subject(line, SUBJECT_OPEN, seeker, 0, &best);
    return best.place == NULL ? NULL : best.place->waiter;
}

/* --- the line ----------------------------------------------------------------------------------------------------- */

struct line *line_new(void) {
    return memory_zero(1, sizeof(struct line));
}

static void house_free(struct line *line, struct house *house) {
    for (size_t i = 0; i < house->waiters.capacity; i++)
        if (house->waiters.slots[i].value != NULL)
            leave(line, house->waiters.slots[i].value);
    map_fini(&house->waiters);
    free(house);
}

void line_free(struct line *line) {
    for (size_t i = 0; i < line->houses.capacity; i++)
        if (line->houses.slots[i].value != NULL)
            house_free(line, line->houses.slots[i].value);
    map_fini(&line->houses);
    map_fini(&line->queues);
    free(line);
}

bool line_seek(struct line *line, const struct ticket *seeker, struct ticket *candidate) {
    take_out(line, seeker->who.at);
    const struct waiter *found = find(line, seeker);
    if (found == NULL) {
        enter(line, seeker);
        return false;
    }
    *candidate = found->ticket;
    take_out(line, candidate->who.at);
    return true;
}

void line_withdraw(struct line *line, struct address at, uint32_t attempt) {
    const struct waiter *waiter = waiter_find(line, at);
    if (waiter != NULL && waiter->ticket.attempt == attempt)
        take_out(line, at);
}

void line_drop(struct line *line, uint64_t boot) {
    struct house *house = map_take(&line->houses, boot);
    if (house != NULL)
        house_free(line, house);
}

size_t line_count(const struct line *line) {
    return line->count;
}

uint64_t line_examined(const struct line *line) {
    return line->examined;
}
