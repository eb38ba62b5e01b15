/* test_envelope.c - node-to-node frames: the layout byte by byte, packs of random ones, and damage of every kind. */
#include "passerby/wire.h"

#include "random_text.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Where these are in `msg_frame`, of which all numbers are great, and in a frame of zeros. */
enum {
    VERSION_AT = 1,
    KIND_AT = 2,
    SIDE_AT = 53,
    PAYLOAD_AT = 64,
    PAYLOAD_AT_OF_ZEROS = 41,
};

#define PEER_KIND(name, number, text) PEER_##name,
static const enum peer_kind kinds[] = {PEER_ROWS(PEER_KIND)};
#undef PEER_KIND
enum { KINDS = sizeof kinds / sizeof *kinds };

static const struct peer_frame msg_frame = {
    .kind = PEER_MSG,
    .to = {UINT64_C(0x1122334455667788), 0x01020304, 0x05060708},
    .from = {UINT64_C(0x8877665544332211), 0xa1a2a3a4, 0xa5a6a7a8},
    .chat = {UINT64_C(0x0001020304050607), UINT64_C(0x08090a0b0c0d0e0f)},
    .side = SIDE_CANDIDATE,
    .fence = UINT64_C(0xf1f2f3f4f5f6f7f8),
    .msg = {.seq = UINT64_C(0x001f010203040506), .reliable = true, .body = {"h\0\xc3\xa9", 4}},
};

