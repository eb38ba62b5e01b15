/* registry.c - the register of chats.
 *
 * Each state of a chat id is a list. As all entries of a state live equally long, and renewing moves an entry to the
 * end, the lists are in the order of expiry. renew() owns every change of state.
 *
 * Owns: the entries. */
#include "registry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/memory.h"

enum state { GIVEN_UP, GOING_ON, OVER, STATES };

static const int64_t life_ms[STATES] = {
    [GIVEN_UP] = REGISTRY_GIVEN_UP_MS,
    [GOING_ON] = REGISTRY_LEASE_MS,
    [OVER] = REGISTRY_OVER_MS,
};

struct entry {
    struct chat_record record;
    int64_t expires_ms;
    struct list in_state;
    struct entry *next; /* another one with the same key in registry.entries */
    /* What a match needs of the candidate's ticket, beside who it is: a whole ticket for each chat would be a twentieth
     * of what its two people cost. */
    struct chat_id ticket_chat;
    uint32_t attempt;
    bool relaxed;
    char language[MAX_LANGUAGE_BYTES + 1];
    uint8_t state; /* enum state */
    uint8_t topic_count;
    uint64_t topics[];
};

struct registry {
    struct map entries; /* chat_id.high → first struct entry */
    struct list by_state[STATES];
    size_t count;
};

static struct entry *find(const struct registry *registry, struct chat_id id) {
    struct entry *entry = map_get(&registry->entries, id.high);
    while (entry != NULL && !chat_id_equal(entry->record.id, id))
        entry = entry->next;
    return entry;
}

/* Puts the entry into a state, perhaps the one it has, for the whole life of that state. */
static void renew(struct registry *registry, struct entry *entry, enum state state, int64_t now_ms) {
    list_remove(&entry->in_state);
    list_append(&registry->by_state[state], &entry->in_state);
    entry->state = (uint8_t)state;
    entry->expires_ms = now_ms + life_ms[state];
}

/* `candidate`: whose ticket is to be remembered, or NULL. */
static struct entry *create(struct registry *registry, struct chat_id id, enum state state,
                            const struct ticket *candidate, int64_t now_ms) {
    uint8_t topics = candidate == NULL ? 0 : candidate->topics.count;
    struct entry *entry = memory_zero(1, sizeof *entry + topics * sizeof entry->topics[0]);
    if (candidate != NULL) {
        entry->ticket_chat = candidate->chat;
        entry->attempt = candidate->attempt;
        entry->relaxed = candidate->relaxed;
        entry->topic_count = topics;
        memcpy(entry->language, candidate->language, sizeof entry->language);
        memcpy(entry->topics, candidate->topics.hash, topics * sizeof entry->topics[0]);
    }
    entry->record.id = id;
    entry->next = map_set(&registry->entries, id.high, entry);
    registry->count++;
    list_init(&entry->in_state);
    renew(registry, entry, state, now_ms);
    return entry;
}

static void destroy(struct registry *registry, struct entry *entry) {
    uint64_t key = entry->record.id.high;
    struct entry *first = map_take(&registry->entries, key);
    struct entry **at = &first;
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    if (first != NULL)
        map_set(&registry->entries, key, first);
    registry->count--;
    list_remove(&entry->in_state);
    free(entry);
}

/* Destroys the entries that are due, or all of them. */
static void sweep(struct registry *registry, int64_t now_ms) {
    for (int state = 0; state < STATES; state++) {
        struct list *list = &registry->by_state[state];
        while (!list_empty(list)) {
            struct entry *entry = list_entry(list->next, struct entry, in_state);
            if (entry->expires_ms > now_ms)
                break;
            destroy(registry, entry);
        }
    }
}

struct registry *registry_new(void) {
    struct registry *registry = memory_zero(1, sizeof *registry);
    for (int state = 0; state < STATES; state++)
        list_init(&registry->by_state[state]);
    return registry;
}

