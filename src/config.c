/* config.c - reads the configuration: default < JSON file < environment < flag.
 *
 * Flow:      the command line is taken apart into a command, a file and settings; then the file, the environment and
 *            the settings are applied in this order, and the whole is checked.
 * Fails:     at the first thing that is wrong, with one line that names it and says what would be right.
 * Extending: an option is a row in config.def; a command is a row in `commands` and in enum config_command. */
#include "passerby/config.h"

#include "config_table.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* What may stand on the command line besides options: a word in front, or a flag that counts with that word (NULL:
 * with any). */
static const struct command {
    const char *word;
    const char *flag;
    enum config_command command;
} commands[] = {
    {"serve", NULL, COMMAND_SERVE},
    {"help", NULL, COMMAND_HELP},
    {NULL, "--help", COMMAND_HELP},
    {NULL, "-h", COMMAND_HELP},
    {NULL, "--version", COMMAND_VERSION},
    {"config", "--check", COMMAND_CONFIG_CHECK},
    {"config", "--defaults", COMMAND_CONFIG_DEFAULTS},
    {"config", "--man", COMMAND_CONFIG_MAN},
    {"config", "--markdown", COMMAND_CONFIG_MARKDOWN},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

struct setting {
    const struct config_option *option;
    const char *value;
};

/* The command line, taken apart. Its strings are argv's. */
struct command_line {
    const char *word; /* NULL = none */
    const struct command *command;
    const char *file;
    struct setting *settings;
    size_t count;
};

/* --- the command line --------------------------------------------------------------------------------------------- */

static const struct command *find_command(const char *word, const char *flag) {
    for (size_t i = 0; i < COMMANDS; i++) {
        const struct command *command = &commands[i];
        bool word_fits = command->word == NULL || (word != NULL && strcmp(command->word, word) == 0);
        bool flag_fits = command->flag == NULL ? flag == NULL : flag != NULL && strcmp(command->flag, flag) == 0;
        if (word_fits && flag_fits)
            return command;
    }
    return NULL;
}

static bool is_command_word(const char *word) {
    for (size_t i = 0; i < COMMANDS; i++)
        if (commands[i].word != NULL && strcmp(commands[i].word, word) == 0)
            return true;
    return false;
}

static bool complain_of_unknown(struct config_reader *reader, const char *argument, size_t length) {
    char where[CONFIG_NAME_CHARS];
    int shown = (int)(length < 80 ? length : 80);
    if (argument[0] != '-') {
        snprintf(where, sizeof where, "\"%.*s\"", shown, argument);
        return config_complain(reader, where, "no such command; use serve, chat, probe, healthcheck, config or help");
    }
    snprintf(where, sizeof where, "%.*s", shown, argument);
    const struct config_option *meant = NULL;
    if (length > 2)
        meant = config_closest(SOURCE_FLAG, argument + 2, length - 2);
    if (meant == NULL)
        return config_complain(reader, where, "no such option; see passerby --help");
    return config_complain(reader, where, "no such option; did you mean --%s?", meant->flag);
}

/* Takes the option at argv[*at], and its value. */
static bool take_option(struct config_reader *reader, int argc, char *const argv[], int *at,
                        struct command_line *line) {
    const char *argument = argv[*at];
    size_t length = strcspn(argument, "=");
    bool is_flag = strncmp(argument, "--", 2) == 0;
    bool is_file = is_flag && length == strlen("--config") && strncmp(argument, "--config", length) == 0;
    const struct config_option *option = is_flag ? config_find(SOURCE_FLAG, argument + 2, length - 2) : NULL;
    if (!is_file && option == NULL)
        return complain_of_unknown(reader, argument, length);
    const char *value = argument[length] == '=' ? argument + length + 1 : NULL;
    if (value == NULL && *at + 1 < argc && strncmp(argv[*at + 1], "--", 2) != 0)
        value = argv[++*at];
    if (value == NULL)
        return config_complain(reader, argument, "needs a value; use %s=%s", argument,
                               is_file ? "FILE" : option->metavar);
    if (is_file)
        line->file = value;
    else
        line->settings[line->count++] = (struct setting){option, value};
    return true;
}

static bool read_command_line(struct config_reader *reader, int argc, char *const argv[], struct command_line *line) {
    int at = 1;
    if (argc > 1 && argv[1][0] != '-') {
        if (!is_command_word(argv[1]))
            return complain_of_unknown(reader, argv[1], strlen(argv[1]));
        line->word = argv[at++];
    }
    line->command = find_command(line->word == NULL ? "serve" : line->word, NULL);
    for (; at < argc; at++) {
        const struct command *command = find_command(line->word, argv[at]);
        if (command != NULL)
            line->command = command;
        else if (!take_option(reader, argc, argv, &at, line))
            return false;
        if (command != NULL && (command->command == COMMAND_HELP || command->command == COMMAND_VERSION))
            return true; /* whatever else stands there */
    }
    if (line->command == NULL)
        return config_complain(reader, line->word, "needs to know what; use --check, --defaults, --man or --markdown");
    return true;
}

/* A list given several times holds them all. */
static bool apply_settings(struct config_reader *reader, const struct setting *settings, size_t count) {
    bool given[CONFIG_OPTIONS] = {0};
    for (size_t i = 0; i < count; i++) {
        const struct config_option *option = settings[i].option;
        size_t index = (size_t)(option - config_options);
        reader->sources[index] = SOURCE_FLAG;
        if (option->type == TYPE_LIST && given[index])
            config_value_append(reader->config, option, settings[i].value);
        else if (!config_value_set(reader, option, settings[i].value))
            return false;
        given[index] = true;
    }
    return true;
}

/* --- the environment ---------------------------------------------------------------------------------------------- */

static const char prefix[] = "PASSERBY_";
static const char file_variable[] = "PASSERBY_CONFIG";

/* The value of a variable that is set and not empty, or NULL. */
static const char *variable(char *const environment[], const char *name) {
    size_t length = strlen(name);
    for (; *environment != NULL; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return (*environment)[length + 1] == '\0' ? NULL : *environment + length + 1;
    return NULL;
}

/* A variable that resembles none of ours is somebody else's: for a service called passerby, Kubernetes gives each pod
 * PASSERBY_SERVICE_HOST, PASSERBY_PORT=tcp://… and more. One that does is a slip of the pen, and an error. */
static bool apply_variable(struct config_reader *reader, const char *entry) {
    const char *name = entry + strlen(prefix);
    size_t length = strcspn(name, "=");
    bool is_file = length == strlen("CONFIG") && strncmp(name, "CONFIG", length) == 0;
    if (name[length] == '\0' || is_file)
        return true;
    const char *value = name + length + 1;
    const struct config_option *option = config_find(SOURCE_ENVIRONMENT, name, length);
    if (option != NULL) {
        reader->sources[option - config_options] = SOURCE_ENVIRONMENT;
        return config_value_set(reader, option, value);
    }
    const struct config_option *meant = config_closest(SOURCE_ENVIRONMENT, name, length);
    if (meant == NULL)
        return true;
    char where[CONFIG_NAME_CHARS];
    snprintf(where, sizeof where, "%.*s", (int)(strlen(prefix) + length), entry);
    char meant_name[CONFIG_NAME_CHARS];
    config_name(meant, SOURCE_ENVIRONMENT, meant_name);
    return config_complain(reader, where, "no such variable; did you mean %s?", meant_name);
}

/* PORT, as platforms give it, on all addresses of both families. */
static bool apply_port(struct config_reader *reader, const char *port) {
    size_t digits = strspn(port, "0123456789");
    if (digits == 0 || digits > 5 || port[digits] != '\0' || strtol(port, NULL, 10) > 65535)
        return config_complain(reader, "PORT", "\"%.80s\" is not a port; use 0 to 65535", port);
    char listen[64];
    snprintf(listen, sizeof listen, "0.0.0.0:%s,[::]:%s", port, port);
    reader->sources[OPTION_listen] = SOURCE_ENVIRONMENT;
    return config_value_set(reader, &config_options[OPTION_listen], listen);
}

static bool apply_redis_url(struct config_reader *reader, const char *url) {
    reader->sources[OPTION_redis] = SOURCE_ENVIRONMENT;
    return config_value_set(reader, &config_options[OPTION_redis], url);
}

static bool apply_environment(struct config_reader *reader, char *const environment[]) {
    const char *port = variable(environment, "PORT");
    const char *redis_url = variable(environment, "REDIS_URL");
    if (redis_url != NULL && !apply_redis_url(reader, redis_url))
        return false;
    if (port != NULL && !apply_port(reader, port))
        return false;
    for (; *environment != NULL; environment++)
        if (strncmp(*environment, prefix, strlen(prefix)) == 0 && !apply_variable(reader, *environment))
            return false;
    return true;
}

/* --- all together ------------------------------------------------------------------------------------------------- */

static bool read_sources(struct config_reader *reader, const struct command_line *line, char *const environment[]) {
    reader->file = line->file != NULL ? line->file : variable(environment, file_variable);
    if (reader->file != NULL && !config_file_read(reader, line->file != NULL ? "--config" : file_variable))
        return false;
    return apply_environment(reader, environment) && apply_settings(reader, line->settings, line->count) &&
           config_check(reader);
}

bool config_read(int argc, char *const argv[], char *const environment[], struct config **out,
                 enum config_command *command, char *error, size_t error_size) {
    struct config *config = memory_zero(1, sizeof *config);
    for (size_t i = 0; i < CONFIG_OPTIONS; i++)
        config_value_default(config, &config_options[i]);
    struct config_reader reader = {.config = config, .error = error, .error_size = error_size};
    struct command_line line = {.settings = memory_zero((size_t)argc, sizeof *line.settings)};
    bool good = read_command_line(&reader, argc, argv, &line);
    if (good && (line.command->command == COMMAND_SERVE || line.command->command == COMMAND_CONFIG_CHECK))
        good = read_sources(&reader, &line, environment);
    if (good) {
        *out = config;
        *command = line.command->command;
    } else {
        config_free(config);
    }
    free(line.settings);
    return good;
}

void config_free(struct config *config) {
    if (config == NULL)
        return;
    if (config->secret != NULL)
        explicit_bzero(config->secret, strlen(config->secret));
    for (size_t i = 0; i < CONFIG_OPTIONS; i++)
        config_value_free(config, &config_options[i]);
    free(config);
}
