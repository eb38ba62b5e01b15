/* inbox.c - a singly linked queue of letters. */
#include "inbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct letter *letter_new(const struct broker_event *event) {
    size_t length = event->kind == BROKER_RELAYED ? event->relayed.length : 0;
    struct letter *letter = memory_resize(NULL, sizeof *letter + length, 1);
    letter->next = NULL;
    letter->event = *event;
    if (event->kind == BROKER_RELAYED) {
        if (length > 0)
            memcpy(letter->bytes, event->relayed.bytes, length);
        letter->event.relayed.bytes = letter->bytes;
    }
    return letter;
}

void inbox_fini(struct inbox *inbox) {
    struct letter *letter;
    while ((letter = inbox_take(inbox)) != NULL)
        free(letter);
}

void inbox_post(struct inbox *inbox, struct letter *letter) {
    if (inbox->first == NULL)
        inbox->first = letter;
    else
        inbox->last->next = letter;
    inbox->last = letter;
}

void inbox_move(struct inbox *inbox, struct inbox *to) {
    if (inbox->first == NULL)
        return;
    if (to->first == NULL)
        to->first = inbox->first;
    else
        to->last->next = inbox->first;
    to->last = inbox->last;
    *inbox = (struct inbox){0};
}

struct letter *inbox_take(struct inbox *inbox) {
    struct letter *letter = inbox->first;
    if (letter == NULL)
        return NULL;
    inbox->first = letter->next;
    letter->next = NULL;
    return letter;
}
