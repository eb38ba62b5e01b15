/* language.c - checks the shape of a language tag, subtag by subtag, in the order of RFC 5646's grammar. */
#include "language.h"

#include <string.h>
#include <strings.h>

enum { SUBTAG_MAX = 8 };

/* The subtag that comes next, and what is behind it. */
struct cursor {
    struct text subtag;
    struct text rest; /* begins with the '-' that ends the subtag, or is empty */
    bool at_end;      /* the subtag before was the last */
};

enum alphabet { ALPHA, DIGIT, ALPHANUM };

static bool is_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static void point(struct cursor *cursor, const char *at, size_t length) {
    const char *hyphen = memchr(at, '-', length);
    size_t subtag_length = hyphen == NULL ? length : (size_t)(hyphen - at);
    cursor->subtag = (struct text){at, subtag_length};
    cursor->rest = (struct text){at + subtag_length, length - subtag_length};
}

static void advance(struct cursor *cursor) {
    if (cursor->rest.length == 0) {
        cursor->at_end = true;
        return;
    }
    point(cursor, cursor->rest.at + 1, cursor->rest.length - 1);
}

static bool is_spelt(struct text subtag, enum alphabet alphabet) {
    for (size_t i = 0; i < subtag.length; i++) {
        char c = subtag.at[i];
        if (!(alphabet != DIGIT && is_alpha(c)) && !(alphabet != ALPHA && is_digit(c)))
            return false;
    }
    return true;
}

/* Moves behind the next subtag if it is of that length and alphabet. */
static bool accept(struct cursor *cursor, size_t least, size_t most, enum alphabet alphabet) {
    struct text subtag = cursor->subtag;
    if (cursor->at_end || subtag.length < least || subtag.length > most || !is_spelt(subtag, alphabet))
        return false;
    advance(cursor);
    return true;
}

/* Moves behind a singleton and its subtags, of which there must be one at least. */
static bool accept_sequence(struct cursor *cursor, size_t least) {
    struct cursor after = *cursor;
    if (!accept(&after, 1, 1, ALPHANUM) || !accept(&after, least, SUBTAG_MAX, ALPHANUM))
        return false;
    while (accept(&after, least, SUBTAG_MAX, ALPHANUM))
        continue;
    *cursor = after;
    return true;
}

static bool next_is(const struct cursor *cursor, char singleton) {
    return !cursor->at_end && cursor->subtag.length == 1 && (*cursor->subtag.at | 0x20) == singleton;
}

static bool accept_language(struct cursor *cursor) {
    if (!accept(cursor, 2, 3, ALPHA))
        return accept(cursor, 4, SUBTAG_MAX, ALPHA);
    for (int extended = 0; extended < 3 && accept(cursor, 3, 3, ALPHA); extended++)
        continue;
    return true;
}

static bool accept_variant(struct cursor *cursor) {
    return accept(cursor, 5, SUBTAG_MAX, ALPHANUM) || (!cursor->at_end && cursor->subtag.length == 4 &&
                                                       is_digit(*cursor->subtag.at) && accept(cursor, 4, 4, ALPHANUM));
}

/* langtag = language ["-" script] ["-" region] *("-" variant) *("-" extension) ["-" privateuse] */
static bool accept_langtag(struct cursor *cursor) {
    if (!accept_language(cursor))
        return false;
    (void)accept(cursor, 4, 4, ALPHA);                                  /* script */
    (void)(accept(cursor, 2, 2, ALPHA) || accept(cursor, 3, 3, DIGIT)); /* region */
    while (accept_variant(cursor))
        continue;
    while (!next_is(cursor, 'x') && accept_sequence(cursor, 2)) /* extensions */
        continue;
    if (next_is(cursor, 'x'))
        (void)accept_sequence(cursor, 1);
    return cursor->at_end;
}

/* The grandfathered tags that fit no rule of the grammar and don't begin with "i-". */
static bool is_irregular(struct text tag) {
    static const char *const irregular[] = {"en-GB-oed", "sgn-BE-FR", "sgn-BE-NL", "sgn-CH-DE"};
    for (size_t i = 0; i < sizeof irregular / sizeof *irregular; i++)
        if (tag.length == strlen(irregular[i]) && strncasecmp(tag.at, irregular[i], tag.length) == 0)
            return true;
    return false;
}

bool language_primary(struct text tag, char out[MAX_LANGUAGE_BYTES + 1]) {
    struct cursor cursor = {0};
    point(&cursor, tag.at, tag.length);
    struct text primary = cursor.subtag;
    bool unnamed = next_is(&cursor, 'x') || next_is(&cursor, 'i');
    out[0] = '\0';
    if (unnamed)
        return accept_sequence(&cursor, next_is(&cursor, 'x') ? 1 : 2) && cursor.at_end;
    if (!accept_langtag(&cursor) && !is_irregular(tag))
        return false;
    for (size_t i = 0; i < primary.length; i++)
        out[i] = (char)(primary.at[i] | 0x20);
    out[primary.length] = '\0';
    return true;
}
