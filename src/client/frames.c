/* frames.c - passerby.v1 as a client speaks it.
 *
 * Flow:      the member `t` gives the kind; the rows of `members` that belong to the kind are read one by one.
 * Fails:     what is not JSON, has no known `t`, or lacks a required member is nonsense, and the caller is told so; an
 *            optional member of the wrong kind counts as missing.
 * Extending: a new member is a row; a new kind of frame is a row in passerby/frame.h, and its members. */
#include "frames.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum member_type { MEMBER_COUNT, MEMBER_SEQ, MEMBER_TEXT, MEMBER_NAME, MEMBER_SWITCH, MEMBER_TEXTS, MEMBER_PRESENCE };

static const struct member {
    enum server_kind kind;
    enum member_type type;
    const char *name;
    size_t offset;
    const char *problem; /* when it is missing; NULL = it may be */
    uint64_t fallback;
} members[] = {
#define REQUIRED(kind, type, name, field)                                                                              \
    { SERVER_##kind, MEMBER_##type, name, offsetof(struct heard, field), "a " #kind " without a good " name, 0 }
#define OPTIONAL(kind, type, name, field, fallback)                                                                    \
    { SERVER_##kind, MEMBER_##type, name, offsetof(struct heard, field), NULL, fallback }
    REQUIRED(HELLO, COUNT, "v", version),
    OPTIONAL(HELLO, COUNT, "online", online, 0),
    OPTIONAL(HELLO, SEQ, "max_body", max_body, 2000),
    OPTIONAL(HELLO, SEQ, "max_frame", max_frame, 16384),
    OPTIONAL(HELLO, SEQ, "window", window, 32),
    OPTIONAL(HELLO, COUNT, "grace_ms", grace_ms, 60000),
    OPTIONAL(HELLO, COUNT, "prefer_ms", prefer_ms, 8000),
    OPTIONAL(HELLO, COUNT, "again_ms", again_ms, 0),
    REQUIRED(MATCHED, NAME, "chat", chat),
    REQUIRED(MATCHED, NAME, "resume", resume),
    REQUIRED(MATCHED, SWITCH, "reliable", reliable),
    OPTIONAL(MATCHED, TEXTS, "topics", topics, 0),
    REQUIRED(MSG, SEQ, "seq", seq),
    REQUIRED(MSG, TEXT, "body", body),
    REQUIRED(ACK, COUNT, "seq", seq),
    REQUIRED(TYPING, SWITCH, "on", on),
    OPTIONAL(AWAY, COUNT, "grace_ms", grace_ms, 60000),
    REQUIRED(RESUMED, NAME, "chat", chat),
    REQUIRED(RESUMED, PRESENCE, "peer", here),
    REQUIRED(RESUMED, NAME, "resume", resume),
    REQUIRED(RESUMED, SWITCH, "reliable", reliable),
    OPTIONAL(RESUMED, COUNT, "grace_ms", grace_ms, 60000),
    REQUIRED(ENDED, NAME, "reason", reason),
    OPTIONAL(RECONNECT, COUNT, "after_ms", after_ms, 0),
    REQUIRED(ERROR, NAME, "code", code),
    OPTIONAL(ERROR, TEXT, "message", message, 0),
    OPTIONAL(ERROR, SEQ, "seq", seq, 0),
    OPTIONAL(ERROR, COUNT, "retry_ms", retry_ms, 0),
#undef REQUIRED
#undef OPTIONAL
};

enum { MEMBERS = sizeof members / sizeof *members };

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* An integer that every JSON reader holds exactly, in whatever way it is written. */
static bool read_count(const json_t *value, uint64_t least, uint64_t *out) {
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= (double)least) || number > (double)MAX_SEQ)
        return false;
    uint64_t whole = (uint64_t)number;
    if ((double)whole != number)
        return false;
    *out = whole;
    return true;
}

static bool read_text(const json_t *value, size_t least, struct text *out) {
    if (!json_is_string(value) || json_string_length(value) < least)
        return false;
    *out = (struct text){json_string_value(value), json_string_length(value)};
    return true;
}

/* A token goes back to the node as a C string. */
static bool read_name(const json_t *value, struct text *out) {
    return read_text(value, 1, out) && memchr(out->at, '\0', out->length) == NULL;
}

