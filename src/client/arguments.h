/* arguments.h - the command lines of the commands that talk to a node: one table each, for reading and for --help. */
#ifndef CLIENT_ARGUMENTS_H
#define CLIENT_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum argument_type {
    ARGUMENT_SWITCH, /* bool */
    ARGUMENT_TEXT,   /* const char *: argv's */
    ARGUMENT_LIST,   /* struct argument_list */
    ARGUMENT_TIME,   /* uint32_t, milliseconds: "500ms", "10s", "2m", "1h" */
};

enum { ARGUMENT_LIST_MAX = 8 };

struct argument_list {
    const char *values[ARGUMENT_LIST_MAX]; /* argv's */
    size_t count;
};

struct argument {
    enum argument_type type;
    const char *flag;    /* without its dashes */
    const char *metavar; /* NULL for a switch */
    void *value;         /* holds the default, and gets what was given */
    const char *help;
};

struct arguments {
    const char *command;
    const char *usage;  /* what stands in front of the options in --help */
    const char *status; /* what stands behind them: the exit status */
    const struct argument *rows;
    size_t count;
    const char **url; /* the one word that is no option; stays as it is when there is none */
};

enum arguments_result { ARGUMENTS_GOOD, ARGUMENTS_HELP, ARGUMENTS_BAD };

/* Reads the words behind the command's name. ARGUMENTS_HELP: --help was there, and was printed; ARGUMENTS_BAD: one line
 * on stderr says what is wrong. */
enum arguments_result arguments_read(const struct arguments *arguments, int argc, char *const argv[])
    __attribute__((warn_unused_result));

/* One line on stderr: "passerby COMMAND: where: what", with nothing in it that would move the cursor. */
void arguments_complain(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
