/* frame_decode.c - client frames from JSON, each checked against the rules of PROTOCOL.md.
 *
 * Flow:      `msg` and `ack`, if they are simple: scan.c. All else: parse → look up `t` → that kind's decoder reads its
 *            fields → the frame, whose texts point into the parsed tree.
 * Fails:     with a code, and a static message that names the first field at fault.
 * Owns:      wire_frame.memory is the tree. Folded topics are kept alive by appending them to the array they come from.
 * Extending: a new frame is a row of CLIENT_ROWS and a decoder; a new field a row of FIELD_ROWS. */
#include "passerby/wire.h"

#include "language.h"
#include "parse.h"
#include "scan.h"
#include "text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* FIELD_ROW(NAME, "name", "what it must be"): every field a client frame can be refused for. */
#define FIELD_ROWS(FIELD_ROW)                                                                                          \
    FIELD_ROW(TOPICS, "topics", "must be an array of at most 8 strings, each of 1 to 32 characters when trimmed")      \
    FIELD_ROW(LANG, "lang", "must be a BCP 47 language tag")                                                           \
    FIELD_ROW(AGAIN, "again", "must be a string")                                                                      \
    FIELD_ROW(RELIABLE, "reliable", "must be true or false")                                                           \
    FIELD_ROW(BODY, "body", "must be a string that is not empty")                                                      \
    FIELD_ROW(MSG_SEQ, "seq", "must be an integer from 1 to 9007199254740991")                                         \
    FIELD_ROW(ACK_SEQ, "seq", "must be an integer from 0 to 9007199254740991")                                         \
    FIELD_ROW(ON, "on", "must be true or false")                                                                       \
    FIELD_ROW(TOKEN, "token", "must be a string")

#define FIELD_ENUM(name, text, rule) FIELD_##name,
enum field { FIELD_NONE, FIELD_ROWS(FIELD_ENUM) };
#undef FIELD_ENUM

static_assert(MAX_TOPICS == 8 && MAX_TOPIC_CODE_POINTS == 32, "the rule of 'topics' in words");

#define FIELD_TEXTS(name, text, rule) [FIELD_##name] = {text, "'" text "' " rule},
static const struct {
    const char *name;
    const char *fault;
} fields[] = {FIELD_ROWS(FIELD_TEXTS)};
#undef FIELD_TEXTS

/* The value of a field, or NULL. */
static json_t *get(const json_t *root, enum field field) {
    return json_object_get(root, fields[field].name);
}

static bool read_text(const json_t *value, struct text *out) {
    if (!json_is_string(value))
        return false;
    *out = (struct text){json_string_value(value), json_string_length(value)};
    return true;
}

static bool read_bool(const json_t *value, bool *out) {
    *out = json_is_true(value);
    return json_is_boolean(value);
}

static bool read_seq(const json_t *value, uint64_t least, uint64_t *out) {
    double number = json_real_value(value);
    if (!json_is_real(value) || !(number >= (double)least && number <= (double)MAX_SEQ))
        return false;
    *out = (uint64_t)number;
    return (double)*out == number;
}

static bool topic_equal(const struct topic *a, const struct topic *b) {
    return a->folded.length == b->folded.length && memcmp(a->folded.at, b->folded.at, a->folded.length) == 0;
}

/* Adds the topic unless one that folds to the same is there. */
static bool add_topic(struct client_frame *frame, const json_t *value, json_t *keeper) {
    struct topic topic = {0};
    if (!read_text(value, &topic.written))
        return false;
    topic.written = text_trim(topic.written);
    size_t code_points = text_count(topic.written);
    if (code_points == 0 || code_points > MAX_TOPIC_CODE_POINTS)
        return false;
    size_t length;
    char *folded = text_fold(topic.written, &length);
    json_t *kept = json_stringn_nocheck(folded, length);
    free(folded);
    json_array_append_new(keeper, kept);
    topic.folded = (struct text){json_string_value(kept), length};
    for (uint8_t i = 0; i < frame->find.topic_count; i++)
        if (topic_equal(&frame->find.topics[i], &topic))
            return true;
    frame->find.topics[frame->find.topic_count++] = topic;
    return true;
}

static bool read_topics(json_t *array, struct client_frame *frame) {
    size_t count = json_array_size(array);
    if (!json_is_array(array) || count > MAX_TOPICS)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!add_topic(frame, json_array_get(array, i), array))
            return false;
    return true;
}

