/* secret.c - resume tokens and topic hashes, by HMAC-SHA-256 (RFC 2104, FIPS 180-4).
 *
 * A token is 90 bytes in base64url, integers in big-endian order:
 *   0 version (1) | 1 flags: 1 side, 2 reliable, 4 the stranger is | 2 chat (16) | 18 person (8) | 26 the stranger's
 *   (8) | 34 birth (8) | 42 the strangers before (4 x 8) | 74 the first 16 bytes of the HMAC over all before (RFC
 *   2104 section 5 allows half)
 *
 * Nothing in it is secret; that nobody else can write one is all it promises. */
#include "passerby/secret.h"

#include <assert.h>
#include <string.h>

#include "base/base64url.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum {
    KEY_BYTES = 32,
    HASH_BYTES = 32,
    VERSION = 1,
    EARLIER = RECENT_STRANGERS - 1,
    EARLIER_AT = 42,
    BODY_BYTES = EARLIER_AT + 8 * EARLIER,
    MAC_BYTES = 16,
    TOKEN_BYTES = BODY_BYTES + MAC_BYTES,
    TOKEN_CHARS = BASE64URL_CHARS(TOKEN_BYTES),
    TOPIC_BYTES = 1024, /* 32 code points folded are far shorter */
    FLAG_CANDIDATE = 1,
    FLAG_RELIABLE = 2,
    FLAG_PEER_RELIABLE = 4,
};

static_assert((int)TOKEN_CHARS <= (int)MAX_TOKEN_CHARS, "a token fits");

static void hmac(const void *key, size_t key_length, const void *bytes, size_t length, uint8_t out[HASH_BYTES]) {
    unsigned int written = 0;
    const unsigned char *done = HMAC(EVP_sha256(), key, (int)key_length, bytes, length, out, &written);
    assert(done != NULL && written == HASH_BYTES);
    (void)done;
}

static void put_u64(uint8_t *at, uint64_t value) {
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> (56 - 8 * i));
}

static uint64_t get_u64(const uint8_t *at) {
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | at[i];
    return value;
}

void secret_derive(const char *secret, size_t length, uint8_t key[KEY_BYTES]) {
    static const char label[] = "passerby.v1 key";
    hmac(secret, length, label, sizeof label - 1, key);
}

/* What is hashed begins with a byte that tells what it is: VERSION for a token, a letter for the others. */
static void token_mac(const uint8_t key[KEY_BYTES], const uint8_t body[BODY_BYTES], uint8_t mac[MAC_BYTES]) {
    uint8_t hash[HASH_BYTES];
    hmac(key, KEY_BYTES, body, BODY_BYTES, hash);
    memcpy(mac, hash, MAC_BYTES);
}

size_t secret_seal(const uint8_t key[KEY_BYTES], const struct claims *claims, char *out) {
    uint8_t token[TOKEN_BYTES];
    token[0] = VERSION;
    token[1] = (uint8_t)((claims->side == SIDE_CANDIDATE ? FLAG_CANDIDATE : 0) |
                         (claims->reliable ? FLAG_RELIABLE : 0) | (claims->peer_reliable ? FLAG_PEER_RELIABLE : 0));
    put_u64(token + 2, claims->chat.high);
    put_u64(token + 10, claims->chat.low);
    put_u64(token + 18, claims->person);
    put_u64(token + 26, claims->peer);
    put_u64(token + 34, (uint64_t)claims->born_ms);
    for (int i = 0; i < EARLIER; i++)
        put_u64(token + EARLIER_AT + 8 * i, claims->earlier[i]);
    token_mac(key, token, token + BODY_BYTES);
    return base64url_encode(token, sizeof token, out);
}

bool secret_open(const uint8_t key[KEY_BYTES], struct text token, struct claims *out) {
    uint8_t bytes[TOKEN_BYTES];
    uint8_t mac[MAC_BYTES];
    if (token.length != TOKEN_CHARS || !base64url_decode(token.at, bytes, sizeof bytes))
        return false;
    token_mac(key, bytes, mac);
    if (CRYPTO_memcmp(mac, bytes + BODY_BYTES, MAC_BYTES) != 0 || bytes[0] != VERSION)
        return false;
    *out = (struct claims){
        .chat = {get_u64(bytes + 2), get_u64(bytes + 10)},
        .side = (bytes[1] & FLAG_CANDIDATE) != 0 ? SIDE_CANDIDATE : SIDE_SEEKER,
        .reliable = (bytes[1] & FLAG_RELIABLE) != 0,
        .peer_reliable = (bytes[1] & FLAG_PEER_RELIABLE) != 0,
        .person = get_u64(bytes + 18),
        .peer = get_u64(bytes + 26),
        .born_ms = (int64_t)get_u64(bytes + 34),
    };
    for (int i = 0; i < EARLIER; i++)
        out->earlier[i] = get_u64(bytes + EARLIER_AT + 8 * i);
    return true;
}

uint64_t secret_topic(const uint8_t key[KEY_BYTES], struct text folded) {
    uint8_t bytes[1 + TOPIC_BYTES];
    uint8_t hash[HASH_BYTES];
    size_t length = folded.length < sizeof bytes - 1 ? folded.length : sizeof bytes - 1;
    bytes[0] = 't';
    memcpy(bytes + 1, folded.at, length);
    hmac(key, KEY_BYTES, bytes, 1 + length, hash);
    uint64_t value = get_u64(hash);
    return value != 0 ? value : 1;
}

uint64_t secret_again(const uint8_t key[32], struct chat_id chat) {
    uint8_t bytes[17] = {'g'};
    uint8_t hash[HASH_BYTES];
    put_u64(bytes + 1, chat.high);
    put_u64(bytes + 9, chat.low);
    hmac(key, KEY_BYTES, bytes, sizeof bytes, hash);
    uint64_t value = get_u64(hash);
    return value != 0 ? value : 1;
}

uint64_t secret_address(const uint8_t key[KEY_BYTES], uint64_t address) {
    uint8_t bytes[9] = {'a'};
    uint8_t hash[HASH_BYTES];
    put_u64(bytes + 1, address);
    hmac(key, KEY_BYTES, bytes, sizeof bytes, hash);
    return get_u64(hash);
}
