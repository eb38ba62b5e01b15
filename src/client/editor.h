/* editor.h - one line of text being typed, edited at its end. Pure. */
#ifndef CLIENT_EDITOR_H
#define CLIENT_EDITOR_H

#include "passerby/types.h"

#include "base/buffer.h"

enum editor_event {
    EDITOR_NOTHING,
    EDITOR_CHANGED,  /* the text, or the screen needs drawing */
    EDITOR_LINE,     /* it is complete: take editor_text(), then editor_clear() */
    EDITOR_END,      /* Ctrl-D on an empty line */
    EDITOR_POSITION, /* no key: the terminal says that the cursor is, or was, in this `column` (from 1) */
};

/* Zero-initialised is empty. The owner calls editor_fini(). */
struct editor {
    struct buffer text;
    enum { EDITOR_PLAIN, EDITOR_ESCAPE, EDITOR_SEQUENCE, EDITOR_SINGLE_SHIFT } state; /* within an escape sequence */
    unsigned column; /* or any other last parameter of a sequence */
};

void editor_fini(struct editor *editor);

/* Takes a byte that the keyboard sent: text in UTF-8; Backspace, Ctrl-W and Ctrl-U delete a character, a word and all;
 * cursor and function keys do nothing. */
enum editor_event editor_feed(struct editor *editor, char byte);

struct text editor_text(const struct editor *editor);
void editor_clear(struct editor *editor);

#endif
