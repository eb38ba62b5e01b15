/* test_node.c - a node's clients, its time and its metrics: bytes in, bytes out. */
#include "bench.h"

/* --- clients ------------------------------------------------------------------------------------------------------ */

static void test_open_and_close(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.clients.on_open(bench.clients.context, CONN);
    assert_true(bench.bound != 0);
    assert_int_equal(bench.here, 1);
    assert_int_equal(bench.sent[0].conn, CONN);
    assert_non_null(strstr(bench.sent[0].text, "\"t\":\"hello\""));
    assert_non_null(strstr(bench.sent[0].text, "\"online\":41")); /* this one included */
    assert_int_equal(node_gauges(bench.node).sessions, 1);
    session_ref session = bench.bound;
    bench.clients.on_open(bench.clients.context, CONN + 1);
    assert_int_equal(bench.here, 2);
    bench.clients.on_close(bench.clients.context, session, CONN);
    assert_int_equal(bench.here, 1);
    assert_int_equal(node_gauges(bench.node).sessions, 1);
    bench_fini(&bench);
}

static void test_frames_and_faults(void **state) {
    (void)state;
    static const struct {
        const char *said;
        const char *code;
        enum error_code counted;
    } rows[] = {
        {"[1]", "\"bad_json\"", ERROR_BAD_JSON},
        {"{\"t\":\"dance\"}", "\"bad_type\"", ERROR_BAD_TYPE},
        {"{\"t\":\"typing\"}", "\"bad_field\"", ERROR_BAD_FIELD},
        {"{\"t\":\"msg\",\"body\":\"x\"}", "\"not_in_chat\"", ERROR_NOT_IN_CHAT},
    };
    struct bench bench;
    bench_init(&bench);
    session_ref session = open_one(&bench);
    hear(&bench, session, "{\"t\":\"leave\"}");
    expect_sent(&bench, "{\"t\":\"idle\"}");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        hear(&bench, session, rows[i].said);
        assert_int_equal(bench.sent_count, 1);
        assert_non_null(strstr(bench.sent[0].text, "\"t\":\"error\""));
        assert_non_null(strstr(bench.sent[0].text, rows[i].code));
        assert_int_equal(metrics_get(&bench.metrics, METRIC_ERRORS + rows[i].counted), 1);
        forget(&bench);
    }
    bench_fini(&bench);
}

/* Topics reach the broker as keyed hashes of their folded form alone. */
static void test_topics_are_hashed(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    session_ref session = open_one(&bench);
    hear(&bench, session, "{\"t\":\"find\",\"topics\":[\" MUSIC \",\"Katzen\"],\"lang\":\"de-AT\"}");
    assert_int_equal(bench.request_count, 1);
    const struct ticket *ticket = &bench.requests[0].seek;
    uint8_t key[32];
    secret_derive("secret", 6, key);
    assert_int_equal(ticket->topics.count, 2);
    assert_int_equal(ticket->topics.hash[0], secret_topic(key, (struct text){"music", 5}));
    assert_int_equal(ticket->topics.hash[1], secret_topic(key, (struct text){"katzen", 6}));
    assert_string_equal(ticket->language, "de");
    bench_fini(&bench);
}

static void test_tenth_fault_closes(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    session_ref session = open_one(&bench);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(bench.closed, 0);
        hear(&bench, session, "nonsense");
    }
    assert_int_equal(bench.closed, CONN);
    assert_int_equal(bench.closed_with, CLOSE_ERRORS);
    bench.clients.on_close(bench.clients.context, session, CONN);
    assert_int_equal(bench.here, 0);
    bench_fini(&bench);
}

static void test_paused(void **state) {
    (void)state;
    struct bench bench;
    bench_init_with(&bench, (struct rate){1, 1});
    assert_true(node_deadline_ms(bench.node) == INT64_MAX);
    session_ref session = open_one(&bench);
    hear(&bench, session, "{\"t\":\"leave\"}");
    assert_int_equal(bench.pauses, 1);
    assert_int_equal(node_deadline_ms(bench.node), 6000);
    bench.now_us += 999000;
    node_tick(bench.node);
    assert_int_equal(bench.pauses, 1);
    bench.now_us += 1000;
    node_tick(bench.node);
    assert_int_equal(bench.pauses, 0);
    bench_fini(&bench);
}

