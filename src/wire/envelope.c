/* envelope.c - node-to-node frames as versioned bytes, several packed one behind the other.
 *
 * Layout. "Number": an unsigned LEB128 of as few bytes as it takes, as most are small; all else is of fixed width, little-endian,
 * as what is drawn at random is never small:
 *
 *   bytes  field
 *   number length of all that follows, 2 to ENVELOPE_MAX_BYTES
 *   1      version, 2
 *   1      kind (PEER_ROWS)
 *   8 …    to:   boot 8, slot number, generation number
 *   8 …    from: boot 8, slot number, generation number
 *   16     chat: high 8, low 8
 *   1      side, 0 or 1
 *   number fence of that side
 *   …      by kind:
 *          msg    seq number, reliable 1, body length number, body (UTF-8, not empty)
 *          ack    seq number
 *          typing on 1
 *          away   grace_ms number
 *          state  here 1, grace_ms number
 *          sync   here 1, grace_ms number
 *          ended  cause 1, side 1
 *          moved  here 1
 *          rebound, gone, decline: nothing
 *   …      whatever later nodes add: ignored
 *
 * Flow:      one description of the layout, code_frame(), serves both directions: a coder either writes or reads.
 * Fails:     another version or kind is skipped by its length (from version 2 on); a frame cut short, or with values that can't be, is
 *            garbage.
 * Extending: add fields at the end of a kind, with a value for "absent" (older nodes don't send them); a new meaning
 *            for old bytes needs a new version. */
#include "passerby/wire.h"

#include "base/buffer.h"
#include "base/utf8.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

enum {
    ENVELOPE_VERSION = 2,
    NUMBER_BYTES = 10,      /* that the greatest number takes */
    TAG_BYTES = 2,          /* version and kind: what every envelope has */
    FIELDS_MAX_BYTES = 128, /* more than everything but the body takes */
    ENVELOPE_MAX_BYTES = 2 << 20,
};

/* Writes fields to `out`, or reads them from `in`, one after the other. */
struct coder {
    char *out;      /* NULL when reading */
    const char *in; /* NULL when writing */
    size_t left;
    bool bad; /* cut short, or a value that can't be; sticky */
};

static void code_bytes(struct coder *coder, void *value, size_t size) {
    coder->bad |= size > coder->left;
    if (coder->bad)
        return;
    if (coder->out != NULL) {
        memcpy(coder->out, value, size);
        coder->out += size;
    } else {
        memcpy(value, coder->in, size);
        coder->in += size;
    }
    coder->left -= size;
}

static void code_u8(struct coder *coder, uint8_t *value, uint8_t least, uint8_t most) {
    code_bytes(coder, value, sizeof *value);
    coder->bad |= *value < least || *value > most;
}

static void code_u64(struct coder *coder, uint64_t *value) {
    uint64_t little = htole64(*value);
    code_bytes(coder, &little, sizeof little);
    *value = le64toh(little);
}

static void write_number(struct coder *coder, uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        code_bytes(coder, &(uint8_t){(uint8_t)value | 0x80}, 1);
    code_bytes(coder, &(uint8_t){(uint8_t)value}, 1);
}

/* There is one way to write a number: not with more bytes than it takes. */
static uint64_t read_number(struct coder *coder) {
    uint64_t value = 0;
    uint8_t byte = 0x80;
    for (unsigned shift = 0; (byte & 0x80) != 0 && !coder->bad; shift += 7) {
        code_bytes(coder, &byte, 1);
        coder->bad |= (shift > 0 && byte == 0) || (shift == 63 && byte > 1);
        if (!coder->bad)
            value |= (uint64_t)(byte & 0x7f) << shift;
    }
    return value;
}

static void code_number(struct coder *coder, uint64_t *value, uint64_t least, uint64_t most) {
    if (coder->out != NULL)
        write_number(coder, *value);
    else
        *value = read_number(coder);
    coder->bad |= *value < least || *value > most;
}

static void code_u32(struct coder *coder, uint32_t *value) {
    uint64_t number = *value;
    code_number(coder, &number, 0, UINT32_MAX);
    *value = (uint32_t)number;
}

static void code_bool(struct coder *coder, bool *value) {
    uint8_t byte = *value;
    code_u8(coder, &byte, 0, 1);
    *value = byte != 0;
}

static void code_side(struct coder *coder, enum side *side) {
    uint8_t byte = (uint8_t)*side;
    code_u8(coder, &byte, SIDE_SEEKER, SIDE_CANDIDATE);
    *side = (enum side)byte;
}

static void code_cause(struct coder *coder, enum end_cause *cause) {
    uint8_t byte = (uint8_t)*cause;
    code_u8(coder, &byte, END_LEFT, END_EXPIRED);
    *cause = (enum end_cause)byte;
}

