/* test_secret.c - resume tokens and topic hashes: what is sealed opens, and nothing else does. */
#include "passerby/secret.h"

#include "base/base64url.h"
#include "base/random.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdio.h>
#include <string.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

static const struct claims some = {
    .chat = {0x0102030405060708, 0xf1f2f3f4f5f6f7f8},
    .side = SIDE_CANDIDATE,
    .reliable = true,
    .peer_reliable = false,
    .person = 0x1111222233334444,
    .peer = 0x5555666677778888,
    .earlier = {1, 2, UINT64_MAX, 0},
    .born_ms = 1700000000123,
};

static void derive(const char *secret, uint8_t key[32]) {
    secret_derive(secret, strlen(secret), key);
}

static void assert_claims_equal(const struct claims *a, const struct claims *b) {
    assert_true(chat_id_equal(a->chat, b->chat));
    assert_int_equal(a->side, b->side);
    assert_int_equal(a->reliable, b->reliable);
    assert_int_equal(a->peer_reliable, b->peer_reliable);
    assert_int_equal(a->person, b->person);
    assert_int_equal(a->peer, b->peer);
    assert_memory_equal(a->earlier, b->earlier, sizeof a->earlier);
    assert_int_equal(a->born_ms, b->born_ms);
}

static void test_round_trips(void **state) {
    (void)state;
    uint8_t key[32];
    derive("secret", key);
    struct random random;
    random_init(&random, 11);
    for (int i = 0; i < 1000; i++) {
        struct claims in = {
            .chat = {random_u64(&random), random_u64(&random)},
            .side = random_below(&random, 2) == 0 ? SIDE_SEEKER : SIDE_CANDIDATE,
            .reliable = random_below(&random, 2) == 0,
            .peer_reliable = random_below(&random, 2) == 0,
            .person = random_u64(&random),
            .peer = random_u64(&random),
            .earlier = {random_u64(&random), random_u64(&random), random_u64(&random), random_u64(&random)},
            .born_ms = (int64_t)random_u64(&random),
        };
        struct claims out;
        char token[MAX_TOKEN_CHARS];
        size_t length = secret_seal(key, &in, token);
        assert_true(length <= MAX_TOKEN_CHARS);
        for (size_t c = 0; c < length; c++)
            assert_non_null(memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", token[c], 64));
        assert_true(secret_open(key, (struct text){token, length}, &out));
        assert_claims_equal(&in, &out);
    }
}

static void test_every_flipped_bit(void **state) {
    (void)state;
    uint8_t key[32];
    derive("secret", key);
    char token[MAX_TOKEN_CHARS];
    struct claims out;
    size_t length = secret_seal(key, &some, token);
    for (size_t i = 0; i < length; i++)
        for (int bit = 0; bit < 8; bit++) {
            token[i] = (char)(token[i] ^ (1 << bit));
            assert_false(secret_open(key, (struct text){token, length}, &out));
            token[i] = (char)(token[i] ^ (1 << bit));
        }
    assert_true(secret_open(key, (struct text){token, length}, &out));
}

/* The same for the bits inside the writing: each other character of the alphabet in each place. */
static void test_every_other_character(void **state) {
    (void)state;
    uint8_t key[32];
    derive("secret", key);
    char token[MAX_TOKEN_CHARS];
    struct claims out;
    size_t length = secret_seal(key, &some, token);
    for (size_t i = 0; i < length; i++) {
        char right = token[i];
        for (int c = 0; c < 256; c++) {
            token[i] = (char)c;
            assert_int_equal(secret_open(key, (struct text){token, length}, &out), (char)c == right);
        }
        token[i] = right;
    }
}

static void test_wrong_length(void **state) {
    (void)state;
    uint8_t key[32];
    derive("secret", key);
    char token[MAX_TOKEN_CHARS * 2];
    struct claims out;
    size_t right = secret_seal(key, &some, token);
    memset(token + right, 'A', sizeof token - right);
    for (size_t length = 0; length < sizeof token; length++)
        assert_int_equal(secret_open(key, (struct text){token, length}, &out), length == right);
}

static void test_other_keys(void **state) {
    (void)state;
    uint8_t key[32], other[32], again[32];
    derive("secret", key);
    derive("secret ", other);
    derive("secret", again);
    assert_memory_equal(key, again, sizeof key);
    assert_memory_not_equal(key, other, sizeof key);
    char token[MAX_TOKEN_CHARS];
    struct claims out;
    size_t length = secret_seal(key, &some, token);
    assert_false(secret_open(other, (struct text){token, length}, &out));
    assert_true(secret_open(again, (struct text){token, length}, &out));
}

/* A token is a promise to the clients of other versions: its bytes do not change unnoticed. */
static void test_layout(void **state) {
    (void)state;
    uint8_t key[32];
    derive("secret", key);
    char token[MAX_TOKEN_CHARS];
    uint8_t bytes[90];
    static const uint8_t body[74] = {
        1,    3,                                              /* version; candidate, reliable */
        0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,       /* chat */
        0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,       /* chat */
        0x11, 0x11, 0x22, 0x22, 0x33, 0x33, 0x44, 0x44,       /* person */
        0x55, 0x55, 0x66, 0x66, 0x77, 0x77, 0x88, 0x88,       /* the stranger's */
        0x00, 0x00, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x00 + 123, /* birth */
        0,    0,    0,    0,    0,    0,    0,    1,          /* the strangers before */
        0,    0,    0,    0,    0,    0,    0,    2,          /* the second last */
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,       /* the third last */
        0,    0,    0,    0,    0,    0,    0,    0,          /* nobody before */
    };
    assert_int_equal(secret_seal(key, &some, token), BASE64URL_CHARS(sizeof bytes));
    assert_true(base64url_decode(token, bytes, sizeof bytes));
    assert_memory_equal(bytes, body, sizeof body);
}

/* The first `count` bytes of HMAC-SHA-256. */
static void mac(const uint8_t key[32], const void *bytes, size_t length, uint8_t *out, size_t count) {
    uint8_t hash[32];
    unsigned int written = 0;
    assert_non_null(HMAC(EVP_sha256(), key, 32, bytes, length, hash, &written));
    assert_int_equal(written, sizeof hash);
    memcpy(out, hash, count);
}

/* A token of a later version, sealed with the right key, is not misread as one of this. */
static void test_other_versions(void **state) {
    (void)state;
    uint8_t key[32], bytes[90] = {0};
    char token[MAX_TOKEN_CHARS];
    struct claims out;
    derive("secret", key);
    for (int version = 0; version < 256; version++) {
        bytes[0] = (uint8_t)version;
        mac(key, bytes, 74, bytes + 74, 16);
        size_t length = base64url_encode(bytes, sizeof bytes, token);
        assert_int_equal(secret_open(key, (struct text){token, length}, &out), version == 1);
    }
}

/* No topic's hash is a part of a token's seal: what is hashed begins with another byte. */
static void test_topics_and_tokens_apart(void **state) {
    (void)state;
    uint8_t key[32], expected[8];
    derive("secret", key);
    mac(key, "tmusic", 6, expected, sizeof expected);
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof expected; i++)
        value = value << 8 | expected[i];
    assert_int_equal(secret_topic(key, (struct text){"music", 5}), value);
}

