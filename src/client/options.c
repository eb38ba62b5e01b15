/* options.c - what chat and probe have in common on their command lines. */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* lws would only fail, and not say why. */
static bool is_readable(const char *command, const char *path) {
    FILE *file = fopen(path, "re");
    bool readable = file != NULL && fgetc(file) != EOF;
    if (!readable)
        arguments_complain(command, "--ca: %.200s: %s", path, file == NULL ? strerror(errno) : "cannot be read");
    if (file != NULL)
        fclose(file);
    return readable;
}

bool options_check(const char *command, const struct options *options, struct url *url) {
    char error[URL_ERROR_CHARS];
    if (!url_read_websocket(options->url, url, error)) {
        arguments_complain(command, "%s", error);
        return false;
    }
    return options->trust.ca_file == NULL || is_readable(command, options->trust.ca_file);
}
