/* test_tokens.c - resume tokens on their way through a node: sealed, opened, refused. */
#include "bench.h"

/* --- tokens ------------------------------------------------------------------------------------------------------- */

static void test_token_of_a_match(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    session_ref session = open_one(&bench);
    struct chat_id chat = match(&bench, session, true, false);
    assert_non_null(strstr(bench.sent[0].text, "\"t\":\"matched\""));
    char token[TEXT], id[TEXT], expected[CHAT_ID_CHARS + 1];
    field(&bench, "resume", token);
    field(&bench, "chat", id);
    wire_chat_id(chat, expected);
    assert_string_equal(id, expected);
    uint8_t key[32];
    secret_derive("secret", 6, key);
    struct claims claims;
    assert_true(secret_open(key, (struct text){token, strlen(token)}, &claims));
    assert_true(chat_id_equal(claims.chat, chat));
    assert_int_equal(claims.side, SIDE_SEEKER);
    assert_true(claims.reliable);
    assert_false(claims.peer_reliable);
    assert_int_equal(claims.peer, 4711);
    assert_int_equal(claims.born_ms, bench.wall_ms);
    bench_fini(&bench);
}

static void say_resume(struct bench *bench, session_ref session, const char *token) {
    char text[TEXT];
    (void)snprintf(text, sizeof text, "{\"t\":\"resume\",\"token\":\"%s\"}", token);
    hear(bench, session, text);
}

static void test_token_opened(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    session_ref session = open_one(&bench);
    struct chat_id chat = match(&bench, session, true, true);
    char token[TEXT], again[TEXT];
    field(&bench, "resume", token);
    session_ref other = open_one(&bench);
    say_resume(&bench, other, token);
    assert_int_equal(bench.request_count, 1);
    assert_int_equal(bench.requests[0].kind, BROKER_REBIND);
    assert_true(chat_id_equal(bench.requests[0].rebind.claims.chat, chat));

    struct broker_event rebound = {.kind = BROKER_REBOUND, .to = bench.requests[0].asker, .chat = chat};
    rebound.chat_state.record.party[SIDE_SEEKER] = (struct party){.at = rebound.to, .fence = 2};
    rebound.chat_state.record.party[SIDE_CANDIDATE] = (struct party){STRANGER, 4711, 1, true};
    answer(&bench, rebound);
    forget(&bench);
    struct peer_frame frame = from_stranger(other, chat, PEER_STATE);
    frame.state.here = true;
    struct buffer pack = {0};
    wire_envelope_encode(&frame, &pack);
    relay_to(&bench, pack.bytes, pack.length);
    assert_non_null(strstr(bench.sent[0].text, "\"t\":\"resumed\""));
    field(&bench, "resume", again);
    assert_string_equal(again, token); /* it says the same: the birth is the chat's */
    assert_int_equal(metrics_get(&bench.metrics, METRIC_RESUMES), 1);
    buffer_fini(&pack);
    bench_fini(&bench);
}

static void test_token_refused(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    session_ref session = open_one(&bench);
    match(&bench, session, true, true);
    char token[TEXT];
    field(&bench, "resume", token);
    session_ref other = open_one(&bench);
    say_resume(&bench, other, "x");
    expect_sent(&bench, "{\"t\":\"ended\",\"reason\":\"expired\"}");
    token[3] = token[3] == 'A' ? 'B' : 'A';
    say_resume(&bench, other, token);
    expect_sent(&bench, "{\"t\":\"ended\",\"reason\":\"expired\"}");
    assert_int_equal(bench.request_count, 0);
    bench_fini(&bench);
}

/* A chat may last for days: its token is good until the register says otherwise. */
static void test_token_of_any_age(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    session_ref session = open_one(&bench);
    match(&bench, session, true, true);
    char token[TEXT];
    field(&bench, "resume", token);
    bench.wall_ms += (int64_t)30 * 86400000;
    session_ref other = open_one(&bench);
    say_resume(&bench, other, token);
    assert_int_equal(bench.request_count, 1);
    assert_int_equal(bench.requests[0].kind, BROKER_REBIND);
    bench_fini(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_of_a_match),
        cmocka_unit_test(test_token_opened),
        cmocka_unit_test(test_token_refused),
        cmocka_unit_test(test_token_of_any_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
