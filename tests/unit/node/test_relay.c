/* test_relay.c - messages and envelopes: to other nodes and from them, whole, cut short, misrouted and garbage. */
#include "bench.h"

/* --- messages ----------------------------------------------------------------------------------------------------- */

static void test_message_out(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    session_ref session = open_one(&bench);
    struct chat_id chat = match(&bench, session, true, true);
    forget(&bench);
    hear(&bench, session, "{\"t\":\"msg\",\"seq\":1,\"body\":\"Gr\\u00fc\\u00dfe\"}");
    assert_int_equal(bench.relayed_to, THERE);
    assert_false(bench.relayed_soon);
    const char *bytes = bench.relayed.bytes;
    size_t length = bench.relayed.length;
    struct peer_frame frame;
    assert_int_equal(wire_envelope_next(&bytes, &length, &frame), ENVELOPE_FRAME);
    assert_int_equal(frame.kind, PEER_MSG);
    assert_true(address_equal(frame.to, STRANGER));
    assert_true(chat_id_equal(frame.chat, chat));
    assert_int_equal(frame.msg.body.length, 7);
    assert_memory_equal(frame.msg.body.at, "Grüße", 7);
    assert_int_equal(wire_envelope_next(&bytes, &length, &frame), ENVELOPE_END);
    assert_int_equal(bench.sent_count, 0);
    bench_fini(&bench);
}

static void test_message_in(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    session_ref session = open_one(&bench);
    struct chat_id chat = match(&bench, session, true, true);
    forget(&bench);
    struct peer_frame frame = from_stranger(session, chat, PEER_MSG);
    frame.msg.seq = 1;
    frame.msg.body = (struct text){"hi", 2};
    frame.msg.reliable = true;
    struct buffer pack = {0};
    wire_envelope_encode(&frame, &pack);
    relay_to(&bench, pack.bytes, pack.length);
    assert_int_equal(bench.sent[0].rule, TAG_KEEP);
    assert_false(bench.sent[0].report);
    expect_sent(&bench, "{\"t\":\"msg\",\"seq\":1,\"body\":\"hi\"}");
    buffer_fini(&pack);
    bench_fini(&bench);
}

/* A message to a plain client is acknowledged for it when the kernel has it: at once … */
static void test_written_at_once(void **state) {
    (void)state;
    for (int queued = 0; queued < 2; queued++) {
        struct bench bench;
        bench_init(&bench);
        session_ref session = open_one(&bench);
        struct chat_id chat = match(&bench, session, false, true);
        forget(&bench);
        bench.answer = queued ? TRANSPORT_QUEUED : TRANSPORT_WRITTEN;
        struct peer_frame frame = from_stranger(session, chat, PEER_MSG);
        frame.msg.seq = 1;
        frame.msg.body = (struct text){"x", 1};
        frame.msg.reliable = true;
        struct buffer pack = {0};
        wire_envelope_encode(&frame, &pack);
        relay_to(&bench, pack.bytes, pack.length);
        assert_true(bench.sent[0].report);
        if (queued) { /* … or when on_written says so */
            assert_int_equal(bench.relayed.length, 0);
            bench.clients.on_written(bench.clients.context, session, bench.sent[0].tag);
        }
        const char *bytes = bench.relayed.bytes;
        size_t length = bench.relayed.length;
        assert_int_equal(wire_envelope_next(&bytes, &length, &frame), ENVELOPE_FRAME);
        assert_int_equal(frame.kind, PEER_ACK);
        assert_int_equal(frame.ack.seq, 1);
        assert_true(bench.relayed_soon); /* nobody waits for an ack */
        forget(&bench);
        node_tick(bench.node); /* reported once */
        assert_int_equal(bench.relayed.length, 0);
        buffer_fini(&pack);
        bench_fini(&bench);
    }
}

/* A frame that the transport dropped was not written. */
static void test_dropped_is_not_written(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    session_ref session = open_one(&bench);
    struct chat_id chat = match(&bench, session, false, true);
    forget(&bench);
    bench.answer = TRANSPORT_DROPPED;
    struct peer_frame frame = from_stranger(session, chat, PEER_MSG);
    frame.msg.seq = 1;
    frame.msg.body = (struct text){"x", 1};
    frame.msg.reliable = true;
    struct buffer pack = {0};
    wire_envelope_encode(&frame, &pack);
    relay_to(&bench, pack.bytes, pack.length);
    assert_int_equal(bench.sent_count, 1);
    assert_int_equal(bench.relayed.length, 0);
    buffer_fini(&pack);
    bench_fini(&bench);
}

