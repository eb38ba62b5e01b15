/* pipe.h - one connection between a client and a node: the fake transport.
 *
 * Flow:  node's send() → `queue` (the transport's, by the tag rules of event.h) → `kernel` (on its way) → the client.
 *        client → `up` → the node's on_text.
 * Fails: a pipe can be cut (nothing arrives any more, and nobody knows); each side learns of the end in its own time.
 *        */
#ifndef SIM_PIPE_H
#define SIM_PIPE_H

#include "world.h"

#include "link.h"
#include "parcels.h"

/* What a client is told of an end without a close frame (RFC 6455 section 7.4.1). */
enum { CLOSE_ABNORMAL = 1006 };

struct pipe {
    conn_ref conn;
    struct server *server; /* NULL once its node has learnt of the end, or is gone */
    struct list siblings;  /* of the same server */
    struct client *client; /* NULL in stories */
    uint32_t number;       /* of the client, or of the story's visitor */
    session_ref session;

    bool opened;       /* the node has been told */
    bool node_open;    /* the node has not been told of the end */
    bool node_closing; /* the node has closed it: no on_text any more */
    bool client_open;  /* the client has not learnt of the end, nor ended it itself */
    bool cut;          /* nothing passes any more */
    bool broken;       /* it will never carry a resumption again: cut, closed, or its node dead */
    bool ending;       /* the client has closed: the end follows what is in `up` */
    bool paused;
    bool busy;           /* a step of it is under way: it is not freed yet */
    unsigned close_code; /* what the client will be told, behind what is in `kernel`; 0 = nothing yet */
    int64_t stalled_until_us;

    struct parcels up;
    struct parcels queue;
    struct parcels kernel;

    struct source up_source;
    struct source down_source;
    struct source node_notice;
    struct source client_notice;

    struct link link;      /* what the client knows of this connection */
    uint32_t leaves_taken; /* that the node has read and not answered */
    struct chat *bound;    /* the chat that the node has put on it, as far as it has told */
    uint32_t side;
};

/* A client opens a connection; the node hears of it in a later step. */
struct pipe *pipe_open(struct world *world, struct server *server, struct client *client, uint32_t number);

/* The client says something. */
void pipe_say(struct world *world, struct pipe *pipe, const char *bytes, size_t length);
/* The client closes cleanly: the node gets all that was said, then the end. */
void pipe_hang_up(struct world *world, struct pipe *pipe);
/* The connection dies. Some of what was on its way is lost. The node learns of it at node_us, the client, if it does
 * not know (`known`), at client_us. */
void pipe_cut(struct world *world, struct pipe *pipe, int64_t node_us, int64_t client_us, bool known);
/* Its node died. */
void pipe_orphan(struct world *world, struct pipe *pipe);
/* The client reads nothing until then. */
void pipe_stall(struct world *world, struct pipe *pipe, int64_t until_us);
/* Its node's loop goes on. */
void pipe_wake(struct world *world, struct pipe *pipe);
/* Closes with that code from the node's side, as net does at the end of a drain. */
void pipe_close(struct world *world, struct pipe *pipe, enum close_code code);

/* One step of a source of the pipe. May free it. */
void pipe_run(struct world *world, struct pipe *pipe, enum source_kind kind);

void pipe_free_all(struct world *world);

/* The operations that the nodes get. */
extern const struct transport_ops pipe_transport_ops;

#endif
