/* editor.c - one line of text being typed. */
#include "editor.h"

enum {
    CTRL_D = 0x04,
    CTRL_H = 0x08,
    CTRL_L = 0x0c,
    CTRL_U = 0x15,
    CTRL_W = 0x17,
    ESCAPE = 0x1b,
    DELETE = 0x7f,
    MAX_LINE_BYTES = 64 << 10, /* as many as an operator can let a message have; more is not taken */
    MAX_PARAMETER = 9999,
};

void editor_fini(struct editor *editor) {
    buffer_fini(&editor->text);
}

struct text editor_text(const struct editor *editor) {
    return (struct text){editor->text.bytes, editor->text.length};
}

void editor_clear(struct editor *editor) {
    buffer_clear(&editor->text);
}

static void delete_character(struct buffer *text) {
    while (text->length > 0 && ((unsigned char)text->bytes[--text->length] & 0xc0) == 0x80)
        continue;
}

static void delete_word(struct buffer *text) {
    while (text->length > 0 && text->bytes[text->length - 1] == ' ')
        text->length--;
    while (text->length > 0 && text->bytes[text->length - 1] != ' ')
        text->length--;
}

/* ECMA-48: ESC '[', parameters, a final byte of '@' to '~'; ESC 'O' and one byte (SS3); ESC and one byte. Only a cursor
 * position report (CPR) is looked at. */
static enum editor_event feed_sequence(struct editor *editor, char byte) {
    if (byte >= '0' && byte <= '9' && editor->column <= MAX_PARAMETER)
        editor->column = editor->column * 10 + (unsigned)(byte - '0');
    else if (byte == ';')
        editor->column = 0;
    if (byte < '@' || byte > '~')
        return EDITOR_NOTHING;
    editor->state = EDITOR_PLAIN;
    return byte == 'R' ? EDITOR_POSITION : EDITOR_NOTHING;
}

static enum editor_event feed_escape(struct editor *editor, char byte) {
    if (editor->state == EDITOR_SEQUENCE)
        return feed_sequence(editor, byte);
    if (editor->state == EDITOR_ESCAPE && byte == '[') {
        editor->state = EDITOR_SEQUENCE;
        editor->column = 0;
    } else if (editor->state == EDITOR_ESCAPE && byte == 'O') {
        editor->state = EDITOR_SINGLE_SHIFT;
    } else {
        editor->state = EDITOR_PLAIN;
    }
    return EDITOR_NOTHING;
}

enum editor_event editor_feed(struct editor *editor, char byte) {
    struct buffer *text = &editor->text;
    if (editor->state != EDITOR_PLAIN)
        return feed_escape(editor, byte);
    switch ((unsigned char)byte) {
    case '\r':
    case '\n': return EDITOR_LINE;
    case CTRL_D: return text->length == 0 ? EDITOR_END : EDITOR_NOTHING;
    case CTRL_L: return EDITOR_CHANGED;
    case CTRL_H:
    case DELETE: delete_character(text); return EDITOR_CHANGED;
    case CTRL_U: editor_clear(editor); return EDITOR_CHANGED;
    case CTRL_W: delete_word(text); return EDITOR_CHANGED;
    case ESCAPE: editor->state = EDITOR_ESCAPE; return EDITOR_NOTHING;
    default: break;
    }
    bool is_control = (unsigned char)byte < ' ' && byte != '\t';
    if (is_control || text->length >= MAX_LINE_BYTES)
        return EDITOR_NOTHING;
    buffer_append(text, &byte, 1);
    return EDITOR_CHANGED;
}