static bool read_presence(const json_t *value, bool *here) {
    const char *word = json_string_value(value);
    if (word == NULL || (strcmp(word, "here") != 0 && strcmp(word, "away") != 0))
        return false;
    *here = strcmp(word, "here") == 0;
    return true;
}

/* The first few of them: no search of ours has more. */
static bool read_texts(const json_t *value, struct heard *out) {
    size_t count = json_array_size(value);
    out->topic_count = 0;
    for (size_t i = 0; i < count && out->topic_count < MAX_TOPICS; i++)
        if (read_text(json_array_get(value, i), 0, &out->topics[out->topic_count]))
            out->topic_count++;
    return json_is_array(value);
}

static bool read_member(const struct member *member, const json_t *value, struct heard *out) {
    void *field = (char *)out + member->offset;
    switch (member->type) {
    case MEMBER_COUNT: return read_count(value, 0, field);
    case MEMBER_SEQ: return read_count(value, 1, field);
    case MEMBER_TEXT: return read_text(value, 0, field);
    case MEMBER_NAME: return read_name(value, field);
    case MEMBER_TEXTS: return read_texts(value, out);
    case MEMBER_PRESENCE: return read_presence(value, field);
    case MEMBER_SWITCH: *(bool *)field = json_is_true(value); return json_is_boolean(value);
    }
    return false;
}

static bool read_kind(const json_t *object, enum server_kind *out) {
    static const char *const names[] = {
#define SERVER_NAME(name, t) t,
        SERVER_ROWS(SERVER_NAME)
#undef SERVER_NAME
    };
    const char *word = json_string_value(json_object_get(object, "t"));
    for (size_t i = 0; word != NULL && i < SERVER_KINDS; i++) {
        if (strcmp(word, names[i]) == 0) {
            *out = (enum server_kind)i;
            return true;
        }
    }
    return false;
}

static bool read_members(const json_t *object, struct heard *out, const char **problem) {
    for (size_t i = 0; i < MEMBERS; i++) {
        const struct member *member = &members[i];
        if (member->kind != out->kind || read_member(member, json_object_get(object, member->name), out))
            continue;
        *problem = member->problem;
        if (*problem != NULL)
            return false;
        if (member->type == MEMBER_COUNT || member->type == MEMBER_SEQ)
            *(uint64_t *)(void *)((char *)out + member->offset) = member->fallback;
    }
    return true;
}

bool frames_read(const char *bytes, size_t length, struct heard *out, const char **problem) {
    *out = (struct heard){.json = json_loadb(bytes, length, JSON_ALLOW_NUL, NULL)};
    if (out->json == NULL)
        *problem = "no JSON";
    else if (!json_is_object(out->json))
        *problem = "no JSON object";
    else if (!read_kind(out->json, &out->kind))
        *problem = "a frame whose t is unknown";
    else if (read_members(out->json, out, problem))
        return true;
    frames_release(out);
    return false;
}

void frames_release(struct heard *heard) {
    json_decref(heard->json);
    heard->json = NULL;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static char *written(json_t *object) {
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

char *frames_find(const struct criteria *criteria) {
    json_t *object = json_pack("{s:s, s:b}", "t", "find", "reliable", 1);
    if (criteria->topic_count > 0) {
        json_t *topics = json_array();
        for (size_t i = 0; i < criteria->topic_count; i++)
            json_array_append_new(topics, json_string(criteria->topics[i]));
        json_object_set_new(object, "topics", topics);
    }
    if (criteria->language != NULL)
        json_object_set_new(object, "lang", json_string(criteria->language));
    return written(object);
}

char *frames_find_again(const char *token) {
    return written(json_pack("{s:s, s:b, s:s}", "t", "find", "reliable", 1, "again", token));
}

char *frames_msg(uint64_t seq, struct text body) {
    json_t *object = json_pack("{s:s, s:I}", "t", "msg", "seq", (json_int_t)seq);
    json_object_set_new(object, "body", json_stringn(body.at, body.length));
    return written(object);
}

char *frames_ack(uint64_t seq) {
    return written(json_pack("{s:s, s:I}", "t", "ack", "seq", (json_int_t)seq));
}

char *frames_typing(bool on) {
    return written(json_pack("{s:s, s:b}", "t", "typing", "on", (int)on));
}

char *frames_leave(void) {
    return written(json_pack("{s:s}", "t", "leave"));
}

char *frames_resume(const char *token) {
    return written(json_pack("{s:s, s:s}", "t", "resume", "token", token));
}
