/* config.h - the configuration, as one constant value. The rows are in config.def; config.c reads them.
 *
 * Order: default < JSON file (--config FILE, PASSERBY_CONFIG) < PASSERBY_* environment < flag. PORT, the port of
 *        `listen`,
 * counts as environment, below PASSERBY_LISTEN. A list given by a later source replaces the earlier source's. An
 * unknown PASSERBY_ variable is an error if its name resembles an option's: other software sets such variables too. */
#ifndef PASSERBY_CONFIG_H
#define PASSERBY_CONFIG_H

#include <stdio.h>

#include "passerby/core.h"

/* Strings belong to the configuration. Once read: `internal_listen` is NULL for "off", `secret` holds what
 * `secret_file` held, and all rates are 0 when `rate_limits` is off. */
struct config {
#define CONFIG_GROUP(title)
#define CONFIG_STRING(field, flag, fallback, metavar, help)                  char *field;
#define CONFIG_LIST(field, flag, fallback, metavar, help)                    char **field; /* NULL-terminated */
#define CONFIG_NUMBER(field, flag, fallback, least, greatest, metavar, help) uint64_t field;
#define CONFIG_DURATION(field, flag, fallback, least, greatest, help)        uint32_t field;
#define CONFIG_SIZE(field, flag, fallback, least, greatest, help)            uint64_t field;
#define CONFIG_RATE(field, flag, per_second, burst, help)                    struct rate field;
#define CONFIG_SWITCH(field, flag, fallback, help)                           bool field;
#define CONFIG_CHOICE(field, flag, fallback, choices, help)                  uint32_t field;
#include "passerby/config.def"
};

/* What the command line asks for. */
enum config_command {
    COMMAND_SERVE,
    COMMAND_HELP,            /* help, --help, -h: printed by config_print_help() */
    COMMAND_VERSION,         /* --version */
    COMMAND_CONFIG_CHECK,    /* config --check [options]: says that they are good */
    COMMAND_CONFIG_DEFAULTS, /* config --defaults: the JSON file with every default */
    COMMAND_CONFIG_MAN,      /* config --man: the man page's options, in troff; for the build */
    COMMAND_CONFIG_MARKDOWN, /* config --markdown: the options as a table; for the README's test */
};

/* Reads flags, file and environment. Returns true and a configuration on the heap (the defaults for commands other
 * than COMMAND_SERVE and COMMAND_CONFIG_CHECK); or false and one line in `error`, without a newline, that names the
 * flag, variable or key and says what would be right. */
bool config_read(int argc, char *const argv[], char *const environment[], struct config **out,
                 enum config_command *command, char *error, size_t error_size) __attribute__((warn_unused_result));
void config_free(struct config *config);

void config_print_help(FILE *out);
void config_print_defaults(FILE *out);
void config_print_man(FILE *out);
void config_print_markdown(FILE *out);

#endif
