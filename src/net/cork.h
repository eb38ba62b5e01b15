/* cork.h - what one read brings for a connection leaves in one write. */
#ifndef NET_CORK_H
#define NET_CORK_H

#include "passerby/transport.h"

#include "base/buffer.h"

struct conn;
struct net;

enum {
    CORK_FRAMES = 8,
    CORK_BYTES = 4096, /* more leaves at once */
};

/* Frames for one connection that are not written yet. Zero-initialised is empty. */
struct cork {
    struct conn *conn; /* NULL: none */
    struct buffer bytes;
    struct transport_frame frames[CORK_FRAMES]; /* their tags and lengths; their bytes are in `bytes` */
    size_t count;
};

/* Takes a frame for a connection that may be written to; frames for another are written first. */
void cork_put(struct conn *conn, const struct transport_frame *frame);
/* Writes what there is. */
void cork_flush(struct net *net);
/* The same, if it is for this connection. */
void cork_flush_conn(struct conn *conn);
/* The connection is gone. */
void cork_forget(struct conn *conn);

#endif
