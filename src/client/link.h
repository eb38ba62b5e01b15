/* link.h - which connection to a node is the one in use, and when the next is dialled. Pure: it knows sockets by
 * numbers, says which to dial and which to close, and is told what became of them. */
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H

#include "base/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum link_state { LINK_CLOSED, LINK_CONNECTING, LINK_OPEN, LINK_PAUSING };

/* What a socket is to the link. */
enum link_role { LINK_STRANGE, LINK_CANDIDATE, LINK_CURRENT, LINK_FORMER };

struct link_order {
    bool dial; /* else close */
    unsigned socket;
};

enum { LINK_ORDERS = 16 };

/* Times are milliseconds of the caller's clock; LINK_NEVER: not set. */
enum { LINK_NEVER = -1 };

struct link {
    struct random *random;
    unsigned candidate; /* being dialled; 0 = none, as for the others */
    unsigned current;
    unsigned former; /* left, but not closed: the node may not have answered on the current one */
    unsigned last;
    bool wanted;
    unsigned failures; /* attempts since the last good connection */
    int64_t since_ms;  /* the current one stands */
    int64_t hello_by_ms;
    int64_t former_until_ms;
    int64_t pause_until_ms;
    int64_t renew_ms;
    struct link_order orders[LINK_ORDERS];
    size_t order_count;
};

/* `random` is borrowed. */
void link_init(struct link *link, struct random *random);

enum link_state link_state(const struct link *link);
enum link_role link_role(const struct link *link, unsigned socket);

/* Connects, and stays connected. */
void link_open(struct link *link, int64_t now_ms);
/* Disconnects, and stays so. */
void link_shut(struct link *link);
/* Tries again at once, if it is pausing. */
void link_hurry(struct link *link, int64_t now_ms);
/* The current connection may be dead, or its node is going: dials another one, which takes over with its `hello`. */
void link_renew(struct link *link, int64_t now_ms);
/* The node asks for that after so long. */
void link_reconnect(struct link *link, uint64_t after_ms, int64_t now_ms);
/* Gives the current connection up: it has not answered. */
void link_drop(struct link *link, int64_t now_ms);
/* The current connection has taken over: closes the former one. */
void link_settle(struct link *link);

/* The candidate has said `hello`, and is the current one from now on. */
void link_greeted(struct link *link, int64_t now_ms);

enum link_loss {
    LINK_LOSS_NONE,    /* nobody's connection, or one that was not in use yet or any more */
    LINK_LOSS_CURRENT, /* the connection is gone; another is tried */
    LINK_LOSS_REFUSED, /* the node wants no reconnection: the link is closed */
};

/* A socket is gone; close_code: the node's, 0 = none. */
enum link_loss link_lost(struct link *link, unsigned socket, unsigned close_code, int64_t now_ms)
    __attribute__((warn_unused_result));

void link_tick(struct link *link, int64_t now_ms);
/* When link_tick() has something to do; INT64_MAX: never. */
int64_t link_next_ms(const struct link *link);

/* Takes the oldest order. Returns false if there is none. */
bool link_take_order(struct link *link, struct link_order *out) __attribute__((warn_unused_result));

#endif
