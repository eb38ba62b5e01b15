/* names.c - the words of the protocol, from its tables, and a chat's id as text. */
#include "passerby/wire.h"

#include <assert.h>

#include "base/base64url.h"

const char *wire_error_name(enum error_code code) {
    static const char *const names[] = {
#define ERROR_ROW(name, code, counts, message) [ERROR_##name] = (code),
#include "passerby/reasons.def"
    };
    assert(code < ERROR_CODES);
    return names[code];
}

const char *wire_error_message(enum error_code code) {
    static const char *const messages[] = {
#define ERROR_ROW(name, code, counts, message) [ERROR_##name] = (message),
#include "passerby/reasons.def"
    };
    assert(code < ERROR_CODES);
    return messages[code];
}

const char *wire_ended_name(enum ended_reason reason) {
    static const char *const names[] = {
#define ENDED_ROW(name, reason) [ENDED_##name] = (reason),
#include "passerby/reasons.def"
    };
    assert(reason < ENDED_REASONS);
    return names[reason];
}

const char *wire_client_name(enum client_kind kind) {
#define CLIENT_NAME(name, t) [CLIENT_##name] = (t),
    static const char *const names[] = {CLIENT_ROWS(CLIENT_NAME)};
#undef CLIENT_NAME
    assert(kind < CLIENT_KINDS);
    return names[kind];
}

const char *wire_server_name(enum server_kind kind) {
#define SERVER_NAME(name, t) [SERVER_##name] = (t),
    static const char *const names[] = {SERVER_ROWS(SERVER_NAME)};
#undef SERVER_NAME
    assert(kind < SERVER_KINDS);
    return names[kind];
}

void wire_chat_id(struct chat_id id, char out[CHAT_ID_CHARS + 1]) {
    uint8_t bytes[CHAT_ID_BYTES];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(id.high >> (56 - 8 * i));
        bytes[8 + i] = (uint8_t)(id.low >> (56 - 8 * i));
    }
    out[base64url_encode(bytes, sizeof bytes, out)] = '\0';
}
