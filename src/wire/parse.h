/* parse.h - JSON text to a jansson tree. */
#ifndef WIRE_PARSE_H
#define WIRE_PARSE_H

#include <jansson.h>

/* Parses a JSON object (RFC 8259). Every number becomes a real, as in ECMAScript; of a name that comes twice the
 * last counts. Returns a new reference, or NULL for anything that is not one object in UTF-8. Also refused, though
 * the grammar allows them: unpaired surrogates (no UTF-8 can hold them) and nesting deeper than jansson goes
 * (2,048). A number beyond the reals reads as -1; a name that holds a NUL reads as some other name that is none of
 * ours. */
json_t *parse_object(const char *bytes, size_t length) __attribute__((warn_unused_result));

#endif
