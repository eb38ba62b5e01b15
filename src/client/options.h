/* options.h - what chat and probe have in common on their command lines: the address, trust, verbosity. */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include "arguments.h"
#include "socket.h"
#include "url.h"

struct options {
    const char *url;
    bool verbose;
    struct socket_trust trust;
    uint32_t timeout_ms; /* 0 = none */
};

/* Rows for the table of arguments. */
#define OPTIONS_ROWS(options, timeout_help)                                                                            \
    {ARGUMENT_TIME, "timeout", "TIME", &(options).timeout_ms, timeout_help},                                           \
        {ARGUMENT_TEXT, "ca", "FILE", &(options).trust.ca_file, "Trust these authorities too (PEM)."},                 \
        {ARGUMENT_SWITCH, "insecure", NULL, &(options).trust.insecure, "Trust any certificate."}, {                    \
        ARGUMENT_SWITCH, "verbose", NULL, &(options).verbose, "Say on stderr what a node sends that is ignored."       \
    }

/* What the table can't check. On failure says so on stderr, for the command. */
bool options_check(const char *command, const struct options *options, struct url *url)
    __attribute__((warn_unused_result));

#endif
