/* test_frame_decode.c - every rule for client frames, by table. */
#include "passerby/wire.h"

#include "decode.h"

#include "base/buffer.h"

static struct wire_frame decode_good(const char *json) {
    struct wire_frame out;
    struct wire_fault fault;
    if (!decode(json, strlen(json), &out, &fault))
        fail_msg("%s: %s", json, fault.detail);
    return out;
}

#define ASSERT_TEXT(text, literal) assert_text((text), (literal), sizeof(literal) - 1)

#define TOPICS_33    "\"012345678901234567890123456789012\""
#define FIND(fields) "{\"t\":\"find\"," fields "}"
#define MSG(seq)     "{\"t\":\"msg\",\"body\":\"x\",\"seq\":" seq "}"
#define ACK(seq)     "{\"t\":\"ack\",\"seq\":" seq "}"

static const struct {
    const char *json;
    enum error_code code;
    const char *names; /* what the detail begins with */
} faults[] = {
    {"", ERROR_BAD_JSON, ""},
    {"no", ERROR_BAD_JSON, ""},
    {"[]", ERROR_BAD_JSON, ""},
    {"\"t\"", ERROR_BAD_JSON, ""},
    {"{\"t\":\"leave\"", ERROR_BAD_JSON, ""},
    {"{\"t\":\"leave\"} {}", ERROR_BAD_JSON, ""},
    {"{\"t\":\"msg\",\"body\":\"\xff\"}", ERROR_BAD_JSON, ""},
    {"{\"t\":\"msg\",\"body\":\"\\ud83d\"}", ERROR_BAD_JSON, ""},
    {"{}", ERROR_BAD_TYPE, ""},
    {"{\"T\":\"leave\"}", ERROR_BAD_TYPE, ""},
    {"{\"t\":\"\"}", ERROR_BAD_TYPE, ""},
    {"{\"t\":null}", ERROR_BAD_TYPE, ""},
    {"{\"t\":1}", ERROR_BAD_TYPE, ""},
    {"{\"t\":[\"leave\"]}", ERROR_BAD_TYPE, ""},
    {"{\"t\":\"Leave\"}", ERROR_BAD_TYPE, ""},
    {"{\"t\":\"leave \"}", ERROR_BAD_TYPE, ""},
    {"{\"t\":\"leave\\u0000\"}", ERROR_BAD_TYPE, ""},
    {"{\"t\":\"hello\"}", ERROR_BAD_TYPE, ""},
    {"{\"t\":\"leave\",\"t\":\"nothing\"}", ERROR_BAD_TYPE, ""},

    {FIND("\"topics\":null"), ERROR_BAD_FIELD, "'topics' "},
    {FIND("\"topics\":\"chess\""), ERROR_BAD_FIELD, "'topics' "},
    {FIND("\"topics\":{}"), ERROR_BAD_FIELD, "'topics' "},
    {FIND("\"topics\":[1]"), ERROR_BAD_FIELD, "'topics' "},
    {FIND("\"topics\":[\"a\",null]"), ERROR_BAD_FIELD, "'topics' "},
    {FIND("\"topics\":[\"\"]"), ERROR_BAD_FIELD, "'topics' "},
    {FIND("\"topics\":[\" \\u3000\\t\"]"), ERROR_BAD_FIELD, "'topics' "},
    {FIND("\"topics\":[" TOPICS_33 "]"), ERROR_BAD_FIELD, "'topics' "},
    {FIND("\"topics\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]"), ERROR_BAD_FIELD, "'topics' "},
    {FIND("\"topics\":[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\"]"), ERROR_BAD_FIELD, "'topics' "},
    {FIND("\"lang\":null"), ERROR_BAD_FIELD, "'lang' "},
    {FIND("\"lang\":1"), ERROR_BAD_FIELD, "'lang' "},
    {FIND("\"lang\":\"\""), ERROR_BAD_FIELD, "'lang' "},
    {FIND("\"lang\":\"english language\""), ERROR_BAD_FIELD, "'lang' "},
    {FIND("\"lang\":\"de_AT\""), ERROR_BAD_FIELD, "'lang' "},
    {FIND("\"lang\":[\"de\"]"), ERROR_BAD_FIELD, "'lang' "},
    {FIND("\"again\":null"), ERROR_BAD_FIELD, "'again' "},
    {FIND("\"again\":true"), ERROR_BAD_FIELD, "'again' "},
    {FIND("\"reliable\":null"), ERROR_BAD_FIELD, "'reliable' "},
    {FIND("\"reliable\":1"), ERROR_BAD_FIELD, "'reliable' "},
    {FIND("\"reliable\":\"true\""), ERROR_BAD_FIELD, "'reliable' "},

    {"{\"t\":\"msg\"}", ERROR_BAD_FIELD, "'body' "},
    {"{\"t\":\"msg\",\"seq\":1}", ERROR_BAD_FIELD, "'body' "},
    {"{\"t\":\"msg\",\"body\":\"\"}", ERROR_BAD_FIELD, "'body' "},
    {"{\"t\":\"msg\",\"body\":null}", ERROR_BAD_FIELD, "'body' "},
    {"{\"t\":\"msg\",\"body\":5}", ERROR_BAD_FIELD, "'body' "},
    {"{\"t\":\"msg\",\"body\":[\"x\"]}", ERROR_BAD_FIELD, "'body' "},
    {"{\"t\":\"msg\",\"body\":\"x\",\"body\":\"\"}", ERROR_BAD_FIELD, "'body' "},
    {MSG("0"), ERROR_BAD_FIELD, "'seq' "},
    {MSG("-0"), ERROR_BAD_FIELD, "'seq' "},
    {MSG("-1"), ERROR_BAD_FIELD, "'seq' "},
    {MSG("1.5"), ERROR_BAD_FIELD, "'seq' "},
    {MSG("0.9999"), ERROR_BAD_FIELD, "'seq' "},
    {MSG("9007199254740992"), ERROR_BAD_FIELD, "'seq' "},
    {MSG("18446744073709551617"), ERROR_BAD_FIELD, "'seq' "},
    {MSG("1e308"), ERROR_BAD_FIELD, "'seq' "},
    {MSG("1e400"), ERROR_BAD_FIELD, "'seq' "},
    {MSG("-1e400"), ERROR_BAD_FIELD, "'seq' "},
    {MSG("null"), ERROR_BAD_FIELD, "'seq' "},
    {MSG("\"1\""), ERROR_BAD_FIELD, "'seq' "},
    {MSG("true"), ERROR_BAD_FIELD, "'seq' "},
    {MSG("[1]"), ERROR_BAD_FIELD, "'seq' "},

    {"{\"t\":\"ack\"}", ERROR_BAD_FIELD, "'seq' "},
    {ACK("-1"), ERROR_BAD_FIELD, "'seq' "},
    {ACK("0.5"), ERROR_BAD_FIELD, "'seq' "},
    {ACK("9007199254740992"), ERROR_BAD_FIELD, "'seq' "},
    {ACK("1e400"), ERROR_BAD_FIELD, "'seq' "},
    {ACK("null"), ERROR_BAD_FIELD, "'seq' "},
    {ACK("\"0\""), ERROR_BAD_FIELD, "'seq' "},
    {ACK("false"), ERROR_BAD_FIELD, "'seq' "},

    {"{\"t\":\"typing\"}", ERROR_BAD_FIELD, "'on' "},
    {"{\"t\":\"typing\",\"on\":null}", ERROR_BAD_FIELD, "'on' "},
    {"{\"t\":\"typing\",\"on\":1}", ERROR_BAD_FIELD, "'on' "},
    {"{\"t\":\"typing\",\"on\":\"true\"}", ERROR_BAD_FIELD, "'on' "},

    {"{\"t\":\"resume\"}", ERROR_BAD_FIELD, "'token' "},
    {"{\"t\":\"resume\",\"token\":null}", ERROR_BAD_FIELD, "'token' "},
    {"{\"t\":\"resume\",\"token\":7}", ERROR_BAD_FIELD, "'token' "},
    {"{\"t\":\"resume\",\"token\":{}}", ERROR_BAD_FIELD, "'token' "},
};

