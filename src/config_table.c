/* config_table.c - config.def as data, the options' names in flags, variables and keys, and the form of complaints. */
#include "config_table.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char environment_prefix[] = "PASSERBY_";

/* The unused members of a row are zero. */
#define ROW(type_, field_, flag_, help_, ...)                                                                          \
    [OPTION_##field_] = {                                                                                              \
        .type = type_, .offset = offsetof(struct config, field_), .flag = flag_, .help = help_, __VA_ARGS__},

const struct config_option config_options[CONFIG_OPTIONS] = {
#define CONFIG_GROUP(title)
#define CONFIG_STRING(field, flag, fallback_, metavar_, help)                                                          \
    ROW(TYPE_STRING, field, flag, help, .fallback = fallback_, .metavar = metavar_)
#define CONFIG_LIST(field, flag, fallback_, metavar_, help)                                                            \
    ROW(TYPE_LIST, field, flag, help, .fallback = fallback_, .metavar = metavar_)
#define CONFIG_NUMBER(field, flag, fallback, least_, greatest_, metavar_, help)                                        \
    ROW(TYPE_NUMBER, field, flag, help, .number = fallback, .least = least_, .greatest = greatest_, .metavar = metavar_)
#define CONFIG_DURATION(field, flag, fallback, least_, greatest_, help)                                                \
    ROW(TYPE_DURATION, field, flag, help, .number = fallback, .least = least_, .greatest = greatest_, .metavar = "TIME")
#define CONFIG_SIZE(field, flag, fallback, least_, greatest_, help)                                                    \
    ROW(TYPE_SIZE, field, flag, help, .number = fallback, .least = least_, .greatest = greatest_, .metavar = "SIZE")
#define CONFIG_RATE(field, flag, per_second, burst_, help)                                                             \
    ROW(TYPE_RATE, field, flag, help, .number = per_second, .burst = burst_, .metavar = "RATE/BURST")
#define CONFIG_SWITCH(field, flag, fallback, help)                                                                     \
    ROW(TYPE_SWITCH, field, flag, help, .number = fallback, .metavar = "on|off")
#define CONFIG_CHOICE(field, flag, fallback_, choices_, help)                                                          \
    ROW(TYPE_CHOICE, field, flag, help, .fallback = fallback_, .choices = choices_, .metavar = choices_)
#include "passerby/config.def"
};

/* A letter of a flag as the source spells it. */
static char spelled(enum config_source source, char letter) {
    if (letter == '-' && source != SOURCE_FLAG)
        return '_';
    return (char)(source == SOURCE_ENVIRONMENT ? toupper((unsigned char)letter) : letter);
}

void config_name(const struct config_option *option, enum config_source source, char out[CONFIG_NAME_CHARS]) {
    if (source == SOURCE_DEFAULT)
        source = SOURCE_FLAG;
    const char *prefix = source == SOURCE_FLAG ? "--" : source == SOURCE_ENVIRONMENT ? environment_prefix : "";
    snprintf(out, CONFIG_NAME_CHARS, "%s%s", prefix, option->flag);
    for (char *at = out + strlen(prefix); *at != '\0'; at++)
        *at = spelled(source, *at);
}

const struct config_option *config_find(enum config_source source, const char *name, size_t length) {
    for (size_t i = 0; i < CONFIG_OPTIONS; i++) {
        const char *flag = config_options[i].flag;
        size_t at = 0;
        while (at < length && flag[at] != '\0' && spelled(source, flag[at]) == name[at])
            at++;
        if (at == length && flag[at] == '\0')
            return &config_options[i];
    }
    return NULL;
}

/* Levenshtein's distance between a flag and a name of at most `NAME_LIMIT` letters. */
enum { NAME_LIMIT = 40 };

static size_t distance(enum config_source source, const char *flag, const char *name, size_t length) {
    size_t row[NAME_LIMIT + 1];
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; flag[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t best = diagonal + (spelled(source, flag[i - 1]) != name[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[length];
}

const struct config_option *config_closest(enum config_source source, const char *name, size_t length) {
    const struct config_option *closest = NULL;
    size_t least = 4; /* farther ones are no help */
    if (length > NAME_LIMIT)
        return NULL;
    for (size_t i = 0; i < CONFIG_OPTIONS; i++) {
        size_t by = distance(source, config_options[i].flag, name, length);
        if (by < least && by * 2 < length) {
            least = by;
            closest = &config_options[i];
        }
    }
    return closest;
}

/* The user's bytes stand in the line: nothing in it may end it or move the terminal's cursor. */
static void make_printable(char *line) {
    for (; *line != '\0'; line++)
        if ((unsigned char)*line < ' ' || *line == 0x7f)
            *line = '?';
}

__attribute__((format(printf, 3, 0))) static void write_line(struct config_reader *reader, const char *where,
                                                             const char *format, va_list values) {
    char what[1024];
    vsnprintf(what, sizeof what, format, values);
    snprintf(reader->error, reader->error_size, "%s: %s", where, what);
    make_printable(reader->error);
}

bool config_complain(struct config_reader *reader, const char *where, const char *format, ...) {
    va_list values;
    va_start(values, format);
    write_line(reader, where, format, values);
    va_end(values);
    return false;
}

bool config_complain_of(struct config_reader *reader, const struct config_option *option, const char *format, ...) {
    enum config_source source = reader->sources[option - config_options];
    char name[CONFIG_NAME_CHARS];
    config_name(option, source, name);
    char where[2 * CONFIG_NAME_CHARS];
    if (source == SOURCE_FILE)
        snprintf(where, sizeof where, "%.200s: \"%s\"", reader->file, name);
    else
        snprintf(where, sizeof where, "%s", name);
    va_list values;
    va_start(values, format);
    write_line(reader, where, format, values);
    va_end(values);
    return false;
}
