/* test_frame_random.c - random client frames, written by jansson in all its styles and read back. */
#include "passerby/wire.h"

#include "decode.h"
#include "random_text.h"

#include <jansson.h>

static const char *const white_space[] = {"", " ", "\t\n", "\u00a0", "\u3000 \u2028"};

/* One to 32 code points that no trimming shortens. */
static void random_topic(struct random *random, struct buffer *out) {
    random_text(random, random_below(random, MAX_TOPIC_CODE_POINTS - 1), out);
    buffer_string(out, "x");
}

static json_t *padded(struct random *random, const struct buffer *core) {
    struct buffer text = {0};
    buffer_string(&text, white_space[random_below(random, 5)]);
    buffer_append(&text, "a", 1);
    buffer_append(&text, core->bytes, core->length);
    buffer_string(&text, white_space[random_below(random, 5)]);
    json_t *string = json_stringn(text.bytes, text.length);
    buffer_fini(&text);
    return string;
}

/* Members that no frame knows, in front and behind. */
static void add_unknown(struct random *random, json_t *root) {
    char name[] = "unknown_a";
    for (uint64_t i = random_below(random, 3); i > 0; i--) {
        name[8] = (char)('a' + random_below(random, 26));
        json_object_set_new(root, name, json_pack("[i, n, {s: f}]", 5, "t", 1e300));
    }
}

static struct wire_frame written_and_read(struct random *random, json_t *root) {
    static const size_t flags[] = {
        0, JSON_COMPACT, JSON_ENSURE_ASCII, JSON_INDENT(3), JSON_SORT_KEYS, JSON_ESCAPE_SLASH};
    add_unknown(random, root);
    char *json = json_dumps(root, flags[random_below(random, 6)] | flags[random_below(random, 6)]);
    struct wire_frame out;
    struct wire_fault fault;
    if (!decode(json, strlen(json), &out, &fault))
        fail_msg("%s: %s", json, fault.detail);
    free(json);
    return out;
}

static void round_trip_find(struct random *random, struct buffer *text) {
    json_t *root = json_pack("{s: s}", "t", "find"), *topics = json_array(), *cores = json_array();
    uint64_t count = random_below(random, MAX_TOPICS + 1);
    for (uint64_t i = 0; i < count; i++) {
        random_topic(random, text);
        json_array_append_new(topics, padded(random, text));
        json_array_append_new(cores, json_stringn(text->bytes, text->length));
    }
    json_object_set_new(root, "topics", topics);
    bool reliable = random_below(random, 2) == 0;
    json_object_set_new(root, "reliable", json_boolean(reliable));
    struct wire_frame out = written_and_read(random, root);
    assert_int_equal(out.frame.kind, CLIENT_FIND);
    assert_int_equal(out.frame.find.reliable, reliable);
    assert_in_range(out.frame.find.topic_count, count > 0, count);
    for (uint64_t i = 0; out.frame.find.topic_count == count && i < count; i++) { /* equal ones collapse: rare */
        const json_t *core = json_array_get(cores, i);
        struct text written = out.frame.find.topics[i].written;
        assert_int_equal(written.at[0], 'a');
        assert_text((struct text){written.at + 1, written.length - 1}, json_string_value(core),
                    json_string_length(core));
    }
    wire_release(&out);
    json_decref(cores);
    json_decref(root);
}

static void round_trip_msg(struct random *random, struct buffer *text) {
    random_text(random, 1 + random_below(random, 60), text);
    uint64_t seq = random_up_to(random, MAX_SEQ);
    json_t *root = json_pack("{s: s, s: s%}", "t", "msg", "body", text->bytes, text->length);
    if (seq > 0)
        json_object_set_new(root, "seq", json_integer((json_int_t)seq));
    struct wire_frame out = written_and_read(random, root);
    assert_int_equal(out.frame.kind, CLIENT_MSG);
    assert_int_equal(out.frame.msg.seq, seq);
    assert_text(out.frame.msg.body, text->bytes, text->length);
    wire_release(&out);
    json_decref(root);
}

static void round_trip_small(struct random *random, struct buffer *text) {
    uint64_t seq = random_up_to(random, MAX_SEQ);
    json_t *root = json_pack("{s: s, s: I}", "t", "ack", "seq", (json_int_t)seq);
    struct wire_frame out = written_and_read(random, root);
    assert_int_equal(out.frame.kind, CLIENT_ACK);
    assert_int_equal(out.frame.ack.seq, seq);
    wire_release(&out);
    json_decref(root);

    bool on = random_below(random, 2) == 0;
    root = json_pack("{s: s, s: b}", "t", "typing", "on", on);
    out = written_and_read(random, root);
    assert_int_equal(out.frame.kind, CLIENT_TYPING);
    assert_int_equal(out.frame.typing.on, on);
    wire_release(&out);
    json_decref(root);

    random_text(random, random_below(random, MAX_TOKEN_CHARS), text);
    root = json_pack("{s: s, s: s%}", "t", "resume", "token", text->bytes, text->length);
    out = written_and_read(random, root);
    assert_int_equal(out.frame.kind, CLIENT_RESUME);
    assert_text(out.frame.resume.token, text->bytes, text->length);
    wire_release(&out);
    json_decref(root);
}

static void test_random_frames(void **state) {
    (void)state;
    struct random random;
    struct buffer text = {0};
    random_init(&random, 3);
    for (int round = 0; round < 2000; round++) {
        round_trip_find(&random, &text);
        round_trip_msg(&random, &text);
        round_trip_small(&random, &text);
    }
    buffer_fini(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
