/* reader.c - a small reader of flat JSON objects: strings, integers, booleans, arrays of strings (RFC 8259).
 *
 * Flow:      reader_read() walks the object once; field() knows the fields of PROTOCOL.md and skips all others; then
 *            complete() compares what was there with what the kind of frame needs.
 * Fails:     a static text that says what is wrong.
 * Extending: add the field to FIELD_ROWS and to struct heard, and the bit to NEEDS. */
#include "reader.h"

#include <jansson.h>
#include <string.h>

enum field_type { FIELD_TEXT, FIELD_NUMBER, FIELD_BOOL, FIELD_TEXTS };

/* FIELD_ROW(name, type): a field of struct heard with the same name, or one that is worked out from its text. */
#define FIELD_ROWS(FIELD_ROW)                                                                                          \
    FIELD_ROW(t, TEXT)                                                                                                 \
    FIELD_ROW(seq, NUMBER)                                                                                             \
    FIELD_ROW(body, TEXT)                                                                                              \
    FIELD_ROW(chat, TEXT)                                                                                              \
    FIELD_ROW(resume, TEXT)                                                                                            \
    FIELD_ROW(topics, TEXTS)                                                                                           \
    FIELD_ROW(reliable, BOOL)                                                                                          \
    FIELD_ROW(on, BOOL)                                                                                                \
    FIELD_ROW(peer, TEXT)                                                                                              \
    FIELD_ROW(reason, TEXT)                                                                                            \
    FIELD_ROW(code, TEXT)                                                                                              \
    FIELD_ROW(message, TEXT)                                                                                           \
    FIELD_ROW(v, NUMBER)                                                                                               \
    FIELD_ROW(online, NUMBER)                                                                                          \
    FIELD_ROW(max_body, NUMBER)                                                                                        \
    FIELD_ROW(max_frame, NUMBER)                                                                                       \
    FIELD_ROW(window, NUMBER)                                                                                          \
    FIELD_ROW(grace_ms, NUMBER)                                                                                        \
    FIELD_ROW(again, BOOL)                                                                                             \
    FIELD_ROW(again_ms, NUMBER)                                                                                        \
    FIELD_ROW(prefer_ms, NUMBER)                                                                                       \
    FIELD_ROW(after_ms, NUMBER)                                                                                        \
    FIELD_ROW(retry_ms, NUMBER)

#define FIELD_ENUM(name, type) F_##name,
enum field { FIELD_ROWS(FIELD_ENUM) FIELDS };
#undef FIELD_ENUM

#define BIT(name) (1u << F_##name)

#define FIELD_INFO(name, type) {#name, sizeof #name - 1, FIELD_##type},
static const struct {
    const char *name;
    size_t length;
    enum field_type type;
} fields[] = {FIELD_ROWS(FIELD_INFO)};
#undef FIELD_INFO

static const uint32_t needs[SERVER_KINDS] = {
    [SERVER_HELLO] = BIT(v) | BIT(online) | BIT(max_body) | BIT(max_frame) | BIT(window) | BIT(grace_ms) |
                     BIT(prefer_ms) | BIT(again_ms),
    [SERVER_MATCHED] = BIT(chat) | BIT(topics) | BIT(resume) | BIT(reliable),
    [SERVER_MSG] = BIT(seq) | BIT(body),
    [SERVER_ACK] = BIT(seq),
    [SERVER_TYPING] = BIT(on),
    [SERVER_AWAY] = BIT(grace_ms),
    [SERVER_RESUMED] = BIT(chat) | BIT(peer) | BIT(resume) | BIT(reliable),
    [SERVER_ENDED] = BIT(reason),
    [SERVER_RECONNECT] = BIT(after_ms),
    [SERVER_ERROR] = BIT(code) | BIT(message),
};

struct cursor {
    char *at;
    char *end;
};

/* Texts of fields that are worked out after the walk. */
struct words {
    struct text t;
    struct text peer;
    struct text reason;
    struct text code;
};

bool reader_equal(struct text text, const char *string) {
    return text.length == strlen(string) && memcmp(text.at, string, text.length) == 0;
}

static void blank(struct cursor *cursor) {
    while (cursor->at < cursor->end && (*cursor->at == ' ' || (*cursor->at >= '\t' && *cursor->at <= '\r')))
        cursor->at++;
}

static bool take(struct cursor *cursor, char expected) {
    blank(cursor);
    if (cursor->at == cursor->end || *cursor->at != expected)
        return false;
    cursor->at++;
    return true;
}

