/* frames.c - the WebSocket handshake and frames (RFC 6455). */
#include "floor.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <string.h>
#include <strings.h>

enum { TEXT = 1, CLOSE = 8, PING = 9, PONG = 10, SHORT_LENGTH = 125, LENGTH_16 = 126, KEY_CHARS = 24, MASK_BYTES = 4 };

/* The value of Sec-WebSocket-Key, or NULL. */
static const char *find_key(const char *bytes, const char *end) {
    static const char name[] = "\r\nSec-WebSocket-Key: ";
    for (; bytes + sizeof name - 1 + KEY_CHARS <= end; bytes++)
        if (*bytes == '\r' && strncasecmp(bytes, name, sizeof name - 1) == 0)
            return bytes + sizeof name - 1;
    return NULL;
}

void frames_init(void) {
    unsigned char digest[SHA_DIGEST_LENGTH];
    SHA1((const unsigned char *)"", 0, digest);
}

long frames_upgrade(struct person *person, const char *bytes, size_t length, struct buffer *out) {
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[KEY_CHARS + sizeof guid];
    unsigned char digest[SHA_DIGEST_LENGTH];
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    const char *key = find_key(bytes, end);
    if (key == NULL)
        return -1;
    memcpy(text, key, KEY_CHARS);
    memcpy(text + KEY_CHARS, guid, sizeof guid - 1);
    SHA1((const unsigned char *)text, KEY_CHARS + sizeof guid - 1, digest);
    buffer_string(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: ");
    char *accept = buffer_reserve(out, 2 * SHA_DIGEST_LENGTH);
    out->length += (size_t)EVP_EncodeBlock((unsigned char *)accept, digest, sizeof digest);
    buffer_string(out, "\r\nSec-WebSocket-Protocol: passerby.v1\r\n\r\n");
    person->upgraded = true;
    rules_greet(out);
    return end + 4 - bytes;
}

static void put(struct buffer *out, int opcode, const char *payload, size_t length) {
    char *at = buffer_reserve(out, length + 4);
    *at++ = (char)(0x80 | opcode);
    if (length <= SHORT_LENGTH) {
        *at++ = (char)length;
    } else {
        *at++ = LENGTH_16;
        *at++ = (char)(length >> 8);
        *at++ = (char)length;
    }
    memcpy(at, payload, length);
    out->length = (size_t)(at + length - out->bytes);
}

void frames_put(struct buffer *out, const char *text, size_t length) {
    put(out, TEXT, text, length);
}

static void unmask(char *payload, size_t length, const char *mask) {
    uint32_t word;
    size_t i = 0;
    memcpy(&word, mask, sizeof word);
    for (; i + sizeof word <= length; i += sizeof word) {
        uint32_t four;
        memcpy(&four, payload + i, sizeof four);
        four ^= word;
        memcpy(payload + i, &four, sizeof four);
    }
    for (; i < length; i++)
        payload[i] = (char)(payload[i] ^ mask[i & 3]);
}

static bool take_frame(struct person *person, int opcode, const char *payload, size_t length, struct told *told) {
    if (opcode == TEXT)
        return rules_take(person, payload, length, told);
    if (opcode == PING)
        put(&told->self, PONG, payload, length);
    else if (opcode == CLOSE)
        put(&told->self, CLOSE, payload, length);
    return opcode == PING || opcode == PONG;
}

long frames_take(struct person *person, char *bytes, size_t length, struct told *told) {
    size_t at = 0;
    bool good = true;
    while (good && length - at >= 2) {
        const uint8_t *head = (const uint8_t *)bytes + at;
        size_t size = head[1] & 0x7f;
        size_t header = size == LENGTH_16 ? 4 : 2;
        if ((head[0] & 0xf0) != 0x80 || (head[1] & 0x80) == 0 || size > LENGTH_16)
            return -1;
        if (length - at < header)
            break;
        if (size == LENGTH_16)
            size = (size_t)head[2] << 8 | head[3];
        if (length - at < header + MASK_BYTES + size)
            break;
        char *payload = bytes + at + header + MASK_BYTES;
        unmask(payload, size, payload - MASK_BYTES);
        good = take_frame(person, head[0] & 0x0f, payload, size, told);
        at += header + MASK_BYTES + size;
    }
    return good ? (long)at : -1;
}
