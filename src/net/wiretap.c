/* wiretap.c - sees the bytes that lws reads from a connection, for what lws keeps to itself; and has the kernel keep
 * back the answer to an upgrade until the first frame follows.
 *
 * lws 4 takes unmasked frames from clients, although RFC 6455 section 5.1 wants the connection closed, and no
 * callback and no accessor tells; for lengths that can't be it goes without the Close that would say why; and of a
 * header it does not know it shows the first line alone. Peeking at the socket beforehand would cost a system call a
 * message and could still miss what arrives between the peek and lws' own read. But lws reads sockets by calling
 * recv(), and TLS by calling SSL_read(); the program's own definitions of those two names come before the C
 * library's and OpenSSL's (ELF symbol interposition), so it is we who are called. Both are passed on unchanged, but
 * for sockets that this thread watches.
 *
 * Flow:   watch → (HTTP) each read is cut off behind the head of a GET, so that frames never share a read with the
 *         upgrade request: lws 4.1 builds its answer in the buffer they would stand in → upgraded → each read is
 *         followed frame by frame. Of a frame for which lws has no room the rest is read at once, and handed over in
 *         pieces: lws would read each, and the loop wait before it.
 * Fails:  where symbols can't be interposed (a static C library), nothing is seen and unmasked frames pass; net_new()
 *         says so.
 * Owns:   one table per thread of what is watched: recv() has no argument that it could be handed by. */
#include "wiretap.h"

#include "base/map.h"
#include "base/memory.h"

#include <ctype.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    SOCKETS_AT_ONCE = 1024,  /* what the table grows by */
    REST_BYTES = 4096,       /* read at once */
    MAX_CONTROL_BYTES = 125, /* RFC 6455 section 5.5 */
    NOT_NAMED = UINT8_MAX,
};

typedef int (*tls_read_fn)(void *tls, void *buffer, int length);

struct board {
    struct wiretap **sockets; /* by fd */
    size_t socket_capacity;
    size_t socket_count;
    struct map sessions; /* of TLS, by address of the SSL */
    const struct wiretap_hooks *hooks;
    struct {
        const struct wiretap *of; /* whose frame; NULL = nobody's */
        size_t at, left;
        char bytes[REST_BYTES];
    } rest;
    tls_read_fn tls_read; /* OpenSSL's own */
    tls_read_fn tls_peek;
    int (*tls_pending)(const void *tls);
};

static _Thread_local struct board board;

/* For lws to find, and for link-time optimisation, which sees no caller, to keep. */
#define INTERPOSES __attribute__((used, visibility("default")))

/* OpenSSL's headers are not needed for more than this. */
INTERPOSES int SSL_read(void *tls, void *buffer, int length);
INTERPOSES int SSL_pending(const void *tls);

bool wiretap_works(void) {
    ssize_t (*our_recv)(int, void *, size_t, int) = recv;
    int (*our_read)(void *, void *, int) = SSL_read;
    void *found_recv = dlsym(RTLD_DEFAULT, "recv");
    void *found_read = dlsym(RTLD_DEFAULT, "SSL_read");
    return memcmp(&our_recv, &found_recv, sizeof our_recv) == 0 && memcmp(&our_read, &found_read, sizeof our_read) == 0;
}

static uint64_t key_of(const void *tls) {
    return (uint64_t)(uintptr_t)tls;
}

static struct wiretap *tap_of_socket(int fd) {
    return (size_t)fd < board.socket_capacity ? board.sockets[fd] : NULL;
}

static void watch_socket(size_t fd, struct wiretap *tap) {
    if (fd >= board.socket_capacity) {
        size_t capacity = (fd / SOCKETS_AT_ONCE + 1) * SOCKETS_AT_ONCE;
        board.sockets = memory_resize(board.sockets, capacity, sizeof(struct wiretap *));
        for (size_t i = board.socket_capacity; i < capacity; i++)
            board.sockets[i] = NULL;
        board.socket_capacity = capacity;
    }
    board.socket_count += board.sockets[fd] == NULL;
    board.sockets[fd] = tap;
}

static void unwatch_socket(const struct wiretap *tap) {
    if (board.sockets[tap->key] != tap) /* its number was given to another socket since */
        return;
    board.sockets[tap->key] = NULL;
    if (--board.socket_count > 0)
        return;
    free(board.sockets);
    board.sockets = NULL;
    board.socket_capacity = 0;
}

void wiretap_watch(int fd, const void *tls, struct wiretap *tap, const struct wiretap_hooks *hooks) {
    board.hooks = hooks;
    tap->watched = tls != NULL ? WIRETAP_TLS : WIRETAP_SOCKET;
    tap->key = tls != NULL ? key_of(tls) : (uint64_t)fd;
    if (tls != NULL)
        map_set(&board.sessions, tap->key, tap);
    else
        watch_socket((size_t)fd, tap);
}