static bool hex4(struct cursor *cursor, uint32_t *out) {
    if (cursor->end - cursor->at < 4)
        return false;
    *out = 0;
    for (int i = 0; i < 4; i++) {
        char c = *cursor->at++;
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (uint32_t)((c | 0x20) - 'a') + 10;
        else
            return false;
        *out = *out * 16 + digit;
    }
    return true;
}

static char *put_utf8(char *to, uint32_t code_point) {
    if (code_point < 0x80) {
        *to++ = (char)code_point;
    } else if (code_point < 0x800) {
        *to++ = (char)(0xc0 | (code_point >> 6));
        *to++ = (char)(0x80 | (code_point & 0x3f));
    } else if (code_point < 0x10000) {
        *to++ = (char)(0xe0 | (code_point >> 12));
        *to++ = (char)(0x80 | ((code_point >> 6) & 0x3f));
        *to++ = (char)(0x80 | (code_point & 0x3f));
    } else {
        *to++ = (char)(0xf0 | (code_point >> 18));
        *to++ = (char)(0x80 | ((code_point >> 12) & 0x3f));
        *to++ = (char)(0x80 | ((code_point >> 6) & 0x3f));
        *to++ = (char)(0x80 | (code_point & 0x3f));
    }
    return to;
}

/* Behind "\u": one code point, of one escape or of a surrogate pair. */
static bool unicode_escape(struct cursor *cursor, char **to) {
    uint32_t code_point, low;
    if (!hex4(cursor, &code_point) || (code_point >= 0xdc00 && code_point < 0xe000))
        return false;
    if (code_point >= 0xd800 && code_point < 0xdc00) {
        if (cursor->end - cursor->at < 6 || cursor->at[0] != '\\' || cursor->at[1] != 'u')
            return false;
        cursor->at += 2;
        if (!hex4(cursor, &low) || low < 0xdc00 || low >= 0xe000)
            return false;
        code_point = 0x10000 + ((code_point - 0xd800) << 10) + (low - 0xdc00);
    }
    *to = put_utf8(*to, code_point);
    return true;
}

