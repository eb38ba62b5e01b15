/* rules.c - as much of passerby.v1 as the load speaks.
 *
 * The JSON work: each text is parsed by jansson, its fields are looked at, and what is passed on is serialised by jansson from the
 * same tree, which costs less than building another. */
#include "floor.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>

enum { MOST_BYTES = 64 << 10 };

static struct person *waiting;
static uint64_t chats;

static void tell(struct person *person, const char *text, size_t length) {
    struct buffer out = {0};
    frames_put(&out, text, length);
    floor_send(person, out.bytes, out.length);
    buffer_fini(&out);
}

void rules_greet(struct person *person) {
    static const char hello[] =
        "{\"t\":\"hello\",\"v\":1,\"online\":1,\"max_body\":2000,\"max_frame\":16384,\"window\":32,"
        "\"grace_ms\":60000,\"prefer_ms\":8000}";
    tell(person, hello, sizeof hello - 1);
}

static void tell_matched(struct person *person, uint64_t chat) {
    char text[256];
    int length =
        snprintf(text, sizeof text,
                 "{\"t\":\"matched\",\"chat\":\"%016llx\",\"topics\":[],\"resume\":\"%0128llx\",\"reliable\":%s}",
                 (unsigned long long)chat, (unsigned long long)chat, person->stranger->reliable ? "true" : "false");
    tell(person, text, (size_t)length);
}

static void leave(struct person *person, const char *mine) {
    static const char theirs[] = "{\"t\":\"ended\",\"reason\":\"left\"}";
    struct person *stranger = person->stranger;
    if (waiting == person)
        waiting = NULL;
    if (stranger == NULL)
        return;
    person->stranger = stranger->stranger = NULL;
    tell(stranger, theirs, sizeof theirs - 1);
    if (mine != NULL)
        tell(person, mine, strlen(mine));
}

static bool take_find(struct person *person, const json_t *root) {
    static const char wait[] = "{\"t\":\"waiting\"}";
    leave(person, "{\"t\":\"ended\",\"reason\":\"you_left\"}");
    person->reliable = json_is_true(json_object_get(root, "reliable"));
    person->seq = 0;
    if (waiting == NULL) {
        waiting = person;
        tell(person, wait, sizeof wait - 1);
        return true;
    }
    person->stranger = waiting;
    waiting->stranger = person;
    waiting = NULL;
    chats++;
    tell_matched(person->stranger, chats);
    tell_matched(person, chats);
    return true;
}

static void pass_on(const json_t *root, struct buffer *relayed) {
    static char text[MOST_BYTES];
    size_t length = json_dumpb(root, text, sizeof text, JSON_COMPACT);
    if (length <= sizeof text)
        frames_put(relayed, text, length);
}

static bool take_msg(struct person *person, json_t *root, struct buffer *relayed) {
    const json_t *body = json_object_get(root, "body");
    const json_t *seq = json_object_get(root, "seq");
    if (person->stranger == NULL || json_string_length(body) == 0 || (person->reliable && json_integer_value(seq) < 1))
        return false;
    if (!person->reliable)
        json_object_set_new(root, "seq", json_integer(++person->seq));
    pass_on(root, relayed);
    return true;
}

static bool take_ack(const struct person *person, const json_t *root, struct buffer *relayed) {
    if (person->stranger == NULL || !json_is_integer(json_object_get(root, "seq")))
        return false;
    pass_on(root, relayed);
    return true;
}

bool rules_take(struct person *person, const char *text, size_t length, struct buffer *relayed) {
    json_t *root = json_loadb(text, length, 0, NULL);
    const char *t = json_string_value(json_object_get(root, "t"));
    bool good = false;
    if (t == NULL)
        good = false;
    else if (strcmp(t, "msg") == 0)
        good = take_msg(person, root, relayed);
    else if (strcmp(t, "ack") == 0)
        good = take_ack(person, root, relayed);
    else if (strcmp(t, "find") == 0)
        good = take_find(person, root);
    json_decref(root);
    return good;
}

void rules_gone(struct person *person) {
    leave(person, NULL);
}
