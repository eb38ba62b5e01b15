/* socket.h - client WebSockets over libwebsockets, on a libuv loop.
 *
 * No listener is called before the call that caused it returns. */
#ifndef CLIENT_SOCKET_H
#define CLIENT_SOCKET_H

#include "url.h"

#include <stdbool.h>
#include <stddef.h>

struct uv_loop_s;
struct sockets; /* an lws context, and the sockets that it drives */
struct socket;

struct socket_listener {
    /* A text message, whole; not yet checked for UTF-8. */
    void (*on_text)(void *context, unsigned id, const char *bytes, size_t length);
    /* The socket is gone, and freed. close_code: the other side's, 0 = none. why: what went wrong, in words; "" =
     * nothing answers at the address. */
    void (*on_gone)(void *context, unsigned id, unsigned close_code, const char *why);
};

struct socket_trust {
    const char *ca_file; /* PEM; trusted besides the system's authorities; NULL = none */
    bool insecure;       /* any certificate will do */
};

/* NULL if lws can't be started. `trust` is borrowed. */
struct sockets *sockets_new(struct uv_loop_s *loop, const struct socket_trust *trust);
/* Its sockets must have been closed. The loop must run until it is empty before it is closed. */
void sockets_free(struct sockets *sockets);

/* Connects; `url` and `listener` are borrowed for the socket's life. It is valid until on_gone() or socket_close(). */
struct socket *socket_dial(struct sockets *sockets, const struct url *url, const struct socket_listener *listener,
                           void *context, unsigned id);
/* Sends a text message: after those before it. */
void socket_send(struct socket *socket, const char *text, size_t length);
/* Closes it with 1000 once everything is sent. It is not the caller's any more, and nothing more is heard of it. */
void socket_close(struct socket *socket);
/* Cuts it, as a broken network would: without a word to the other side (TCP reset). on_gone() follows. */
void socket_cut(struct socket *socket);

#endif
