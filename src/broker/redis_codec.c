/* redis_codec.c - numbers, addresses, parties and tickets as bytes. */
#include "redis_codec.h"

#include <string.h>

#include "base/buffer.h"

enum { LENGTH_AT = 1 };

/* --- putting ------------------------------------------------------------------------------------------------------ */

static void put_bytes(struct buffer *out, uint64_t number, unsigned width) {
    char *at = buffer_reserve(out, width);
    for (unsigned i = 0; i < width; i++)
        at[i] = (char)(number >> 8 * (width - 1 - i) & 0xff);
    out->length += width;
}

void redis_put_letter(struct buffer *out, char letter) {
    buffer_append(out, &letter, 1);
}

void redis_put_flag(struct buffer *out, bool flag) {
    redis_put_letter(out, flag ? '1' : '0');
}

void redis_put_u32(struct buffer *out, uint32_t number) {
    put_bytes(out, number, sizeof number);
}

void redis_put_u64(struct buffer *out, uint64_t number) {
    put_bytes(out, number, sizeof number);
}

void redis_put_address(struct buffer *out, struct address at) {
    redis_put_u64(out, at.boot);
    redis_put_u32(out, at.slot);
    redis_put_u32(out, at.generation);
}

void redis_put_chat(struct buffer *out, struct chat_id chat) {
    redis_put_u64(out, chat.high);
    redis_put_u64(out, chat.low);
}

void redis_put_party(struct buffer *out, const struct party *who) {
    redis_put_address(out, who->at);
    redis_put_u64(out, who->person);
    redis_put_u64(out, who->fence);
    redis_put_flag(out, who->reliable);
}

static bool names(const uint64_t *numbers, size_t count, uint64_t number) {
    for (size_t i = 0; i < count; i++)
        if (numbers[i] == number)
            return true;
    return false;
}

/* Each once, and without zeros. */
static void put_list(struct buffer *out, const uint64_t *numbers, size_t count) {
    size_t length_at = out->length;
    uint8_t length = 0;
    put_bytes(out, 0, 1);
    for (size_t i = 0; i < count; i++) {
        if (numbers[i] == 0 || names(numbers, i, numbers[i]))
            continue;
        redis_put_u64(out, numbers[i]);
        length++;
    }
    out->bytes[length_at] = (char)length;
}

static uint64_t language_bits(const struct ticket *ticket) {
    uint64_t bits = 0;
    for (size_t i = 0; i < sizeof bits && ticket->language[i] != '\0'; i++)
        bits |= (uint64_t)(uint8_t)ticket->language[i] << (8 * i);
    return bits;
}

void redis_put_ticket(struct buffer *out, const struct ticket *ticket, bool all) {
    size_t begin = out->length;
    redis_put_letter(out, REDIS_TICKET_VERSION);
    put_bytes(out, 0, 2);
    redis_put_flag(out, ticket->relaxed);
    redis_put_flag(out, ticket->who.reliable);
    redis_put_flag(out, ticket->since_ms <= 0);
    redis_put_u64(out, ticket->since_ms > 0 ? (uint64_t)ticket->since_ms * 1000 : 0);
    redis_put_address(out, ticket->who.at);
    redis_put_u32(out, ticket->attempt);
    redis_put_u64(out, ticket->who.person);
    redis_put_u64(out, ticket->who.fence);
    redis_put_chat(out, ticket->chat);
    redis_put_u64(out, language_bits(ticket));
    put_list(out, ticket->topics.hash, ticket->topics.count);
    put_list(out, ticket->recent, all ? RECENT_STRANGERS : 0);
    size_t length = out->length - begin;
    out->bytes[begin + LENGTH_AT] = (char)(length >> 8);
    out->bytes[begin + LENGTH_AT + 1] = (char)(length & 0xff);
}

/* --- taking ------------------------------------------------------------------------------------------------------- */

static uint64_t take_bytes(struct redis_reader *reader, unsigned width) {
    uint64_t number = 0;
    if (reader->left < width) {
        reader->bad = true;
        reader->left = 0;
        return 0;
    }
    for (unsigned i = 0; i < width; i++)
        number = number << 8 | (uint8_t)reader->at[i];
    reader->at += width;
    reader->left -= width;
    return number;
}

char redis_take_letter(struct redis_reader *reader) {
    return (char)take_bytes(reader, 1);
}

bool redis_take_flag(struct redis_reader *reader) {
    return redis_take_letter(reader) == '1';
}

uint32_t redis_take_u32(struct redis_reader *reader) {
    return (uint32_t)take_bytes(reader, sizeof(uint32_t));
}

uint64_t redis_take_u64(struct redis_reader *reader) {
    return take_bytes(reader, sizeof(uint64_t));
}

struct address redis_take_address(struct redis_reader *reader) {
    struct address at;
    at.boot = redis_take_u64(reader);
    at.slot = redis_take_u32(reader);
    at.generation = redis_take_u32(reader);
    return at;
}

struct chat_id redis_take_chat(struct redis_reader *reader) {
    struct chat_id chat;
    chat.high = redis_take_u64(reader);
    chat.low = redis_take_u64(reader);
    return chat;
}

struct party redis_take_party(struct redis_reader *reader) {
    struct party who;
    who.at = redis_take_address(reader);
    who.person = redis_take_u64(reader);
    who.fence = redis_take_u64(reader);
    who.reliable = redis_take_flag(reader);
    return who;
}

static uint8_t take_list(struct redis_reader *reader, uint64_t *numbers, unsigned most) {
    uint8_t count = (uint8_t)take_bytes(reader, 1);
    if (count > most) {
        reader->bad = true;
        return 0;
    }
    for (unsigned i = 0; i < count; i++)
        numbers[i] = redis_take_u64(reader);
    return count;
}

static struct ticket take_fields(struct redis_reader *reader) {
    struct ticket ticket = {.relaxed = redis_take_flag(reader)};
    ticket.who.reliable = redis_take_flag(reader);
    redis_take_flag(reader); /* since_ms of 0 says the same */
    ticket.since_ms = (int64_t)(redis_take_u64(reader) / 1000);
    ticket.who.at = redis_take_address(reader);
    ticket.attempt = redis_take_u32(reader);
    ticket.who.person = redis_take_u64(reader);
    ticket.who.fence = redis_take_u64(reader);
    ticket.chat = redis_take_chat(reader);
    uint64_t language = redis_take_u64(reader);
    for (size_t i = 0; i < MAX_LANGUAGE_BYTES; i++)
        ticket.language[i] = (char)(language >> (8 * i) & 0xff);
    ticket.topics.count = take_list(reader, ticket.topics.hash, MAX_TOPICS);
    take_list(reader, ticket.recent, RECENT_STRANGERS);
    return ticket;
}

struct ticket redis_take_ticket(struct redis_reader *reader) {
    struct redis_reader inside = *reader;
    char version = redis_take_letter(&inside);
    size_t length = take_bytes(&inside, 2);
    size_t head = reader->left - inside.left;
    if (inside.bad || length < head || length > reader->left) {
        *reader = (struct redis_reader){.at = reader->at + reader->left, .bad = true};
        return (struct ticket){0};
    }
    inside.left = length - head;
    struct ticket ticket = take_fields(&inside);
    reader->bad |= inside.bad || version != REDIS_TICKET_VERSION;
    reader->at += length;
    reader->left -= length;
    return ticket;
}
