/* arguments.c - the command lines of the commands that talk to a node. */
#include "arguments.h"

#include "printable.h"

#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELP_INDENT = 22, LONGEST_TIME_MS = 86400000 };

void arguments_complain(const char *command, const char *format, ...) {
    char what[1024];
    va_list values;
    va_start(values, format);
    vsnprintf(what, sizeof what, format, values);
    va_end(values);
    struct buffer line = {0};
    buffer_printf(&line, "passerby %s: ", command);
    printable_append(&line, (struct text){what, strlen(what)}, " ");
    buffer_string(&line, "\n");
    fwrite(line.bytes, 1, line.length, stderr);
    buffer_fini(&line);
}

static void print_help(const struct arguments *arguments) {
    printf("%s\n", arguments->usage);
    for (size_t i = 0; i < arguments->count; i++) {
        const struct argument *row = &arguments->rows[i];
        int column =
            printf("  --%s%s%s", row->flag, row->metavar == NULL ? "" : " ", row->metavar == NULL ? "" : row->metavar);
        printf("%*s%s\n", column < HELP_INDENT ? HELP_INDENT - column : 1, "", row->help);
    }
    printf("  %-*s%s\n\n%s", HELP_INDENT - 2, "--help", "Print this.", arguments->status);
}

static bool read_time(const char *text, uint32_t *out) {
    static const struct {
        const char *suffix;
        uint32_t factor;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9)
        return false;
    unsigned long long number = strtoull(text, NULL, 10);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(text + digits, units[i].suffix) != 0)
            continue;
        *out = (uint32_t)(number * units[i].factor);
        return number > 0 && number * units[i].factor <= LONGEST_TIME_MS;
    }
    return false;
}

static bool set_value(const struct arguments *arguments, const struct argument *row, const char *text) {
    struct argument_list *list = row->value;
    switch (row->type) {
    case ARGUMENT_SWITCH: *(bool *)row->value = true; return true;
    case ARGUMENT_TEXT: *(const char **)row->value = text; return true;
    case ARGUMENT_LIST:
        if (list->count == ARGUMENT_LIST_MAX) {
            arguments_complain(arguments->command, "--%s: at most %d of them", row->flag, ARGUMENT_LIST_MAX);
            return false;
        }
        list->values[list->count++] = text;
        return true;
    case ARGUMENT_TIME:
        if (read_time(text, row->value))
            return true;
        arguments_complain(arguments->command,
                           "--%s: \"%.80s\" is not a duration up to a day; use e.g. 500ms, 10s or 2m", row->flag, text);
        return false;
    }
    return false;
}

static const struct argument *find_row(const struct arguments *arguments, const char *flag, size_t length) {
    for (size_t i = 0; i < arguments->count; i++)
        if (strlen(arguments->rows[i].flag) == length && memcmp(arguments->rows[i].flag, flag, length) == 0)
            return &arguments->rows[i];
    return NULL;
}

static bool take_option(const struct arguments *arguments, int argc, char *const argv[], int *at) {
    const char *word = argv[*at];
    size_t length = strcspn(word, "=");
    const struct argument *row = length > 2 && word[1] == '-' ? find_row(arguments, word + 2, length - 2) : NULL;
    const char *value = word[length] == '=' ? word + length + 1 : NULL;
    if (row == NULL || (row->type == ARGUMENT_SWITCH && value != NULL)) {
        arguments_complain(arguments->command, "%.80s: no such option; see passerby %s --help", word,
                           arguments->command);
        return false;
    }
    if (row->type != ARGUMENT_SWITCH && value == NULL)
        value = *at + 1 < argc ? argv[++*at] : NULL;
    if (row->type != ARGUMENT_SWITCH && value == NULL) {
        arguments_complain(arguments->command, "--%s: needs a value; use --%s=%s", row->flag, row->flag, row->metavar);
        return false;
    }
    return set_value(arguments, row, value);
}

enum arguments_result arguments_read(const struct arguments *arguments, int argc, char *const argv[]) {
    bool has_url = false;
    for (int at = 0; at < argc; at++) {
        if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
            print_help(arguments);
            return ARGUMENTS_HELP;
        }
        if (argv[at][0] == '-') {
            if (!take_option(arguments, argc, argv, &at))
                return ARGUMENTS_BAD;
        } else if (has_url) {
            arguments_complain(arguments->command, "\"%.80s\": one address is enough", argv[at]);
            return ARGUMENTS_BAD;
        } else {
            *arguments->url = argv[at];
            has_url = true;
        }
    }
    return ARGUMENTS_GOOD;
}
