/* test_scan.c - what must not need a tree of JSON, and what must be left to it. */
#include "scan.h"

#include "random_text.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <jansson.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A copy that ends where its memory ends, for ASan. */
static char *exact(const char *json) {
    char *bytes = memory_resize(NULL, strlen(json), 1);
    memcpy(bytes, json, strlen(json));
    return bytes;
}

static const struct {
    const char *json;
    const char *body; /* NULL: an ack */
    uint64_t seq;
} simple[] = {
    {"{\"t\":\"msg\",\"seq\":1,\"body\":\"x\"}", "x", 1},
    {"{\"t\":\"msg\",\"body\":\"hello\"}", "hello", 0},
    {"{\"body\":\"a longer one, of more than eight bytes\",\"t\":\"msg\",\"seq\":9007199254740991}",
     "a longer one, of more than eight bytes", MAX_SEQ},
    {" {\t\"t\" : \"msg\" ,\r\n \"seq\" : 12 , \"body\" : \"\\\"quoted\\\"\\n\\t\\\\ \\/\" } ", "\"quoted\"\n\t\\ /",
     12},
    {"{\"t\":\"msg\",\"seq\":3,\"body\":\"f\u00fcr \u65e5\u672c \U0001f600\"}", "f\u00fcr \u65e5\u672c \U0001f600", 3},
    {"{\"t\":\"msg\",\"seq\":3,\"body\":\"\\u00fc\\u65e5\\uD83D\\ude00\\u0041\"}", "\u00fc\u65e5\U0001f600A", 3},
    {"{\"t\":\"ack\",\"seq\":0}", NULL, 0},
    {"{\"seq\":77,\"t\":\"ack\"}", NULL, 77},
};

static void test_simple_frames_are_scanned(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++) {
        struct wire_frame out;
        char *bytes = exact(simple[i].json);
        if (!scan_frame(bytes, strlen(simple[i].json), &out))
            fail_msg("%s is left to jansson", simple[i].json);
        if (simple[i].body == NULL) {
            assert_int_equal(out.frame.kind, CLIENT_ACK);
            assert_int_equal(out.frame.ack.seq, simple[i].seq);
        } else {
            assert_int_equal(out.frame.kind, CLIENT_MSG);
            assert_int_equal(out.frame.msg.seq, simple[i].seq);
            assert_int_equal(out.frame.msg.body.length, strlen(simple[i].body));
            assert_memory_equal(out.frame.msg.body.at, simple[i].body, strlen(simple[i].body));
        }
        assert_null(out.memory);
        wire_release(&out);
        free(bytes);
    }
}

static const char *const others[] = {
    "",
    "{",
    "{}",
    "{\"t\":\"msg\"}",
    "{\"t\":\"leave\"}",
    "{\"t\":\"msg\",\"body\":\"\"}",
    "{\"t\":\"msg\",\"body\":\"x",
    "{\"t\":\"msg\",\"body\":\"x\"",
    "{\"t\":\"msg\",\"body\":\"x\\",
    "{\"t\":\"msg\",\"body\":\"x\\\"",
    "{\"t\":\"msg\",\"body\":\"x\"}}",
    "{\"t\":\"msg\",\"body\":\"x\",}",
    "{\"t\":\"msg\",,\"body\":\"x\"}",
    "{\"t\":\"msg\" \"body\":\"x\"}",
    "{\"t\":\"msg\",\"body\":\"x\",\"more\":1}",
    "{\"t\":\"msg\",\"body\":\"x\",\"body\":\"y\"}",
    "{\"t\":\"msg\",\"t\":\"msg\",\"body\":\"y\"}",
    "{\"t\n\":\"msg\",\"body\":\"x\"}",
    "{\"t\":\"msg\r\",\"body\":\"x\"}",
    "{\"t\":\"msg\",\"body\":\"x\n\"}",
    "{\"t\":\"m\\u0073g\",\"body\":\"x\"}",
    "{\"\\u0074\":\"msg\",\"body\":\"x\"}",
    "{\"t\":\"msg\",\"body\":\"\x1f\"}",
    "{\"t\":\"msg\",\"body\":\"\xff\"}",
    "{\"t\":\"msg\",\"body\":\"\xed\xa0\x80\"}",
    "{\"t\":\"msg\",\"body\":\"\\x\"}",
    "{\"t\":\"msg\",\"body\":\"\\\xc3\xbc\"}",
    "{\"t\":\"msg\",\"body\":\"\\u12g4\"}",
    "{\"t\":\"msg\",\"body\":\"\\u123\"}",
    "{\"t\":\"msg\",\"body\":\"\\ud83d\"}",
    "{\"t\":\"msg\",\"body\":\"\\ud83dx\"}",
    "{\"t\":\"msg\",\"body\":\"\\ud83d\\n\"}",
    "{\"t\":\"msg\",\"body\":\"\\ud83d\\ud83d\"}",
    "{\"t\":\"msg\",\"body\":\"\\ude00\"}",
    "{\"t\":\"msg\",\"body\":1}",
    "{\"t\":\"msg\",\"body\":\"x\",\"seq\":0}",
    "{\"t\":\"msg\",\"body\":\"x\",\"seq\":01}",
    "{\"t\":\"msg\",\"body\":\"x\",\"seq\":-1}",
    "{\"t\":\"msg\",\"body\":\"x\",\"seq\":1.0}",
    "{\"t\":\"msg\",\"body\":\"x\",\"seq\":1e0}",
    "{\"t\":\"msg\",\"body\":\"x\",\"seq\":}",
    "{\"t\":\"msg\",\"body\":\"x\",\"seq\":1,\"seq\":2}",
    "{\"t\":\"msg\",\"body\":\"x\",\"seq\":9007199254740992}",
    "{\"t\":\"msg\",\"body\":\"x\",\"seq\":18446744073709551617}",
    "{\"t\":\"ack\"}",
    "{\"t\":\"ack\",\"seq\":\"1\"}",
    "[\"t\",\"msg\"]",
};

static void test_all_else_is_left_to_the_tree(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct wire_frame out;
        char *bytes = exact(others[i]);
        if (scan_frame(bytes, strlen(others[i]), &out))
            fail_msg("%s is taken", others[i]);
        assert_null(out.text);
        free(bytes);
    }
}

/* Random texts in all of jansson's styles: scanned, and as they were. */
static void test_random_bodies(void **state) {
    (void)state;
    static const size_t flags[] = {
        0, JSON_COMPACT, JSON_ENSURE_ASCII, JSON_INDENT(2), JSON_SORT_KEYS, JSON_ESCAPE_SLASH};
    struct random random;
    struct buffer text = {0};
    random_init(&random, 1);
    for (int i = 0; i < 20000; i++) {
        struct wire_frame out;
        random_text(&random, 1 + random_below(&random, 60), &text);
        json_t *root = json_pack("{s: s, s: s%}", "t", "msg", "body", text.bytes, text.length);
        char *json = json_dumps(root, flags[random_below(&random, 6)] | flags[random_below(&random, 6)]);
        if (!scan_frame(json, strlen(json), &out))
            fail_msg("%s is left to jansson", json);
        assert_int_equal(out.frame.msg.body.length, text.length);
        assert_memory_equal(out.frame.msg.body.at, text.bytes, text.length);
        wire_release(&out);
        free(json);
        json_decref(root);
    }
    buffer_fini(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simple_frames_are_scanned),
        cmocka_unit_test(test_all_else_is_left_to_the_tree),
        cmocka_unit_test(test_random_bodies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
