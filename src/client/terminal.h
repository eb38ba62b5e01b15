/* terminal.h - what the person at a terminal, or the program behind a pipe, sees.
 *
 * Messages of the stranger go to stdout. What there is to say about the chat goes there too if stdout is a terminal,
 * else to stderr. With a terminal on both sides the line being typed stays below what comes. */
#ifndef CLIENT_TERMINAL_H
#define CLIENT_TERMINAL_H

#include "editor.h"

#include <termios.h>

struct terminal {
    bool prints_to_terminal;
    bool edits; /* a terminal on both sides: keys come one by one */
    bool colours;
    bool typing;          /* the stranger is */
    bool drawn;           /* the line being typed is on the screen */
    bool failed;          /* stdout takes nothing any more */
    size_t drawn_columns; /* of that line */
    struct {
        unsigned questions; /* where the cursor is, not answered yet */
        size_t rows;        /* that a terminal which rewraps has made of the rest of that line; 0: none */
        size_t column;      /* in which its cursor is then */
    } rewrapped;
    struct editor editor;
    struct termios saved;
    struct buffer out;
};

/* Looks at stdin and stdout, $TERM and $NO_COLOR. With `plain` lines come one after the other, and nothing else: for
 * screen readers, Braille displays and teletypes. */
void terminal_init(struct terminal *terminal, bool plain);
/* Leaves the terminal as it was found. */
void terminal_fini(struct terminal *terminal);

/* Keys come one by one from now on; also after the process was stopped and goes on. */
void terminal_begin(struct terminal *terminal);

/* Each prints a line; the texts are made harmless. */
void terminal_message(struct terminal *terminal, struct text body);
void terminal_own(struct terminal *terminal, struct text body);
void terminal_status(struct terminal *terminal, const char *format, ...) __attribute__((format(printf, 2, 3)));

void terminal_typing(struct terminal *terminal, bool on);
/* Draws the line being typed anew. */
void terminal_draw(struct terminal *terminal);
/* The same, after the window has got another size. */
void terminal_resized(struct terminal *terminal);
/* The terminal has said in which column the cursor was when the window had just got its size. */
void terminal_position(struct terminal *terminal, size_t column);

#endif
