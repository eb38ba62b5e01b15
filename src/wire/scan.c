/* scan.c - reads `msg` and `ack` straight from the bytes.
 *
 * Flow:  { name : value , … } with white space wherever JSON has it (RFC 8259), each of t, seq and body at most once, in any order,
 *        and nothing else. A body without escapes is not copied.
 * Fails: at whatever is not expected: other names, names with escapes, a name twice, numbers that are not plain integers, and all that
 *        is wrong. Nothing is said about it but "not simple".
 * Owns:  out->text, the body when it had escapes. */
#include "scan.h"

#include "plain.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { SEQ_DIGITS = 16, UNICODE_DIGITS = 4 };

/* What is left to read. */
struct scan {
    const char *at;
    const char *end;
};

/* The members of the object. */
struct members {
    bool has_kind;
    enum client_kind kind;
    struct text body; /* as it is written, between its quotes; `at` is NULL when there is none */
    bool escapes;     /* in body */
    bool has_seq;
    uint64_t seq;
};

static void skip_space(struct scan *scan) {
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
        scan->at++;
}

/* Takes one character, and the white space before it. */
static bool take(struct scan *scan, char character) {
    skip_space(scan);
    if (scan->at == scan->end || *scan->at != character)
        return false;
    scan->at++;
    return true;
}

/* Takes a string that is exactly this, quotes included, and the white space before it. */
static bool take_word(struct scan *scan, const char *word) {
    size_t length = strlen(word);
    skip_space(scan);
    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0)
        return false;
    scan->at += length;
    return true;
}

static bool take_body(struct scan *scan, struct members *members) {
    uint64_t seen = 0;
    if (members->body.at != NULL || !take(scan, '"'))
        return false;
    members->body.at = scan->at;
    for (;;) {
        scan->at += plain_length(scan->at, (size_t)(scan->end - scan->at), &seen);
        if (scan->end - scan->at < 2 || *scan->at != '\\')
            break;
        members->escapes = true;
        scan->at += 2; /* what it stands for is unescape()'s question */
    }
    members->body.length = (size_t)(scan->at - members->body.at);
    if (scan->at == scan->end || *scan->at++ != '"') /* no white space: it would be in the string */
        return false;
    return (seen & 0x8080808080808080u) == 0 || utf8_valid(members->body.at, members->body.length);
}

static bool take_seq(struct scan *scan, struct members *members) {
    skip_space(scan);
    const char *first = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9' && scan->at - first < SEQ_DIGITS)
        members->seq = members->seq * 10 + (uint64_t)(*scan->at++ - '0');
    bool plain = scan->at > first && (*first != '0' || scan->at == first + 1) && !members->has_seq;
    members->has_seq = true;
    return plain && members->seq <= MAX_SEQ; /* whatever goes on with the number is no comma and no brace */
}

static bool take_kind(struct scan *scan, struct members *members) {
    if (members->has_kind)
        return false;
    members->has_kind = true;
    members->kind = take_word(scan, "\"msg\"") ? CLIENT_MSG : CLIENT_ACK;
    return members->kind == CLIENT_MSG || take_word(scan, "\"ack\"");
}

static bool take_member(struct scan *scan, struct members *members) {
    if (take_word(scan, "\"t\""))
        return take(scan, ':') && take_kind(scan, members);
    if (take_word(scan, "\"seq\""))
        return take(scan, ':') && take_seq(scan, members);
    return take_word(scan, "\"body\"") && take(scan, ':') && take_body(scan, members);
}

static bool take_members(struct scan *scan, struct members *members) {
    if (!take(scan, '{'))
        return false;
    do
        if (!take_member(scan, members))
            return false;
    while (take(scan, ','));
    if (!take(scan, '}'))
        return false;
    skip_space(scan);
    return scan->at == scan->end;
}

/* --- escapes ------------------------------------------------------------------------------------------------------ */