/* Each decoder returns the first field at fault, or FIELD_NONE. */
typedef enum field (*decode_fn)(const json_t *root, struct client_frame *frame);

static enum field decode_find(const json_t *root, struct client_frame *frame) {
    json_t *topics = get(root, FIELD_TOPICS);
    if (topics != NULL && !read_topics(topics, frame))
        return FIELD_TOPICS;
    const json_t *lang = get(root, FIELD_LANG);
    struct text tag;
    if (lang != NULL && !(read_text(lang, &tag) && language_primary(tag, frame->find.language)))
        return FIELD_LANG;
    const json_t *reliable = get(root, FIELD_RELIABLE);
    if (reliable != NULL && !read_bool(reliable, &frame->find.reliable))
        return FIELD_RELIABLE;
    const json_t *again = get(root, FIELD_AGAIN);
    frame->find.again = again != NULL;
    if (again != NULL && !read_text(again, &frame->find.token))
        return FIELD_AGAIN;
    return FIELD_NONE;
}

static enum field decode_msg(const json_t *root, struct client_frame *frame) {
    if (!read_text(get(root, FIELD_BODY), &frame->msg.body) || frame->msg.body.length == 0)
        return FIELD_BODY;
    const json_t *seq = get(root, FIELD_MSG_SEQ);
    if (seq != NULL && !read_seq(seq, 1, &frame->msg.seq))
        return FIELD_MSG_SEQ;
    return FIELD_NONE;
}

static enum field decode_ack(const json_t *root, struct client_frame *frame) {
    return read_seq(get(root, FIELD_ACK_SEQ), 0, &frame->ack.seq) ? FIELD_NONE : FIELD_ACK_SEQ;
}

static enum field decode_typing(const json_t *root, struct client_frame *frame) {
    return read_bool(get(root, FIELD_ON), &frame->typing.on) ? FIELD_NONE : FIELD_ON;
}

static enum field decode_leave(const json_t *root, struct client_frame *frame) {
    (void)root, (void)frame;
    return FIELD_NONE;
}

/* Not a token that a node ever gave out? Then nobody knows it: not malformed, but `expired`. */
static enum field decode_resume(const json_t *root, struct client_frame *frame) {
    return read_text(get(root, FIELD_TOKEN), &frame->resume.token) ? FIELD_NONE : FIELD_TOKEN;
}

static bool read_kind(const json_t *value, enum client_kind *out) {
    struct text t;
    if (!read_text(value, &t))
        return false;
    for (enum client_kind kind = 0; kind < CLIENT_KINDS; kind++) {
        const char *name = wire_client_name(kind);
        if (t.length == strlen(name) && memcmp(t.at, name, t.length) == 0) {
            *out = kind;
            return true;
        }
    }
    return false;
}

/* The code of what is wrong, or ERROR_CODES when nothing is; then the frame is filled in. */
static enum error_code decode(const json_t *root, struct client_frame *frame, enum field *field) {
    static const decode_fn decoders[CLIENT_KINDS] = {
        [CLIENT_FIND] = decode_find,     [CLIENT_MSG] = decode_msg,     [CLIENT_ACK] = decode_ack,
        [CLIENT_TYPING] = decode_typing, [CLIENT_LEAVE] = decode_leave, [CLIENT_RESUME] = decode_resume,
    };
    if (root == NULL)
        return ERROR_BAD_JSON;
    if (!read_kind(json_object_get(root, "t"), &frame->kind))
        return ERROR_BAD_TYPE;
    *field = decoders[frame->kind](root, frame);
    return *field == FIELD_NONE ? ERROR_CODES : ERROR_BAD_FIELD;
}

bool wire_decode_tree(const char *bytes, size_t length, struct wire_frame *out, struct wire_fault *fault) {
    json_t *root = parse_object(bytes, length);
    enum field field = FIELD_NONE;
    *out = (struct wire_frame){.memory = root};
    enum error_code code = decode(root, &out->frame, &field);
    if (code == ERROR_CODES)
        return true;
    *fault = (struct wire_fault){code, field != FIELD_NONE ? fields[field].fault : wire_error_message(code)};
    wire_release(out);
    return false;
}

bool wire_decode(const char *bytes, size_t length, struct wire_frame *out, struct wire_fault *fault) {
    return scan_frame(bytes, length, out) || wire_decode_tree(bytes, length, out, fault);
}

void wire_release(struct wire_frame *frame) {
    json_decref(frame->memory);
    free(frame->text);
    frame->memory = NULL;
    frame->text = NULL;
}