void wiretap_unwatch(struct wiretap *tap) {
    if (tap->watched == WIRETAP_SOCKET)
        unwatch_socket(tap);
    else if (tap->watched == WIRETAP_TLS && map_take(&board.sessions, tap->key) != NULL && board.sessions.count == 0)
        map_fini(&board.sessions);
    tap->watched = WIRETAP_NOT;
}

void wiretap_granted(struct wiretap *tap) {
    tap->granted = true;
}

void wiretap_upgraded(struct wiretap *tap, uint32_t most) {
    tap->phase = WIRETAP_FIRST;
    tap->most = most;
    tap->granted = false;
}

/* Counts the lines of a request that are named "Forwarded". */
static void count_forwarded(struct wiretap *tap, uint8_t byte) {
    static const char name[] = "forwarded:";
    if (byte == '\r' || byte == '\n')
        tap->named = 0;
    else if (tap->named != NOT_NAMED)
        tap->named = tolower(byte) == name[tap->named] ? (uint8_t)(tap->named + 1) : NOT_NAMED;
    if (tap->named == sizeof name - 1) {
        tap->named = NOT_NAMED;
        if (tap->forwarded < UINT8_MAX)
            tap->forwarded++;
    }
}

/* How many of the bytes are in the midst of a line whose name is known: nearly all of a request. */
static size_t pass_line(struct wiretap *tap, const uint8_t *bytes, size_t length) {
    size_t i = 0;
    while (tap->named == NOT_NAMED && i < length && bytes[i] > '\r')
        i++;
    if (i > 0)
        tap->more = 0;
    tap->left += i;
    return i;
}

size_t wiretap_request(struct wiretap *tap, const uint8_t *bytes, size_t length) {
    static const uint8_t end_of_head[] = {'\r', '\n', '\r', '\n'};
    for (size_t i = 0; i < length; i++) {
        i += pass_line(tap, bytes + i, length - i);
        if (i == length)
            break;
        if (tap->more == 0 && tap->left == 0)
            *tap = (struct wiretap){
                .key = tap->key, .watched = tap->watched, .cut = tap->cut, .upgradable = bytes[i] == 'G'};
        tap->left++;
        count_forwarded(tap, bytes[i]);
        if (bytes[i] == end_of_head[tap->more])
            tap->more++;
        else
            tap->more = bytes[i] == '\r' ? 1 : 0;
        if (tap->more == sizeof end_of_head) {
            tap->more = 0;
            tap->left = 0;
            if (tap->upgradable)
                return i + 1;
        }
    }
    return length;
}

static bool is_control(const struct wiretap *tap) {
    return (tap->opcode & 8) != 0;
}

/* The length is known. Reserved opcodes are lws' to refuse. */
static void to_skip(struct wiretap *tap, uint64_t length) {
    tap->too_big = tap->opcode <= 2 && length > tap->most;
    tap->left = length + 4;
    tap->phase = WIRETAP_SKIP;
}

/* The mask bit and the short length. */
static void second_byte(struct wiretap *tap, uint8_t *byte) {
    uint8_t length = *byte & 0x7f;
    tap->unmasked = (*byte & 0x80) == 0;
    tap->broken = is_control(tap) && length > MAX_CONTROL_BYTES;
    tap->left = 0;
    tap->more = length == 126 ? 2 : length == 127 ? 8 : 0;
    tap->phase = WIRETAP_EXTENDED;
    if (tap->broken)
        *byte = (*byte & 0x80) | MAX_CONTROL_BYTES;
    else if (tap->more == 0)
        to_skip(tap, length);
}

static void extended_byte(struct wiretap *tap, uint8_t *byte) {
    tap->broken = tap->more == 8 && (*byte & 0x80) != 0;
    if (tap->broken)
        *byte &= 0x7f;
    tap->left = tap->left << 8 | *byte;
    tap->more--;
    if (tap->more == 0)
        to_skip(tap, tap->left);
}

static size_t skip(struct wiretap *tap, size_t length) {
    size_t step = length < tap->left ? length : (size_t)tap->left;
    tap->left -= step;
    if (tap->left == 0)
        tap->phase = WIRETAP_FIRST;
    return step;
}

size_t wiretap_frames(struct wiretap *tap, uint8_t *bytes, size_t length) {
    if (tap->broken) /* lws has to be given something, or takes the connection for dead */
        return length > 0;
    size_t i = 0;
    while (i < length && !tap->unmasked && !tap->broken && !tap->too_big) {
        if (tap->phase == WIRETAP_SKIP) {
            i += skip(tap, length - i);
            continue;
        }
        uint8_t *byte = &bytes[i++];
        if (tap->phase == WIRETAP_FIRST) {
            tap->opcode = *byte & 0x0f;
            tap->phase = WIRETAP_SECOND;
        } else if (tap->phase == WIRETAP_SECOND) {
            second_byte(tap, byte);
        } else {
            extended_byte(tap, byte);
        }
    }
    return tap->broken ? i : length;
}