static void test_faults(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct wire_frame out;
        struct wire_fault fault;
        if (decode(faults[i].json, strlen(faults[i].json), &out, &fault))
            fail_msg("%s is accepted", faults[i].json);
        if (fault.code != faults[i].code)
            fail_msg("%s: %s", faults[i].json, wire_error_name(fault.code));
        if (strncmp(fault.detail, faults[i].names, strlen(faults[i].names)) != 0)
            fail_msg("%s: %s", faults[i].json, fault.detail);
        if (fault.code != ERROR_BAD_FIELD)
            assert_string_equal(fault.detail, wire_error_message(fault.code));
        assert_null(out.memory);
    }
}

static void test_deep_nesting(void **state) {
    (void)state;
    struct buffer json = {0};
    buffer_string(&json, "{\"t\":\"leave\",\"x\":");
    for (int i = 0; i < 100000; i++)
        buffer_string(&json, "{\"\":");
    struct wire_frame out;
    struct wire_fault fault;
    assert_false(decode(json.bytes, json.length, &out, &fault));
    assert_int_equal(fault.code, ERROR_BAD_JSON);
    buffer_fini(&json);
}

/* The field that comes twice, fields in any order, fields nobody knows, white space. */
static void test_leave_however_written(void **state) {
    (void)state;
    static const char *const rows[] = {
        "{\"t\":\"leave\"}",
        " \n{\t\"t\" : \"leave\"\r } ",
        "{\"x\":null,\"t\":\"leave\",\"body\":5,\"seq\":[]}",
        "{\"t\":\"nothing\",\"t\":\"leave\"}",
        "{\"t\":7,\"\\u0074\":\"\\u006ceave\"}",
        "{\"t\":\"leave\",\"n\":123456789012345678901234567890,\"m\":-1e999,\"\\u0000\":0}",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wire_frame out = decode_good(rows[i]);
        assert_int_equal(out.frame.kind, CLIENT_LEAVE);
        wire_release(&out);
        assert_null(out.memory);
    }
}

