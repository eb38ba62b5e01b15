/* scan.h - the short way to decode the two client frames that nearly all of the traffic is. */
#ifndef WIRE_SCAN_H
#define WIRE_SCAN_H

#include "passerby/wire.h"

/* Decodes `msg` and `ack` as clients write them, many times faster than a tree of the JSON can be made and read. Returns true and
 * fills `out`, which then is what wire_decode_tree() would have made of it; or false for anything that is not simple, let alone
 * good: that is for wire_decode_tree() to judge. */
bool scan_frame(const char *bytes, size_t length, struct wire_frame *out) __attribute__((warn_unused_result));

/* --- frame_decode.c --- */
/* wire_decode() without the short way. */
bool wire_decode_tree(const char *bytes, size_t length, struct wire_frame *out, struct wire_fault *fault)
    __attribute__((warn_unused_result));

#endif
