/* test_frame_encode.c - every server frame as the contract writes it; and random ones, parsed by jansson. */
#include "passerby/wire.h"

#include "random_text.h"

#include <jansson.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})
#define CHAT                                                                                                           \
    { UINT64_C(0x0001020304050607), UINT64_C(0x08090a0b0c0d0e0f) }
#define CHAT_TEXT "AAECAwQFBgcICQoLDA0ODw"

static void test_exact(void **state) {
    (void)state;
    const struct {
        struct server_frame frame;
        const char *json;
    } rows[] = {
        {{.kind = SERVER_HELLO, .hello = {3, 2000, 16384, 32, 60000, 8000, 86400000}},
         "{\"t\":\"hello\",\"v\":1,\"online\":3,\"max_body\":2000,\"max_frame\":16384,\"window\":32,"
         "\"grace_ms\":60000,\"prefer_ms\":8000,\"again_ms\":86400000}"},
        {{.kind = SERVER_WAITING}, "{\"t\":\"waiting\"}"},
        {{.kind = SERVER_WAITING, .waiting = {true}}, "{\"t\":\"waiting\",\"again\":true}"},
        {{.kind = SERVER_MATCHED, .matched = {.chat = CHAT, .resume = {"tok", 3}}},
         "{\"t\":\"matched\",\"chat\":\"" CHAT_TEXT "\",\"topics\":[],\"resume\":\"tok\",\"reliable\":false}"},
        {{.kind = SERVER_MATCHED,
          .matched =
              {.chat = CHAT, .topics = {{"a\"", 2}, {"É", 2}}, .topic_count = 2, .reliable = true, .resume = {"t", 1}}},
         "{\"t\":\"matched\",\"chat\":\"" CHAT_TEXT
         "\",\"topics\":[\"a\\\"\",\"É\"],\"resume\":\"t\",\"reliable\":true}"},
        {{.kind = SERVER_MSG, .msg = {MAX_SEQ, TEXT("hi")}},
         "{\"t\":\"msg\",\"seq\":9007199254740991,\"body\":\"hi\"}"},
        {{.kind = SERVER_MSG, .msg = {1, TEXT("\0\x1f\"\\/\b\f\n\r\t\v\x7f\u2028😀</script>")}},
         "{\"t\":\"msg\",\"seq\":1,"
         "\"body\":\"\\u0000\\u001f\\\"\\\\/\\b\\f\\n\\r\\t\\u000b\x7f\u2028😀</script>\"}"},
        {{.kind = SERVER_ACK, .ack = {0}}, "{\"t\":\"ack\",\"seq\":0}"},
        {{.kind = SERVER_TYPING, .typing = {true}}, "{\"t\":\"typing\",\"on\":true}"},
        {{.kind = SERVER_TYPING, .typing = {false}}, "{\"t\":\"typing\",\"on\":false}"},
        {{.kind = SERVER_AWAY, .away = {60000}}, "{\"t\":\"away\",\"grace_ms\":60000}"},
        {{.kind = SERVER_BACK}, "{\"t\":\"back\"}"},
        {{.kind = SERVER_SYNC}, "{\"t\":\"sync\"}"},
        {{.kind = SERVER_RESUMED, .resumed = {.chat = CHAT, .grace_ms = 5, .reliable = true, .resume = {"t", 1}}},
         "{\"t\":\"resumed\",\"chat\":\"" CHAT_TEXT "\",\"peer\":\"here\",\"resume\":\"t\",\"reliable\":true}"},
        {{.kind = SERVER_RESUMED, .resumed = {.chat = CHAT, .peer_away = true, .grace_ms = 0, .resume = {"t", 1}}},
         "{\"t\":\"resumed\",\"chat\":\"" CHAT_TEXT
         "\",\"peer\":\"away\",\"grace_ms\":0,\"resume\":\"t\",\"reliable\":false}"},
        {{.kind = SERVER_ENDED, .ended = {ENDED_YOU_LEFT}}, "{\"t\":\"ended\",\"reason\":\"you_left\"}"},
        {{.kind = SERVER_ENDED, .ended = {ENDED_LEFT}}, "{\"t\":\"ended\",\"reason\":\"left\"}"},
        {{.kind = SERVER_ENDED, .ended = {ENDED_LOST}}, "{\"t\":\"ended\",\"reason\":\"lost\"}"},
        {{.kind = SERVER_ENDED, .ended = {ENDED_EXPIRED}}, "{\"t\":\"ended\",\"reason\":\"expired\"}"},
        {{.kind = SERVER_IDLE}, "{\"t\":\"idle\"}"},
        {{.kind = SERVER_RECONNECT, .reconnect = {250}}, "{\"t\":\"reconnect\",\"after_ms\":250}"},
        {{.kind = SERVER_ERROR, .error = {.code = ERROR_BUSY}},
         "{\"t\":\"error\",\"code\":\"busy\",\"message\":\"this node takes no new searches now\"}"},
        {{.kind = SERVER_ERROR, .error = {ERROR_RATE_LIMITED, "slower", 7, 900}},
         "{\"t\":\"error\",\"code\":\"rate_limited\",\"message\":\"slower\",\"seq\":7,\"retry_ms\":900}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer out = {0};
        buffer_string(&out, "before"); /* it appends */
        wire_encode(&rows[i].frame, &out);
        buffer_append(&out, "", 1); /* the NUL that C wants */
        assert_memory_equal(out.bytes, "before", 6);
        assert_string_equal(out.bytes + 6, rows[i].json);
        buffer_fini(&out);
    }
}

/* Every ASCII character and every kind of longer one, alone and among others, as jansson reads it. */
static void test_body_round_trips(void **state) {
    (void)state;
    static const utf8proc_int32_t points[] = {0x80, 0x7ff, 0x800, 0x2028, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff};
    struct buffer body = {0}, out = {0};
    for (utf8proc_int32_t i = 0; i < 128 + 9; i++) {
        buffer_clear(&body);
        buffer_clear(&out);
        append_code_point(&body, i < 128 ? i : points[i - 128]);
        struct server_frame frame = {.kind = SERVER_MSG, .msg = {1, {body.bytes, body.length}}};
        wire_encode(&frame, &out);
        json_t *root = json_loadb(out.bytes, out.length, JSON_ALLOW_NUL, NULL);
        assert_non_null(root);
        assert_int_equal(json_string_length(json_object_get(root, "body")), body.length);
        assert_memory_equal(json_string_value(json_object_get(root, "body")), body.bytes, body.length);
        json_decref(root);
    }
    buffer_fini(&body);
    buffer_fini(&out);
}

/* --- random frames, parsed by jansson --------------------------------------------------------------------------------- */

/* The texts that a random frame points to. */
struct texts {
    struct buffer token;
    struct buffer body;
    struct buffer topics[MAX_TOPICS];
};

static struct text random_into(struct random *random, size_t most, struct buffer *buffer) {
    random_text(random, random_below(random, most + 1), buffer);
    return (struct text){buffer->bytes, buffer->length};
}

static bool random_bool(struct random *random) {
    return random_below(random, 2) == 0;
}

static struct chat_id random_chat(struct random *random) {
    return (struct chat_id){random_u64(random), random_u64(random)};
}

static uint32_t random_ms(struct random *random) {
    return (uint32_t)random_up_to(random, UINT32_MAX);
}

static void fill(struct random *random, struct texts *texts, struct server_frame *frame) {
    switch (frame->kind) {
    case SERVER_HELLO:
        frame->hello.online = random_up_to(random, INT64_MAX);
        frame->hello.max_body_bytes = random_ms(random);
        frame->hello.max_frame_bytes = random_ms(random);
        frame->hello.window = random_ms(random);
        frame->hello.grace_ms = random_ms(random);
        frame->hello.prefer_ms = random_ms(random);
        frame->hello.again_ms = random_ms(random);
        break;
    case SERVER_WAITING: frame->waiting.again = random_below(random, 2) == 0; break;
    case SERVER_MATCHED:
        frame->matched.chat = random_chat(random);
        frame->matched.topic_count = (uint8_t)random_below(random, MAX_TOPICS + 1);
        for (int i = 0; i < frame->matched.topic_count; i++)
            frame->matched.topics[i] = random_into(random, MAX_TOPIC_CODE_POINTS, &texts->topics[i]);
        frame->matched.reliable = random_bool(random);
        frame->matched.resume = random_into(random, 30, &texts->token);
        break;
    case SERVER_RESUMED:
        frame->resumed.chat = random_chat(random);
        frame->resumed.peer_away = random_bool(random);
        frame->resumed.grace_ms = random_ms(random);
        frame->resumed.reliable = random_bool(random);
        frame->resumed.resume = random_into(random, 30, &texts->token);
        break;
    case SERVER_MSG:
        frame->msg.seq = random_up_to(random, MAX_SEQ);
        frame->msg.body = random_into(random, 200, &texts->body);
        break;
    case SERVER_ACK: frame->ack.seq = random_up_to(random, MAX_SEQ); break;
    case SERVER_TYPING: frame->typing.on = random_bool(random); break;
    case SERVER_AWAY: frame->away.grace_ms = random_ms(random); break;
    case SERVER_ENDED: frame->ended.reason = (enum ended_reason)random_below(random, ENDED_REASONS); break;
    case SERVER_RECONNECT: frame->reconnect.after_ms = random_ms(random); break;
    case SERVER_ERROR:
        frame->error.code = (enum error_code)random_below(random, ERROR_CODES);
        frame->error.detail = random_bool(random) ? NULL : "a \"detail\"";
        frame->error.seq = random_bool(random) ? 0 : random_up_to(random, MAX_SEQ);
        frame->error.retry_ms = random_bool(random) ? 0 : random_ms(random);
        break;
    default: break;
    }
}

/* Each check takes its member out of the object: what is left at the end should not be there. */
static void check_number(json_t *root, const char *name, uint64_t value) {
    assert_true(json_is_integer(json_object_get(root, name)));
    assert_int_equal(json_integer_value(json_object_get(root, name)), value);
    json_object_del(root, name);
}

static void check_bool(json_t *root, const char *name, bool value) {
    assert_true(json_is_boolean(json_object_get(root, name)));
    assert_int_equal(json_is_true(json_object_get(root, name)), value);
    json_object_del(root, name);
}

static void check_string(const json_t *string, struct text value) {
    assert_true(json_is_string(string));
    assert_int_equal(json_string_length(string), value.length);
    assert_memory_equal(json_string_value(string), value.at, value.length);
}

static void check_text(json_t *root, const char *name, struct text value) {
    check_string(json_object_get(root, name), value);
    json_object_del(root, name);
}

static void check_word(json_t *root, const char *name, const char *value) {
    check_text(root, name, (struct text){value, strlen(value)});
}

static void check_chat(json_t *root, struct chat_id id) {
    char chat[CHAT_ID_CHARS + 1];
    wire_chat_id(id, chat);
    check_word(root, "chat", chat);
}

static void check_topics(json_t *root, const struct server_frame *frame) {
    const json_t *topics = json_object_get(root, "topics");
    assert_int_equal(json_array_size(topics), frame->matched.topic_count);
    for (size_t i = 0; i < frame->matched.topic_count; i++)
        check_string(json_array_get(topics, i), frame->matched.topics[i]);
    json_object_del(root, "topics");
}

static void check_hello(json_t *root, const struct server_frame *frame) {
    check_number(root, "v", 1);
    check_number(root, "online", frame->hello.online);
    check_number(root, "max_body", frame->hello.max_body_bytes);
    check_number(root, "max_frame", frame->hello.max_frame_bytes);
    check_number(root, "window", frame->hello.window);
    check_number(root, "grace_ms", frame->hello.grace_ms);
    check_number(root, "prefer_ms", frame->hello.prefer_ms);
    check_number(root, "again_ms", frame->hello.again_ms);
}

static void check_resumed(json_t *root, const struct server_frame *frame) {
    check_chat(root, frame->resumed.chat);
    check_word(root, "peer", frame->resumed.peer_away ? "away" : "here");
    if (frame->resumed.peer_away)
        check_number(root, "grace_ms", frame->resumed.grace_ms);
    check_bool(root, "reliable", frame->resumed.reliable);
    check_text(root, "resume", frame->resumed.resume);
}

static void check_error(json_t *root, const struct server_frame *frame) {
    const char *detail = frame->error.detail;
    check_word(root, "code", wire_error_name(frame->error.code));
    check_word(root, "message", detail != NULL ? detail : wire_error_message(frame->error.code));
    if (frame->error.seq != 0)
        check_number(root, "seq", frame->error.seq);
    if (frame->error.retry_ms != 0)
        check_number(root, "retry_ms", frame->error.retry_ms);
}

static void check_fields(json_t *root, const struct server_frame *frame) {
    switch (frame->kind) {
    case SERVER_HELLO: check_hello(root, frame); break;
    case SERVER_MATCHED:
        check_chat(root, frame->matched.chat);
        check_topics(root, frame);
        check_bool(root, "reliable", frame->matched.reliable);
        check_text(root, "resume", frame->matched.resume);
        break;
    case SERVER_WAITING:
        if (frame->waiting.again)
            check_bool(root, "again", true);
        break;
    case SERVER_RESUMED: check_resumed(root, frame); break;
    case SERVER_MSG:
        check_number(root, "seq", frame->msg.seq);
        check_text(root, "body", frame->msg.body);
        break;
    case SERVER_ACK: check_number(root, "seq", frame->ack.seq); break;
    case SERVER_TYPING: check_bool(root, "on", frame->typing.on); break;
    case SERVER_AWAY: check_number(root, "grace_ms", frame->away.grace_ms); break;
    case SERVER_ENDED: check_word(root, "reason", wire_ended_name(frame->ended.reason)); break;
    case SERVER_RECONNECT: check_number(root, "after_ms", frame->reconnect.after_ms); break;
    case SERVER_ERROR: check_error(root, frame); break;
    default: break;
    }
}

static void test_random_frames(void **state) {
    (void)state;
    struct random random;
    struct texts texts = {0};
    struct buffer out = {0};
    random_init(&random, 4);
    for (int round = 0; round < 20000; round++) {
        struct server_frame frame = {.kind = (enum server_kind)random_below(&random, SERVER_KINDS)};
        fill(&random, &texts, &frame);
        buffer_clear(&out);
        wire_encode(&frame, &out);
        json_error_t error;
        json_t *root = json_loadb(out.bytes, out.length, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
        if (root == NULL)
            fail_msg("%.*s: %s", (int)out.length, out.bytes, error.text);
        check_word(root, "t", wire_server_name(frame.kind));
        check_fields(root, &frame);
        assert_int_equal(json_object_size(root), 0);
        json_decref(root);
    }
    buffer_fini(&out);
    buffer_fini(&texts.token);
    buffer_fini(&texts.body);
    for (int i = 0; i < MAX_TOPICS; i++)
        buffer_fini(&texts.topics[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_body_round_trips),
        cmocka_unit_test(test_random_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
