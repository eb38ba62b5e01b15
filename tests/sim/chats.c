/* chats.c - what is known of every chat; old ones that nobody refers to are forgotten. */
#include "chats.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { CHATS_KEPT = 4096 };

/* FNV-1a. */
static uint64_t key_of(struct text id) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < id.length; i++)
        hash = (hash ^ (unsigned char)id.at[i]) * 0x100000001b3u;
    return hash;
}

struct chat *chats_find(const struct world *world, struct text id) {
    struct chat *chat = map_get(&world->chats, key_of(id));
    return chat != NULL && reader_equal(id, chat->id) ? chat : NULL;
}

static void forget(struct world *world, struct chat *chat) {
    list_remove(&chat->order);
    map_take(&world->chats, chat->key);
    world->chat_count--;
    free(chat);
}

/* Nobody refers to it, and it is so old that nothing of it can be on its way. */
static void forget_old(struct world *world) {
    for (struct list *link = world->chat_order.next; link != &world->chat_order && world->chat_count > CHATS_KEPT;) {
        struct chat *chat = list_entry(link, struct chat, order);
        link = link->next;
        if (chat->refs == 0)
            forget(world, chat);
    }
}

struct chat *chats_add(struct world *world, struct text id) {
    forget_old(world);
    struct chat *chat = memory_zero(1, sizeof *chat);
    chat->member[0].gone_us = chat->member[1].gone_us = -1;
    chat->member[0].absent_us = chat->member[1].absent_us = -1;
    memcpy(chat->id, id.at, id.length);
    chat->key = key_of(id);
    chat->serial = ++world->chat_serial;
    chat->born_us = world->now_us;
    list_append(&world->chat_order, &chat->order);
    map_set(&world->chats, chat->key, chat);
    world->chat_count++;
    return chat;
}

void chats_hold(struct chat *chat) {
    chat->refs++;
}

void chats_release(struct chat *chat) {
    chat->refs--;
}

void chats_free(struct world *world) {
    while (!list_empty(&world->chat_order))
        forget(world, list_entry(world->chat_order.next, struct chat, order));
}
