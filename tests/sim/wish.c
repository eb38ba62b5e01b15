/* wish.c - the will of the model clients: what they do in each phase, at random. */
#include "wish.h"

#include <string.h>

#include "body.h"
#include "rogue.h"

#include "base/buffer.h"

enum { GARBAGE_EVERY_US = 10 * SECOND_US }; /* fewer than the ten a minute that would be too many */

/* Spellings of one topic are equal after trimming and case folding (Unicode: the sharp s folds to ss). */
static const char *const topics[POOL_TOPICS][POOL_SPELLINGS] = {
    {"music", "MUSIC", "Music"},
    {"c\xc3\xa9line", "C\xc3\x89LINE", "C\xc3\xa9line"},
    {"stra\xc3\x9f\x65", "STRASSE", "strasse"},
    {"\xce\xbb\xcf\x8c\xce\xb3\xce\xbf\xcf\x82", "\xce\x9b\xce\x8c\xce\x93\xce\x9f\xce\xa3",
     "\xce\x9b\xcf\x8c\xce\xb3\xce\xbf\xcf\x82"},
    {"go", "GO", "Go"},
};

static const char *const languages[POOL_LANGUAGES] = {"", "en", "de", "EN-gb"};
static const int primary[POOL_LANGUAGES] = {0, 1, 2, 1};

const char *wish_topic(uint32_t topic, uint32_t spelling) {
    return topics[topic][spelling];
}

/* After some chats both are inclined to meet again. */
static bool wants_again(struct world *world, const struct client *client) {
    return client->again.again % 4 == 1 && !world_chance(world, 4);
}

struct criteria wish_criteria(struct world *world, const struct client *client) {
    struct criteria criteria = wants_again(world, client) ? client->again : (struct criteria){0};
    criteria.reliable = !world_chance(world, 4);
    if (criteria.again != 0)
        return criteria;
    criteria = (struct criteria){.spelling = (uint8_t)world_below(world, POOL_SPELLINGS)};
    criteria.reliable = !world_chance(world, 4);
    if (world_chance(world, 3))
        criteria.topics = (uint8_t)(world_below(world, 1u << POOL_TOPICS) & world_below(world, 1u << POOL_TOPICS));
    if (world_chance(world, 3))
        criteria.language = (uint8_t)world_below(world, POOL_LANGUAGES);
    return criteria;
}

bool wish_prefers(const struct criteria *a, const struct criteria *b) {
    if (a->again != 0 || b->again != 0)
        return a->again == b->again;
    if (a->topics != 0 && (a->topics & b->topics) == 0)
        return false;
    return primary[a->language] == 0 || primary[b->language] == 0 || primary[a->language] == primary[b->language];
}

void wish_find(const struct criteria *criteria, const struct token *last, struct buffer *out) {
    buffer_string(out, "{\"t\":\"find\"");
    if (criteria->again != 0)
        buffer_printf(out, ",\"again\":\"%.*s\"", (int)last->length, last->at);
    if (criteria->topics != 0) {
        buffer_string(out, ",\"topics\":[");
        const char *comma = "";
        for (uint32_t i = 0; i < POOL_TOPICS; i++) {
            if ((criteria->topics & 1u << i) == 0)
                continue;
            buffer_printf(out, "%s\"%s%s \"", comma, i % 2 == 0 ? " " : "", topics[i][criteria->spelling]);
            comma = ",";
        }
        buffer_string(out, "]");
    }
    if (criteria->language != 0)
        buffer_printf(out, ",\"lang\":\"%s\"", languages[criteria->language]);
    if (criteria->reliable)
        buffer_string(out, ",\"reliable\":true");
    buffer_string(out, "}");
}

/* --- things to say ------------------------------------------------------------------------------------------------ */

static void say_text(struct world *world, struct client *client, const char *text) {
    pipe_say(world, client->main, text, strlen(text));
}

static void say_garbage(struct world *world, struct client *client) {
    struct link *link = &client->main->link;
    if (link->garbage_us > world->now_us)
        return;
    link->garbage_us = world->now_us + GARBAGE_EVERY_US;
    const struct garbage *garbage = rogue_garbage(world);
    link->provoked[garbage->code]++;
    say_text(world, client, garbage->text);
}

