/* test_redis_codec.c - tickets, parties and addresses as bytes: there and back, and garbage refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "redis_codec.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

/* Where ticket.lua looks, counted from 0. */
enum { FLAGS_AT = 3, SINCE_AT = 6, PLACE_AT = 14, ATTEMPT_AT = 30, PERSON_AT = 34, LANGUAGE_AT = 66, TOPICS_AT = 74 };

static struct ticket random_ticket(struct random *random) {
    struct ticket ticket = {
        .who = {.at = {random_u64(random), (uint32_t)random_u64(random), (uint32_t)random_below(random, 9)},
                .person = random_u64(random),
                .fence = random_u64(random),
                .reliable = random_below(random, 2) == 0},
        .attempt = (uint32_t)random_u64(random),
        .relaxed = random_below(random, 2) == 0,
        .chat = {random_u64(random), random_below(random, 9)},
        .since_ms = (int64_t)random_below(random, 2000000000000),
        .topics.count = (uint8_t)random_below(random, MAX_TOPICS + 1),
    };
    for (unsigned i = 0; i < ticket.topics.count; i++)
        ticket.topics.hash[i] = random_u64(random) | 1;
    for (uint64_t i = random_below(random, RECENT_STRANGERS + 1); i > 0; i--)
        ticket.recent[i - 1] = random_u64(random) | 1;
    for (uint64_t i = random_below(random, MAX_LANGUAGE_BYTES + 1); i > 0; i--)
        ticket.language[i - 1] = (char)('a' + random_below(random, 26));
    return ticket;
}

static void assert_same(const struct ticket *is, const struct ticket *should_be) {
    assert_true(address_equal(is->who.at, should_be->who.at));
    assert_int_equal(is->who.person, should_be->who.person);
    assert_int_equal(is->who.fence, should_be->who.fence);
    assert_int_equal(is->who.reliable, should_be->who.reliable);
    assert_int_equal(is->attempt, should_be->attempt);
    assert_int_equal(is->relaxed, should_be->relaxed);
    assert_true(chat_id_equal(is->chat, should_be->chat));
    assert_int_equal(is->since_ms, should_be->since_ms);
    assert_int_equal(is->topics.count, should_be->topics.count);
    assert_memory_equal(is->topics.hash, should_be->topics.hash, sizeof is->topics.hash);
    assert_string_equal(is->language, should_be->language);
}

static struct redis_reader reader_of(const struct buffer *buffer) {
    return (struct redis_reader){.at = buffer->bytes, .left = buffer->length};
}

static void test_tickets(void **state) {
    (void)state;
    static const uint64_t none[RECENT_STRANGERS];
    struct random random;
    random_init(&random, 1);
    for (int i = 0; i < 2000; i++) {
        struct ticket ticket = random_ticket(&random);
        bool all = random_below(&random, 2) == 0;
        struct buffer out = {0};
        redis_put_ticket(&out, &ticket, all);
        struct redis_reader reader = reader_of(&out);
        struct ticket taken = redis_take_ticket(&reader);
        assert_false(reader.bad);
        assert_int_equal(reader.left, 0);
        assert_same(&taken, &ticket);
        assert_memory_equal(taken.recent, all ? ticket.recent : none, sizeof none);
        buffer_fini(&out);
    }
}

/* Numbers have their most significant byte first, so that the line sorts them. */
static void test_what_the_scripts_cut_out(void **state) {
    (void)state;
    struct ticket ticket = {
        .who = {.at = {0x0102030405060708, 0x090a0b0c, 0x0d0e0f10}, .person = 0x1112131415161718, .reliable = true},
        .attempt = 0x191a1b1c,
        .since_ms = 1,
        .topics = {{0x2122232425262728}, 1},
        .language = "en",
    };
    struct buffer out = {0};
    redis_put_ticket(&out, &ticket, true);
    const char *at = out.bytes;
    assert_int_equal(at[0], '1');
    assert_int_equal(at[1] << 8 | at[2], (int)out.length);
    assert_memory_equal(at + SINCE_AT, "\0\0\0\0\0\0\3\xe8", 8);
    assert_memory_equal(at + PLACE_AT, "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20", 16);
    assert_memory_equal(at + ATTEMPT_AT, "\x19\x1a\x1b\x1c", 4);
    assert_memory_equal(at + PERSON_AT, "\x11\x12\x13\x14\x15\x16\x17\x18", 8);
    assert_memory_equal(at + FLAGS_AT, "010", 3);
    assert_memory_equal(at + LANGUAGE_AT, "\0\0\0\0\0\0ne", 8);
    assert_memory_equal(at + TOPICS_AT, "\1\x21\x22\x23\x24\x25\x26\x27\x28\0", 10);
    buffer_fini(&out);
}

