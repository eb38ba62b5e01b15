/* body.c - bodies made from keys: a readable head, and a tail that a codec may stumble over. */
#include "body.h"

#include "base/buffer.h"

enum { LONG_BODY_IN = 64 }; /* one body in so many is as long as it may be */

/* Each piece twice: as it is, and as JSON may write it. */
static const struct {
    const char *plain;
    size_t length;
    const char *json;
} pieces[] = {
#define PIECE(plain, json)                                                                                             \
    { plain, sizeof(plain) - 1, json }
    PIECE("a", "a"),
    PIECE("hello there", "hello there"),
    PIECE("\"", "\\\""),
    PIECE("\\", "\\\\"),
    PIECE("/", "\\/"),
    PIECE("\n\r\t", "\\n\\r\\t"),
    PIECE("\0", "\\u0000"),
    PIECE("\x7f", "\x7f"),
    PIECE("\xc3\xa9", "\\u00e9"),
    PIECE("\xc3\xa9", "\xc3\xa9"),
    PIECE("\xe2\x80\xa8", "\\u2028"),
    PIECE("\xf0\x9f\x99\x82", "\\uD83D\\ude42"),
    PIECE("\xf0\x9f\x99\x82", "\xf0\x9f\x99\x82"),
    PIECE("\x1f", "\\u001f"),
    PIECE("</script>", "</script>"),
    PIECE("\xef\xbf\xbd", "\xef\xbf\xbd"),
#undef PIECE
};

enum { PIECES = sizeof pieces / sizeof pieces[0] };

static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static char *put_number(char *to, uint64_t number) {
    char digits[20];
    int count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0)
        *to++ = digits[--count];
    return to;
}

static size_t head(const struct body_key *key, char *to) {
    char *at = put_number(to, key->chat);
    *at++ = '.';
    at = put_number(at, key->side);
    *at++ = '.';
    at = put_number(at, key->number);
    *at++ = ' ';
    return (size_t)(at - to);
}

static void make(const struct body_key *key, struct buffer *out, bool json) {
    char *to = buffer_reserve(out, 64);
    size_t length = head(key, to);
    out->length += length;
    uint64_t bits = mix(((uint64_t)key->chat << 32 | key->side) * 0x9e3779b97f4a7c15u + key->number);
    size_t most = bits % LONG_BODY_IN == 0 ? key->max_bytes : length + (bits >> 8) % 12;
    if (most > key->max_bytes)
        most = key->max_bytes;
    for (;;) {
        bits = mix(bits + 1);
        size_t piece = bits % PIECES;
        if (length + pieces[piece].length > most)
            break;
        length += pieces[piece].length;
        if (json)
            buffer_string(out, pieces[piece].json);
        else
            buffer_append(out, pieces[piece].plain, pieces[piece].length);
    }
}

void body_plain(const struct body_key *key, struct buffer *out) {
    make(key, out, false);
}

void body_json(const struct body_key *key, struct buffer *out) {
    buffer_append(out, "\"", 1);
    make(key, out, true);
    buffer_append(out, "\"", 1);
}

static bool take_number(struct text *text, char end, uint64_t *out) {
    size_t used = 0;
    *out = 0;
    while (used < text->length && used < 19 && text->at[used] >= '0' && text->at[used] <= '9')
        *out = *out * 10 + (uint64_t)(text->at[used++] - '0');
    if (used == 0 || used == text->length || text->at[used] != end)
        return false;
    text->at += used + 1;
    text->length -= used + 1;
    return true;
}

bool body_read(struct text body, struct body_key *out) {
    uint64_t chat, side;
    if (!take_number(&body, '.', &chat) || !take_number(&body, '.', &side) || !take_number(&body, ' ', &out->number))
        return false;
    out->chat = (uint32_t)chat;
    out->side = (uint32_t)side;
    return chat <= UINT32_MAX && side <= 1;
}
