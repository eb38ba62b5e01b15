/* order.c - a treap: a search tree by wait that is at the same time a heap by a random-looking priority, which keeps it
 * shallow whatever the order of insertion (Seidel and Aragon, "Randomized Search Trees", 1996). */
#include "order.h"

/* The arrival number through the finaliser of SplitMix64: random enough, and the same in every run. */
static uint64_t priority(const struct order_link *link) {
    uint64_t x = link->arrival;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Hangs `by`, which may be NULL, where `link` hangs. */
static void replace(struct order *order, const struct order_link *link, struct order_link *by) {
    struct order_link *parent = link->parent;
    if (parent == NULL)
        order->root = by;
    else
        parent->child[parent->child[1] == link] = by;
    if (by != NULL)
        by->parent = parent;
}

/* Rotates `link` above its parent; the order stays. */
static void lift(struct order *order, struct order_link *link) {
    struct order_link *parent = link->parent;
    int side = parent->child[1] == link;
    replace(order, parent, link);
    struct order_link *between = link->child[!side];
    parent->child[side] = between;
    if (between != NULL)
        between->parent = parent;
    link->child[!side] = parent;
    parent->parent = link;
}

void order_insert(struct order *order, struct order_link *link) {
    struct order_link **at = &order->root;
    link->parent = link->child[0] = link->child[1] = NULL;
    while (*at != NULL) {
        link->parent = *at;
        at = &link->parent->child[!order_before(link, link->parent)];
    }
    *at = link;
    while (link->parent != NULL && priority(link) > priority(link->parent))
        lift(order, link);
}

void order_remove(struct order *order, struct order_link *link) {
    struct order_link *const *child = link->child;
    while (child[0] != NULL && child[1] != NULL)
        lift(order, child[priority(child[1]) > priority(child[0])]);
    replace(order, link, child[0] != NULL ? child[0] : child[1]);
}

static struct order_link *earliest(struct order_link *link) {
    while (link->child[0] != NULL)
        link = link->child[0];
    return link;
}

struct order_link *order_first(const struct order *order) {
    return order->root == NULL ? NULL : earliest(order->root);
}

struct order_link *order_next(const struct order_link *link) {
    if (link->child[1] != NULL)
        return earliest(link->child[1]);
    while (link->parent != NULL && link->parent->child[1] == link)
        link = link->parent;
    return link->parent;
}