static bool escape(struct cursor *cursor, char **to) {
    static const char names[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    if (cursor->at == cursor->end)
        return false;
    char c = *cursor->at++;
    if (c == 'u')
        return unicode_escape(cursor, to);
    const char *name = c == '\0' ? NULL : strchr(names, c);
    if (name == NULL)
        return false;
    *(*to)++ = meanings[name - names];
    return true;
}

static bool string(struct cursor *cursor, struct text *out) {
    if (!take(cursor, '"'))
        return false;
    char *to = cursor->at;
    out->at = to;
    while (cursor->at < cursor->end) {
        char c = *cursor->at++;
        if (c == '"') {
            out->length = (size_t)(to - out->at);
            return true;
        }
        if (c == '\\') {
            if (!escape(cursor, &to))
                return false;
        } else if ((unsigned char)c < 0x20) {
            return false;
        } else {
            *to++ = c;
        }
    }
    return false;
}

static bool strings(struct cursor *cursor, struct heard *out) {
    if (!take(cursor, '['))
        return false;
    if (take(cursor, ']'))
        return true;
    do {
        if (out->topic_count == MAX_TOPICS || !string(cursor, &out->topics[out->topic_count]))
            return false;
        out->topic_count++;
    } while (take(cursor, ','));
    return take(cursor, ']');
}

static bool number(struct cursor *cursor, uint64_t *out) {
    blank(cursor);
    char *start = cursor->at;
    *out = 0;
    while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9' && cursor->at - start < 17)
        *out = *out * 10 + (uint64_t)(*cursor->at++ - '0');
    return cursor->at > start && *out <= MAX_SEQ && (*start != '0' || cursor->at == start + 1);
}

static bool boolean(struct cursor *cursor, bool *out) {
    blank(cursor);
    size_t left = (size_t)(cursor->end - cursor->at);
    *out = left >= 4 && memcmp(cursor->at, "true", 4) == 0;
    if (!*out && (left < 5 || memcmp(cursor->at, "false", 5) != 0))
        return false;
    cursor->at += *out ? 4 : 5;
    return true;
}

static enum field lookup(struct text name) {
    for (int i = 0; i < FIELDS; i++)
        if (fields[i].length == name.length && memcmp(fields[i].name, name.at, name.length) == 0)
            return (enum field)i;
    return FIELDS;
}

static bool value(struct cursor *cursor, enum field name, struct heard *out, struct words *words) {
    struct text unused;
    struct text *const texts[FIELDS] = {
        [F_t] = &words->t,     [F_peer] = &words->peer, [F_reason] = &words->reason, [F_code] = &words->code,
        [F_body] = &out->body, [F_chat] = &out->chat,   [F_resume] = &out->resume,   [F_message] = &unused,
    };
    uint64_t *const numbers[FIELDS] = {
        [F_seq] = &out->seq,           [F_v] = &out->v,
        [F_online] = &out->online,     [F_max_body] = &out->max_body,
        [F_window] = &out->window,     [F_max_frame] = &out->max_frame,
        [F_grace_ms] = &out->grace_ms, [F_prefer_ms] = &out->prefer_ms,
        [F_again_ms] = &out->again_ms, [F_after_ms] = &out->after_ms,
        [F_retry_ms] = &out->retry_ms,
    };
    bool *const booleans[FIELDS] = {[F_on] = &out->on, [F_reliable] = &out->reliable, [F_again] = &out->again};
    switch (fields[name].type) {
    case FIELD_TEXT: return string(cursor, texts[name]);
    case FIELD_NUMBER: return number(cursor, numbers[name]);
    case FIELD_BOOL: return boolean(cursor, booleans[name]);
    case FIELD_TEXTS: return strings(cursor, out);
    }
    return false;
}

static bool server_kind(struct text word, enum server_kind *out) {
#define SERVER_WORD(name, t) t,
    static const char *const words[] = {SERVER_ROWS(SERVER_WORD)};
#undef SERVER_WORD
    for (int i = 0; i < SERVER_KINDS; i++) {
        if (reader_equal(word, words[i])) {
            *out = (enum server_kind)i;
            return true;
        }
    }
    return false;
}

static bool ended_reason(struct text word, enum ended_reason *out) {
#define ENDED_ROW(name, reason) reason,
    static const char *const words[] = {
#include "passerby/reasons.def"
    };
    for (int i = 0; i < ENDED_REASONS; i++) {
        if (reader_equal(word, words[i])) {
            *out = (enum ended_reason)i;
            return true;
        }
    }
    return false;
}

static bool error_code(struct text word, enum error_code *out) {
#define ERROR_ROW(name, code, counts, message) code,
    static const char *const words[] = {
#include "passerby/reasons.def"
    };
    for (int i = 0; i < ERROR_CODES; i++) {
        if (reader_equal(word, words[i])) {
            *out = (enum error_code)i;
            return true;
        }
    }
    return false;
}

static const char *complete(struct heard *out, const struct words *words) {
    if (!server_kind(words->t, &out->kind))
        return "'t' names no message of the contract";
    if ((out->fields & needs[out->kind]) != needs[out->kind])
        return "a field is missing";
    if (out->kind == SERVER_ENDED && !ended_reason(words->reason, &out->reason))
        return "'reason' is none of the contract";
    if (out->kind == SERVER_ERROR && !error_code(words->code, &out->code))
        return "'code' is none of the contract";
    if (out->kind == SERVER_RESUMED) {
        out->peer = reader_equal(words->peer, "here")   ? PRESENCE_HERE
                    : reader_equal(words->peer, "away") ? PRESENCE_AWAY
                                                        : PRESENCE_UNKNOWN;
        if (out->peer == PRESENCE_UNKNOWN || (out->peer == PRESENCE_AWAY) != ((out->fields & BIT(grace_ms)) != 0))
            return "'peer' must be here, or away with grace_ms";
    }
    if ((out->fields & BIT(chat)) != 0 && (out->chat.length == 0 || out->chat.length > READER_CHAT_CHARS))
        return "'chat' must have 1 to 32 characters";
    return NULL;
}

const char *reader_read(char *bytes, size_t length, struct heard *out) {
    struct cursor cursor = {bytes, bytes + length};
    struct words words = {0};
    *out = (struct heard){0};
    if (!take(&cursor, '{'))
        return "not an object";
    do {
        struct text name;
        if (!string(&cursor, &name) || !take(&cursor, ':'))
            return "no member where one must be";
        enum field known = lookup(name);
        if (known == FIELDS)
            return "a field that PROTOCOL.md does not name";
        if ((out->fields & (1u << known)) != 0)
            return "a field comes twice";
        out->fields |= 1u << known;
        if (!value(&cursor, known, out, &words))
            return "a field is of the wrong kind";
    } while (take(&cursor, ','));
    if (!take(&cursor, '}') || cursor.at != cursor.end)
        return "the object does not end where the frame does";
    return complete(out, &words);
}

bool reader_is_object(const char *bytes, size_t length) {
    json_t *object = json_loadb(bytes, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    bool good = json_is_object(object);
    json_decref(object);
    return good;
}