static bool hex(const char *at, const char *end, uint32_t *out) {
    *out = 0;
    if (end - at < UNICODE_DIGITS)
        return false;
    for (int i = 0; i < UNICODE_DIGITS; i++) {
        char digit = at[i];
        bool letter = (digit | 0x20) >= 'a' && (digit | 0x20) <= 'f';
        if (!letter && (digit < '0' || digit > '9'))
            return false;
        *out = *out << 4 | (uint32_t)(letter ? (digit | 0x20) - 'a' + 10 : digit - '0');
    }
    return true;
}

/* The code point of \u… at `*at`, behind the u; two escapes if it is a pair of surrogates. */
static bool unescape_unicode(const char **at, const char *end, uint32_t *out) {
    uint32_t low;
    if (!hex(*at, end, out))
        return false;
    *at += UNICODE_DIGITS;
    if (*out < 0xd800 || *out > 0xdfff)
        return true;
    if (*out > 0xdbff || end - *at < 2 || (*at)[0] != '\\' || (*at)[1] != 'u' || !hex(*at + 2, end, &low) ||
        low < 0xdc00 || low > 0xdfff)
        return false;
    *at += 2 + UNICODE_DIGITS;
    *out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

static char *put_utf8(char *out, uint32_t code_point) {
    if (code_point < 0x80) {
        *out++ = (char)code_point;
        return out;
    }
    unsigned more = code_point < 0x800 ? 1 : code_point < 0x10000 ? 2 : 3;
    static const uint8_t firsts[] = {0, 0xc0, 0xe0, 0xf0};
    *out++ = (char)(firsts[more] | code_point >> 6 * more);
    while (more-- > 0)
        *out++ = (char)(0x80 | (code_point >> 6 * more & 0x3f));
    return out;
}

/* The escape at `*at`, behind its backslash. Returns the new end of what is written, or NULL. */
static char *unescape_one(const char **at, const char *end, char *out) {
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    uint32_t code_point;
    char letter = *(*at)++;
    if (letter == 'u')
        return unescape_unicode(at, end, &code_point) ? put_utf8(out, code_point) : NULL;
    const char *found = memchr(letters, letter, sizeof letters - 1);
    if (found == NULL)
        return NULL;
    *out = meant[found - letters];
    return out + 1;
}

/* A text is never longer than its escaped form. */
static bool unescape(struct text *text, char **memory) {
    const char *at = text->at, *end = at + text->length;
    char *out = *memory = memory_resize(NULL, text->length, 1);
    while (at < end && out != NULL) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        size_t run = (size_t)((escape != NULL ? escape : end) - at);
        memcpy(out, at, run);
        out += run;
        at += run + (escape != NULL);
        if (escape != NULL)
            out = unescape_one(&at, end, out);
    }
    if (out == NULL) {
        free(*memory);
        *memory = NULL;
        return false;
    }
    *text = (struct text){*memory, (size_t)(out - *memory)};
    return true;
}

/* --- frames ------------------------------------------------------------------------------------------------------- */

static bool make_msg(struct members *members, struct wire_frame *out) {
    if (members->body.length == 0 || (members->has_seq && members->seq == 0))
        return false;
    if (members->escapes && !unescape(&members->body, &out->text))
        return false;
    out->frame.kind = CLIENT_MSG;
    out->frame.msg.body = members->body;
    out->frame.msg.seq = members->seq;
    return true;
}

static bool make_ack(const struct members *members, struct wire_frame *out) {
    if (!members->has_seq || members->body.at != NULL)
        return false;
    out->frame.kind = CLIENT_ACK;
    out->frame.ack.seq = members->seq;
    return true;
}

bool scan_frame(const char *bytes, size_t length, struct wire_frame *out) {
    struct scan scan = {bytes, bytes + length};
    struct members members = {0};
    out->memory = NULL;
    out->text = NULL;
    if (!take_members(&scan, &members) || !members.has_kind)
        return false;
    return members.kind == CLIENT_MSG ? make_msg(&members, out) : make_ack(&members, out);
}
