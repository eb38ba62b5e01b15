/* terminal.c - what the person at a terminal, or the program behind a pipe, sees.
 *
 * The only sequences used are those of ECMA-48 that every terminal of today knows: carriage return, erase to the end of
 * the line (EL) and of the screen (ED), up (CUU), where is the cursor (DSR), colours (SGR). */
#include "terminal.h"

#include "printable.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { USUAL_COLUMNS = 80, LEAST_COLUMNS = 20 };

static const char symbol_for_line_feed[] = "\xe2\x90\x8a"; /* U+240A */

enum style { STYLE_STRANGER, STYLE_OWN, STYLE_STATUS };

static const struct {
    const char *prefix;
    const char *colour;
    const char *newline; /* a further line can't pass for somebody else's */
} styles[] = {
    [STYLE_STRANGER] = {"stranger: ", "\033[36m", "\n          "},
    [STYLE_OWN] = {"     you: ", "\033[32m", "\n          "},
    [STYLE_STATUS] = {"* ", "\033[2m", " "},
};

static const char erase_line[] = "\r\033[K";
static const char erase_below[] = "\033[J";
static const char ask_position[] = "\033[6n";
static const char no_colour[] = "\033[0m";

static bool is_set(const char *variable) {
    const char *value = getenv(variable);
    return value != NULL && *value != '\0';
}

void terminal_init(struct terminal *terminal, bool plain) {
    const char *type = getenv("TERM");
    bool capable = !plain && type != NULL && strcmp(type, "dumb") != 0;
    *terminal = (struct terminal){.prints_to_terminal = isatty(STDOUT_FILENO)};
    terminal->colours = terminal->prints_to_terminal && capable && !is_set("NO_COLOR");
    terminal->edits = terminal->prints_to_terminal && capable && isatty(STDIN_FILENO) &&
                      tcgetattr(STDIN_FILENO, &terminal->saved) == 0;
}

void terminal_begin(struct terminal *terminal) {
    if (!terminal->edits)
        return;
    struct termios raw = terminal->saved;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* Ctrl-C and Ctrl-Z go on being signals */
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    terminal_draw(terminal);
}

/* --- output ------------------------------------------------------------------------------------------------------- */

static void flush(struct terminal *terminal, FILE *file) {
    bool written = fwrite(terminal->out.bytes, 1, terminal->out.length, file) == terminal->out.length;
    if ((!written || fflush(file) != 0) && file == stdout)
        terminal->failed = true;
    buffer_clear(&terminal->out);
}

static void erase(struct terminal *terminal) {
    if (terminal->drawn)
        buffer_string(&terminal->out, erase_line);
    terminal->drawn = false;
}

static size_t columns(void) {
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return USUAL_COLUMNS;
    return size.ws_col < LEAST_COLUMNS ? LEAST_COLUMNS : size.ws_col;
}

/* The end of the line being typed, as much of it as there is room for. */
static void draw(struct terminal *terminal) {
    if (!terminal->edits)
        return;
    erase(terminal);
    const char *prompt = terminal->typing ? "(typing) > " : "> ";
    struct buffer shown = {0};
    printable_append(&shown, editor_text(&terminal->editor), " ");
    size_t room = columns() - 1;
    size_t left = room - strlen(prompt);
    size_t tail = printable_tail((struct text){shown.bytes, shown.length}, &left);
    terminal->drawn_columns = room - left;
    buffer_string(&terminal->out, prompt);
    buffer_append(&terminal->out, shown.bytes + shown.length - tail, tail);
    buffer_fini(&shown);
    terminal->drawn = true;
}

void terminal_draw(struct terminal *terminal) {
    draw(terminal);
    flush(terminal, stdout);
}

/* When a window gets narrower, one kind of terminal cuts what no longer fits, and another wraps it anew, so that the line
 * being typed takes several rows. Only where its cursor is then tells which kind it is. */
void terminal_resized(struct terminal *terminal) {
    size_t width = columns();
    if (terminal->edits && terminal->drawn && terminal->drawn_columns >= width) {
        terminal->rewrapped.rows = terminal->drawn_columns / width;
        terminal->rewrapped.column = terminal->drawn_columns % width + 1;
        terminal->rewrapped.questions++;
        buffer_string(&terminal->out, ask_position);
    }
    terminal_draw(terminal);
}

void terminal_position(struct terminal *terminal, size_t column) {
    if (terminal->rewrapped.questions == 0 || --terminal->rewrapped.questions > 0)
        return;
    if (column == terminal->rewrapped.column && column < columns() && terminal->rewrapped.rows > 0 && terminal->drawn) {
        char up[32];
        snprintf(up, sizeof up, "\r\033[%zuA", terminal->rewrapped.rows);
        buffer_string(&terminal->out, up);
        buffer_string(&terminal->out, erase_below);
        terminal->drawn = false;
    }
    terminal->rewrapped.rows = 0;
}

static void print(struct terminal *terminal, enum style style, struct text text, FILE *file) {
    bool marked = terminal->prints_to_terminal || style != STYLE_STRANGER;
    bool coloured = terminal->colours && file == stdout;
    erase(terminal);
    terminal->rewrapped.rows = 0; /* they are no longer next to the line being typed */
    if (coloured)
        buffer_string(&terminal->out, styles[style].colour);
    if (marked)
        buffer_string(&terminal->out, styles[style].prefix);
    if (coloured && style != STYLE_STATUS)
        buffer_string(&terminal->out, no_colour);
    /* In a pipe a message is a line. */
    printable_append(&terminal->out, text, marked ? styles[style].newline : symbol_for_line_feed);
    if (coloured && style == STYLE_STATUS)
        buffer_string(&terminal->out, no_colour);
    buffer_string(&terminal->out, "\n");
    if (file == stdout)
        draw(terminal);
    flush(terminal, file);
}

void terminal_message(struct terminal *terminal, struct text body) {
    print(terminal, STYLE_STRANGER, body, stdout);
}

void terminal_own(struct terminal *terminal, struct text body) {
    if (terminal->edits) /* else it stands there as it was typed, or nobody wants to see it */
        print(terminal, STYLE_OWN, body, stdout);
}

void terminal_status(struct terminal *terminal, const char *format, ...) {
    char text[1024];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    print(terminal, STYLE_STATUS, (struct text){text, strlen(text)}, terminal->prints_to_terminal ? stdout : stderr);
}

void terminal_typing(struct terminal *terminal, bool on) {
    if (terminal->typing == on)
        return;
    terminal->typing = on;
    terminal_draw(terminal);
}

void terminal_fini(struct terminal *terminal) {
    if (terminal->edits) {
        erase(terminal);
        flush(terminal, stdout);
        (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->saved);
    }
    editor_fini(&terminal->editor);
    buffer_fini(&terminal->out);
}
