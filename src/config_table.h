/* config_table.h - config.def as data, and what the parts of config.c share. */
#ifndef CONFIG_TABLE_H
#define CONFIG_TABLE_H

#include "passerby/config.h"

enum config_type {
    TYPE_STRING,
    TYPE_LIST,
    TYPE_NUMBER,
    TYPE_DURATION,
    TYPE_SIZE,
    TYPE_RATE,
    TYPE_SWITCH,
    TYPE_CHOICE,
};

/* Indices of config_options, e.g. OPTION_listen. */
enum config_option_index {
#define CONFIG_GROUP(title)
#define CONFIG_STRING(field, ...)   OPTION_##field,
#define CONFIG_LIST(field, ...)     OPTION_##field,
#define CONFIG_NUMBER(field, ...)   OPTION_##field,
#define CONFIG_DURATION(field, ...) OPTION_##field,
#define CONFIG_SIZE(field, ...)     OPTION_##field,
#define CONFIG_RATE(field, ...)     OPTION_##field,
#define CONFIG_SWITCH(field, ...)   OPTION_##field,
#define CONFIG_CHOICE(field, ...)   OPTION_##field,
#include "passerby/config.def"
    CONFIG_OPTIONS,
};

/* One row. Which members say something depends on the type. */
struct config_option {
    enum config_type type;
    size_t offset; /* of the field in struct config */
    const char *flag;
    const char *help;
    const char *metavar;
    const char *fallback; /* STRING (NULL = not set), LIST, CHOICE */
    uint64_t number;      /* the others' default; RATE: per second */
    uint32_t burst;       /* RATE */
    uint64_t least;
    uint64_t greatest;
    const char *choices; /* CHOICE: "a|b|c" */
};

extern const struct config_option config_options[CONFIG_OPTIONS];

/* Where a value came from: names it in messages. */
enum config_source { SOURCE_DEFAULT, SOURCE_FILE, SOURCE_ENVIRONMENT, SOURCE_FLAG };

/* A configuration while it is being read. */
struct config_reader {
    struct config *config;
    const char *file; /* the JSON file's path; NULL = none */
    enum config_source sources[CONFIG_OPTIONS];
    char *error;
    size_t error_size;
};

/* The option that is called so in that source's spelling ("max-body", "max_body", "MAX_BODY"), or NULL. */
const struct config_option *config_find(enum config_source source, const char *name, size_t length);
/* The same, for a name that is none: the option that was probably meant, or NULL. */
const struct config_option *config_closest(enum config_source source, const char *name, size_t length);

enum { CONFIG_NAME_CHARS = 256 };

/* Writes the option's name as the user knows it from that source, e.g. "--max-body" or "PASSERBY_MAX_BODY"; for the
 * file the key alone. */
void config_name(const struct config_option *option, enum config_source source, char out[CONFIG_NAME_CHARS]);

/* Writes the one line: "where: what". Always returns false. */
bool config_complain(struct config_reader *reader, const char *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, about an option, by the name that its source has for it. */
bool config_complain_of(struct config_reader *reader, const struct config_option *option, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* --- config_value.c ----------------------------------------------------------------------------------------------- */

void config_value_default(struct config *config, const struct config_option *option);
void config_value_free(struct config *config, const struct config_option *option);
/* Sets it from text; complains and returns false if that isn't one of its values. */
bool config_value_set(struct config_reader *reader, const struct config_option *option, const char *text)
    __attribute__((warn_unused_result));
/* Adds to a list. */
void config_value_append(struct config *config, const struct config_option *option, const char *text);

enum { CONFIG_VALUE_CHARS = 128 };

/* Writes the default as the user would write it, or "" for none. */
void config_value_text(const struct config_option *option, char out[CONFIG_VALUE_CHARS]);
/* Writes what values it takes, e.g. "100ms to 1h"; "" for any. */
void config_value_range(const struct config_option *option, char out[CONFIG_VALUE_CHARS]);

/* --- config_file.c ------------------------------------------------------------------------------------------------ */

/* Reads reader->file, which `where` (a flag or variable) named. */
bool config_file_read(struct config_reader *reader, const char *where) __attribute__((warn_unused_result));
/* The bytes of a file, at most `limit` of them, with a NUL behind; or NULL and errno (EFBIG: longer). The caller
 * frees it. */
char *config_file_load(const char *path, size_t limit, size_t *length) __attribute__((warn_unused_result));

/* --- config_check.c ----------------------------------------------------------------------------------------------- */

/* What concerns several options, or more than the form of one; reads secret_file into secret. */
bool config_check(struct config_reader *reader) __attribute__((warn_unused_result));

#endif
