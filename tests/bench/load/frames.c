/* frames.c - WebSocket frames (RFC 6455 section 5.2), and Socket.IO's packets inside of them.
 *
 * Socket.IO (protocol 5 over Engine.IO 4, WebSocket alone): "0{...}" opens, "40" joins, "2" is answered "3", and an event is
 * `42["m",` an object `]`; the object is what the others say without the wrapping. */
#include "load.h"

#include <string.h>

enum { TEXT = 1, CLOSE = 8, PING = 9, PONG = 10, SHORT_LENGTH = 125, LENGTH_16 = 126 };

static const char event_open[] = "42[\"m\",";
enum { EVENT_OPEN = sizeof event_open - 1 };

/* Not to be guessed in general; here it must only be different from frame to frame. */
static uint32_t next_mask(void) {
    static uint32_t state = 0x9e3779b9u;
    state ^= state << 13; /* xorshift32 (Marsaglia) */
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static void put_frame(struct buffer *out, int opcode, const char *payload, size_t length) {
    uint32_t mask = next_mask();
    char *at = buffer_reserve(out, length + 8);
    *at++ = (char)(0x80 | opcode);
    if (length <= SHORT_LENGTH) {
        *at++ = (char)(0x80 | length);
    } else {
        *at++ = (char)(0x80 | LENGTH_16);
        *at++ = (char)(length >> 8);
        *at++ = (char)length;
    }
    memcpy(at, &mask, sizeof mask);
    at += sizeof mask;
    const char *key = (const char *)&mask;
    for (size_t i = 0; i < length; i++)
        at[i] = (char)(payload[i] ^ key[i & 3]);
    out->length = (size_t)(at + length - out->bytes);
}

void frames_put(struct load *load, struct buffer *out, const char *text, size_t length) {
    if (load->options.dialect == DIALECT_PLAIN) {
        put_frame(out, TEXT, text, length);
        return;
    }
    char event[MAX_FRAME];
    memcpy(event, event_open, EVENT_OPEN);
    memcpy(event + EVENT_OPEN, text, length);
    event[EVENT_OPEN + length] = ']';
    put_frame(out, TEXT, event, EVENT_OPEN + length + 1);
}

static void answer(struct load *load, struct person *person, int opcode, const char *payload, size_t length) {
    struct buffer out = {0};
    put_frame(&out, opcode, payload, length);
    socket_send(load, person, out.bytes, out.length);
    buffer_fini(&out);
}

void frames_close(struct load *load, struct person *person) {
    answer(load, person, CLOSE, "\x03\xe8", 2); /* 1000: normal */
}

static void take_packet(struct load *load, struct person *person, const char *text, size_t length) {
    if (length > EVENT_OPEN && memcmp(text, event_open, EVENT_OPEN) == 0)
        person_told(load, person, text + EVENT_OPEN, length - EVENT_OPEN - 1);
    else if (length > 0 && text[0] == '0')
        answer(load, person, TEXT, "40", 2);
    else if (length == 1 && text[0] == '2')
        answer(load, person, TEXT, "3", 1);
    else if (length < 2 || memcmp(text, "40", 2) != 0)
        fail("person %u: an unknown packet: %.*s", person_index(load, person), (int)length, text);
}

static void take_frame(struct load *load, struct person *person, int opcode, const char *payload, size_t length) {
    if (opcode == PING)
        answer(load, person, PONG, payload, length);
    else if (opcode == CLOSE && person->state == PERSON_LEAVING)
        person->state = PERSON_CUTTING; /* what is left is that the connection ends */
    else if (opcode == CLOSE && person->state != PERSON_CUTTING)
        fail("person %u: closed by the relay: %d", person_index(load, person),
             length < 2 ? 0 : (uint8_t)payload[0] << 8 | (uint8_t)payload[1]);
    else if (opcode == TEXT && load->options.dialect == DIALECT_PLAIN)
        person_told(load, person, payload, length);
    else if (opcode == TEXT)
        take_packet(load, person, payload, length);
    else if (opcode != PONG)
        fail("person %u: a frame with opcode %d", person_index(load, person), opcode);
}

size_t frames_take(struct load *load, struct person *person, char *bytes, size_t length) {
    size_t at = 0;
    while (length - at >= 2) {
        const uint8_t *head = (const uint8_t *)bytes + at;
        size_t size = head[1];
        size_t header = 2;
        if ((head[0] & 0xf0) != 0x80 || size > LENGTH_16)
            fail("person %u: a frame that is fragmented, masked or too long", person_index(load, person));
        if (size == LENGTH_16) {
            header = 4;
            if (length - at < header)
                break;
            size = (size_t)head[2] << 8 | head[3];
        }
        if (length - at < header + size)
            break;
        take_frame(load, person, head[0] & 0x0f, bytes + at + header, size);
        at += header + size;
    }
    return at;
}
