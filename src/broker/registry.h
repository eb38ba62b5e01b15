/* registry.h - the register of chats: who sits where, and how chats ended. Never what was said.
 *
 * A chat id is unknown, given up (its seeker asked in vain whether anybody had committed), going on, or over. All
 * but the first are kept for a time that registry_expire() ends. Not thread-safe. Times are milliseconds on the
 * broker's clock. A record that is returned is good until the next call that changes the registry. */
#ifndef BROKER_REGISTRY_H
#define BROKER_REGISTRY_H

#include "passerby/broker.h"

/* How long a chat id is remembered, ... */
enum {
    REGISTRY_GIVEN_UP_MS = 60 * 1000,
    REGISTRY_LEASE_MS = 7 * 24 * 3600 * 1000, /* of a chat that goes on, since it was last asked for */
    REGISTRY_OVER_MS = 10 * 60 * 1000,
    /* ... and how many of those that are over, or were given up, at most: 28 to 56 MB of each. Beyond, the oldest are forgotten, and who comes
     * back to one hears `expired`. That takes 1,700 ends a second, for ten minutes. */
    REGISTRY_TOMBS = 1 << 20,
};

struct registry;

struct registry *registry_new(void);
void registry_free(struct registry *registry);

/* The candidate takes the match. Returns the chat; or NULL if the seeker has given it up, it is over, or somebody
 * else has it. Doing it twice is harmless. */
const struct chat_record *registry_commit(struct registry *registry, struct chat_id id, const struct ticket *seeker,
                                          const struct ticket *candidate, int64_t now_ms)
    __attribute__((warn_unused_result));

/* The seeker gives up. Returns the chat if a candidate has committed and it goes on; else NULL, and nobody can
 * commit now. Writes what a match needs of the candidate's ticket: who it is and, unless the chat was made again, its topics. */
const struct chat_record *registry_abort(struct registry *registry, struct chat_id id, int64_t now_ms,
                                         struct ticket *candidate) __attribute__((warn_unused_result));

/* What is known about a chat that goes on or is over (record.ended says which, and nothing else is known of one that is over); else
 * NULL. Renews the lease. */
const struct chat_record *registry_lookup(struct registry *registry, struct chat_id id, int64_t now_ms)
    __attribute__((warn_unused_result));

/* Moves the holder's side of a chat that goes on to another address, with a greater fence, and writes the address
 * that it leaves to `previous`. With `only_from`, only if that is the side's fence so far. Returns as
 * registry_lookup(). */
const struct chat_record *registry_rebind(struct registry *registry, const struct claims *claims, uint64_t only_from,
                                          struct address at, int64_t now_ms, struct address *previous)
    __attribute__((warn_unused_result));

/* The chat goes on, with those parties as far as is known: makes it again if it is unknown, or given up and `asker` is
 * its seeker, and gives each side the place with the greater fence. Renews the lease. Returns as registry_lookup();
 * NULL = it was given up. */
const struct chat_record *registry_hold(struct registry *registry, struct chat_id id, struct address asker,
                                        const struct party party[2], int64_t now_ms)
    __attribute__((warn_unused_result));

/* The chat is over. Obeyed only if it goes on and `asker` is the present place of one of its sides: who was moved
 * away, or whose chat was ended before, has no say. */
void registry_end(struct registry *registry, struct chat_id id, struct address asker, struct tombstone how,
                  int64_t now_ms);

/* Forgets what has had its time. */
void registry_expire(struct registry *registry, int64_t now_ms);

/* How many chat ids are remembered. */
size_t registry_count(const struct registry *registry);

#endif
