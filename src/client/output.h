/* output.h - what the reliable client wants done: frames to send, notices for the person, wishes about the link. */
#ifndef CLIENT_OUTPUT_H
#define CLIENT_OUTPUT_H

#include "passerby/types.h"

#include "base/list.h"

enum notice_type {
    NOTICE_HELLO,     /* a connection stands; number: people online */
    NOTICE_WAITING,   /* in the line; on: only for the stranger of the last chat */
    NOTICE_MATCHED,   /* texts: the topics in common; on: the stranger is reliable */
    NOTICE_MESSAGE,   /* texts[0]: what the stranger said */
    NOTICE_TYPING,    /* on: the stranger types */
    NOTICE_DELIVERED, /* number: what was said is with the stranger up to this one */
    NOTICE_STRANGER,  /* on: is here; else number: for how many ms the chat is held */
    NOTICE_RESUMED,   /* the chat goes on over another connection */
    NOTICE_ENDED,     /* texts[0]: the reason, as in PROTOCOL.md, or "closed"; number: own messages that may never be
                         shown */
    NOTICE_REFUSED,   /* texts[0]: the code; number: the message's, 0 for the search */
    NOTICE_CLOSED,    /* the node wants no reconnection; number: the close code, 0: it speaks another version */
    NOTICE_IGNORED,   /* texts[0]: what of the node's was not to be expected */
};

/* On the heap. Its texts are its own, each with a NUL behind. */
struct notice {
    struct list link;
    enum notice_type type;
    bool on;
    uint64_t number;
    struct text texts[MAX_TOPICS];
    size_t text_count;
};

/* What the link shall do; see link.h. */
enum wish { WISH_OPEN = 1, WISH_SHUT = 2, WISH_RENEW = 4, WISH_DROP = 8, WISH_SETTLE = 16 };

struct output {
    struct list frames; /* of struct outgoing */
    struct list notices;
    unsigned wishes;
};

void output_init(struct output *output);
void output_fini(struct output *output);

/* Takes the frame. */
void output_send(struct output *output, char *frame);
/* Adds a notice, and returns it to be filled in; output_text() copies a text into it. */
struct notice *output_notice(struct output *output, enum notice_type type);
void output_text(struct notice *notice, struct text text);

/* The oldest frame or notice, which is the caller's then; NULL = there is none. */
char *output_take_frame(struct output *output);
struct notice *output_take_notice(struct output *output);
void output_forget_frames(struct output *output);
void notice_free(struct notice *notice);

#endif