void registry_free(struct registry *registry) {
    sweep(registry, INT64_MAX);
    map_fini(&registry->entries);
    free(registry);
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
        entry = create(registry, id, GOING_ON, candidate, now_ms);
        entry->record.party[SIDE_SEEKER] = seated(seeker);
        entry->record.party[SIDE_CANDIDATE] = seated(candidate);
    } else if (entry->state != GOING_ON || !address_equal(entry->record.party[SIDE_CANDIDATE].at, candidate->who.at)) {
        return NULL;
    }
    return &entry->record;
}

const struct chat_record *registry_abort(struct registry *registry, struct chat_id id, int64_t now_ms,
                                         struct ticket *candidate) {
    struct entry *entry = find(registry, id);
    *candidate = (struct ticket){0};
    if (entry == NULL)
        entry = create(registry, id, GIVEN_UP, NULL, now_ms);
    if (entry->state != GOING_ON)
        return NULL;
    candidate->who = entry->record.party[SIDE_CANDIDATE];
    candidate->chat = entry->ticket_chat;
    candidate->attempt = entry->attempt;
    candidate->relaxed = entry->relaxed;
    candidate->topics.count = entry->topic_count;
    memcpy(candidate->topics.hash, entry->topics, entry->topic_count * sizeof entry->topics[0]);
    memcpy(candidate->language, entry->language, sizeof candidate->language);
    return &entry->record;
}

const struct chat_record *registry_lookup(struct registry *registry, struct chat_id id, int64_t now_ms) {
    struct entry *entry = find(registry, id);
    if (entry == NULL || entry->state == GIVEN_UP)
        return NULL;
    if (entry->state == GOING_ON)
        renew(registry, entry, GOING_ON, now_ms);
    return &entry->record;
}

const struct chat_record *registry_rebind(struct registry *registry, const struct claims *claims, uint64_t only_from,
                                          struct address at, int64_t now_ms, struct address *previous) {
    struct entry *entry = find(registry, claims->chat);
    struct party *party = entry == NULL ? NULL : &entry->record.party[claims->side];
    if (party != NULL && entry->state == GOING_ON && (only_from == 0 || only_from == party->fence)) {
        *previous = party->at;
        party->at = at;
        party->fence++;
        party->reliable = claims->reliable;
    }
    return registry_lookup(registry, claims->chat, now_ms);
}

const struct chat_record *registry_hold(struct registry *registry, struct chat_id id, struct address asker,
                                        const struct party party[2], int64_t now_ms) {
    struct entry *entry = find(registry, id);
    if (entry != NULL && entry->state == GIVEN_UP && address_equal(asker, party[SIDE_SEEKER].at)) {
        destroy(registry, entry);
        entry = NULL;
    }
    if (entry == NULL) {
        entry = create(registry, id, GOING_ON, NULL, now_ms);
        entry->record.party[SIDE_SEEKER] = party[SIDE_SEEKER];
        entry->record.party[SIDE_CANDIDATE] = party[SIDE_CANDIDATE];
    }
    for (int side = 0; side < 2 && entry->state == GOING_ON; side++)
        if (party[side].fence > entry->record.party[side].fence)
            entry->record.party[side] = party[side];
    return registry_lookup(registry, id, now_ms);
}

static bool seats(const struct chat_record *record, struct address at) {
    return address_equal(record->party[SIDE_SEEKER].at, at) || address_equal(record->party[SIDE_CANDIDATE].at, at);
}

void registry_end(struct registry *registry, struct chat_id id, struct address asker, struct tombstone how,
                  int64_t now_ms) {
    assert(how.cause != END_NONE);
    struct entry *entry = find(registry, id);
    if (entry == NULL || entry->state != GOING_ON || !seats(&entry->record, asker))
        return;
    entry->record.ended = how;
    renew(registry, entry, OVER, now_ms);
}

void registry_expire(struct registry *registry, int64_t now_ms) {
    sweep(registry, now_ms);
}

size_t registry_count(const struct registry *registry) {
    return registry->count;
}
