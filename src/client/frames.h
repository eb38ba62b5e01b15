/* frames.h - passerby.v1 as a client speaks it: reads what a node says, writes what it is told. Pure. */
#ifndef CLIENT_FRAMES_H
#define CLIENT_FRAMES_H

#include "passerby/frame.h"

struct json_t;

/* What the person wants of a stranger. Strings are borrowed for the life of whoever holds it. */
struct criteria {
    const char *topics[MAX_TOPICS]; /* UTF-8 */
    size_t topic_count;
    const char *language; /* BCP 47; NULL = not named */
};

/* What a node said: the members that PROTOCOL.md has for the kind, checked; the others are 0. Texts borrow from
 * `json`. */
struct heard {
    enum server_kind kind;
    bool on;
    bool reliable;
    bool here; /* `resumed`: the stranger is */
    struct text chat, resume, body, reason, code, message;
    struct text topics[MAX_TOPICS];
    size_t topic_count;
    uint64_t seq;
    uint64_t version, online, max_body, max_frame, window, prefer_ms, again_ms; /* `hello` */
    uint64_t grace_ms, after_ms, retry_ms;
    struct json_t *json;
};

/* Reads one message of a node. Returns true and fills `out`, to be given to frames_release(); or false, and `problem`
 * says in static storage what is wrong with it. A member that may be missing, and is missing or of the wrong kind, has
 * its default. */
bool frames_read(const char *bytes, size_t length, struct heard *out, const char **problem)
    __attribute__((warn_unused_result));
void frames_release(struct heard *heard);

/* The JSON of each frame, on the heap. Texts must be valid UTF-8. */
char *frames_find(const struct criteria *criteria);
/* Only for the stranger of the chat with that token. */
char *frames_find_again(const char *token);
char *frames_msg(uint64_t seq, struct text body);
char *frames_ack(uint64_t seq);
char *frames_typing(bool on);
char *frames_leave(void);
char *frames_resume(const char *token);

#endif
