/* secret.h - what is signed and hidden with the cluster's secret: resume tokens, topic hashes. */
#ifndef PASSERBY_SECRET_H
#define PASSERBY_SECRET_H

#include "passerby/types.h"

/* Derives the key from the operator's secret (HMAC-SHA-256 with a fixed label). */
void secret_derive(const char *secret, size_t length, uint8_t key[32]);

/* Writes a resume token (base64url) for these claims; returns its length. `out` needs MAX_TOKEN_CHARS. */
size_t secret_seal(const uint8_t key[32], const struct claims *claims, char *out);

/* Reads a token. Returns false if it was not sealed with this key, byte for byte. Takes the same time for every
 * token of the right length. The caller checks the age. */
bool secret_open(const uint8_t key[32], struct text token, struct claims *out) __attribute__((warn_unused_result));

/* Keyed hash of a folded topic; never 0. */
uint64_t secret_topic(const uint8_t key[32], struct text folded);

/* Keyed hash of a chat, as its people look for each other again; never 0. */
uint64_t secret_again(const uint8_t key[32], struct chat_id chat);

/* Keyed hash of a network address, which is not to be known outside of this process. */
uint64_t secret_address(const uint8_t key[32], uint64_t address);

#endif
