/* test_frames.c - what a client takes from a node, and what it says is nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "frames.h"

#include <stdlib.h>
#include <string.h>

static bool read_frame(const char *json, struct heard *out) {
    const char *problem = NULL;
    bool good = frames_read(json, strlen(json), out, &problem);
    assert_int_equal(good, problem == NULL || good);
    if (!good)
        assert_non_null(problem);
    return good;
}

static void test_nonsense(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",
        "{",
        "[]",
        "1",
        "\"hello\"",
        "{}",
        "{\"t\":1}",
        "{\"t\":\"new\"}",
        "{\"t\":\"hello\"}",
        "{\"t\":\"hello\",\"v\":\"1\"}",
        "{\"t\":\"hello\",\"v\":-1}",
        "{\"t\":\"matched\",\"chat\":\"\",\"resume\":\"t\",\"reliable\":true}",
        "{\"t\":\"matched\",\"chat\":\"c\",\"reliable\":true}",
        "{\"t\":\"matched\",\"chat\":\"c\",\"resume\":\"t\"}",
        "{\"t\":\"matched\",\"chat\":\"c\",\"resume\":\"t\\u0000\",\"reliable\":true}",
        "{\"t\":\"msg\",\"body\":\"x\"}",
        "{\"t\":\"msg\",\"seq\":0,\"body\":\"x\"}",
        "{\"t\":\"msg\",\"seq\":1.5,\"body\":\"x\"}",
        "{\"t\":\"msg\",\"seq\":9007199254740993,\"body\":\"x\"}",
        "{\"t\":\"msg\",\"seq\":1e300,\"body\":\"x\"}",
        "{\"t\":\"msg\",\"seq\":1,\"body\":[]}",
        "{\"t\":\"msg\",\"seq\":1,\"body\":\"\xff\"}",
        "{\"t\":\"ack\"}",
        "{\"t\":\"typing\",\"on\":1}",
        "{\"t\":\"resumed\",\"chat\":\"c\",\"peer\":\"gone\",\"resume\":\"t\",\"reliable\":true}",
        "{\"t\":\"ended\"}",
        "{\"t\":\"error\",\"code\":7}",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct heard heard;
        if (read_frame(rows[i], &heard))
            fail_msg("%s was taken", rows[i]);
    }
}

static void test_hello(void **state) {
    (void)state;
    struct heard heard;
    assert_true(
        read_frame("{\"t\":\"hello\",\"v\":1,\"online\":12,\"max_body\":0,\"window\":\"x\",\"new\":{}}", &heard));
    assert_int_equal(heard.kind, SERVER_HELLO);
    assert_int_equal(heard.version, 1);
    assert_int_equal(heard.online, 12);
    assert_int_equal(heard.max_body, 2000); /* the default, for what is of the wrong kind or missing */
    assert_int_equal(heard.max_frame, 16384);
    assert_int_equal(heard.window, 32);
    frames_release(&heard);
}

static void test_matched(void **state) {
    (void)state;
    struct heard heard;
    assert_true(read_frame("{\"t\":\"matched\",\"chat\":\"c\",\"resume\":\"t\",\"reliable\":true,\"topics\":"
                           "[\"1\",2,\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\"]}",
                           &heard));
    assert_int_equal(heard.topic_count, MAX_TOPICS);
    assert_string_equal(heard.topics[1].at, "3");
    assert_true(heard.reliable);
    frames_release(&heard);
}

static void test_msg(void **state) {
    (void)state;
    struct heard heard;
    assert_true(read_frame("{\"t\":\"msg\",\"seq\":9007199254740991.0,\"body\":\"a\\u0000b\"}", &heard));
    assert_true(heard.seq == MAX_SEQ);
    assert_int_equal(heard.body.length, 3);
    assert_memory_equal(heard.body.at, "a\0b", 3);
    frames_release(&heard);
}

static void expect_written(char *frame, const char *expected) {
    assert_string_equal(frame, expected);
    free(frame);
}

static void test_writes(void **state) {
    (void)state;
    static const struct criteria nothing = {.topic_count = 0};
    static const struct criteria all = {.topics = {"a\"b", "\xc3\xa4"}, .topic_count = 2, .language = "pt-BR"};
    expect_written(frames_find(&nothing), "{\"t\":\"find\",\"reliable\":true}");
    expect_written(frames_find(&all),
                   "{\"t\":\"find\",\"reliable\":true,\"topics\":[\"a\\\"b\",\"\xc3\xa4\"],\"lang\":\"pt-BR\"}");
    expect_written(frames_msg(MAX_SEQ, (struct text){"a\n\0", 3}),
                   "{\"t\":\"msg\",\"seq\":9007199254740991,\"body\":\"a\\n\\u0000\"}");
    expect_written(frames_ack(0), "{\"t\":\"ack\",\"seq\":0}");
    expect_written(frames_typing(false), "{\"t\":\"typing\",\"on\":false}");
    expect_written(frames_leave(), "{\"t\":\"leave\"}");
    expect_written(frames_resume("t"), "{\"t\":\"resume\",\"token\":\"t\"}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nonsense), cmocka_unit_test(test_hello),  cmocka_unit_test(test_matched),
        cmocka_unit_test(test_msg),      cmocka_unit_test(test_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
