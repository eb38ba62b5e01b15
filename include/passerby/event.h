/* event.h - all that can happen to the core, and all that it can ask for.
 *
 * Ownership: what an event points to is borrowed for core_step(). What an action points to (bodies, topics) belongs
 *            to the
 * event or to the core, and is good until the next core_step(): carry the actions out at once. */
#ifndef PASSERBY_EVENT_H
#define PASSERBY_EVENT_H

#include "passerby/broker.h"
#include "passerby/frame.h"
#include "passerby/peer.h"

/* A session as the rooms around the core know it: its slot and the slot's generation. 0 is never one. */
typedef uint64_t session_ref;

/* A connection as the rooms around the transport know it. 0 is never one. */
typedef uint64_t conn_ref;

enum event_kind {
    EVENT_OPENED,   /* opened: a WebSocket connection stands */
    EVENT_RECEIVED, /* received: it said something well-formed */
    EVENT_FAULT,    /* fault: it said something malformed */
    EVENT_WRITTEN,  /* written: the kernel has taken a frame that was sent with `report` */
    EVENT_CLOSED,   /* closed: it is gone, however that came about */
    EVENT_PEER,     /* peer: a frame from another node */
    EVENT_BROKER,   /* broker: any broker event but RELAYED */
    EVENT_TICK,     /* the time that core_deadline() named has come */
    EVENT_DRAIN,    /* drain: this node is going away */
    EVENT_SHIFT,    /* shift: the loop stood still for a while; that time does not count */
};

struct event {
    enum event_kind kind;
    int64_t now_ms;      /* monotonic; never goes back */
    int64_t wall_ms;     /* Unix time, for the birth of tokens */
    uint64_t entropy[2]; /* fresh random bits */
    session_ref session; /* RECEIVED, FAULT, WRITTEN, CLOSED */
    conn_ref conn;       /* OPENED, CLOSED: a session's earlier connection may close after a resume replaced it */
    union {
        struct {
            uint64_t online; /* people connected to the whole service */
        } opened;
        struct {
            const struct client_frame *frame;
            const struct claims *claims; /* `resume`, `find` again: what the token says; NULL = not a good one */
        } received;
        struct {
            enum error_code code;
            const char *detail; /* static storage */
        } fault;
        struct {
            uint64_t tag; /* of the ACTION_SEND */
        } written;
        const struct peer_frame *peer;
        const struct broker_event *broker;
        struct {
            uint32_t spread_ms;
        } drain;
        struct {
            int64_t gap_ms;
        } shift;
    };
};

enum action_kind {
    ACTION_BIND,    /* bind: this connection belongs to this session from now on */
    ACTION_SEND,    /* send: to a connection */
    ACTION_CLOSE,   /* close: a connection; its EVENT_CLOSED still comes, with a session that no longer knows it */
    ACTION_PAUSE,   /* pause: read a connection later, or again */
    ACTION_PEER,    /* peer: to another node (never to this one) */
    ACTION_REQUEST, /* request: of the broker */
    ACTION_COUNT,   /* count: something worth a metric */
};

/* What the transport does with a frame while an earlier one with the same tag is still queued for the connection. */
enum tag_rule {
    TAG_NONE,    /* nothing: each is queued (tag 0) */
    TAG_KEEP,    /* the earlier one stays, this one is dropped (a retransmission of a queued message) */
    TAG_REPLACE, /* this one takes the earlier one's place (a cumulative ack) */
    TAG_FRESH,   /* this one is dropped when anything at all is queued (typing: never stored) */
};

enum count_kind {
    COUNT_SEARCH,     /* a search began */
    COUNT_MATCH,      /* value_ms: how long this person had waited */
    COUNT_MESSAGE,    /* a message was passed on for the first time */
    COUNT_RETRANSMIT, /* a message was passed on again */
    COUNT_ENDED,      /* ended: a chat ended for this person */
    COUNT_RESUME,     /* a resume succeeded */
    COUNT_AWAY,       /* a person in a chat dropped */
};

struct action {
    enum action_kind kind;
    conn_ref conn;       /* BIND, SEND, CLOSE, PAUSE */
    session_ref session; /* BIND; SEND with `report` */
    union {
        struct {
            struct server_frame frame;
            struct claims claims; /* MATCHED, RESUMED: what the token in `resume` is to say */
            uint64_t tag;
            enum tag_rule rule;
            bool report; /* EVENT_WRITTEN with this tag is wanted, once the kernel has taken the frame */
        } send;
        struct {
            enum close_code code;
        } close;
        struct {
            bool paused;
        } pause;
        struct peer_frame peer;
        struct broker_request request;
        struct {
            enum count_kind kind;
            enum ended_reason ended;
            int64_t value_ms;
        } count;
    };
};

#endif