static void test_find(void **state) {
    (void)state;
    struct wire_frame out = decode_good("{\"t\":\"find\"}");
    assert_int_equal(out.frame.kind, CLIENT_FIND);
    assert_int_equal(out.frame.find.topic_count, 0);
    assert_string_equal(out.frame.find.language, "");
    assert_false(out.frame.find.reliable);
    wire_release(&out);

    out = decode_good(FIND("\"topics\":[],\"reliable\":false,\"lang\":\"x-elvish\""));
    assert_int_equal(out.frame.find.topic_count, 0);
    assert_string_equal(out.frame.find.language, "");
    wire_release(&out);

    out = decode_good(FIND("\"reliable\":true,\"lang\":\"PT-br\",\"topics\":[\" Chess\\u00a0\",\"\\u00c9toile\"]"));
    assert_true(out.frame.find.reliable);
    assert_string_equal(out.frame.find.language, "pt");
    assert_int_equal(out.frame.find.topic_count, 2);
    ASSERT_TEXT(out.frame.find.topics[0].written, "Chess");
    ASSERT_TEXT(out.frame.find.topics[0].folded, "chess");
    ASSERT_TEXT(out.frame.find.topics[1].written, "Étoile");
    ASSERT_TEXT(out.frame.find.topics[1].folded, "étoile");
    assert_int_equal(out.frame.find.topics[1].hash, 0);
    wire_release(&out);

    /* Of topics that fold to the same, the first as written; É comes composed and decomposed. */
    out = decode_good(FIND("\"topics\":[\"\\u00c9\",\"b\",\"e\\u0301\",\" B \",\"c\",\"\\u00e9\",\"C\",\"b\"]"));
    assert_int_equal(out.frame.find.topic_count, 3);
    ASSERT_TEXT(out.frame.find.topics[0].written, "\u00c9");
    ASSERT_TEXT(out.frame.find.topics[1].written, "b");
    ASSERT_TEXT(out.frame.find.topics[2].written, "c");
    wire_release(&out);

    /* 32 code points of four bytes between white space; NUL is one like any other. */
    out = decode_good(FIND("\"topics\":[\"  😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀 \",\"\\u0000\"]"));
    assert_int_equal(out.frame.find.topics[0].written.length, 128);
    ASSERT_TEXT(out.frame.find.topics[1].folded, "\0");
    wire_release(&out);
}

