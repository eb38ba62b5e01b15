/* fuzz_frame.c - any bytes as a client frame: what decodes keeps its bounds, and a message survives being passed on. */
#include "passerby/wire.h"

#include "base/buffer.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unlike assert(), stands in every build. */
static void require(bool holds) {
    if (!holds)
        abort();
}

static void require_utf8(struct text text) {
    json_t *string = json_stringn(text.at, text.length); /* checks it */
    require(string != NULL);
    json_decref(string);
}

static void check_find(const struct client_frame *frame) {
    require(frame->find.topic_count <= MAX_TOPICS);
    require(memchr(frame->find.language, '\0', sizeof frame->find.language) != NULL);
    for (int i = 0; i < frame->find.topic_count; i++) {
        const struct topic *topic = &frame->find.topics[i];
        require(topic->written.length > 0 && topic->written.length <= 4 * MAX_TOPIC_CODE_POINTS);
        require(topic->folded.length > 0);
        require_utf8(topic->written);
        require_utf8(topic->folded);
        for (int k = 0; k < i; k++) {
            struct text other = frame->find.topics[k].folded;
            require(other.length != topic->folded.length || memcmp(other.at, topic->folded.at, other.length) != 0);
        }
    }
}

static void check_again(const struct client_frame *frame) {
    if (frame->find.again)
        require_utf8(frame->find.token);
    else
        require(frame->find.token.at == NULL);
}

static void check_msg(const struct client_frame *frame) {
    struct text body = frame->msg.body;
    require(body.length > 0 && frame->msg.seq <= MAX_SEQ);
    struct server_frame passed_on = {.kind = SERVER_MSG, .msg = {frame->msg.seq, body}};
    struct buffer json = {0};
    wire_encode(&passed_on, &json);
    json_t *root = json_loadb(json.bytes, json.length, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
    const json_t *read = json_object_get(root, "body");
    require(json_string_length(read) == body.length);
    require(memcmp(json_string_value(read), body.at, body.length) == 0);
    require((uint64_t)json_integer_value(json_object_get(root, "seq")) == frame->msg.seq);
    json_decref(root);
    buffer_fini(&json);
}

static void check_fault(const struct wire_fault *fault) {
    require(fault->code == ERROR_BAD_JSON || fault->code == ERROR_BAD_TYPE || fault->code == ERROR_BAD_FIELD);
    require(fault->detail != NULL && (fault->code != ERROR_BAD_FIELD || fault->detail[0] == '\''));
}

/* What jansson reads as an object is never "not a JSON object". */
static void check_bad_json(const char *bytes, size_t size, const struct wire_fault *fault) {
    json_t *root = json_loadb(bytes, size, JSON_ALLOW_NUL, NULL);
    require(!json_is_object(root) || fault->code != ERROR_BAD_JSON);
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *bytes = (const char *)data;
    struct wire_frame out;
    struct wire_fault fault;
    if (!wire_decode(bytes, size, &out, &fault)) {
        check_fault(&fault);
        check_bad_json(bytes, size, &fault);
        return 0;
    }
    switch (out.frame.kind) {
    case CLIENT_FIND: check_find(&out.frame), check_again(&out.frame); break;
    case CLIENT_MSG: check_msg(&out.frame); break;
    case CLIENT_ACK: require(out.frame.ack.seq <= MAX_SEQ); break;
    case CLIENT_RESUME: require_utf8(out.frame.resume.token); break;
    case CLIENT_TYPING:
    case CLIENT_LEAVE: break;
    case CLIENT_KINDS: abort();
    }
    wire_release(&out);
    return 0;
}
