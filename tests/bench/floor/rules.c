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

void rules_greet(struct buffer *out) {
    static const char hello[] =
        "{\"t\":\"hello\",\"v\":1,\"online\":1,\"max_body\":2000,\"max_frame\":16384,\"window\":32,"
        "\"grace_ms\":60000,\"prefer_ms\":8000}";
    frames_put(out, hello, sizeof hello - 1);
}

static void put_matched(const struct person *person, struct buffer *out) {
    char text[256];
    int length =
        snprintf(text, sizeof text,
                 "{\"t\":\"matched\",\"chat\":\"%016llx\",\"topics\":[],\"resume\":\"%0128llx\",\"reliable\":%s}",
                 (unsigned long long)chats, (unsigned long long)chats, person->stranger->reliable ? "true" : "false");
    frames_put(out, text, (size_t)length);
}

/* The stranger hears it at once, and what was for them before. False if there was none. */
static bool leave(struct person *person, struct buffer *theirs) {
    static const char left[] = "{\"t\":\"ended\",\"reason\":\"left\"}";
    struct person *stranger = person->stranger;
    if (waiting == person)
        waiting = NULL;
    if (stranger == NULL)
        return false;
    person->stranger = stranger->stranger = NULL;
    frames_put(theirs, left, sizeof left - 1);
    floor_send(stranger, theirs);
    buffer_clear(theirs);
    return true;
}

static bool take_find(struct person *person, const json_t *root, struct told *told) {
    static const char left[] = "{\"t\":\"ended\",\"reason\":\"you_left\"}";
    static const char wait[] = "{\"t\":\"waiting\"}";
    if (leave(person, &told->stranger))
        frames_put(&told->self, left, sizeof left - 1);
    person->reliable = json_is_true(json_object_get(root, "reliable"));
    person->seq = 0;
    if (waiting == NULL) {
        waiting = person;
        frames_put(&told->self, wait, sizeof wait - 1);
        return true;
    }
    person->stranger = waiting;
    waiting->stranger = person;
    waiting = NULL;
    chats++;
    put_matched(person->stranger, &told->stranger);
    put_matched(person, &told->self);
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

bool rules_take(struct person *person, const char *text, size_t length, struct told *told) {
    json_t *root = json_loadb(text, length, 0, NULL);
    const char *t = json_string_value(json_object_get(root, "t"));
    bool good = false;
    if (t == NULL)
        good = false;
    else if (strcmp(t, "msg") == 0)
        good = take_msg(person, root, &told->stranger);
    else if (strcmp(t, "ack") == 0)
        good = take_ack(person, root, &told->stranger);
    else if (strcmp(t, "find") == 0)
        good = take_find(person, root, told);
    json_decref(root);
    return good;
}

void rules_gone(struct person *person) {
    struct buffer theirs = {0};
    leave(person, &theirs);
    buffer_fini(&theirs);
}
