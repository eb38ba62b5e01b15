/* transport.h - the contract between a node and what carries bytes to and from its clients.
 *
 * net implements it over libwebsockets; the simulator implements it in memory.
 *
 * Flow:   on_open → on_text … on_written … → on_close. The node answers with send(), pause(), close().
 * Fails:  a client that does not read is closed with 4001 by the transport itself, within its memory bounds.
 * Rules:  no callback fires before the call that caused it returns. A conn_ref that is not known any more is no
 *         error: calls with it do nothing. After close() no on_text comes for that connection, but on_close does,
 *         exactly once. */
#ifndef PASSERBY_TRANSPORT_H
#define PASSERBY_TRANSPORT_H

#include "passerby/event.h"

/* Bytes in front of a frame given to send() that the transport may overwrite with its headers. */
enum { TRANSPORT_HEADROOM_BYTES = 32 };

enum transport_sent {
    TRANSPORT_WRITTEN, /* the kernel has taken it all */
    TRANSPORT_QUEUED,  /* later; on_written comes, if it was asked for */
    TRANSPORT_DROPPED, /* by its tag rule, or because the connection is gone or going */
};

struct transport_frame {
    char *bytes; /* one text message; borrowed; TRANSPORT_HEADROOM_BYTES before it are scratch */
    size_t length;
    uint64_t tag;
    enum tag_rule rule;
    bool report; /* on_written is wanted if the answer is TRANSPORT_QUEUED */
};

struct transport;

struct transport_ops {
    enum transport_sent (*send)(struct transport *transport, conn_ref conn, const struct transport_frame *frame);
    /* Ends the connection with that close code, behind what is queued (but for CLOSE_SLOW, which drops the queue). */
    void (*close)(struct transport *transport, conn_ref conn, enum close_code code);
    /* Stops or goes on reading. Texts already taken from the socket are held back too. */
    void (*pause)(struct transport *transport, conn_ref conn, bool paused);
    /* From now on callbacks for `conn` name this session. */
    void (*bind)(struct transport *transport, conn_ref conn, session_ref session);
};

struct transport {
    const struct transport_ops *ops;
};

/* What a transport tells its node. `session` is what bind() said, 0 before. */
struct transport_listener {
    void (*on_open)(void *context, conn_ref conn);
    /* One whole text message, valid UTF-8, at most max_frame bytes; borrowed. */
    void (*on_text)(void *context, session_ref session, conn_ref conn, const char *bytes, size_t length);
    void (*on_written)(void *context, session_ref session, uint64_t tag);
    void (*on_close)(void *context, session_ref session, conn_ref conn);
    void *context;
};

#endif