/* Whether the token is a good one is for the node to say. */
static void test_find_again(void **state) {
    (void)state;
    struct wire_frame out = decode_good(FIND("\"again\":\"\""));
    assert_true(out.frame.find.again);
    ASSERT_TEXT(out.frame.find.token, "");
    wire_release(&out);
    out = decode_good(FIND("\"topics\":[\"a\"],\"again\":\"abc\",\"reliable\":true"));
    assert_true(out.frame.find.again && out.frame.find.reliable);
    ASSERT_TEXT(out.frame.find.token, "abc");
    wire_release(&out);
    out = decode_good("{\"t\":\"find\"}");
    assert_false(out.frame.find.again);
    wire_release(&out);
}

static void test_msg(void **state) {
    (void)state;
    static const struct {
        const char *json;
        uint64_t seq;
    } rows[] = {
        {"{\"t\":\"msg\",\"body\":\"x\"}", 0},
        {MSG("1"), 1},
        {MSG("1.0"), 1},
        {MSG("10e-1"), 1},
        {MSG("0.1E2"), 10},
        {MSG("9007199254740991"), MAX_SEQ},
        {MSG("9007199254740991.0"), MAX_SEQ},
        {"{\"seq\":\"y\",\"body\":\"y\",\"t\":\"msg\",\"body\":\"x\",\"seq\":2}", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wire_frame out = decode_good(rows[i].json);
        assert_int_equal(out.frame.kind, CLIENT_MSG);
        assert_int_equal(out.frame.msg.seq, rows[i].seq);
        ASSERT_TEXT(out.frame.msg.body, "x");
        wire_release(&out);
    }
    struct wire_frame out =
        decode_good("{\"t\":\"msg\",\"body\":\"\\u0000\\\"\\\\\\/\\b\\f\\n\\r\\t\\u2028\\ud83d\\ude00\x7fé\"}");
    ASSERT_TEXT(out.frame.msg.body, "\0\"\\/\b\f\n\r\t\u2028😀\x7fé");
    wire_release(&out);
}

static void test_ack_typing_resume(void **state) {
    (void)state;
    struct wire_frame out = decode_good(ACK("0"));
    assert_int_equal(out.frame.kind, CLIENT_ACK);
    assert_int_equal(out.frame.ack.seq, 0);
    wire_release(&out);
    out = decode_good(ACK("-0.0"));
    assert_int_equal(out.frame.ack.seq, 0);
    wire_release(&out);
    out = decode_good(ACK("9007199254740991"));
    assert_int_equal(out.frame.ack.seq, MAX_SEQ);
    wire_release(&out);

    out = decode_good("{\"t\":\"typing\",\"on\":true}");
    assert_int_equal(out.frame.kind, CLIENT_TYPING);
    assert_true(out.frame.typing.on);
    wire_release(&out);
    out = decode_good("{\"t\":\"typing\",\"on\":false}");
    assert_false(out.frame.typing.on);
    wire_release(&out);

    out = decode_good("{\"t\":\"resume\",\"token\":\"abc-_\"}");
    assert_int_equal(out.frame.kind, CLIENT_RESUME);
    ASSERT_TEXT(out.frame.resume.token, "abc-_");
    wire_release(&out);
    out = decode_good("{\"t\":\"resume\",\"token\":\"\"}"); /* unknown, not malformed */
    assert_int_equal(out.frame.resume.token.length, 0);
    wire_release(&out);
}

static void test_token_too_long_is_passed_on(void **state) {
    (void)state;
    char json[MAX_TOKEN_CHARS * 4] = "{\"t\":\"resume\",\"token\":\"";
    size_t start = strlen(json);
    memset(json + start, 'A', MAX_TOKEN_CHARS + 1);
    strcpy(json + start + MAX_TOKEN_CHARS + 1, "\"}");
    struct wire_frame out = decode_good(json);
    assert_int_equal(out.frame.resume.token.length, MAX_TOKEN_CHARS + 1);
    wire_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_deep_nesting),
        cmocka_unit_test(test_leave_however_written),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_find_again),
        cmocka_unit_test(test_msg),
        cmocka_unit_test(test_ack_typing_resume),
        cmocka_unit_test(test_token_too_long_is_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
