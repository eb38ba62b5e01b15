/* parse.c - jansson's parser, brought to accept numbers beyond a double and NULs in names.
 *
 * Flow:  jansson parses; only if it stumbles over one of the two, a copy of the text is tamed and parsed again.
 * Fails: taming never makes JSON out of what is not: it replaces a whole number by a number, a letter of a string by
 *        another. What is no JSON stays none. */
#include "parse.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The shortest number that is no double has as many characters: 1e309. */
enum { SHORTEST_INFINITE = 5 };

static const char *skip_digits(const char *at) {
    return at + strspn(at, "0123456789");
}

/* The length of the number at the front (RFC 8259 section 6), or 0. */
static size_t number_length(const char *text) {
    const char *at = text + (*text == '-');
    const char *digits = at;
    at = *at == '0' ? at + 1 : skip_digits(at);
    if (at == digits)
        return 0;
    if (*at == '.' && skip_digits(at + 1) > at + 1)
        at = skip_digits(at + 1);
    if (*at == 'e' || *at == 'E') {
        const char *exponent = at + 1 + (at[1] == '+' || at[1] == '-');
        if (skip_digits(exponent) > exponent)
            at = skip_digits(exponent);
    }
    return (size_t)(at - text);
}

/* Passes a number, or one character; a number beyond a double becomes -1, which no field of ours may be. */
static char *tame_number(char *at) {
    size_t length = number_length(at);
    if (length == 0)
        return at + 1;
    if (length >= SHORTEST_INFINITE && isinf(strtod(at, NULL))) {
        memset(at, ' ', length);
        memcpy(at, "-1", 2);
    }
    return at + length;
}

/* Passes a string; if it is a name, its \u0000 become \u0001. */
static char *tame_string(char *open, char *end) {
    char *at = open + 1;
    while (at < end && *at != '"')
        at += *at == '\\' && at + 1 < end ? 2 : 1;
    if (at == end)
        return end;
    char *close = at++;
    at += strspn(at, " \t\n\r");
    if (*at != ':')
        return close + 1;
    for (char *escape = open + 1; escape < close; escape++)
        if (*escape == '\\' && *++escape == 'u' && strncmp(escape + 1, "0000", 4) == 0)
            escape[4] = '1';
    return close + 1;
}

/* `text` has a NUL behind its end. */
static void tame(char *text, size_t length) {
    char *end = text + length;
    for (char *at = text; at < end;) {
        if (*at == '"')
            at = tame_string(at, end);
        else
            at = tame_number(at);
    }
}

static json_t *parse(const char *bytes, size_t length, bool *tameable) {
    json_error_t error;
    json_t *root = json_loadb(bytes, length, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    if (root == NULL) {
        enum json_error_code code = json_error_code(&error);
        *tameable = code == json_error_numeric_overflow || code == json_error_null_byte_in_key;
        return NULL;
    }
    if (!json_is_object(root)) {
        json_decref(root);
        return NULL;
    }
    return root;
}

json_t *parse_object(const char *bytes, size_t length) {
    bool tameable = false;
    json_t *root = parse(bytes, length, &tameable);
    if (root == NULL && tameable) {
        char *copy = memory_copy(bytes, length);
        tame(copy, length);
        root = parse(copy, length, &tameable);
        free(copy);
    }
    return root;
}
