/* printable.h - other people's text, made harmless for a terminal and for whatever reads lines. Pure. */
#ifndef CLIENT_PRINTABLE_H
#define CLIENT_PRINTABLE_H

#include "passerby/types.h"

struct buffer;

/* Appends UTF-8 text so that it moves no cursor, changes no colour and turns no other text around: control characters
 * as their pictures (U+2400 …), characters that override direction and ends of lines other than '\n' as U+FFFD, and
 * no more than a few combining marks on one letter. '\n' becomes `newline`; tabs stay. What is not UTF-8 becomes
 * U+FFFD. */
void printable_append(struct buffer *out, struct text text, const char *newline);

/* Appends the text with U+FFFD for every byte that is not part of UTF-8. */
void printable_repair(struct buffer *out, struct text text);

/* How many bytes at the end of valid UTF-8 text fit into so many columns of a terminal; takes those that they need off
 * `columns`. */
size_t printable_tail(struct text text, size_t *columns);

#endif
