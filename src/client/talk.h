/* talk.h - one chat over whatever connections it takes: messages, acknowledgements, typing, the stranger's presence.
 * Pure: time comes with each call, what is to be done goes to the output. */
#ifndef CLIENT_TALK_H
#define CLIENT_TALK_H

#include "backlog.h"
#include "frames.h"
#include "output.h"

enum { TALK_NEVER = -1 };

struct limits {
    uint64_t body_bytes;
    uint64_t frame_bytes;
    uint64_t window;
};

struct talk {
    struct output *out;
    char *id;
    char *token; /* the newest */
    struct backlog backlog;
    uint64_t received;     /* the highest number received in order */
    uint64_t acknowledged; /* by the last `ack` we sent */
    bool reliable;         /* the stranger is */
    bool attached;         /* the current connection holds this chat */
    bool here;             /* the stranger is connected */
    bool typing;           /* the stranger is */
    bool ack_due;
    bool typing_said;         /* we type, as the stranger knows it */
    int64_t ack_ms;           /* when the last `ack` went out */
    int64_t hold_until_ms;    /* no messages before that */
    int64_t typing_until_ms;  /* the stranger's typing is stale then */
    int64_t typing_said_ms;   /* when it was */
    int64_t heard_ms;         /* when the connection last delivered something */
    unsigned silent_rounds;   /* of sending again */
    unsigned patience_rounds; /* so many make the connection suspect */
};

/* The current connection holds a new chat. */
void talk_init(struct talk *talk, struct output *out, const struct heard *matched, int64_t now_ms);
void talk_fini(struct talk *talk);

/* The node has taken the chat up again / no connection holds it any more. */
void talk_resumed(struct talk *talk, const struct heard *resumed, int64_t now_ms);
void talk_detach(struct talk *talk);

/* Says whether the node would take this body: its own length, and that of the frame around it, which escapes
 * lengthen. */
bool talk_fits(struct text body, const struct limits *limits);
/* Looks whether newer limits still let through what is kept. */
void talk_refit(struct talk *talk, const struct limits *limits);

uint64_t talk_say(struct talk *talk, struct text body);
/* Call it as often as you like. */
void talk_typing(struct talk *talk, bool on, int64_t now_ms);

/* Takes a frame. Returns false if it is not one of a chat's. */
bool talk_heard(struct talk *talk, const struct heard *heard, int64_t now_ms);

/* Sends what is due. */
void talk_flush(struct talk *talk, const struct limits *limits, int64_t now_ms);
/* Sends the `ack` that is owed, without waiting for more to acknowledge. */
void talk_flush_ack(struct talk *talk, int64_t now_ms);

/* What time has made due; and when that is next (INT64_MAX: never). */
void talk_tick(struct talk *talk, int64_t now_ms);
int64_t talk_next_ms(const struct talk *talk);

#endif
