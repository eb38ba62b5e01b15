/* main.c - reads the configuration, builds the service, runs it; or hands over to a command that talks to a node. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "passerby/assets.h"
#include "passerby/client.h"
#include "passerby/config.h"
#include "passerby/log.h"
#include "passerby/net.h"
#include "passerby/service.h"

#include "base/memory.h"

#include <jansson.h>

enum { ERROR_BYTES = 512, EXIT_USAGE = 2 };

extern char **environ;

static int fail(const char *error) {
    fprintf(stderr, "passerby: %s\n", error);
    return EXIT_USAGE;
}

static int serve(const struct config *config) {
    char error[ERROR_BYTES];
    const struct build_info build = {PASSERBY_VERSION, PASSERBY_COMMIT, net_library_version()};
    struct log *log = log_new((enum log_level)config->log_level, (enum log_format)config->log_format);
    struct service *service = service_new(config, log, assets, &build, error, sizeof error);
    int status = EXIT_SUCCESS;
    if (service == NULL) {
        status = fail(error);
    } else {
        service_run(service);
        service_free(service);
    }
    log_free(log);
    return status;
}

static int run(enum config_command command, const struct config *config) {
    switch (command) {
    case COMMAND_SERVE: return serve(config);
    case COMMAND_HELP: config_print_help(stdout); break;
    case COMMAND_VERSION:
        printf("passerby %s (%s, libwebsockets %s)\n", PASSERBY_VERSION, PASSERBY_COMMIT, net_library_version());
        break;
    case COMMAND_CONFIG_CHECK: puts("the configuration is good"); break;
    case COMMAND_CONFIG_DEFAULTS: config_print_defaults(stdout); break;
    case COMMAND_CONFIG_MAN: config_print_man(stdout); break;
    case COMMAND_CONFIG_MARKDOWN: config_print_markdown(stdout); break;
    }
    return EXIT_SUCCESS;
}

/* Where the node listens that is configured so, for the health check. */
static bool find_internal_address(const char *config_file, const char *internal_listen, char *address,
                                  size_t address_size, char *error, size_t error_size) {
    const char *words[6] = {"passerby"};
    int count = 1;
    if (config_file != NULL) {
        words[count++] = "--config";
        words[count++] = config_file;
    }
    if (internal_listen != NULL) {
        words[count++] = "--internal-listen";
        words[count++] = internal_listen;
    }
    struct config *config;
    enum config_command command;
    if (!config_read(count, (char *const *)words, environ, &config, &command, error, error_size))
        return false;
    bool found = config->internal_listen != NULL;
    if (found)
        snprintf(address, address_size, "%s", config->internal_listen);
    else
        snprintf(error, error_size, "--internal-listen is off: there is nobody to ask; name an address");
    config_free(config);
    return found;
}

/* Runs the command that argv[1] names, if it is one of the client's. */
static bool run_client(int argc, char *argv[], int *status) {
    const char *word = argc < 2 ? "" : argv[1];
    if (strcmp(word, "chat") == 0)
        *status = client_chat(argc - 2, argv + 2);
    else if (strcmp(word, "probe") == 0)
        *status = client_probe(argc - 2, argv + 2);
    else if (strcmp(word, "healthcheck") == 0)
        *status = client_healthcheck(argc - 2, argv + 2, find_internal_address);
    else
        return false;
    return true;
}

/* For jansson: running out of memory ends the process in memory.c, and is not taken for a malformed message. */
static void *allocate(size_t bytes) {
    return memory_resize(NULL, bytes, 1);
}

int main(int argc, char *argv[]) {
    char error[ERROR_BYTES];
    struct config *config;
    enum config_command command;
    json_set_alloc_funcs(allocate, free);
    json_object_seed(0); /* now, before there are threads */
    int status;
    if (run_client(argc, argv, &status))
        return status;
    if (!config_read(argc, argv, environ, &config, &command, error, sizeof error))
        return fail(error);
    status = run(command, config);
    config_free(config);
    return status;
}
