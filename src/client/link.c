/* link.c - which connection to a node is the one in use.
 *
 * Flow:  link_open() → a socket is dialled → its `hello` makes it the current one → it is lost → a pause →
 *        dialled again. A move (`reconnect`, or link_renew()) dials while the current one still works; the new one's
 *        `hello` makes it current, and the former one is closed by link_settle(), when the node has answered on the
 *        new one.
 * Fails: a lost connection is retried with jittered exponential backoff, for ever; a close code from 4500 on ends it. */
#include "link.h"

#include <assert.h>
#include <string.h>

enum {
    HELLO_MS = 10000,  /* a connection may take so long until its `hello` */
    FORMER_MS = 10000, /* a former connection is kept so long if nobody settles */
    PAUSE_MS = 1000,   /* the first pause is random up to this, each further one up to twice as much */
    LONGEST_PAUSE_MS = 15000,
    SHORTEST_PAUSE_MS = 50,
    GOOD_MS = 5000,            /* a connection that lasted so long was a good one: pauses start small again */
    LONGEST_AFTER_MS = 600000, /* the longest `after_ms` that is believed */
    TRY_LATER_FAILURES = 3,    /* what close code 1013 counts for */
    CLOSE_CODE_TRY_LATER = 1013,
    CLOSE_CODE_FOR_GOOD = 4500, /* from here on */
};

void link_init(struct link *link, struct random *random) {
    *link = (struct link){
        .random = random,
        .hello_by_ms = LINK_NEVER,
        .former_until_ms = LINK_NEVER,
        .pause_until_ms = LINK_NEVER,
        .renew_ms = LINK_NEVER,
    };
}

enum link_state link_state(const struct link *link) {
    if (link->current != 0)
        return LINK_OPEN;
    if (link->candidate != 0)
        return LINK_CONNECTING;
    return link->wanted ? LINK_PAUSING : LINK_CLOSED;
}

enum link_role link_role(const struct link *link, unsigned socket) {
    if (socket == 0)
        return LINK_STRANGE;
    if (socket == link->candidate)
        return LINK_CANDIDATE;
    if (socket == link->current)
        return LINK_CURRENT;
    return socket == link->former ? LINK_FORMER : LINK_STRANGE;
}

/* --- orders ------------------------------------------------------------------------------------------------------- */

static void order(struct link *link, bool dials, unsigned socket) {
    if (socket == 0)
        return;
    assert(link->order_count < LINK_ORDERS);
    link->orders[link->order_count++] = (struct link_order){dials, socket};
}

bool link_take_order(struct link *link, struct link_order *out) {
    if (link->order_count == 0)
        return false;
    *out = link->orders[0];
    memmove(link->orders, link->orders + 1, --link->order_count * sizeof *link->orders);
    return true;
}

static void dial(struct link *link, int64_t now_ms) {
    link->candidate = ++link->last;
    link->hello_by_ms = now_ms + HELLO_MS;
    order(link, true, link->candidate);
}

static void pause_dialling(struct link *link, int64_t now_ms) {
    if (link->pause_until_ms != LINK_NEVER)
        return;
    unsigned doublings = link->failures < 10 ? link->failures : 10;
    uint64_t most_ms = (uint64_t)PAUSE_MS << doublings;
    if (most_ms > LONGEST_PAUSE_MS)
        most_ms = LONGEST_PAUSE_MS;
    link->pause_until_ms = now_ms + SHORTEST_PAUSE_MS + (int64_t)random_below(link->random, most_ms);
    link->failures++;
}

/* --- what is wanted ----------------------------------------------------------------------------------------------- */

void link_open(struct link *link, int64_t now_ms) {
    if (link->wanted)
        return;
    link->wanted = true;
    link->failures = 0;
    dial(link, now_ms);
}

void link_shut(struct link *link) {
    order(link, false, link->candidate);
    order(link, false, link->current);
    order(link, false, link->former);
    link->wanted = false;
    link->candidate = link->current = link->former = 0;
    link->hello_by_ms = link->former_until_ms = link->pause_until_ms = link->renew_ms = LINK_NEVER;
}

