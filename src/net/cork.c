/* cork.c - what one read brings for a connection leaves in one write: a client that acknowledges and answers in one breath costs its
 * stranger's socket one system call, not two.
 *
 * Flow:  send.c puts frames for one connection here → they are written before anything else is: when a frame for another connection
 *        comes, before the next read from any socket, before the loop waits. So nothing waits longer than one read is worked on.
 * Fails: a write that fails dooms the connection. Of what the kernel does not take lws keeps the bytes, and the queue a place for each
 *        frame, as if they had been written one by one. */
#include "cork.h"

#include "net_priv.h"

#include <string.h>

enum { TEXT_FRAME = 0x81, SHORT_LENGTH = 125, LENGTH_16 = 126, LENGTH_64 = 127, MAX_HEADER_BYTES = 10 };

/* RFC 6455 section 5.2: FIN and text; the server does not mask. */
static void put_header(struct buffer *out, size_t length) {
    unsigned char header[MAX_HEADER_BYTES] = {TEXT_FRAME};
    size_t more = length <= SHORT_LENGTH ? 0 : length <= UINT16_MAX ? 2 : 8;
    header[1] = (unsigned char)(more == 0 ? length : more == 2 ? LENGTH_16 : LENGTH_64);
    for (size_t i = 0; i < more; i++)
        header[2 + i] = (unsigned char)((uint64_t)length >> 8 * (more - 1 - i));
    buffer_append(out, header, 2 + more);
}

void cork_put(struct conn *conn, const struct transport_frame *frame) {
    struct cork *cork = &conn->net->cork;
    if (cork->conn == NULL) {
        cork->conn = conn;
        buffer_clear(&cork->bytes);
        buffer_reserve(&cork->bytes, LWS_PRE);
        cork->bytes.length = LWS_PRE;
    }
    put_header(&cork->bytes, frame->length);
    buffer_append(&cork->bytes, frame->bytes, frame->length);
    cork->frames[cork->count++] = *frame;
    if (cork->count == CORK_FRAMES || cork->bytes.length > CORK_BYTES)
        cork_flush(conn->net);
}

void cork_flush(struct net *net) {
    struct cork *cork = &net->cork;
    struct conn *conn = cork->conn;
    if (conn == NULL)
        return;
    size_t count = cork->count;
    cork->conn = NULL;
    cork->count = 0;
    if (lws_write(conn->wsi, (unsigned char *)cork->bytes.bytes + LWS_PRE, cork->bytes.length - LWS_PRE,
                  LWS_WRITE_RAW) < 0) {
        conn_doom(conn);
        return;
    }
    for (size_t i = 0; i < count; i++)
        net_count(net, COUNT_BYTES_OUT, cork->frames[i].length);
    if (lws_partial_buffered(conn->wsi))
        send_keep_places(conn, cork->frames, count);
}

void cork_flush_conn(struct conn *conn) {
    if (conn->net->cork.conn == conn)
        cork_flush(conn->net);
}

void cork_forget(struct conn *conn) {
    struct cork *cork = &conn->net->cork;
    if (cork->conn != conn)
        return;
    cork->conn = NULL;
    cork->count = 0;
}
