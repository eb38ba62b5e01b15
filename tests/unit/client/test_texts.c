/* test_texts.c - what is shown of other people's text, and the line being typed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "editor.h"
#include "printable.h"

#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

static void test_printable(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *shown;
    } rows[] = {
        {"plain, \xc3\xa4, \xe6\x97\xa5, \xf0\x9f\x98\x80\t.", "plain, \xc3\xa4, \xe6\x97\xa5, \xf0\x9f\x98\x80\t."},
        {"\033[31mred", "\xe2\x90\x9b[31mred"},
        {"a\r\nb", "a\xe2\x90\x8d<NL>b"},
        {"\b\x7f\x07", "\xe2\x90\x88\xe2\x90\xa1\xe2\x90\x87"},
        {"\xc2\x9b"
         "31m",
         REPLACEMENT "31m"}, /* CSI in one character: U+009B */
        {"\xe2\x80\xae"
         "abc\xe2\x80\xac",
         REPLACEMENT "abc" REPLACEMENT}, /* U+202E, U+202C */
        {"\xe2\x81\xa6"
         "abc\xe2\x81\xa9",
         REPLACEMENT "abc" REPLACEMENT}, /* U+2066, U+2069 */
        {"a\xe2\x80\xa8"
         "b",
         "a" REPLACEMENT "b"}, /* U+2028, line separator */
        {"\xd8\xb9\xd8\xb1\xd8\xa8\xd9\x8a", "\xd8\xb9\xd8\xb1\xd8\xa8\xd9\x8a"},
        {"a\xff"
         "b\xe2\x82",
         "a" REPLACEMENT "b" REPLACEMENT REPLACEMENT},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer out = {0};
        printable_append(&out, (struct text){rows[i].text, strlen(rows[i].text)}, "<NL>");
        buffer_append(&out, "", 1);
        assert_string_equal(out.bytes, rows[i].shown);
        buffer_fini(&out);
    }
}

static void test_tower_of_marks(void **state) {
    (void)state;
    struct buffer text = {0}, out = {0};
    for (int letter = 0; letter < 2; letter++) {
        buffer_string(&text, "z");
        for (int i = 0; i < 100; i++)
            buffer_string(&text, "\xcc\x80"); /* U+0300 */
    }
    printable_append(&out, (struct text){text.bytes, text.length}, "\n");
    assert_int_equal(out.length, 2 * (1 + 6 * 2));
    buffer_fini(&text);
    buffer_fini(&out);
}

static void test_nul(void **state) {
    (void)state;
    struct buffer out = {0};
    printable_append(&out, (struct text){"a\0b", 3}, "\n");
    assert_int_equal(out.length, 5);
    assert_memory_equal(out.bytes,
                        "a\xe2\x90\x80"
                        "b",
                        5);
    buffer_fini(&out);
}

static void test_repair(void **state) {
    (void)state;
    struct buffer out = {0};
    static const char text[] = "\xc3\xa4\xff\033\xed\xa0\x80.";
    printable_repair(&out, (struct text){text, sizeof text - 1});
    buffer_append(&out, "", 1);
    assert_string_equal(out.bytes, "\xc3\xa4" REPLACEMENT "\033" REPLACEMENT REPLACEMENT REPLACEMENT ".");
    buffer_fini(&out);
}

static void test_tail(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t columns;
        size_t bytes;
        size_t left;
    } rows[] = {
        {"", 5, 0, 5},
        {"abc", 5, 3, 2},
        {"abcdef", 5, 5, 0},
        {"\xe6\x97\xa5\xe6\x9c\xac", 3, 3, 1}, /* two columns each */
        {"\xe6\x97\xa5\xe6\x9c\xac", 4, 6, 0},
        {"e\xcc\x80x", 1, 1, 0},
        {"e\xcc\x80x", 2, 4, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t columns = rows[i].columns;
        struct text text = {rows[i].text, strlen(rows[i].text)};
        assert_int_equal(printable_tail(text, &columns), rows[i].bytes);
        assert_int_equal(columns, rows[i].left);
    }
}

/* Types the keys; every line that is complete goes to `lines`, with a bar behind, and so do the end and positions. */
static void type(const char *keys, struct buffer *lines, struct editor *editor) {
    for (; *keys != '\0'; keys++) {
        enum editor_event event = editor_feed(editor, *keys);
        if (event == EDITOR_END)
            buffer_string(lines, "END|");
        if (event == EDITOR_POSITION)
            buffer_string(lines, editor->column == 40 ? "40|" : editor->column > 9999 ? "far|" : "none|");
        if (event != EDITOR_LINE)
            continue;
        struct text line = editor_text(editor);
        buffer_append(lines, line.at, line.length);
        buffer_string(lines, "|");
        editor_clear(editor);
    }
}

static void test_editor(void **state) {
    (void)state;
    static const struct {
        const char *keys;
        const char *lines;
    } rows[] = {
        {"hello\r", "hello|"},
        {"one\ntwo\n", "one|two|"},
        {"ab\x7f\x7f\x7f"
         "c\r",
         "c|"},
        {"\xe6\x97\xa5\xe6\x9c\xac\x7f\r", "\xe6\x97\xa5|"},
        {"one two  \x17three\r", "one three|"},
        {"one\x15two\r", "two|"},
        {"a\033[A\033[1;5Cb\033OPc\033xd\r", "abcd|"},
        {"a\033[12;40Rb\r", "40|ab|"},
        {"\033[R\033[9;R\033[1;99999999999999999999R", "none|none|far|"},
        {"\x04", "END|"},
        {"a\x04\r", "a|"},
        {"a\x01\x02\tb\r", "a\tb|"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct editor editor = {.state = EDITOR_PLAIN};
        struct buffer lines = {0};
        type(rows[i].keys, &lines, &editor);
        buffer_append(&lines, "", 1);
        assert_string_equal(lines.bytes, rows[i].lines);
        buffer_fini(&lines);
        editor_fini(&editor);
    }
}

static void test_editor_is_bounded(void **state) {
    (void)state;
    struct editor editor = {.state = EDITOR_PLAIN};
    for (int i = 0; i < 100000; i++)
        (void)editor_feed(&editor, 'x');
    assert_int_equal(editor_text(&editor).length, 65536);
    editor_fini(&editor);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_printable),
        cmocka_unit_test(test_tower_of_marks),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_repair),
        cmocka_unit_test(test_tail),
        cmocka_unit_test(test_editor),
        cmocka_unit_test(test_editor_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
