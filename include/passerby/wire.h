/* wire.h - the codec: client JSON and node-to-node envelopes to values and back. Pure, no state.
 *
 * Client frames are one JSON object (RFC 8259) each. Unknown fields are ignored; of a field that comes twice the
 * last counts, as in ECMAScript's JSON.parse. Numbers are read as IEEE 754 doubles. */
#ifndef PASSERBY_WIRE_H
#define PASSERBY_WIRE_H

#include "passerby/frame.h"
#include "passerby/peer.h"

struct buffer;

/* A decoded client frame. Its texts live in `memory` or `text`, or are those of the bytes that were decoded. */
struct wire_frame {
    struct client_frame frame;
    void *memory;
    char *text;
};

/* Why a client frame could not be decoded. */
struct wire_fault {
    enum error_code code; /* ERROR_BAD_JSON, ERROR_BAD_TYPE or ERROR_BAD_FIELD */
    const char *detail;   /* for developers, static storage; for ERROR_BAD_FIELD it names the field */
};

/* Decodes one client frame. The bytes must stay until wire_release(). Returns true and fills `out`, to be given to wire_release(); or false and fills `fault`,
 * and there is nothing to release. `bytes` must be valid UTF-8 for texts to be (anything else is ERROR_BAD_JSON).
 * find.topics[].hash is left 0. msg.body is not checked against max_body: core does. */
bool wire_decode(const char *bytes, size_t length, struct wire_frame *out, struct wire_fault *fault)
    __attribute__((warn_unused_result));
void wire_release(struct wire_frame *frame);

/* Appends the JSON of a server frame. */
void wire_encode(const struct server_frame *frame, struct buffer *out);

/* Appends the envelope of a node-to-node frame: a version, a kind, and the fields; the length is implied by a
 * prefix, so that several can be packed one behind the other. */
void wire_envelope_encode(const struct peer_frame *frame, struct buffer *out);

enum wire_envelope_result {
    ENVELOPE_FRAME,   /* `out` is filled; its texts borrow from `bytes` */
    ENVELOPE_UNKNOWN, /* a version or kind that is not ours: skip it */
    ENVELOPE_END,     /* nothing is left */
    ENVELOPE_GARBAGE, /* not an envelope; what follows can't be read either */
};

/* Takes the next envelope from a pack: *bytes and *length move behind it (but for ENVELOPE_GARBAGE). */
enum wire_envelope_result wire_envelope_next(const char **bytes, size_t *length, struct peer_frame *out)
    __attribute__((warn_unused_result));

/* base64url without padding (RFC 4648 section 5) of a chat's id; `out` gets CHAT_ID_CHARS characters and a NUL. */
void wire_chat_id(struct chat_id id, char out[CHAT_ID_CHARS + 1]);

/* The names, for metrics and logs: "bad_json", "left", "find", "hello", … Static storage. */
const char *wire_error_name(enum error_code code);
const char *wire_ended_name(enum ended_reason reason);
const char *wire_client_name(enum client_kind kind);
const char *wire_server_name(enum server_kind kind);
/* What an error code means, in a sentence for developers. Static storage. */
const char *wire_error_message(enum error_code code);

#endif
