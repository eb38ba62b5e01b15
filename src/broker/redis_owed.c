/* redis_owed.c - the withdrawals and ends that Redis has not heard of, as it was away: told when it is back.
 *
 * Nobody asks about them again, so that nobody else would tell it. They do no harm twice.
 * Fails: too many → the oldest is forgotten: what it would have ended has its time-out, whom it would have withdrawn
 *        declines.
 * Owns:  the list. */
#include "redis_priv.h"

#include <stdlib.h>

#include "base/memory.h"

enum { MOST_OWED = 1 << 14 };

struct owed {
    struct list link;
    struct broker_request request;
};

static void forgive(struct redis_broker *self, struct owed *owed) {
    list_remove(&owed->link);
    self->owed_count--;
    free(owed);
}

void redis_owe(struct redis_broker *self, const struct broker_request *request) {
    if (self->owed_count == MOST_OWED)
        forgive(self, list_entry(self->owed.next, struct owed, link));
    struct owed *owed = memory_zero(1, sizeof *owed);
    owed->request = *request;
    list_append(&self->owed, &owed->link);
    self->owed_count++;
}

/* What can't be said even now is owed again, behind the others. */
void redis_pay(struct redis_broker *self) {
    for (size_t left = self->owed_count; left > 0; left--) {
        struct owed *owed = list_entry(self->owed.next, struct owed, link);
        struct broker_request request = owed->request;
        forgive(self, owed);
        redis_ask_late(self, &request);
    }
}

void redis_owed_drop(struct redis_broker *self) {
    while (self->owed_count > 0)
        forgive(self, list_entry(self->owed.next, struct owed, link));
}
