/* config_print.c - the table of options for people: --help, the man page, the README's table, the file of defaults.
 *
 * Extending: options appear by themselves; a new command needs a line in `usage`. */
#include "config_table.h"

#include <inttypes.h>
#include <string.h>

enum { HELP_COLUMNS = 80, HELP_INDENT = 30 };

/* The rows in the order of the help: a group's title, or an option. */
static const struct layout {
    const char *title; /* NULL: an option */
    enum config_option_index index;
} layout[] = {
#define CONFIG_GROUP(title)         {title, 0},
#define CONFIG_STRING(field, ...)   {NULL, OPTION_##field},
#define CONFIG_LIST(field, ...)     {NULL, OPTION_##field},
#define CONFIG_NUMBER(field, ...)   {NULL, OPTION_##field},
#define CONFIG_DURATION(field, ...) {NULL, OPTION_##field},
#define CONFIG_SIZE(field, ...)     {NULL, OPTION_##field},
#define CONFIG_RATE(field, ...)     {NULL, OPTION_##field},
#define CONFIG_SWITCH(field, ...)   {NULL, OPTION_##field},
#define CONFIG_CHOICE(field, ...)   {NULL, OPTION_##field},
#include "passerby/config.def"
};

enum { LAYOUT_ROWS = sizeof layout / sizeof *layout };

static const char usage[] = "Usage: passerby [OPTION]...                 serve strangers\n"
                            "       passerby chat [URL] [OPTION]...      talk to a stranger from a terminal\n"
                            "       passerby probe URL [OPTION]...       try whether two strangers can meet\n"
                            "       passerby healthcheck [URL]           ask a node whether it is ready\n"
                            "       passerby config --check [OPTION]...  say whether the options are good\n"
                            "       passerby config --defaults           print every default, as a JSON file\n"
                            "       passerby config --markdown | --man   print the options, as documentation\n"
                            "       passerby help | --help | -h          print this\n"
                            "       passerby --version                   print version and commit\n"
                            "\n"
                            "Options come from flags (--max-body 1k or --max-body=1k), else from the\n"
                            "environment (PASSERBY_MAX_BODY), else from a JSON file (\"max_body\"), else they\n"
                            "have their default.\n"
                            "PORT=8080 is short for PASSERBY_LISTEN=0.0.0.0:8080,[::]:8080.\n"
                            "REDIS_URL is another name for PASSERBY_REDIS.\n"
                            "\n"
                            "  --config FILE               The JSON file. Also PASSERBY_CONFIG.\n";

static const char *ellipsis(const struct config_option *option) {
    return option->type == TYPE_LIST ? ",..." : "";
}

/* --- --help ------------------------------------------------------------------------------------------------------- */

/* Prints words from `column` on, breaking lines before the last column, and ends the line. */
static void print_wrapped(FILE *out, const char *text, int column) {
    while (*text != '\0') {
        int length = (int)strcspn(text, " ");
        if (column > HELP_INDENT && column + 1 + length > HELP_COLUMNS)
            column = fprintf(out, "\n%*s", HELP_INDENT, "") - 1;
        else if (column > HELP_INDENT)
            column += fprintf(out, " ");
        column += fprintf(out, "%.*s", length, text);
        text += length + (text[length] == ' ');
    }
    fputc('\n', out);
}

static void print_help_option(FILE *out, const struct config_option *option) {
    char fallback[CONFIG_VALUE_CHARS];
    config_value_text(option, fallback);
    char text[512];
    snprintf(text, sizeof text, "%s%s%s%s", option->help, *fallback == '\0' ? "" : " Default: ", fallback,
             *fallback == '\0' ? "" : ".");
    int column = fprintf(out, "  --%s %s%s", option->flag, option->metavar, ellipsis(option));
    if (column >= HELP_INDENT)
        column = fprintf(out, "\n") - 1;
    fprintf(out, "%*s", HELP_INDENT - column, "");
    print_wrapped(out, text, HELP_INDENT);
}

void config_print_help(FILE *out) {
    fputs(usage, out);
    for (size_t i = 0; i < LAYOUT_ROWS; i++) {
        if (layout[i].title != NULL)
            fprintf(out, "\n%s:\n", layout[i].title);
        else
            print_help_option(out, &config_options[layout[i].index]);
    }
}

