/* chat_options.h - the command line of `passerby chat`. */
#ifndef CLIENT_CHAT_OPTIONS_H
#define CLIENT_CHAT_OPTIONS_H

#include "frames.h"
#include "options.h"

/* Strings are argv's. */
struct chat_options {
    struct options common;
    bool commands; /* are read from a pipe too */
    bool stays;    /* when stdin has ended */
    bool plain;    /* nothing is coloured or drawn anew */
    struct url url;
    struct criteria criteria;
};

/* As arguments_read(). */
enum arguments_result chat_options_read(struct chat_options *options, int argc, char *const argv[])
    __attribute__((warn_unused_result));

#endif
