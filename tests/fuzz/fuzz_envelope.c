/* fuzz_envelope.c - any bytes as a pack of envelopes: what decodes can be encoded again, and decodes to the same. */
#include "passerby/wire.h"

#include "base/buffer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unlike assert(), stands in every build. */
static void require(bool holds) {
    if (!holds)
        abort();
}

/* The same frame has the same bytes: comparing those compares all fields. */
static void check_frame(const struct peer_frame *frame) {
    struct buffer once = {0}, twice = {0};
    wire_envelope_encode(frame, &once);
    const char *at = once.bytes;
    size_t left = once.length;
    struct peer_frame again;
    require(wire_envelope_next(&at, &left, &again) == ENVELOPE_FRAME && left == 0);
    wire_envelope_encode(&again, &twice);
    require(once.length == twice.length && memcmp(once.bytes, twice.bytes, once.length) == 0);
    require(again.kind == frame->kind && again.side == frame->side && again.fence == frame->fence);
    require(address_equal(again.to, frame->to) && address_equal(again.from, frame->from));
    require(chat_id_equal(again.chat, frame->chat));
    buffer_fini(&once);
    buffer_fini(&twice);
}

/* How many bytes say the length. */
static size_t label_of(const char *bytes) {
    size_t size = 1;
    while ((bytes[size - 1] & 0x80) != 0)
        size++;
    return size;
}

/* The bytes that the fields of a good envelope were read from are the ones it would be written as. */
static void check_bytes(const struct peer_frame *frame, const char *bytes, size_t length) {
    struct buffer out = {0};
    wire_envelope_encode(frame, &out);
    size_t out_label = label_of(out.bytes), label = label_of(bytes);
    require(out.length - out_label <= length - label); /* later nodes may add fields at the end */
    require(memcmp(out.bytes + out_label, bytes + label, out.length - out_label) == 0);
    buffer_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *at = (const char *)data;
    size_t left = size;
    for (;;) {
        const char *before = at;
        struct peer_frame frame;
        enum wire_envelope_result result = wire_envelope_next(&at, &left, &frame);
        require(at + left == (const char *)data + size);
        if (result == ENVELOPE_END || result == ENVELOPE_GARBAGE) {
            require(at == before && (result == ENVELOPE_GARBAGE || left == 0));
            return 0;
        }
        require(at > before);
        if (result == ENVELOPE_FRAME) {
            check_frame(&frame);
            check_bytes(&frame, before, (size_t)(at - before));
        }
    }
}
