/* encoding.c - which content coding does a client like best? */
#include "encoding.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const names[] = {[ENCODING_PLAIN] = "identity", [ENCODING_GZIP] = "gzip", [ENCODING_BROTLI] = "br"};

enum { ENCODINGS = sizeof names / sizeof *names };

/* Weight of an element's parameters ";q=0.5", in thousandths. */
static int weight(const char *parameters, const char *end) {
    for (const char *at = parameters; at < end; at++) {
        if (*at != ';')
            continue;
        at += 1 + strspn(at + 1, " \t");
        if (end - at > 2 && strncasecmp(at, "q=", 2) == 0) {
            double q = strtod(at + 2, NULL);
            return q >= 0 && q <= 1 ? (int)(q * 1000) : 0;
        }
    }
    return 1000;
}

/* Reads Accept-Encoding: the weight of each coding that is named, directly or by "*"; -1 for the others. */
static void read_weights(const char *accept_encoding, int weights[ENCODINGS]) {
    int others = -1; /* of "*" */
    for (const char *at = accept_encoding; at != NULL && *at != '\0';) {
        at += strspn(at, ", \t");
        const char *end = at + strcspn(at, ",");
        size_t length = strcspn(at, "; \t,");
        int q = weight(at, end);
        if (length == 1 && *at == '*')
            others = q;
        for (int i = 0; i < ENCODINGS; i++)
            if (length == strlen(names[i]) && strncasecmp(at, names[i], length) == 0)
                weights[i] = q;
        at = end;
    }
    for (int i = 0; i < ENCODINGS; i++)
        if (weights[i] < 0)
            weights[i] = others;
}

enum encoding encoding_choose(const char *accept_encoding, bool have_gzip, bool have_brotli) {
    int weights[ENCODINGS] = {-1, -1, -1};
    const bool have[ENCODINGS] = {
        [ENCODING_PLAIN] = true, [ENCODING_GZIP] = have_gzip, [ENCODING_BROTLI] = have_brotli};
    read_weights(accept_encoding, weights);
    if (weights[ENCODING_PLAIN] <= 0)
        weights[ENCODING_PLAIN] = 1; /* there is nothing else to send to whom no other will do */
    enum encoding best = ENCODING_PLAIN;
    for (int each = ENCODING_GZIP; each < ENCODINGS; each++) /* of equals, the later is the smaller one */
        if (have[each] && weights[each] > 0 && weights[each] >= weights[best])
            best = (enum encoding)each;
    return best;
}

const char *encoding_tag_suffix(enum encoding encoding) {
    return encoding == ENCODING_GZIP ? "-gzip" : encoding == ENCODING_BROTLI ? "-br" : "";
}

const char *encoding_name(enum encoding encoding) {
    return encoding == ENCODING_PLAIN ? NULL : names[encoding];
}

bool encoding_tag_matches(const char *if_none_match, const char *etag) {
    if (if_none_match == NULL)
        return false;
    size_t text = strlen(etag) - 1; /* without the closing quote */
    for (const char *at = if_none_match; *at != '\0';) {
        at += strspn(at, ", \t");
        if (*at == '*')
            return true;
        if (strncmp(at, "W/", 2) == 0)
            at += 2;
        if (strncmp(at, etag, text) == 0) {
            for (int i = 0; i < ENCODINGS; i++) {
                const char *suffix = encoding_tag_suffix((enum encoding)i);
                size_t length = strlen(suffix);
                if (strncmp(at + text, suffix, length) == 0 && at[text + length] == '"')
                    return true;
            }
        }
        at += strcspn(at, ",");
    }
    return false;
}
