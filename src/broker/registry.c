/* registry.c - the register of chats.
 *
 * Flow:  a chat that goes on is an entry, in the order in which their leases end: as all are equally long, renewing moves it to the end.
 *        One that is over, or was given up, is but a tomb (tombs.c): people end chats far oftener than they have them.
 * Owns:  the entries, and their table. */
#include "registry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tombs.h"

#include "base/list.h"
#include "base/memory.h"

enum { LEAST_BUCKETS = 64 };

/* One side: a struct party without what would only fill it up. */
struct seat {
    struct address at;
    uint64_t person;
    uint64_t fence;
};

/* A chat that goes on. A twentieth of what its two people cost, so nothing is kept in it that nobody asks for. */
struct entry {
    struct chat_id id;
    struct seat seat[2]; /* by enum side */
    int64_t expires_ms;
    struct list in_order;
    struct entry *next; /* in the same bucket */
    bool reliable[2];   /* by enum side */
    uint8_t topic_count;
    uint64_t topics[]; /* the candidate's */
};

struct registry {
    struct entry **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;        /* of entries */
    struct list in_order;
    struct tombs over;
    struct tombs given_up;
    struct chat_record shown; /* what was returned last */
};

/* Ids are random: any of their bits will do. */
static struct entry **bucket_of(const struct registry *registry, struct chat_id id) {
    return &registry->buckets[(id.high ^ id.low) & (registry->bucket_count - 1)];
}

static struct entry *find(const struct registry *registry, struct chat_id id) {
    struct entry *entry = *bucket_of(registry, id);
    while (entry != NULL && !chat_id_equal(entry->id, id))
        entry = entry->next;
    return entry;
}

static void chain(struct registry *registry, struct entry *entry) {
    struct entry **bucket = bucket_of(registry, entry->id);
    entry->next = *bucket;
    *bucket = entry;
}

static void grow(struct registry *registry) {
    free(registry->buckets);
    registry->bucket_count *= 2;
    registry->buckets = memory_zero(registry->bucket_count, sizeof *registry->buckets);
    for (struct list *link = registry->in_order.next; link != &registry->in_order; link = link->next)
        chain(registry, list_entry(link, struct entry, in_order));
}

static void renew(struct registry *registry, struct entry *entry, int64_t now_ms) {
    list_remove(&entry->in_order);
    list_append(&registry->in_order, &entry->in_order);
    entry->expires_ms = now_ms + REGISTRY_LEASE_MS;
}

static struct entry *create(struct registry *registry, struct chat_id id, const struct topics *topics, int64_t now_ms) {
    if (registry->count == registry->bucket_count)
        grow(registry);
    struct entry *entry = memory_zero(1, sizeof *entry + topics->count * sizeof entry->topics[0]);
    entry->id = id;
    entry->topic_count = topics->count;
    memcpy(entry->topics, topics->hash, topics->count * sizeof entry->topics[0]);
    chain(registry, entry);
    registry->count++;
    list_init(&entry->in_order);
    renew(registry, entry, now_ms);
    return entry;
}

static void destroy(struct registry *registry, struct entry *entry) {
    struct entry **at = bucket_of(registry, entry->id);
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    registry->count--;
    list_remove(&entry->in_order);
    free(entry);
}

static struct party party_at(const struct entry *entry, enum side side) {
    const struct seat *seat = &entry->seat[side];
    return (struct party){seat->at, seat->person, seat->fence, entry->reliable[side]};
}

static void seat(struct entry *entry, enum side side, const struct party *party) {
    entry->seat[side] = (struct seat){party->at, party->person, party->fence};
    entry->reliable[side] = party->reliable;
}

static const struct chat_record *show(struct registry *registry, const struct entry *entry) {
    registry->shown = (struct chat_record){entry->id, {party_at(entry, 0), party_at(entry, 1)}, {END_NONE, 0}};
    return &registry->shown;
}

/* Destroys the entries that are due, or all of them. */
static void sweep(struct registry *registry, int64_t now_ms) {
    while (!list_empty(&registry->in_order)) {
        struct entry *entry = list_entry(registry->in_order.next, struct entry, in_order);
        if (entry->expires_ms > now_ms)
            break;
        destroy(registry, entry);
    }
}

struct registry *registry_new(void) {
    struct registry *registry = memory_zero(1, sizeof *registry);
    registry->bucket_count = LEAST_BUCKETS;
    registry->buckets = memory_zero(registry->bucket_count, sizeof *registry->buckets);
    list_init(&registry->in_order);
    tombs_init(&registry->over, REGISTRY_OVER_MS, REGISTRY_TOMBS);
    tombs_init(&registry->given_up, REGISTRY_GIVEN_UP_MS, REGISTRY_TOMBS);
    return registry;
}

void registry_free(struct registry *registry) {
    sweep(registry, INT64_MAX);
    free(registry->buckets);
    tombs_fini(&registry->over);
    tombs_fini(&registry->given_up);
    free(registry);
}