/* --- time, draining, metrics -------------------------------------------------------------------------------------- */

/* A clock that goes back does not take the node with it. */
static void test_clock_goes_back(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    session_ref session = open_one(&bench);
    hear(&bench, session, "{\"t\":\"find\"}");
    bench.now_us -= 4000000;
    struct ticket ticket = bench.requests[0].seek;
    struct broker_event sought = {.kind = BROKER_SOUGHT, .status = BROKER_NONE, .to = ticket.who.at};
    sought.sought.attempt = ticket.attempt;
    answer(&bench, sought);
    assert_int_equal(node_deadline_ms(bench.node), 5000 + 5000);
    node_poll(bench.node);
    assert_int_equal(bench.polled_ms, 5000);
    node_shift(bench.node, 500);
    assert_int_equal(node_deadline_ms(bench.node), 5000 + 5000 + 500);
    bench_fini(&bench);
}

static void test_drain(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    open_one(&bench);
    node_drain(bench.node, 0);
    expect_sent(&bench, "{\"t\":\"reconnect\",\"after_ms\":0}");
    bench_fini(&bench);
}

static void test_metrics(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    session_ref session = open_one(&bench);
    struct chat_id chat = match(&bench, session, true, true);
    bench.now_us += 1000;
    hear(&bench, session, "{\"t\":\"msg\",\"seq\":1,\"body\":\"x\"}");
    hear(&bench, session, "{\"t\":\"msg\",\"seq\":1,\"body\":\"x\"}");
    node_observe(bench.node);
    const struct metrics *metrics = &bench.metrics;
    assert_int_equal(metrics_get(metrics, METRIC_SEARCHES), 1);
    assert_int_equal(metrics_get(metrics, METRIC_MATCHES), 1);
    assert_int_equal(metrics_get(metrics, METRIC_MESSAGES), 1);
    assert_int_equal(metrics_get(metrics, METRIC_RETRANSMISSIONS), 1);
    assert_int_equal(metrics_get(metrics, METRIC_SESSIONS), 1);
    assert_int_equal(metrics_get(metrics, METRIC_CHATS), 1);
    assert_int_equal(metrics_get(metrics, METRIC_WAITING), 0);
    assert_int_equal(metrics_get(metrics, METRIC_ONLINE), 41);
    uint64_t relays = 0, waits = 0;
    for (int i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        relays += atomic_load(&metrics->histograms[HISTOGRAM_RELAY].buckets[i]);
        waits += atomic_load(&metrics->histograms[HISTOGRAM_WAIT].buckets[i]);
    }
    assert_int_equal(relays, 2);
    assert_int_equal(waits, 1);
    bench.clients.on_close(bench.clients.context, session, CONN);
    node_observe(bench.node);
    assert_int_equal(metrics_get(metrics, METRIC_DROPS), 1);
    assert_int_equal(metrics_get(metrics, METRIC_AWAY), 1);
    struct peer_frame frame = from_stranger(session, chat, PEER_ENDED);
    frame.ended.how = (struct tombstone){END_LEFT, SIDE_CANDIDATE};
    struct buffer pack = {0};
    wire_envelope_encode(&frame, &pack);
    relay_to(&bench, pack.bytes, pack.length);
    assert_int_equal(metrics_get(metrics, METRIC_ENDED + ENDED_LEFT), 1);
    assert_int_equal(node_gauges(bench.node).sessions, 0);
    buffer_fini(&pack);
    bench_fini(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_and_close),
        cmocka_unit_test(test_frames_and_faults),
        cmocka_unit_test(test_topics_are_hashed),
        cmocka_unit_test(test_tenth_fault_closes),
        cmocka_unit_test(test_paused),
        cmocka_unit_test(test_clock_goes_back),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
