/* list.h - an intrusive, circular, doubly linked list. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* A head, or a member embedded in what is listed. */
struct list {
    struct list *next;
    struct list *previous;
};

#define list_entry(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void list_init(struct list *list) {
    list->next = list->previous = list;
}

static inline bool list_empty(const struct list *list) {
    return list->next == list;
}

static inline void list_insert_before(struct list *where, struct list *link) {
    link->next = where;
    link->previous = where->previous;
    where->previous->next = link;
    where->previous = link;
}

static inline void list_append(struct list *list, struct list *link) {
    list_insert_before(list, link);
}

/* Takes the link out, and leaves it as a list of its own: removing it twice is harmless. */
static inline void list_remove(struct list *link) {
    link->next->previous = link->previous;
    link->previous->next = link->next;
    list_init(link);
}

#endif
