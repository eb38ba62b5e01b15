/* frames.c - the WebSocket handshake and frames (RFC 6455). */
#include "floor.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <stdio.h>
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

long frames_upgrade(struct person *person, const char *bytes, size_t length) {
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[KEY_CHARS + sizeof guid];
    unsigned char digest[SHA_DIGEST_LENGTH];
    unsigned char accept[2 * SHA_DIGEST_LENGTH];
    char answer[256];
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    const char *key = find_key(bytes, end);
    if (key == NULL)
        return -1;
    memcpy(text, key, KEY_CHARS);
    memcpy(text + KEY_CHARS, guid, sizeof guid - 1);
    SHA1((const unsigned char *)text, KEY_CHARS + sizeof guid - 1, digest);
    EVP_EncodeBlock(accept, digest, sizeof digest);
    int size = snprintf(answer, sizeof answer,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: passerby.v1\r\n\r\n",
                        accept);
    person->upgraded = true;
    if (!floor_send(person, answer, (size_t)size))
        return -1;
    rules_greet(person);
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

static bool take_frame(struct person *person, int opcode, const char *payload, size_t length, struct buffer *relayed) {
    if (opcode == TEXT)
        return rules_take(person, payload, length, relayed);
    if (opcode == PING) {
        struct buffer pong = {0};
        put(&pong, PONG, payload, length);
        bool sent = floor_send(person, pong.bytes, pong.length);
        buffer_fini(&pong);
        return sent;
    }
    return opcode == PONG;
}

long frames_take(struct person *person, char *bytes, size_t length) {
    static struct buffer relayed;
    size_t at = 0;
    bool good = true;
    buffer_clear(&relayed);
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
        good = take_frame(person, head[0] & 0x0f, payload, size, &relayed);
        at += header + MASK_BYTES + size;
    }
    if (relayed.length > 0 && person->stranger != NULL)
        floor_send(person->stranger, relayed.bytes, relayed.length); /* if they are gone, epoll will say so */
    return good ? (long)at : -1;
}
