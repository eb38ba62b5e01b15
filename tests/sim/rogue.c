/* rogue.c - random commands in any state, broken frames, floods, borrowed tokens. */
#include "rogue.h"

#include <string.h>

#include "wish.h"

#include "base/buffer.h"

enum { FLOOD = 60 };

static const struct garbage rubbish[] = {
    {"", ERROR_BAD_JSON},
    {"{", ERROR_BAD_JSON},
    {"[]", ERROR_BAD_JSON},
    {"null", ERROR_BAD_JSON},
    {"{\"t\":\"leave\"} ,", ERROR_BAD_JSON},
    {"{\"t\":\"leave\" \"x\":1}", ERROR_BAD_JSON},
    {"{\"t\":\"msg\",\"body\":\"\\ud800\"}", ERROR_BAD_JSON},
    {"{}", ERROR_BAD_TYPE},
    {"{\"t\":\"dance\"}", ERROR_BAD_TYPE},
    {"{\"t\":\"hello\"}", ERROR_BAD_TYPE},
    {"{\"t\":\"find\",\"topics\":\"music\"}", ERROR_BAD_FIELD},
    {"{\"t\":\"find\",\"topics\":[\"\"]}", ERROR_BAD_FIELD},
    {"{\"t\":\"find\",\"topics\":[1]}", ERROR_BAD_FIELD},
    {"{\"t\":\"find\",\"lang\":7}", ERROR_BAD_FIELD},
    {"{\"t\":\"find\",\"reliable\":\"yes\"}", ERROR_BAD_FIELD},
    {"{\"t\":\"msg\",\"seq\":1}", ERROR_BAD_FIELD},
    {"{\"t\":\"msg\",\"seq\":0,\"body\":\"x\"}", ERROR_BAD_FIELD},
    {"{\"t\":\"msg\",\"seq\":1.5,\"body\":\"x\"}", ERROR_BAD_FIELD},
    {"{\"t\":\"msg\",\"seq\":9007199254740992,\"body\":\"x\"}", ERROR_BAD_FIELD},
    {"{\"t\":\"msg\",\"seq\":1,\"body\":\"\"}", ERROR_BAD_FIELD},
    {"{\"t\":\"ack\"}", ERROR_BAD_FIELD},
    {"{\"t\":\"ack\",\"seq\":-1}", ERROR_BAD_FIELD},
    {"{\"t\":\"typing\",\"on\":1}", ERROR_BAD_FIELD},
    {"{\"t\":\"resume\"}", ERROR_BAD_FIELD},
    {"{\"t\":\"resume\",\"token\":{}}", ERROR_BAD_FIELD},
};

const struct garbage *rogue_garbage(struct world *world) {
    return &rubbish[world_below(world, sizeof rubbish / sizeof rubbish[0])];
}

void rogue_hear(struct world *world, struct pipe *pipe, const struct heard *heard) {
    struct client *client = pipe->client;
    if ((heard->kind == SERVER_MATCHED || heard->kind == SERVER_RESUMED) && heard->resume.length <= MAX_TOKEN_CHARS) {
        client->token.length = (uint16_t)heard->resume.length;
        memcpy(client->token.at, heard->resume.at, heard->resume.length);
        client->old[world_below(world, OLD_TOKENS)] = client->token;
        client->next_seq = 1;
    }
}

static void say(struct world *world, struct client *client, const struct buffer *text) {
    pipe_say(world, client->main, text->bytes, text->length);
}

/* Flips, drops or doubles bytes. What comes out is valid UTF-8, as it is behind the transport. */
static void mutate(struct world *world, struct buffer *text) {
    for (uint64_t left = 1 + world_below(world, 3); left > 0 && text->length > 1; left--) {
        size_t at = (size_t)world_below(world, text->length);
        switch (world_below(world, 3)) {
        case 0: text->bytes[at] = (char)(' ' + world_below(world, 95)); break;
        case 1:
            memmove(text->bytes + at, text->bytes + at + 1, text->length - at - 1);
            text->length--;
            break;
        default: text->length = at + 1;
        }
    }
}

/* A token of its own, of another rogue, or one that nobody ever sealed. */
static void borrow_token(struct world *world, struct buffer *text) {
    struct client *from = &world->clients[world_below(world, world->climate.rogues)];
    struct token token = from->old[world_below(world, OLD_TOKENS)];
    if (token.length > 0 && world_chance(world, 4)) {
        char letter = (char)('A' + world_below(world, 26));
        token.at[world_below(world, token.length)] = letter;
    }
    buffer_printf(text, "{\"t\":\"resume\",\"token\":\"%.*s\"}", (int)token.length, token.at);
}

static void compose(struct world *world, struct client *client, struct buffer *text) {
    unsigned long long number = world_chance(world, 8) ? world_below(world, 40) : client->next_seq;
    struct criteria criteria = wish_criteria(world, client);
    switch (world_below(world, 10)) {
    case 0:
    case 1: wish_find(&criteria, &client->last, text); break;
    case 2: buffer_string(text, "{\"t\":\"leave\"}"); break;
    case 3: borrow_token(world, text); break;
    case 4: buffer_printf(text, "{\"t\":\"ack\",\"seq\":%llu}", number); break;
    case 5: buffer_printf(text, "{\"t\":\"typing\",\"on\":%s}", number % 2 == 0 ? "true" : "false"); break;
    case 6: buffer_string(text, "{\"t\":\"msg\",\"body\":\"rogue\"}"); break;
    default:
        client->next_seq = number + 1;
        buffer_printf(text, "{\"t\":\"msg\",\"seq\":%llu,\"body\":\"rogue %llu\"}", number, number);
    }
}

void rogue_act(struct world *world, struct client *client) {
    if (world_chance(world, 40)) {
        client_lose_connection(world, client);
        return;
    }
    if (world_chance(world, 100))
        pipe_stall(world, client->main, world->now_us + (int64_t)world_below(world, 20 * SECOND_US));
    struct buffer text = {0};
    uint64_t times = world_chance(world, 60) ? FLOOD : 1;
    while (times-- > 0) {
        buffer_clear(&text);
        if (world_chance(world, 30))
            buffer_string(&text, rogue_garbage(world)->text);
        else
            compose(world, client, &text);
        if (world_chance(world, 20))
            mutate(world, &text);
        say(world, client, &text);
    }
    buffer_fini(&text);
}
