/* writer.h - one flat JSON object, written straight into a buffer, member by member.
 *
 * Texts must be valid UTF-8. Names are written as they are: they must need no escapes. */
#ifndef WIRE_WRITER_H
#define WIRE_WRITER_H

#include "passerby/types.h"

struct buffer;

/* Opens the object with its first member. */
void writer_open(struct buffer *out, const char *name, const char *value);
void writer_text(struct buffer *out, const char *name, struct text value);
void writer_texts(struct buffer *out, const char *name, const struct text *values, size_t count);
void writer_string(struct buffer *out, const char *name, const char *value);
void writer_number(struct buffer *out, const char *name, uint64_t value);
void writer_bool(struct buffer *out, const char *name, bool value);
void writer_close(struct buffer *out);

#endif
