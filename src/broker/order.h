/* order.h - a set kept in the order of the wait: who has waited longest comes first. */
#ifndef BROKER_ORDER_H
#define BROKER_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded in what is ordered. The caller sets since_ms and arrival before order_insert(), and not afterwards. */
struct order_link {
    struct order_link *parent;
    struct order_link *child[2]; /* earlier, later */
    int64_t since_ms;
    uint64_t arrival; /* decides between those who came in the same millisecond */
};

/* Zero-initialised is empty. Borrows its links. */
struct order {
    struct order_link *root;
};

static inline bool order_before(const struct order_link *a, const struct order_link *b) {
    return a->since_ms < b->since_ms || (a->since_ms == b->since_ms && a->arrival < b->arrival);
}

static inline bool order_empty(const struct order *order) {
    return order->root == NULL;
}

/* Both take O(log n) on average. */
void order_insert(struct order *order, struct order_link *link);
void order_remove(struct order *order, struct order_link *link);

/* The longest wait, and the one after `link`; NULL = none. */
struct order_link *order_first(const struct order *order);
struct order_link *order_next(const struct order_link *link);

#endif