/* Is the chat no more, or not to be? */
static bool is_buried(const struct registry *registry, struct chat_id id) {
    struct tombstone how;
    return tombs_find(&registry->over, id, &how) || tombs_find(&registry->given_up, id, &how);
}

static struct party seated(const struct ticket *ticket) {
    struct party party = ticket->who;
    if (party.fence == 0)
        party.fence = FIRST_FENCE;
    return party;
}

const struct chat_record *registry_commit(struct registry *registry, struct chat_id id, const struct ticket *seeker,
                                          const struct ticket *candidate, int64_t now_ms) {
    struct entry *entry = find(registry, id);
    if (entry == NULL) {
        if (is_buried(registry, id))
            return NULL;
        struct party party[2] = {seated(seeker), seated(candidate)};
        entry = create(registry, id, &candidate->topics, now_ms);
        seat(entry, SIDE_SEEKER, &party[SIDE_SEEKER]);
        seat(entry, SIDE_CANDIDATE, &party[SIDE_CANDIDATE]);
    } else if (!address_equal(entry->seat[SIDE_CANDIDATE].at, candidate->who.at)) {
        return NULL;
    }
    return show(registry, entry);
}

const struct chat_record *registry_abort(struct registry *registry, struct chat_id id, int64_t now_ms,
                                         struct ticket *candidate) {
    struct entry *entry = find(registry, id);
    *candidate = (struct ticket){0};
    if (entry == NULL) {
        if (!is_buried(registry, id))
            tombs_add(&registry->given_up, id, (struct tombstone){END_NONE, 0}, now_ms);
        return NULL;
    }
    candidate->who = party_at(entry, SIDE_CANDIDATE);
    candidate->topics.count = entry->topic_count;
    memcpy(candidate->topics.hash, entry->topics, entry->topic_count * sizeof entry->topics[0]);
    return show(registry, entry);
}

const struct chat_record *registry_lookup(struct registry *registry, struct chat_id id, int64_t now_ms) {
    struct entry *entry = find(registry, id);
    if (entry != NULL) {
        renew(registry, entry, now_ms);
        return show(registry, entry);
    }
    registry->shown = (struct chat_record){.id = id};
    return tombs_find(&registry->over, id, &registry->shown.ended) ? &registry->shown : NULL;
}

const struct chat_record *registry_rebind(struct registry *registry, const struct claims *claims, uint64_t only_from,
                                          struct address at, int64_t now_ms, struct address *previous) {
    struct entry *entry = find(registry, claims->chat);
    if (entry != NULL && (only_from == 0 || only_from == entry->seat[claims->side].fence)) {
        struct seat *seat = &entry->seat[claims->side];
        *previous = seat->at;
        seat->at = at;
        seat->fence++;
        entry->reliable[claims->side] = claims->reliable;
    }
    return registry_lookup(registry, claims->chat, now_ms);
}

/* May a HOLD make the chat? Its seeker may, even if it was taken to have given it up: the tomb is then passed over. */
static bool may_make(const struct registry *registry, struct chat_id id, bool is_seeker) {
    struct tombstone how;
    return !tombs_find(&registry->over, id, &how) && (is_seeker || !tombs_find(&registry->given_up, id, &how));
}

const struct chat_record *registry_hold(struct registry *registry, struct chat_id id, struct address asker,
                                        const struct party party[2], int64_t now_ms) {
    static const struct topics unknown = {.count = 0};
    struct entry *entry = find(registry, id);
    bool made_again = entry == NULL && may_make(registry, id, address_equal(asker, party[SIDE_SEEKER].at));
    if (made_again)
        entry = create(registry, id, &unknown, now_ms);
    for (int side = 0; side < 2 && entry != NULL; side++)
        if (made_again || party[side].fence > entry->seat[side].fence)
            seat(entry, (enum side)side, &party[side]);
    return registry_lookup(registry, id, now_ms);
}

static bool seats(const struct entry *entry, struct address at) {
    return address_equal(entry->seat[SIDE_SEEKER].at, at) || address_equal(entry->seat[SIDE_CANDIDATE].at, at);
}

void registry_end(struct registry *registry, struct chat_id id, struct address asker, struct tombstone how,
                  int64_t now_ms) {
    assert(how.cause != END_NONE);
    struct entry *entry = find(registry, id);
    if (entry == NULL || !seats(entry, asker))
        return;
    destroy(registry, entry);
    tombs_add(&registry->over, id, how, now_ms);
}

void registry_expire(struct registry *registry, int64_t now_ms) {
    sweep(registry, now_ms);
    tombs_expire(&registry->over, now_ms);
    tombs_expire(&registry->given_up, now_ms);
}

size_t registry_count(const struct registry *registry) {
    return registry->count + registry->over.count + registry->given_up.count;
}