void link_hurry(struct link *link, int64_t now_ms) {
    if (link->pause_until_ms == LINK_NEVER)
        return;
    link->pause_until_ms = LINK_NEVER;
    dial(link, now_ms);
}

void link_renew(struct link *link, int64_t now_ms) {
    if (link->current != 0 && link->candidate == 0 && link->pause_until_ms == LINK_NEVER)
        dial(link, now_ms);
}

void link_reconnect(struct link *link, uint64_t after_ms, int64_t now_ms) {
    link->renew_ms = now_ms + (int64_t)(after_ms < LONGEST_AFTER_MS ? after_ms : LONGEST_AFTER_MS);
}

void link_drop(struct link *link, int64_t now_ms) {
    if (link->current == 0)
        return;
    order(link, false, link->current);
    enum link_loss loss = link_lost(link, link->current, 0, now_ms);
    assert(loss == LINK_LOSS_CURRENT);
    (void)loss;
}

void link_settle(struct link *link) {
    order(link, false, link->former);
    link->former = 0;
    link->former_until_ms = LINK_NEVER;
}

/* --- what became of sockets --------------------------------------------------------------------------------------- */

void link_greeted(struct link *link, int64_t now_ms) {
    assert(link->candidate != 0);
    link_settle(link);
    link->former = link->current;
    link->current = link->candidate;
    link->candidate = 0;
    link->hello_by_ms = link->renew_ms = LINK_NEVER;
    link->former_until_ms = link->former == 0 ? LINK_NEVER : now_ms + FORMER_MS;
    link->since_ms = now_ms;
}

enum link_loss link_lost(struct link *link, unsigned socket, unsigned close_code, int64_t now_ms) {
    enum link_role role = link_role(link, socket);
    if (role == LINK_FORMER)
        link->former = 0;
    if (role == LINK_FORMER || role == LINK_STRANGE)
        return LINK_LOSS_NONE;
    if (role == LINK_CURRENT) {
        link->current = 0;
        link->renew_ms = LINK_NEVER;
        if (now_ms - link->since_ms >= GOOD_MS)
            link->failures = 0;
    } else {
        link->candidate = 0;
        link->hello_by_ms = LINK_NEVER;
    }
    if (close_code >= CLOSE_CODE_FOR_GOOD) {
        link_shut(link);
        return LINK_LOSS_REFUSED;
    }
    if (close_code == CLOSE_CODE_TRY_LATER && link->failures < TRY_LATER_FAILURES)
        link->failures = TRY_LATER_FAILURES;
    if (link->candidate == 0)
        pause_dialling(link, now_ms);
    return role == LINK_CURRENT ? LINK_LOSS_CURRENT : LINK_LOSS_NONE;
}

/* --- time --------------------------------------------------------------------------------------------------------- */

/* Says whether that time has come, and if so clears it. */
static bool is_due(int64_t *at_ms, int64_t now_ms) {
    if (*at_ms == LINK_NEVER || *at_ms > now_ms)
        return false;
    *at_ms = LINK_NEVER;
    return true;
}

void link_tick(struct link *link, int64_t now_ms) {
    if (is_due(&link->hello_by_ms, now_ms)) {
        order(link, false, link->candidate);
        (void)!link_lost(link, link->candidate, 0, now_ms); /* nobody has used it yet */
    }
    if (is_due(&link->former_until_ms, now_ms))
        link_settle(link);
    if (is_due(&link->renew_ms, now_ms))
        link_renew(link, now_ms);
    if (is_due(&link->pause_until_ms, now_ms))
        dial(link, now_ms);
}

int64_t link_next_ms(const struct link *link) {
    const int64_t times[] = {link->hello_by_ms, link->former_until_ms, link->pause_until_ms, link->renew_ms};
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (times[i] != LINK_NEVER && times[i] < next)
            next = times[i];
    return next;
}
