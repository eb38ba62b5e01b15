/* text.h - what the wire needs to know about Unicode text. */
#ifndef WIRE_TEXT_H
#define WIRE_TEXT_H

#include "passerby/types.h"

/* Each needs a text that is valid UTF-8. */

/* Code points, not bytes. */
size_t text_count(struct text text);

/* The part of `text` without white space (the Unicode property White_Space) at its ends. */
struct text text_trim(struct text text);

/* The text as it is compared: two texts are canonical caseless matches (Unicode, definition D145) just when their
 * folded forms are equal bytes. Returns `*length` bytes on the heap, for free(). */
char *text_fold(struct text text, size_t *length) __attribute__((warn_unused_result));

#endif