/* How much of what was read is for lws. `full`: it had no room for more. */
static size_t heard(struct wiretap *tap, void *bytes, size_t length, bool full) {
    if (tap->phase != WIRETAP_REQUEST)
        length = wiretap_frames(tap, bytes, length);
    tap->goes_on = full && tap->phase == WIRETAP_SKIP;
    board.hooks->behind(tap);
    return length;
}

void wiretap_begin_rest(struct wiretap *tap) {
    board.rest.of = tap;
    board.rest.left = 0;
}

size_t wiretap_rest(void) {
    return board.rest.left;
}

void wiretap_end_rest(void) {
    board.rest.of = NULL;
    board.rest.left = 0;
}

/* recv(2) of the rest of a frame. Nothing behind that frame is read, so that nobody has to keep it when lws pauses. */
static ssize_t read_rest(const struct wiretap *tap, int fd, void *buffer, size_t length, int flags) {
    if (board.rest.left == 0) {
        size_t most = tap->left < REST_BYTES ? (size_t)tap->left : REST_BYTES;
        ssize_t got = recvfrom(fd, board.rest.bytes, most, flags, NULL, NULL);
        if (got <= 0)
            return got;
        board.rest.at = 0;
        board.rest.left = (size_t)got;
    }
    size_t piece = board.rest.left < length ? board.rest.left : length;
    memcpy(buffer, board.rest.bytes + board.rest.at, piece);
    board.rest.at += piece;
    board.rest.left -= piece;
    return (ssize_t)piece;
}

/* Interposes recv(2), for the program and for lws. */
INTERPOSES ssize_t recv(int fd, void *buffer, size_t length, int flags) {
    struct wiretap *tap = tap_of_socket(fd);
    if (tap != NULL)
        board.hooks->before(tap);
    if (tap != NULL && tap->phase == WIRETAP_REQUEST) {
        ssize_t peeked = recvfrom(fd, buffer, length, flags | MSG_PEEK, NULL, NULL);
        if (peeked > 0)
            length = wiretap_request(tap, buffer, (size_t)peeked);
    }
    bool rest = tap != NULL && tap == board.rest.of && tap->phase == WIRETAP_SKIP;
    ssize_t got = rest ? read_rest(tap, fd, buffer, length, flags) : recvfrom(fd, buffer, length, flags, NULL, NULL);
    if (tap != NULL && got > 0)
        got = (ssize_t)heard(tap, buffer, (size_t)got, (size_t)got == length);
    return got;
}

/* Interposes send(2), for the program and for lws. */
INTERPOSES ssize_t send(int fd, const void *bytes, size_t length, int flags) {
    struct wiretap *tap = tap_of_socket(fd);
    if (tap != NULL) {
        tap->held = tap->granted;
        tap->granted = false;
        flags |= tap->held ? MSG_MORE : 0;
    }
    return sendto(fd, bytes, length, flags, NULL, 0);
}

/* Interposes OpenSSL's SSL_read(3), for the program and for lws. */
INTERPOSES int SSL_read(void *tls, void *buffer, int length) {
    if (board.tls_read == NULL) {
        *(void **)&board.tls_read = dlsym(RTLD_NEXT, "SSL_read");
        *(void **)&board.tls_peek = dlsym(RTLD_NEXT, "SSL_peek");
    }
    struct wiretap *tap = map_get(&board.sessions, key_of(tls));
    if (tap != NULL)
        board.hooks->before(tap);
    if (tap != NULL && tap->phase == WIRETAP_REQUEST) {
        int peeked = board.tls_peek(tls, buffer, length);
        if (peeked > 0) {
            length = (int)wiretap_request(tap, buffer, (size_t)peeked);
            tap->cut = length < peeked; /* OpenSSL has taken the rest from the socket, which says nothing of it */
        }
    }
    int got = board.tls_read(tls, buffer, length);
    if (tap != NULL && got > 0)
        got = (int)heard(tap, buffer, (size_t)got, false);
    return got;
}

/* Interposes OpenSSL's SSL_pending(3): nothing, while a connection is paused. Otherwise lws 4.1 loops in its service of
 * that connection until there is nothing, which its own flow control keeps it from reading. */
INTERPOSES int SSL_pending(const void *tls) {
    if (board.tls_pending == NULL)
        *(void **)&board.tls_pending = dlsym(RTLD_NEXT, "SSL_pending");
    const struct wiretap *tap = map_get(&board.sessions, key_of(tls));
    return tap != NULL && tap->paused ? 0 : board.tls_pending(tls);
}
