/* body.h - the bodies that model clients say: each can be made again from its key, so that nobody needs to keep it. */
#ifndef SIM_BODY_H
#define SIM_BODY_H

#include "passerby/types.h"

struct buffer;

/* Which message a body is: the number-th of one side of one chat. */
struct body_key {
    uint32_t chat; /* the checker's number of the chat */
    uint32_t side; /* the speaker's place in struct chat.member */
    uint64_t number;
    uint32_t max_bytes; /* the longest body allowed; at least 64 */
};

/* Appends the body as it is. */
void body_plain(const struct body_key *key, struct buffer *out);
/* Appends it as a JSON string, with its quotes. */
void body_json(const struct body_key *key, struct buffer *out);
/* Reads chat, side and number from the front of a body; false if it was not made here. */
bool body_read(struct text body, struct body_key *out) __attribute__((warn_unused_result));

#endif
