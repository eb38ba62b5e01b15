/* client.h - a model client: all the client rules of PROTOCOL.md, and nothing else.
 *
 * Reliable ones number, keep, acknowledge and resend; plain ones just talk. What they feel like doing is in wish.c. */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include "check.h"

#define CLIENT_LEAVE "{\"t\":\"leave\"}"

enum going { GOING_NOWHERE, GOING_AWAY, GOING_NEXT };

enum { OLD_TOKENS = 4, STRANGERS_KEPT = 12 };

struct token {
    uint16_t length;
    char at[MAX_TOKEN_CHARS];
};

/* A session of some client. */
struct stranger {
    uint32_t number;
    uint32_t person; /* 0 = not known (yet) */
    uint32_t chat;   /* in which they met: struct chat.serial; 0 = none */
};

struct client {
    uint32_t number;
    bool rogue;
    bool online;                         /* wants to be connected */
    struct pipe *main;                   /* where it talks; NULL = not connected */
    struct pipe *next;                   /* where it moves to: open, but the resume is not answered yet */
    struct server *home;                 /* where it was connected last */
    uint32_t persons;                    /* sessions so far */
    struct stranger met[STRANGERS_KEPT]; /* by this person, the last first */
    uint32_t met_person;
    uint32_t met_surely; /* so many of them its node must know */

    struct chat *chat; /* that it takes part in, as far as it knows */
    uint32_t side;
    struct token token;           /* the newest */
    struct token earlier;         /* an earlier one of the same chat */
    struct token old[OLD_TOKENS]; /* of chats that are over for it */
    struct token last;            /* of the last such */
    struct criteria again;        /* for its stranger; .again 0 = none */
    bool reliable;                /* itself, in this chat */
    bool peer_reliable;
    bool peer_away;
    enum going going;    /* it has asked for the end of the chat */
    bool wants_find;     /* is to search as soon as it is connected and idle */
    uint64_t next_seq;   /* of what it says next */
    uint64_t peer_acked; /* the highest ack heard: what is above is kept */
    uint64_t expected;   /* the next seq of a reliable stranger */
    bool ack_owed;
    bool moved_in_vain; /* its last resume was lost before the answer: the connection before may be superseded */

    int64_t connect_us; /* when it tries to connect; NEVER_US = not */
    int64_t ack_us;     /* when it acknowledges, at the latest */
    int64_t resend_us;  /* when the oldest unacknowledged message has waited for long enough */
    int64_t retry_us;   /* when it repeats a refused find or resume */
    int64_t move_us;    /* when it moves to another node, as `reconnect` asked */
    uint32_t failures;  /* connections in a row that failed */
    struct source duty;
};

void client_init(struct world *world, struct client *client, uint32_t number);

/* What is due: connecting, acknowledging, resending. */
void client_duty(struct world *world, struct client *client);
/* Its deadlines may have changed. */
void client_plan(struct world *world, struct client *client);

/* Commands; each on the main connection, which stands. */
void client_find(struct world *world, struct client *client, struct criteria criteria);
void client_leave(struct world *world, struct client *client);
/* Says something new in its chat; false if its window is full. */
bool client_say(struct world *world, struct client *client);
/* `resume` with some token; chat NULL = of no chat that lives. */
void client_resume(struct world *world, struct pipe *pipe, const struct token *token, struct chat *chat, uint32_t side);

void client_connect(struct world *world, struct client *client);
/* Opens a second connection, to resume there before the first is closed. */
void client_move(struct world *world, struct client *client);
/* Says what it had in mind when it connected: it resumes or searches. */
void client_begin(struct world *world, struct client *client, struct pipe *pipe);
/* Says again what is not acknowledged, in order. */
void client_resend(struct world *world, struct client *client);
/* Its chat is over; `spent`: and its token is worth nothing any more. */
void client_chat_over(struct world *world, struct client *client, bool spent);
/* A connection is gone, by whomever and with whatever code. */
void client_closed(struct world *world, struct pipe *pipe, unsigned code);
/* Closes cleanly, and does not miss it. */
void client_drop_pipe(struct world *world, struct client *client, struct pipe *pipe);
/* It will never take part in its chat again. */
void client_abandon(struct world *world, struct client *client);
/* Breaks its connection, in one of the ways that connections break. */
void client_lose_connection(struct world *world, struct client *client);

/* Must the node of this person know that it has met the stranger; might it? */
bool client_met(const struct client *client, uint32_t person, struct stranger stranger);
bool client_may_have_met(const struct client *client, uint32_t person, struct stranger stranger);

/* May it say something in its chat? */
bool client_may_say(const struct world *world, const struct client *client);

#endif