static bool text_equal(struct text a, struct text b) {
    return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

static bool payload_equal(const struct peer_frame *a, const struct peer_frame *b) {
    switch (a->kind) {
    case PEER_MSG:
        return a->msg.seq == b->msg.seq && a->msg.reliable == b->msg.reliable && text_equal(a->msg.body, b->msg.body);
    case PEER_ACK: return a->ack.seq == b->ack.seq;
    case PEER_TYPING: return a->typing.on == b->typing.on;
    case PEER_AWAY: return a->away.grace_ms == b->away.grace_ms;
    case PEER_SYNC:
    case PEER_STATE: return a->state.here == b->state.here && a->state.grace_ms == b->state.grace_ms;
    case PEER_MOVED: return a->moved.here == b->moved.here;
    case PEER_ENDED: return a->ended.how.cause == b->ended.how.cause && a->ended.how.side == b->ended.how.side;
    default: return true;
    }
}

static void assert_frame_equal(const struct peer_frame *a, const struct peer_frame *b) {
    assert_int_equal(a->kind, b->kind);
    assert_true(address_equal(a->to, b->to));
    assert_true(address_equal(a->from, b->from));
    assert_true(chat_id_equal(a->chat, b->chat));
    assert_int_equal(a->side, b->side);
    assert_int_equal(a->fence, b->fence);
    assert_true(payload_equal(a, b));
}

/* The next envelope of a copy that ends where its memory ends, so that ASan sees a read behind it. The frame's texts are
 * compared with nothing after this: they go with the copy. */
static enum wire_envelope_result next_of(const char *bytes, size_t length, size_t *taken) {
    char *exact = memory_resize(NULL, length, 1);
    if (length > 0)
        memcpy(exact, bytes, length);
    const char *at = exact;
    size_t left = length;
    struct peer_frame frame;
    struct buffer again = {0};
    enum wire_envelope_result result = wire_envelope_next(&at, &left, &frame);
    *taken = length - left;
    assert_int_equal(at - exact, *taken);
    if (result == ENVELOPE_FRAME) { /* what is good can be said again, and means the same */
        wire_envelope_encode(&frame, &again);
        const char *again_at = again.bytes;
        struct peer_frame second;
        assert_int_equal(wire_envelope_next(&again_at, &again.length, &second), ENVELOPE_FRAME);
        assert_frame_equal(&second, &frame);
    }
    buffer_fini(&again);
    free(exact);
    return result;
}

static void assert_next(const struct buffer *pack, enum wire_envelope_result expected, size_t expected_taken) {
    size_t taken;
    assert_int_equal(next_of(pack->bytes, pack->length, &taken), expected);
    assert_int_equal(taken, expected_taken);
}

/* A change of this test is a change of the protocol between nodes of different versions. */
static void test_layout(void **state) {
    (void)state;
    static const unsigned char expected[] = {
        0x4d,                                                       /* length */
        0x02, 0x01,                                                 /* version, kind */
        0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,             /* to: boot */
        0x84, 0x86, 0x88, 0x08, 0x88, 0x8e, 0x98, 0x28,             /* slot, generation */
        0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,             /* from: boot */
        0xa4, 0xc7, 0x8a, 0x8d, 0x0a, 0xa8, 0xcf, 0x9a, 0xad, 0x0a, /* slot, generation */
        0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, 0x00,             /* chat: high */
        0x0f, 0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08,             /* low */
        0x01,                                                       /* side */
        0xf8, 0xef, 0xdb, 0xaf, 0xcf, 0xfe, 0xbc, 0xf9, 0xf1, 0x01, /* fence */
        0x86, 0x8a, 0x90, 0x98, 0xa0, 0xa0, 0xc0, 0x0f,             /* seq */
        0x01,                                                       /* reliable */
        4,    'h',  0,    0xc3, 0xa9,                               /* body */
    };
    struct buffer pack = {0};
    wire_envelope_encode(&msg_frame, &pack);
    assert_int_equal(pack.length, sizeof expected);
    assert_memory_equal(pack.bytes, expected, sizeof expected);
    const char *at = pack.bytes;
    size_t left = pack.length;
    struct peer_frame frame;
    assert_int_equal(wire_envelope_next(&at, &left, &frame), ENVELOPE_FRAME);
    assert_frame_equal(&frame, &msg_frame);
    assert_int_equal(wire_envelope_next(&at, &left, &frame), ENVELOPE_END);
    buffer_fini(&pack);
}

static void test_payload_sizes(void **state) {
    (void)state;
    static const struct {
        struct peer_frame frame;
        size_t payload;
    } rows[] = {
        {{.kind = PEER_ACK, .ack = {MAX_SEQ}}, 8},
        {{.kind = PEER_TYPING, .typing = {true}}, 1},
        {{.kind = PEER_AWAY, .away = {1}}, 1},
        {{.kind = PEER_REBOUND}, 0},
        {{.kind = PEER_STATE, .state = {true, 1}}, 2},
        {{.kind = PEER_ENDED, .ended = {{END_LOST, SIDE_CANDIDATE}}}, 2},
        {{.kind = PEER_MOVED, .moved = {true}}, 1},
        {{.kind = PEER_GONE}, 0},
        {{.kind = PEER_SYNC, .state = {true, 128}}, 3},
        {{.kind = PEER_DECLINE}, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer pack = {0};
        wire_envelope_encode(&rows[i].frame, &pack);
        assert_int_equal(pack.length, PAYLOAD_AT_OF_ZEROS + rows[i].payload);
        assert_int_equal(pack.bytes[KIND_AT], rows[i].frame.kind);
        assert_next(&pack, ENVELOPE_FRAME, pack.length);
        buffer_fini(&pack);
    }
}

/* --- random packs ---------------------------------------------------------------------------------------------------- */

static struct address random_address(struct random *random) {
    return (struct address){random_u64(random), (uint32_t)random_u64(random), (uint32_t)random_u64(random)};
}

static struct peer_frame random_frame(struct random *random, struct buffer *body) {
    struct peer_frame frame = {
        .kind = kinds[random_below(random, KINDS)],
        .to = random_address(random),
        .from = random_address(random),
        .chat = {random_u64(random), random_u64(random)},
        .side = (enum side)random_below(random, 2),
        .fence = random_up_to(random, UINT64_MAX),
    };
    switch (frame.kind) {
    case PEER_MSG:
        random_text(random, 1 + random_below(random, 100), body);
        frame.msg.seq = 1 + random_up_to(random, MAX_SEQ - 1);
        frame.msg.body = (struct text){body->bytes, body->length};
        frame.msg.reliable = random_below(random, 2) == 0;
        break;
    case PEER_ACK: frame.ack.seq = random_up_to(random, MAX_SEQ); break;
    case PEER_TYPING: frame.typing.on = random_below(random, 2) == 0; break;
    case PEER_AWAY: frame.away.grace_ms = (uint32_t)random_u64(random); break;
    case PEER_SYNC:
    case PEER_STATE:
        frame.state.here = random_below(random, 2) == 0;
        frame.state.grace_ms = (uint32_t)random_u64(random);
        break;
    case PEER_MOVED: frame.moved.here = random_below(random, 2) == 0; break;
    case PEER_ENDED:
        frame.ended.how.cause = (enum end_cause)(END_LEFT + random_below(random, END_EXPIRED));
        frame.ended.how.side = (enum side)random_below(random, 2);
        break;
    default: break;
    }
    return frame;
}

enum { PACKED = 12 };

static void test_random_packs(void **state) {
    (void)state;
    struct random random;
    struct buffer pack = {0}, bodies[PACKED] = {0};
    struct peer_frame frames[PACKED], frame;
    random_init(&random, 5);
    for (int round = 0; round < 3000; round++) {
        buffer_clear(&pack);
        uint64_t count = random_below(&random, PACKED + 1);
        for (uint64_t i = 0; i < count; i++) {
            frames[i] = random_frame(&random, &bodies[i]);
            wire_envelope_encode(&frames[i], &pack);
        }
        const char *at = pack.bytes;
        size_t left = pack.length;
        for (uint64_t i = 0; i < count; i++) {
            assert_int_equal(wire_envelope_next(&at, &left, &frame), ENVELOPE_FRAME);
            assert_frame_equal(&frame, &frames[i]);
        }
        assert_int_equal(wire_envelope_next(&at, &left, &frame), ENVELOPE_END);
    }
    for (int i = 0; i < PACKED; i++)
        buffer_fini(&bodies[i]);
    buffer_fini(&pack);
}

/* --- damage ---------------------------------------------------------------------------------------------------------- */

/* How many bytes of an envelope say its length. */
static size_t label_of(const struct buffer *pack) {
    size_t size = 1;
    while ((pack->bytes[size - 1] & 0x80) != 0)
        size++;
    return size;
}

/* What is to follow a length, with that in front. */
static void label(const void *rest, size_t length, struct buffer *out) {
    buffer_clear(out);
    size_t left = length;
    for (; left >= 0x80; left >>= 7)
        buffer_append(out, &(char){(char)(left | 0x80)}, 1);
    buffer_append(out, &(char){(char)left}, 1);
    buffer_append(out, rest, length);
}

static void test_truncation(void **state) {
    (void)state;
    struct random random;
    struct buffer pack = {0}, cut = {0}, body = {0};
    random_init(&random, 6);
    for (int round = 0; round < 100; round++) {
        buffer_clear(&pack);
        struct peer_frame frame = random_frame(&random, &body);
        wire_envelope_encode(&frame, &pack);
        size_t full = pack.length;
        for (size_t length = 0; length < full; length++) {
            pack.length = length;
            assert_next(&pack, length == 0 ? ENVELOPE_END : ENVELOPE_GARBAGE, 0);
        }
        /* Cut short, with a length that says so: version and kind must be there, and every field. */
        size_t begin = label_of(&pack);
        for (size_t length = 0; length < full - begin; length++) {
            label(pack.bytes + begin, length, &cut);
            assert_next(&cut, ENVELOPE_GARBAGE, 0);
        }
    }
    buffer_fini(&pack);
    buffer_fini(&cut);
    buffer_fini(&body);
}

static void test_every_byte_changed(void **state) {
    (void)state;
    struct random random;
    struct buffer pack = {0}, body = {0};
    random_init(&random, 7);
    size_t seen[4] = {0}, taken;
    for (size_t i = 0; i < KINDS; i++) {
        buffer_clear(&pack);
        struct peer_frame frame;
        do
            frame = random_frame(&random, &body);
        while (frame.kind != kinds[i] || (frame.kind == PEER_MSG && body.length < 20));
        wire_envelope_encode(&frame, &pack);
        size_t begin = label_of(&pack);
        for (size_t at = 0; at < pack.length; at++) {
            char original = pack.bytes[at];
            for (unsigned value = 0; value < 256; value++) {
                pack.bytes[at] = (char)value;
                enum wire_envelope_result result = next_of(pack.bytes, pack.length, &taken);
                if (at >= begin || result == ENVELOPE_GARBAGE) /* else it is another length */
                    assert_int_equal(taken, result == ENVELOPE_GARBAGE ? 0 : pack.length);
                seen[result]++;
            }
            pack.bytes[at] = original;
        }
    }
    assert_true(seen[ENVELOPE_FRAME] > 1000 && seen[ENVELOPE_UNKNOWN] > 1000 && seen[ENVELOPE_GARBAGE] > 1000);
    buffer_fini(&pack);
    buffer_fini(&body);
}

static void test_random_bytes(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 8);
    for (int round = 0; round < 50000; round++) {
        char bytes[128];
        size_t taken, length = random_below(&random, sizeof bytes);
        for (size_t i = 0; i < length; i++)
            bytes[i] = (char)random_u64(&random);
        if (length > 3) /* let it come past the front */
            memcpy(bytes, (char[]){(char)(length - 1), 2, (char)(1 + random_below(&random, KINDS))}, 3);
        (void)next_of(bytes, length, &taken);
    }
}

static void test_values_that_cannot_be(void **state) {
    (void)state;
    static const struct {
        enum peer_kind kind;
        size_t count;
        unsigned char payload[16];
        enum wire_envelope_result result;
        const char *comment;
    } rows[] = {
        {PEER_MSG, 4, {1, 1, 1, 'x'}, ENVELOPE_FRAME, "a message"},
        {PEER_MSG, 4, {0, 1, 1, 'x'}, ENVELOPE_GARBAGE, "msg.seq 0"},
        {PEER_MSG, 11, {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10, 1, 1, 'x'}, ENVELOPE_GARBAGE, "msg.seq 2^53"},
        {PEER_MSG, 4, {1, 2, 1, 'x'}, ENVELOPE_GARBAGE, "msg.reliable"},
        {PEER_MSG, 3, {1, 1, 0}, ENVELOPE_GARBAGE, "empty body"},
        {PEER_MSG, 4, {1, 1, 2, 'x'}, ENVELOPE_GARBAGE, "body longer than the envelope"},
        {PEER_MSG, 8, {1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 'x'}, ENVELOPE_GARBAGE, "body longer than the envelope"},
        {PEER_MSG, 8, {1, 1, 0x81, 0x80, 0x80, 0x80, 0x10, 'x'}, ENVELOPE_GARBAGE, "body of 2^32 + 1"},
        {PEER_MSG, 4, {1, 1, 1, 0xff}, ENVELOPE_GARBAGE, "body not UTF-8"},
        {PEER_ACK, 8, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f}, ENVELOPE_FRAME, "ack.seq 2^53 - 1"},
        {PEER_ACK, 8, {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10}, ENVELOPE_GARBAGE, "ack.seq 2^53"},
        {PEER_ACK, 10, {0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2}, ENVELOPE_GARBAGE, "2^64 + 1"},
        {PEER_ACK, 2, {0x80, 1}, ENVELOPE_FRAME, "ack.seq 128"},
        {PEER_ACK, 2, {0x81, 0}, ENVELOPE_GARBAGE, "more bytes than it takes"},
        {PEER_ACK, 1, {0x81}, ENVELOPE_GARBAGE, "a number without an end"},
        {PEER_TYPING, 1, {1}, ENVELOPE_FRAME, "typing"},
        {PEER_TYPING, 1, {2}, ENVELOPE_GARBAGE, "typing.on"},
        {PEER_STATE, 2, {1, 1}, ENVELOPE_FRAME, "a state"},
        {PEER_STATE, 2, {0xff, 1}, ENVELOPE_GARBAGE, "state.here"},
        {PEER_STATE, 6, {1, 0x80, 0x80, 0x80, 0x80, 0x10}, ENVELOPE_GARBAGE, "state.grace_ms 2^32"},
        {PEER_ENDED, 2, {END_LEFT, 1}, ENVELOPE_FRAME, "an end"},
        {PEER_ENDED, 2, {END_NONE, 1}, ENVELOPE_GARBAGE, "no cause"},
        {PEER_ENDED, 2, {END_EXPIRED + 1, 1}, ENVELOPE_GARBAGE, "unknown cause"},
        {PEER_ENDED, 2, {END_LEFT, 2}, ENVELOPE_GARBAGE, "ended.side"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer pack = {0}, changed = {0};
        size_t taken;
        wire_envelope_encode(&msg_frame, &pack);
        pack.bytes[KIND_AT] = (char)rows[i].kind;
        pack.length = PAYLOAD_AT;
        buffer_append(&pack, rows[i].payload, rows[i].count);
        label(pack.bytes + VERSION_AT, pack.length - VERSION_AT, &changed);
        if (next_of(changed.bytes, changed.length, &taken) != rows[i].result)
            fail_msg("%s", rows[i].comment);
        changed.bytes[SIDE_AT] = 2;
        assert_next(&changed, ENVELOPE_GARBAGE, 0);
        buffer_fini(&pack);
        buffer_fini(&changed);
    }
}

static void test_size_limit(void **state) {
    (void)state;
    enum { CAP = 2 << 20 };
    for (size_t length = CAP; length <= CAP + 1; length++) {
        char *rest = memory_zero(length, 1);
        struct buffer pack = {0};
        rest[0] = 3; /* a later version */
        label(rest, length, &pack);
        if (length == CAP)
            assert_next(&pack, ENVELOPE_UNKNOWN, pack.length);
        else
            assert_next(&pack, ENVELOPE_GARBAGE, 0);
        buffer_fini(&pack);
        free(rest);
    }
    struct buffer pack = {0};
    buffer_append(&pack, "\xff\xff\xff\xff\x01\x01", 6);
    assert_next(&pack, ENVELOPE_GARBAGE, 0);
    buffer_fini(&pack);
}

/* --- other versions -------------------------------------------------------------------------------------------------- */

static void test_unknown_is_skipped(void **state) {
    (void)state;
    static const char newer[] = "\x04\x03\x01zz\x03\x02\xc8z\x02\x02\0";
    struct buffer pack = {0};
    buffer_append(&pack, newer, sizeof newer - 1);
    wire_envelope_encode(&msg_frame, &pack);
    const char *at = pack.bytes;
    size_t left = pack.length;
    struct peer_frame frame;
    assert_int_equal(wire_envelope_next(&at, &left, &frame), ENVELOPE_UNKNOWN); /* version 3 */
    assert_int_equal(at - pack.bytes, 5);
    assert_int_equal(wire_envelope_next(&at, &left, &frame), ENVELOPE_UNKNOWN); /* kind 200 */
    assert_int_equal(at - pack.bytes, 9);
    assert_int_equal(wire_envelope_next(&at, &left, &frame), ENVELOPE_UNKNOWN); /* kind 0 */
    assert_int_equal(wire_envelope_next(&at, &left, &frame), ENVELOPE_FRAME);
    assert_frame_equal(&frame, &msg_frame);
    assert_int_equal(wire_envelope_next(&at, &left, &frame), ENVELOPE_END);
    buffer_fini(&pack);
}

static void test_fields_added_later_are_ignored(void **state) {
    (void)state;
    struct random random;
    struct buffer pack = {0}, longer = {0}, body = {0};
    random_init(&random, 9);
    for (int round = 0; round < 200; round++) {
        struct peer_frame frame = random_frame(&random, &body), out;
        buffer_clear(&pack);
        wire_envelope_encode(&frame, &pack);
        size_t begin = label_of(&pack);
        buffer_append(&pack, "later", 5);
        label(pack.bytes + begin, pack.length - begin, &longer);
        buffer_clear(&pack);
        buffer_append(&pack, longer.bytes, longer.length);
        size_t first = pack.length;
        wire_envelope_encode(&msg_frame, &pack);
        const char *at = pack.bytes;
        size_t left = pack.length;
        assert_int_equal(wire_envelope_next(&at, &left, &out), ENVELOPE_FRAME);
        assert_frame_equal(&out, &frame);
        assert_int_equal(at - pack.bytes, first);
        assert_int_equal(wire_envelope_next(&at, &left, &out), ENVELOPE_FRAME);
        assert_frame_equal(&out, &msg_frame);
    }
    buffer_fini(&longer);
    buffer_fini(&pack);
    buffer_fini(&body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_payload_sizes),
        cmocka_unit_test(test_random_packs),
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_every_byte_changed),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_values_that_cannot_be),
        cmocka_unit_test(test_size_limit),
        cmocka_unit_test(test_unknown_is_skipped),
        cmocka_unit_test(test_fields_added_later_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
