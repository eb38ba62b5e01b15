/* wiretap.h - sees the bytes that lws reads from a connection, for what lws keeps to itself: was a frame masked, how
 * long does it say it is, how often does a header line come? */
#ifndef NET_WIRETAP_H
#define NET_WIRETAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wiretap_phase {
    WIRETAP_REQUEST,  /* HTTP: reads end where a request head ends */
    WIRETAP_FIRST,    /* WebSocket: at the first byte of a frame */
    WIRETAP_SECOND,   /* at the byte with the mask bit */
    WIRETAP_EXTENDED, /* in the extended length */
    WIRETAP_SKIP,     /* in the mask and the payload */
};

enum wiretap_watched { WIRETAP_NOT = 0, WIRETAP_SOCKET, WIRETAP_TLS };

/* Embedded in a connection. Zero-initialised is at the start of an HTTP request. */
struct wiretap {
    uint64_t key;        /* what it is watched as: the fd, or the address of the SSL */
    uint64_t left;       /* SKIP: bytes of this frame to come; EXTENDED: the length so far */
    uint32_t most;       /* payload bytes that a data frame may declare */
    uint8_t watched;     /* enum wiretap_watched */
    uint8_t phase;       /* enum wiretap_phase */
    uint8_t more;        /* EXTENDED: bytes of the length to come; REQUEST: how much of CR LF CR LF was read */
    uint8_t opcode;      /* of this frame */
    uint8_t named;       /* REQUEST: how much of "forwarded:" stands at the start of this line; NOT_NAMED = not that */
    uint8_t forwarded;   /* lines of that name in the request, at most 255 */
    bool upgradable : 1; /* REQUEST: it is a GET */
    bool granted : 1;    /* REQUEST: the upgrade was; the answer comes next */
    bool held : 1;       /* the kernel holds back the answer until something else is sent */
    bool cut : 1;        /* what was read ahead was not all handed over */
    bool goes_on : 1;    /* lws had room for so much of a frame, of which more is to come */
    bool paused : 1;     /* set from outside: TLS holds nothing, for whoever asks */
    bool unmasked : 1;   /* a frame was not masked (RFC 6455 section 5.1) */
    bool broken : 1;     /* a control frame of more than 125 bytes, or a length of 64 bits (section 5.2, 5.5) */
    bool too_big : 1;    /* a data frame of more than `most` bytes */
};

struct wiretap_hooks {
    void (*before)(struct wiretap *tap); /* every read */
    void (*behind)(struct wiretap *tap); /* every read that brought bytes */
};

/* Are we called instead of the C library and of OpenSSL? If not, nothing is seen. */
bool wiretap_works(void);

/* Watches what this thread reads from a socket (`fd`), or from a TLS session (`tls`, an SSL *; then fd is not looked
 * at). `tap` stays where it is until wiretap_unwatch(). All taps of a thread have the same hooks. */
void wiretap_watch(int fd, const void *tls, struct wiretap *tap, const struct wiretap_hooks *hooks);
void wiretap_unwatch(struct wiretap *tap);

/* An upgrade was granted: its answer, which is sent next, goes to the peer together with what is sent behind it. */
void wiretap_granted(struct wiretap *tap);
/* The request was an upgrade: frames follow, of which none may be longer than `most`. */
void wiretap_upgraded(struct wiretap *tap, uint32_t most);

/* Until wiretap_end_rest(), reads of the rest of the frame that goes on take as much of it as there is, and hand it over in pieces.
 * wiretap_rest() is what has been read of it, and not been handed over. */
void wiretap_begin_rest(struct wiretap *tap);
size_t wiretap_rest(void);
void wiretap_end_rest(void);

/* What the hooks do with bytes; for tests. Follows frames up to one with a fault, and says how many bytes are for lws.
 * lws drops a connection without a Close for what makes a frame `broken`: it is shown a length it can live with, and
 * next to nothing behind it, so that the Close is ours to send. */
size_t wiretap_frames(struct wiretap *tap, uint8_t *bytes, size_t length);
/* How many of the bytes belong to the request head that is being read (all, if it does not end in them). */
size_t wiretap_request(struct wiretap *tap, const uint8_t *bytes, size_t length);

#endif