/* --- config --man ------------------------------------------------------------------------------------------------- */

static void print_troff(FILE *out, const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\\')
            fputs("\\e", out);
        else
            fputc(*text, out);
    }
}

static void print_man_option(FILE *out, const struct config_option *option) {
    char fallback[CONFIG_VALUE_CHARS], range[CONFIG_VALUE_CHARS];
    config_value_text(option, fallback);
    config_value_range(option, range);
    fputs(".TP\n\\fB\\-\\-", out);
    print_troff(out, option->flag);
    fputs("\\fR \\fI", out);
    print_troff(out, option->metavar);
    fprintf(out, "%s\\fR\n", ellipsis(option));
    print_troff(out, option->help);
    if (*range != '\0' && option->type != TYPE_CHOICE) {
        fputs(" From ", out);
        print_troff(out, range);
        fputs(".", out);
    }
    if (*fallback != '\0') {
        fputs(" Default: ", out);
        print_troff(out, fallback);
        fputs(".", out);
    }
    fputc('\n', out);
}

void config_print_man(FILE *out) {
    for (size_t i = 0; i < LAYOUT_ROWS; i++) {
        if (layout[i].title != NULL)
            fprintf(out, ".SS %s\n", layout[i].title);
        else
            print_man_option(out, &config_options[layout[i].index]);
    }
}

/* --- config --markdown -------------------------------------------------------------------------------------------- */

/* As code in a table's cell, where '|' would end the cell. */
static void print_code(FILE *out, const char *before, const char *text, const char *after) {
    fprintf(out, "`%s", before);
    for (; *text != '\0'; text++)
        fprintf(out, *text == '|' ? "\\%c" : "%c", *text);
    fprintf(out, "%s`", after);
}

void config_print_markdown(FILE *out) {
    for (size_t i = 0; i < LAYOUT_ROWS; i++) {
        if (layout[i].title != NULL) {
            fprintf(out, "%s| %s | default | |\n| --- | --- | --- |\n", i == 0 ? "" : "\n", layout[i].title);
            continue;
        }
        const struct config_option *option = &config_options[layout[i].index];
        char name[CONFIG_NAME_CHARS + 4], fallback[CONFIG_VALUE_CHARS];
        snprintf(name, sizeof name, "--%s ", option->flag);
        config_value_text(option, fallback);
        fputs("| ", out);
        print_code(out, name, option->metavar, ellipsis(option));
        fputs(" | ", out);
        if (*fallback != '\0')
            print_code(out, "", fallback, "");
        fprintf(out, " | %s |\n", option->help);
    }
}

/* --- config --defaults -------------------------------------------------------------------------------------------- */

/* Defaults are plain words: nothing in them needs an escape. */
static void print_json_list(FILE *out, const char *list) {
    fputc('[', out);
    const char *comma = "";
    while (*list != '\0') {
        int length = (int)strcspn(list, ",");
        fprintf(out, "%s\"%.*s\"", comma, length, list);
        comma = ", ";
        list += length + (list[length] == ',');
    }
    fputc(']', out);
}

static void print_json_value(FILE *out, const struct config_option *option) {
    char text[CONFIG_VALUE_CHARS];
    config_value_text(option, text);
    switch (option->type) {
    case TYPE_LIST: print_json_list(out, text); break;
    case TYPE_NUMBER: fprintf(out, "%" PRIu64, option->number); break;
    case TYPE_SWITCH: fputs(option->number != 0 ? "true" : "false", out); break;
    case TYPE_STRING:
        if (option->fallback == NULL) {
            fputs("null", out);
            break;
        }
        /* fall through */
    case TYPE_DURATION:
    case TYPE_SIZE:
    case TYPE_RATE:
    case TYPE_CHOICE: fprintf(out, "\"%s\"", text); break;
    }
}

void config_print_defaults(FILE *out) {
    fputs("{", out);
    for (size_t i = 0; i < CONFIG_OPTIONS; i++) {
        char name[CONFIG_NAME_CHARS];
        config_name(&config_options[i], SOURCE_FILE, name);
        fprintf(out, "%s\n    \"%s\": ", i == 0 ? "" : ",", name);
        print_json_value(out, &config_options[i]);
    }
    fputs("\n}\n", out);
}