/* Whatever is cut off: no ticket, and nothing is read behind the end. */
static void test_cut_short(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 2);
    struct ticket ticket = random_ticket(&random);
    struct buffer out = {0};
    redis_put_ticket(&out, &ticket, true);
    for (size_t length = 0; length < out.length; length++) {
        char *copy = memory_copy(out.bytes, length);
        struct redis_reader reader = {.at = copy, .left = length};
        (void)redis_take_ticket(&reader);
        assert_true(reader.bad);
        free(copy);
    }
    buffer_fini(&out);
}

static void test_versions(void **state) {
    (void)state;
    struct ticket ticket = {.who.at = {1, 2, 3}, .who.person = 4};
    struct buffer out = {0};
    redis_put_ticket(&out, &ticket, true);
    size_t length = out.length;
    buffer_append(&out, "newer", 5);
    out.bytes[2] = (char)(length + 5);
    buffer_append(&out, "x", 1); /* the next record */
    struct redis_reader reader = reader_of(&out);
    struct ticket taken = redis_take_ticket(&reader);
    assert_false(reader.bad);
    assert_int_equal(taken.who.person, 4);
    assert_int_equal(redis_take_letter(&reader), 'x');

    out.bytes[0] = '2';
    reader = reader_of(&out);
    (void)redis_take_ticket(&reader);
    assert_true(reader.bad);
    assert_int_equal(reader.left, 1);
    out.bytes[0] = '1';
    static const size_t lengths[] = {0, 2, 20, 1000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        out.bytes[1] = (char)(lengths[i] >> 8);
        out.bytes[2] = (char)lengths[i];
        reader = reader_of(&out);
        (void)redis_take_ticket(&reader);
        assert_true(reader.bad);
    }
    buffer_fini(&out);
}

static void test_lists_are_bounded(void **state) {
    (void)state;
    struct ticket ticket = {.topics = {{1, 2, 3, 4, 5, 6, 7, 8}, MAX_TOPICS}, .recent = {1, 2, 3, 4, 5}};
    struct buffer out = {0};
    redis_put_ticket(&out, &ticket, true);
    out.bytes[TOPICS_AT] = MAX_TOPICS + 1;
    struct redis_reader reader = reader_of(&out);
    (void)redis_take_ticket(&reader);
    assert_true(reader.bad);
    out.bytes[TOPICS_AT] = MAX_TOPICS;
    out.bytes[TOPICS_AT + 1 + 8 * MAX_TOPICS] = RECENT_STRANGERS + 1;
    reader = reader_of(&out);
    (void)redis_take_ticket(&reader);
    assert_true(reader.bad);
    buffer_fini(&out);
}

static void test_parties_and_chats(void **state) {
    (void)state;
    struct party party = {.at = {UINT64_MAX, 7, UINT32_MAX}, .person = 5, .fence = UINT64_MAX, .reliable = true};
    struct chat_id chat = {0xfedcba9876543210, 1};
    struct buffer out = {0};
    redis_put_party(&out, &party);
    assert_int_equal(out.length, 33);
    redis_put_chat(&out, chat);
    assert_int_equal(out.length, 49);
    assert_memory_equal(out.bytes + 33, "\xfe\xdc\xba\x98\x76\x54\x32\x10\0\0\0\0\0\0\0\1", 16);
    struct redis_reader reader = reader_of(&out);
    struct party taken = redis_take_party(&reader);
    assert_true(address_equal(taken.at, party.at));
    assert_int_equal(taken.person, party.person);
    assert_int_equal(taken.fence, party.fence);
    assert_true(taken.reliable);
    assert_true(chat_id_equal(redis_take_chat(&reader), chat));
    assert_false(reader.bad);
    out.length--;
    reader = reader_of(&out);
    redis_take_party(&reader);
    redis_take_chat(&reader);
    assert_true(reader.bad);
    buffer_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tickets),           cmocka_unit_test(test_what_the_scripts_cut_out),
        cmocka_unit_test(test_cut_short),         cmocka_unit_test(test_versions),
        cmocka_unit_test(test_lists_are_bounded), cmocka_unit_test(test_parties_and_chats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
