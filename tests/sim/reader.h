/* reader.h - what a node said to a client, read from its JSON.
 *
 * A second, independent reading of PROTOCOL.md: it shares no code with wire, so that a mistake there is seen here. */
#ifndef SIM_READER_H
#define SIM_READER_H

#include "passerby/frame.h"

enum { READER_CHAT_CHARS = 32 };

enum presence { PRESENCE_UNKNOWN, PRESENCE_HERE, PRESENCE_AWAY };

/* Texts point into the bytes that were read. Fields that the frame does not have are zero. */
struct heard {
    enum server_kind kind;
    uint32_t fields; /* one bit per field that was there */
    struct text chat;
    struct text resume;
    struct text body;
    struct text topics[MAX_TOPICS];
    uint8_t topic_count;
    bool reliable;
    bool on;
    bool again;
    enum presence peer;
    enum ended_reason reason;
    enum error_code code;
    uint64_t seq;
    uint64_t v;
    uint64_t online;
    uint64_t max_body;
    uint64_t max_frame;
    uint64_t window;
    uint64_t grace_ms;
    uint64_t prefer_ms;
    uint64_t again_ms;
    uint64_t after_ms;
    uint64_t retry_ms;
    bool crossed; /* ENDED: the node had read no `leave` that this could answer; set by the checker */
};

/* Reads one frame. Strings are unescaped in place: `bytes` is overwritten. Returns NULL, or what is wrong with it. */
const char *reader_read(char *bytes, size_t length, struct heard *out) __attribute__((warn_unused_result));

/* Reads it with jansson, which is slower and stricter: is it a JSON object? */
bool reader_is_object(const char *bytes, size_t length);

bool reader_equal(struct text text, const char *string);

#endif