/* --- envelopes ---------------------------------------------------------------------------------------------------- */

static void append_msg(struct buffer *pack, struct peer_frame frame, uint64_t seq) {
    frame.msg.seq = seq;
    frame.msg.body = (struct text){"x", 1};
    frame.msg.reliable = true;
    wire_envelope_encode(&frame, pack);
}

static void test_packs(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    session_ref session = open_one(&bench);
    struct chat_id chat = match(&bench, session, true, true);
    forget(&bench);
    struct peer_frame frame = from_stranger(session, chat, PEER_MSG);
    struct buffer pack = {0};
    append_msg(&pack, frame, 1);
    size_t one = pack.length;
    append_msg(&pack, frame, 2);
    frame.to.boot = THERE + 1; /* misrouted */
    append_msg(&pack, frame, 3);
    frame.to.boot = HERE;
    append_msg(&pack, frame, 4);
    relay_to(&bench, pack.bytes, pack.length);
    assert_int_equal(bench.sent_count, 3);
    assert_non_null(strstr(bench.sent[2].text, "\"seq\":4"));
    assert_int_equal(bench.relayed.length, 0);

    forget(&bench); /* cut short anywhere: what is whole is taken */
    for (size_t length = 0; length < pack.length; length++) {
        forget(&bench);
        char *copy = malloc(length + 1); /* so that a read behind it is seen */
        assert_non_null(copy);
        char *at = copy + 1;
        memcpy(at, pack.bytes, length);
        relay_to(&bench, at, length);
        assert_int_equal(bench.sent_count, (length >= one) + (length >= 2 * one));
        free(copy);
    }
    buffer_fini(&pack);
    bench_fini(&bench);
}

static void test_garbage_and_unknown(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    session_ref session = open_one(&bench);
    struct chat_id chat = match(&bench, session, true, true);
    forget(&bench);
    struct peer_frame frame = from_stranger(session, chat, PEER_MSG);
    struct buffer pack = {0};
    append_msg(&pack, frame, 1);
    size_t one = pack.length;
    append_msg(&pack, frame, 2);
    enum { VERSION_AT = 1, KIND_AT = 2 };            /* behind the length */
    for (size_t i = VERSION_AT; i <= KIND_AT; i++) { /* another version or kind is skipped; what follows is taken */
        forget(&bench);
        char right = pack.bytes[i];
        pack.bytes[i] = 99;
        relay_to(&bench, pack.bytes, pack.length);
        pack.bytes[i] = right;
        assert_int_equal(bench.sent_count, 1);
        assert_non_null(strstr(bench.sent[0].text, "\"seq\":2"));
    }
    assert_int_equal(metrics_get(&bench.metrics, METRIC_PEER_UNKNOWN), 2);
    assert_int_equal(metrics_get(&bench.metrics, METRIC_PEER_GARBAGE), 0);
    forget(&bench);
    relay_to(&bench, "hello", 5);
    assert_int_equal(metrics_get(&bench.metrics, METRIC_PEER_GARBAGE), 1);
    for (size_t i = 0; i < one; i++) /* any byte of the first one wrong */
        for (int bit = 0; bit < 8; bit++) {
            forget(&bench);
            pack.bytes[i] = (char)(pack.bytes[i] ^ (1 << bit));
            relay_to(&bench, pack.bytes, pack.length);
            pack.bytes[i] = (char)(pack.bytes[i] ^ (1 << bit));
        }
    forget(&bench);
    relay_to(&bench, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    relay_to(&bench, "", 0);
    assert_int_equal(bench.sent_count, 0);
    buffer_fini(&pack);
    bench_fini(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_out),     cmocka_unit_test(test_message_in),
        cmocka_unit_test(test_written_at_once), cmocka_unit_test(test_dropped_is_not_written),
        cmocka_unit_test(test_packs),           cmocka_unit_test(test_garbage_and_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