static uint64_t topic(const uint8_t key[32], const char *folded) {
    return secret_topic(key, (struct text){folded, strlen(folded)});
}

static void test_topics(void **state) {
    (void)state;
    uint8_t key[32], other[32];
    derive("secret", key);
    derive("another", other);
    assert_int_equal(topic(key, "music"), topic(key, "music"));
    assert_true(topic(key, "music") != topic(key, "musik"));
    assert_true(topic(key, "music") != topic(other, "music")); /* who reads the broker learns no topic by guessing */
    assert_true(topic(key, "") != 0);
    assert_true(secret_topic(key, (struct text){"a\0b", 3}) != secret_topic(key, (struct text){"a\0c", 3}));
    char name[20];
    for (int i = 0; i < 10000; i++) {
        (void)snprintf(name, sizeof name, "topic %d", i);
        assert_true(topic(key, name) != 0);
    }
}

/* The longest folded topics still differ in their last byte; one that is longer than any can be is no harm. */
static void test_long_topics(void **state) {
    (void)state;
    enum { LONGEST = MAX_TOPIC_CODE_POINTS * 3 * 4 };
    uint8_t key[32];
    derive("secret", key);
    char long_one[LONGEST + 100];
    memset(long_one, 'x', sizeof long_one);
    uint64_t longest = secret_topic(key, (struct text){long_one, LONGEST});
    long_one[LONGEST - 1] = 'y';
    assert_true(secret_topic(key, (struct text){long_one, LONGEST}) != longest);
    assert_true(secret_topic(key, (struct text){long_one, sizeof long_one}) != 0);
}

/* A chat is neither a topic nor a token, and another cluster's is another. */
static void test_again(void **state) {
    (void)state;
    uint8_t key[32], other[32], expected[8];
    static const char label[] = "g\1\2\3\4\5\6\7\x8\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8";
    derive("secret", key);
    derive("another", other);
    mac(key, label, sizeof label - 1, expected, sizeof expected);
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof expected; i++)
        value = value << 8 | expected[i];
    assert_int_equal(secret_again(key, some.chat), value);
    assert_true(secret_again(other, some.chat) != value);
    assert_true(secret_again(key, (struct chat_id){some.chat.low, some.chat.high}) != value);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_every_flipped_bit),
        cmocka_unit_test(test_every_other_character),
        cmocka_unit_test(test_wrong_length),
        cmocka_unit_test(test_other_keys),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_other_versions),
        cmocka_unit_test(test_topics_and_tokens_apart),
        cmocka_unit_test(test_topics),
        cmocka_unit_test(test_long_topics),
        cmocka_unit_test(test_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
