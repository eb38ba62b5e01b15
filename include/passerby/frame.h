/* frame.h - what client and node say to each other (PROTOCOL.md), as values.
 *
 * wire turns bytes into struct client_frame and struct server_frame into bytes; core works on these alone. */
#ifndef PASSERBY_FRAME_H
#define PASSERBY_FRAME_H

#include "passerby/reasons.h"
#include "passerby/types.h"

/* CLIENT_ROW(NAME, "t"): client to node. */
#define CLIENT_ROWS(CLIENT_ROW)                                                                                        \
    CLIENT_ROW(FIND, "find")                                                                                           \
    CLIENT_ROW(MSG, "msg")                                                                                             \
    CLIENT_ROW(ACK, "ack")                                                                                             \
    CLIENT_ROW(TYPING, "typing")                                                                                       \
    CLIENT_ROW(LEAVE, "leave")                                                                                         \
    CLIENT_ROW(RESUME, "resume")

/* SERVER_ROW(NAME, "t"): node to client. */
#define SERVER_ROWS(SERVER_ROW)                                                                                        \
    SERVER_ROW(HELLO, "hello")                                                                                         \
    SERVER_ROW(WAITING, "waiting")                                                                                     \
    SERVER_ROW(MATCHED, "matched")                                                                                     \
    SERVER_ROW(MSG, "msg")                                                                                             \
    SERVER_ROW(ACK, "ack")                                                                                             \
    SERVER_ROW(TYPING, "typing")                                                                                       \
    SERVER_ROW(AWAY, "away")                                                                                           \
    SERVER_ROW(BACK, "back")                                                                                           \
    SERVER_ROW(SYNC, "sync")                                                                                           \
    SERVER_ROW(RESUMED, "resumed")                                                                                     \
    SERVER_ROW(ENDED, "ended")                                                                                         \
    SERVER_ROW(IDLE, "idle")                                                                                           \
    SERVER_ROW(RECONNECT, "reconnect")                                                                                 \
    SERVER_ROW(ERROR, "error")

#define CLIENT_ENUM(name, t) CLIENT_##name,
enum client_kind { CLIENT_ROWS(CLIENT_ENUM) CLIENT_KINDS };
#undef CLIENT_ENUM

#define SERVER_ENUM(name, t) SERVER_##name,
enum server_kind { SERVER_ROWS(SERVER_ENUM) SERVER_KINDS };
#undef SERVER_ENUM

/* A topic as written (trimmed, not folded), and its hash; the hash is filled in by the node, which holds the key. */
struct topic {
    struct text written;
    struct text folded; /* Unicode case folding of the same */
    uint64_t hash;
};

struct client_frame {
    enum client_kind kind;
    union {
        struct {
            struct topic topics[MAX_TOPICS];
            uint8_t topic_count;
            bool reliable;
            char language[MAX_LANGUAGE_BYTES + 1]; /* primary subtag in lower case; "" = not named */
            bool again;                            /* only for the stranger of an earlier chat */
            struct text token;                     /* of that chat */
            uint64_t again_hash;                   /* of that chat; filled in by the node */
        } find;
        struct {
            struct text body;
            uint64_t seq; /* 0 = omitted */
        } msg;
        struct {
            uint64_t seq;
        } ack;
        struct {
            bool on;
        } typing;
        struct {
            struct text token;
        } resume;
    };
};

struct server_frame {
    enum server_kind kind;
    union {
        struct {
            uint64_t online;
            uint32_t max_body_bytes;
            uint32_t max_frame_bytes;
            uint32_t window;
            uint32_t grace_ms;
            uint32_t prefer_ms;
            uint32_t again_ms;
        } hello;
        struct {
            bool again; /* only for the stranger of an earlier chat */
        } waiting;
        struct {
            struct chat_id chat;
            struct text topics[MAX_TOPICS]; /* those in common, as this client wrote them */
            uint8_t topic_count;
            bool reliable;      /* the stranger is */
            struct text resume; /* the sealed token; the node fills it in from the action's claims */
        } matched;
        struct {
            struct chat_id chat;
            bool peer_away;
            uint32_t grace_ms; /* when peer_away */
            bool reliable;
            struct text resume; /* as in matched */
        } resumed;
        struct {
            uint64_t seq;
            struct text body;
        } msg;
        struct {
            uint64_t seq;
        } ack;
        struct {
            bool on;
        } typing;
        struct {
            uint32_t grace_ms;
        } away;
        struct {
            enum ended_reason reason;
        } ended;
        struct {
            uint32_t after_ms;
        } reconnect;
        struct {
            enum error_code code;
            const char *detail; /* for developers, static storage; NULL = the code's own message */
            uint64_t seq;       /* of the refused `msg`; 0 = none */
            uint32_t retry_ms;  /* 0 = waiting does not help */
        } error;
    };
};

#endif
