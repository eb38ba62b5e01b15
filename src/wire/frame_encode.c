/* frame_encode.c - server frames to JSON, each as PROTOCOL.md names it.
 *
 * Extending: add a row to SERVER_ROWS and, if the frame has fields, a row to wire_encode(). */
#include "passerby/wire.h"

#include "writer.h"

#include "base/buffer.h"

enum { PROTOCOL_VERSION = 1 };

static void put_chat(struct buffer *out, struct chat_id id) {
    char chat[CHAT_ID_CHARS + 1];
    wire_chat_id(id, chat);
    writer_string(out, "chat", chat);
}

static void put_hello(struct buffer *out, const struct server_frame *frame) {
    writer_number(out, "v", PROTOCOL_VERSION);
    writer_number(out, "online", frame->hello.online);
    writer_number(out, "max_body", frame->hello.max_body_bytes);
    writer_number(out, "max_frame", frame->hello.max_frame_bytes);
    writer_number(out, "window", frame->hello.window);
    writer_number(out, "grace_ms", frame->hello.grace_ms);
    writer_number(out, "prefer_ms", frame->hello.prefer_ms);
    writer_number(out, "again_ms", frame->hello.again_ms);
}

static void put_waiting(struct buffer *out, const struct server_frame *frame) {
    if (frame->waiting.again)
        writer_bool(out, "again", true);
}

static void put_matched(struct buffer *out, const struct server_frame *frame) {
    put_chat(out, frame->matched.chat);
    writer_texts(out, "topics", frame->matched.topics, frame->matched.topic_count);
    writer_text(out, "resume", frame->matched.resume);
    writer_bool(out, "reliable", frame->matched.reliable);
}

static void put_resumed(struct buffer *out, const struct server_frame *frame) {
    put_chat(out, frame->resumed.chat);
    writer_string(out, "peer", frame->resumed.peer_away ? "away" : "here");
    if (frame->resumed.peer_away)
        writer_number(out, "grace_ms", frame->resumed.grace_ms);
    writer_text(out, "resume", frame->resumed.resume);
    writer_bool(out, "reliable", frame->resumed.reliable);
}

static void put_error(struct buffer *out, const struct server_frame *frame) {
    const char *detail = frame->error.detail;
    writer_string(out, "code", wire_error_name(frame->error.code));
    writer_string(out, "message", detail != NULL ? detail : wire_error_message(frame->error.code));
    if (frame->error.seq != 0)
        writer_number(out, "seq", frame->error.seq);
    if (frame->error.retry_ms != 0)
        writer_number(out, "retry_ms", frame->error.retry_ms);
}

static void put_msg(struct buffer *out, const struct server_frame *frame) {
    writer_number(out, "seq", frame->msg.seq);
    writer_text(out, "body", frame->msg.body);
}

static void put_ack(struct buffer *out, const struct server_frame *frame) {
    writer_number(out, "seq", frame->ack.seq);
}

static void put_typing(struct buffer *out, const struct server_frame *frame) {
    writer_bool(out, "on", frame->typing.on);
}

static void put_away(struct buffer *out, const struct server_frame *frame) {
    writer_number(out, "grace_ms", frame->away.grace_ms);
}

static void put_ended(struct buffer *out, const struct server_frame *frame) {
    writer_string(out, "reason", wire_ended_name(frame->ended.reason));
}

static void put_reconnect(struct buffer *out, const struct server_frame *frame) {
    writer_number(out, "after_ms", frame->reconnect.after_ms);
}

typedef void (*put_fn)(struct buffer *out, const struct server_frame *frame);

void wire_encode(const struct server_frame *frame, struct buffer *out) {
    static const put_fn fields[SERVER_KINDS] = {
        [SERVER_HELLO] = put_hello,     [SERVER_WAITING] = put_waiting,
        [SERVER_MATCHED] = put_matched, [SERVER_MSG] = put_msg,
        [SERVER_ACK] = put_ack,         [SERVER_TYPING] = put_typing,
        [SERVER_AWAY] = put_away,       [SERVER_RESUMED] = put_resumed,
        [SERVER_ENDED] = put_ended,     [SERVER_RECONNECT] = put_reconnect,
        [SERVER_ERROR] = put_error, /* the others have none */
    };
    writer_open(out, "t", wire_server_name(frame->kind));
    if (fields[frame->kind] != NULL)
        fields[frame->kind](out, frame);
    writer_close(out);
}
