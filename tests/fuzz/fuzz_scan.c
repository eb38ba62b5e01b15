/* fuzz_scan.c - any bytes by both ways of decoding: what the short way takes, the long way takes, and as the same. */
#include "passerby/wire.h"

#include "scan.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unlike assert(), stands in every build. */
static void require(bool holds) {
    if (!holds)
        abort();
}

static void compare(const struct client_frame *scanned, const struct client_frame *parsed) {
    require(scanned->kind == parsed->kind);
    if (scanned->kind == CLIENT_ACK) {
        require(scanned->ack.seq == parsed->ack.seq);
        return;
    }
    require(scanned->kind == CLIENT_MSG && scanned->msg.seq == parsed->msg.seq);
    require(scanned->msg.body.length == parsed->msg.body.length);
    require(memcmp(scanned->msg.body.at, parsed->msg.body.at, parsed->msg.body.length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *bytes = (const char *)data;
    struct wire_frame scanned, parsed;
    struct wire_fault fault;
    if (!scan_frame(bytes, size, &scanned))
        return 0;
    require(wire_decode_tree(bytes, size, &parsed, &fault));
    compare(&scanned.frame, &parsed.frame);
    wire_release(&scanned);
    wire_release(&parsed);
    return 0;
}
