/* input.h - what comes in on a file descriptor: a terminal, a pipe, a file. Read by the loop, taken by the owner. */
#ifndef CLIENT_INPUT_H
#define CLIENT_INPUT_H

#include "passerby/types.h"

#include "base/buffer.h"

#include <uv.h>

struct input {
    int fd;
    bool is_file; /* which poll can't watch, and which never blocks */
    bool running;
    bool at_end;   /* everything has been read */
    bool skipping; /* the rest of a line that was too long */
    struct buffer bytes;
    size_t taken; /* of `bytes`, by the last line */
    void (*on_ready)(void *context);
    void *context;
    uv_poll_t poll;
    uv_idle_t idle;
};

/* `on_ready` is called when something has come, or the end. It begins paused. */
void input_init(struct input *input, struct uv_loop_s *loop, int fd, void (*on_ready)(void *context), void *context);
/* The loop must run before it is closed, and the input be there until then. */
void input_fini(struct input *input);

void input_run(struct input *input, bool runs);

enum input_line { INPUT_NONE, INPUT_LINE, INPUT_TOO_LONG };

/* Takes the next line, without its end; the last one may lack it. It is valid until the next call. */
enum input_line input_take_line(struct input *input, struct text *line);
/* Takes all there is. */
struct text input_take_bytes(struct input *input);
/* How many bytes are known to be there that nobody has taken. */
size_t input_pending(const struct input *input);
/* Everything has been read and taken. */
bool input_is_over(const struct input *input);

#endif