static void say_too_much(struct world *world, struct client *client) {
    struct link *link = &client->main->link;
    if (link->garbage_us > world->now_us)
        return;
    link->garbage_us = world->now_us + GARBAGE_EVERY_US;
    link->provoked[ERROR_TOO_LONG]++;
    link->provoked[ERROR_NOT_IN_CHAT]++;
    struct buffer text = {0};
    buffer_string(&text, "{\"t\":\"msg\",\"body\":\"");
    for (uint32_t i = 0; i <= world->climate.core.max_body_bytes; i++)
        buffer_append(&text, "x", 1);
    buffer_printf(&text, "\",\"seq\":%llu}", (unsigned long long)client->next_seq);
    pipe_say(world, client->main, text.bytes, text.length);
    buffer_fini(&text);
}

static void say_into_the_void(struct world *world, struct client *client) {
    client->main->link.provoked[ERROR_NOT_IN_CHAT]++;
    say_text(world, client, "{\"t\":\"msg\",\"seq\":1,\"body\":\"is anybody there?\"}");
}

static void try_old_token(struct world *world, struct client *client) {
    struct token token = client->old[world_below(world, OLD_TOKENS)];
    if (token.length == 0)
        return;
    if (world_chance(world, 3)) {
        size_t at =
            (size_t)world_below(world, token.length - 1); /* the last character may hold bits that mean nothing */
        token.at[at] = token.at[at] == 'A' ? 'B' : 'A';
    }
    client_resume(world, client->main, &token, NULL, 0);
}

/* --- by phase ----------------------------------------------------------------------------------------------------- */

static bool act_idle(struct world *world, struct client *client) {
    uint64_t draw = world_below(world, 100);
    if (draw < 70) {
        client_find(world, client, wish_criteria(world, client));
    } else if (draw < 73) {
        client_leave(world, client);
    } else if (draw < 76) {
        say_into_the_void(world, client);
    } else if (draw < 79) {
        say_text(world, client, "{\"t\":\"ack\",\"seq\":3,\"more\":[{}]}");
    } else if (draw < 81) {
        say_text(world, client, "{\"on\":false,\"t\":\"typing\"}");
    } else if (draw < 86) {
        try_old_token(world, client);
    } else if (draw < 87) {
        client->online = false;
        client_drop_pipe(world, client, client->main);
    } else if (draw < 89) {
        say_garbage(world, client);
    } else {
        return false;
    }
    return true;
}

static bool act_waiting(struct world *world, struct client *client) {
    uint64_t draw = world_below(world, 400);
    uint64_t patience = client->main->link.criteria.again != 0 ? 40 : 14; /* nobody else will come */
    if (draw < 6)
        client_leave(world, client);
    else if (draw < patience)
        client_find(world, client, wish_criteria(world, client));
    else if (draw < patience + 2)
        say_garbage(world, client);
    return draw < patience + 2;
}

static bool act_in_chat(struct world *world, struct client *client) {
    uint64_t draw = world_below(world, 400);
    if (draw < 20)
        say_text(world, client, draw % 2 == 0 ? "{\"t\":\"typing\",\"on\":true}" : "{\"t\":\"typing\",\"on\":false}");
    else if (draw < 22)
        client_leave(world, client);
    else if (draw < 25)
        client_find(world, client, wish_criteria(world, client));
    else if (draw < 26)
        client_move(world, client);
    else if (draw < 27)
        say_garbage(world, client);
    else if (draw < 28)
        say_too_much(world, client);
    else if (draw < 28 + world->climate.talkative)
        return client_say(world, client);
    else
        return false;
    return true;
}

/* It changes its mind before the answer has come. By another find only where finds are not limited: which of them was
 * refused could not be told. */
static bool act_hastily(struct world *world, struct client *client) {
    const struct link *link = &client->main->link;
    if (link->pending_count > 1 || client->chat != NULL || !link_next(link, COMMAND_FIND) || !world_chance(world, 16))
        return false;
    if (world->climate.core.find_rate.per_second > 0 || world_chance(world, 2))
        client_leave(world, client);
    else
        client_find(world, client, wish_criteria(world, client));
    return true;
}

bool wish_act(struct world *world, struct client *client) {
    if (!client->online) {
        client->online = world_chance(world, 8);
        client_plan(world, client);
        return client->online;
    }
    if (client->main == NULL || client->next != NULL)
        return false;
    if (client->rogue) {
        rogue_act(world, client);
        return true;
    }
    if (!client->main->link.greeted)
        return false;
    const struct link *link = &client->main->link;
    if (link->pending_count > 0)
        return act_hastily(world, client);
    if (client->chat != NULL && link->phase == PHASE_CHAT && client->going == GOING_NOWHERE)
        return act_in_chat(world, client);
    if (client->chat == NULL && link->phase == PHASE_WAITING)
        return act_waiting(world, client);
    return client->chat == NULL && link->phase == PHASE_IDLE && !link->leave_asked && act_idle(world, client);
}
