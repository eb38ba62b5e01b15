/* redis_codec.h - numbers, addresses, parties and tickets as the bytes that scripts and inboxes carry. Pure.
 *
 * Everything has a fixed width, and numbers have their most significant byte first; the .lua files say what stands
 * where (ticket.lua, chat.lua), as they cut it out by position.
 * Extending: what is new in a ticket goes behind the rest, within its length: older versions don't look there.
 *            Whatever changes the meaning of the rest needs another REDIS_TICKET_VERSION. */
#ifndef BROKER_REDIS_CODEC_H
#define BROKER_REDIS_CODEC_H

#include "passerby/types.h"

struct buffer;

enum { REDIS_TICKET_VERSION = '1' };

/* Each appends. */
void redis_put_letter(struct buffer *out, char letter);
void redis_put_flag(struct buffer *out, bool flag);            /* '0' or '1' */
void redis_put_u32(struct buffer *out, uint32_t number);       /* 4 bytes */
void redis_put_u64(struct buffer *out, uint64_t number);       /* 8 */
void redis_put_address(struct buffer *out, struct address at); /* 16: boot, slot, generation */
void redis_put_chat(struct buffer *out, struct chat_id chat);
void redis_put_party(struct buffer *out, const struct party *who);                /* 33 */
void redis_put_ticket(struct buffer *out, const struct ticket *ticket, bool all); /* `all`: with recent strangers */

/* Reads bytes that somebody else owns. */
struct redis_reader {
    const char *at;
    size_t left;
    bool bad; /* something was not there, or not what it should be: nothing taken since is good */
};

char redis_take_letter(struct redis_reader *reader);
bool redis_take_flag(struct redis_reader *reader);
uint32_t redis_take_u32(struct redis_reader *reader);
uint64_t redis_take_u64(struct redis_reader *reader);
struct address redis_take_address(struct redis_reader *reader);
struct chat_id redis_take_chat(struct redis_reader *reader);
struct party redis_take_party(struct redis_reader *reader);
/* Of another version: bad, but the reader stands behind it. */
struct ticket redis_take_ticket(struct redis_reader *reader);

#endif
