/* ticket.c - who accepts whom. */
#include "ticket.h"

#include <string.h>

static bool names(const uint64_t *topics, unsigned count, uint64_t topic) {
    for (unsigned i = 0; i < count; i++)
        if (topics[i] == topic)
            return true;
    return false;
}

unsigned ticket_common(const struct ticket *a, const struct ticket *b) {
    unsigned common = 0;
    for (unsigned i = 0; i < a->topics.count; i++) {
        uint64_t topic = a->topics.hash[i];
        common += names(b->topics.hash, b->topics.count, topic) && !names(a->topics.hash, i, topic);
    }
    return common;
}

static bool has_met(const struct ticket *ticket, uint64_t person) {
    for (unsigned i = 0; i < RECENT_STRANGERS; i++)
        if (ticket->recent[i] != 0 && ticket->recent[i] == person)
            return true;
    return false;
}

static bool same_language(const struct ticket *a, const struct ticket *b) {
    return a->language[0] == '\0' || b->language[0] == '\0' || strcmp(a->language, b->language) == 0;
}

static bool accepts(const struct ticket *ticket, const struct ticket *other) {
    if (ticket->relaxed)
        return true;
    return same_language(ticket, other) && !has_met(ticket, other->who.person) &&
           (ticket->topics.count == 0 || ticket_common(ticket, other) > 0);
}

bool ticket_agree(const struct ticket *a, const struct ticket *b) {
    return a->who.person != b->who.person && accepts(a, b) && accepts(b, a);
}