/* Never empty. Reading, it borrows from the envelope. */
static void code_body(struct coder *coder, struct text *text) {
    uint32_t length = (uint32_t)text->length;
    code_u32(coder, &length);
    coder->bad |= length == 0 || length > coder->left;
    if (coder->bad)
        return;
    if (coder->out != NULL) {
        code_bytes(coder, (void *)text->at, length);
        return;
    }
    *text = (struct text){coder->in, length};
    coder->in += length;
    coder->left -= length;
    coder->bad |= !utf8_valid(text->at, text->length);
}

static void code_address(struct coder *coder, struct address *address) {
    code_u64(coder, &address->boot);
    code_u32(coder, &address->slot);
    code_u32(coder, &address->generation);
}

static void code_payload(struct coder *coder, struct peer_frame *frame) {
    switch (frame->kind) {
    case PEER_MSG:
        code_number(coder, &frame->msg.seq, 1, MAX_SEQ);
        code_bool(coder, &frame->msg.reliable);
        code_body(coder, &frame->msg.body);
        break;
    case PEER_ACK: code_number(coder, &frame->ack.seq, 0, MAX_SEQ); break;
    case PEER_TYPING: code_bool(coder, &frame->typing.on); break;
    case PEER_AWAY: code_u32(coder, &frame->away.grace_ms); break;
    case PEER_STATE:
    case PEER_SYNC:
        code_bool(coder, &frame->state.here);
        code_u32(coder, &frame->state.grace_ms);
        break;
    case PEER_ENDED:
        code_cause(coder, &frame->ended.how.cause);
        code_side(coder, &frame->ended.how.side);
        break;
    case PEER_MOVED: code_bool(coder, &frame->moved.here); break;
    case PEER_REBOUND:
    case PEER_GONE:
    case PEER_DECLINE: break;
    }
}

/* All that follows version and kind. */
static void code_frame(struct coder *coder, struct peer_frame *frame) {
    code_address(coder, &frame->to);
    code_address(coder, &frame->from);
    code_u64(coder, &frame->chat.high);
    code_u64(coder, &frame->chat.low);
    code_side(coder, &frame->side);
    code_number(coder, &frame->fence, 0, UINT64_MAX);
    code_payload(coder, frame);
}

/* The length is known when the rest is written; it mostly takes the one byte that was left for it. Gives how many it took. */
static size_t put_length(char *envelope, size_t length) {
    char number[NUMBER_BYTES];
    struct coder coder = {.out = number, .left = sizeof number};
    write_number(&coder, length);
    size_t size = sizeof number - coder.left;
    if (size > 1)
        memmove(envelope + size, envelope + 1, length);
    memcpy(envelope, number, size);
    return size;
}

void wire_envelope_encode(const struct peer_frame *frame, struct buffer *out) {
    struct peer_frame copy = *frame;
    size_t room = FIELDS_MAX_BYTES + (frame->kind == PEER_MSG ? frame->msg.body.length : 0);
    char *envelope = buffer_reserve(out, room);
    struct coder coder = {.out = envelope + 1, .left = room - NUMBER_BYTES};
    uint8_t version = ENVELOPE_VERSION, kind = (uint8_t)frame->kind;
    code_u8(&coder, &version, ENVELOPE_VERSION, ENVELOPE_VERSION);
    code_u8(&coder, &kind, 0, UINT8_MAX);
    code_frame(&coder, &copy);
    assert(!coder.bad && room <= ENVELOPE_MAX_BYTES);
    size_t length = (size_t)(coder.out - envelope) - 1;
    out->length += put_length(envelope, length) + length;
}

static bool is_known(uint8_t kind) {
    switch (kind) {
#define PEER_CASE(name, number, text) case (number):
        PEER_ROWS(PEER_CASE)
#undef PEER_CASE
        return true;
    default: return false;
    }
}

enum wire_envelope_result wire_envelope_next(const char **bytes, size_t *length, struct peer_frame *out) {
    if (*length == 0)
        return ENVELOPE_END;
    struct coder coder = {.in = *bytes, .left = *length};
    uint64_t size = 0;
    code_number(&coder, &size, TAG_BYTES, ENVELOPE_MAX_BYTES);
    if (coder.bad || size > coder.left)
        return ENVELOPE_GARBAGE;
    coder.left = size;
    const char *behind = coder.in + size;
    uint8_t version = 0, kind = 0;
    code_u8(&coder, &version, 0, UINT8_MAX);
    code_u8(&coder, &kind, 0, UINT8_MAX);
    enum wire_envelope_result result = ENVELOPE_UNKNOWN;
    if (version == ENVELOPE_VERSION && is_known(kind)) {
        *out = (struct peer_frame){.kind = (enum peer_kind)kind};
        code_frame(&coder, out);
        if (coder.bad)
            return ENVELOPE_GARBAGE;
        result = ENVELOPE_FRAME;
    }
    *length -= (size_t)(behind - *bytes);
    *bytes = behind;
    return result;
}
