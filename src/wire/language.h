/* language.h - language tags. */
#ifndef WIRE_LANGUAGE_H
#define WIRE_LANGUAGE_H

#include "passerby/types.h"

/* Reads a well-formed BCP 47 tag (RFC 5646 section 2.1) and writes its primary language subtag in lower case; "" for
 * tags that have none ("x-…", "i-…"). Returns false if the tag is not well-formed. Nothing is looked up in the
 * registry. */
bool language_primary(struct text tag, char out[MAX_LANGUAGE_BYTES + 1]) __attribute__((warn_unused_result));

#endif
