/* redis_broker.h - the broker that joins processes and machines by one Redis. */
#ifndef PASSERBY_REDIS_BROKER_H
#define PASSERBY_REDIS_BROKER_H

#include "passerby/broker.h"

struct redis_broker_options {
    const char *url;           /* of the main Redis, as --redis says it (src/broker/redis_url.h). Copied */
    const char *const *relays; /* NULL-terminated: --redis-relay; a node's data inbox lives on one of them. Copied */
    const char *tls_ca;        /* PEM file of the authorities that rediss:// trusts; NULL = the system's. Copied */
    struct log *log;           /* borrowed */
};

struct uv_loop_s;
struct log;

/* Begins to connect, on the node's own libuv loop, and goes on trying. NULL, and one line in `error`, for a URL that
 * can't be used. close() returns at once, but the loop must turn once more before it can be closed. The listener is
 * copied. */
struct broker *redis_broker_new(struct uv_loop_s *loop, const struct redis_broker_options *options, uint64_t boot,
                                const struct broker_listener *listener, char *error, size_t error_size)
    __attribute__((warn_unused_result));

/* What is wrong with a link, as metrics, /readyz and the log name it. REDIS_TROUBLE_ROW(NAME, "word", "sentence") */
#define REDIS_TROUBLE_ROWS(REDIS_TROUBLE_ROW)                                                                          \
    REDIS_TROUBLE_ROW(NONE, "none", "all is well")                                                                     \
    REDIS_TROUBLE_ROW(UNREACHABLE, "unreachable", "Redis can't be reached")                                            \
    REDIS_TROUBLE_ROW(UNRESOLVED, "unresolved", "the host name of Redis can't be resolved")                            \
    REDIS_TROUBLE_ROW(TLS, "tls", "TLS with Redis fails")                                                              \
    REDIS_TROUBLE_ROW(AUTH, "auth", "Redis refuses the user or the password")                                          \
    REDIS_TROUBLE_ROW(PERMISSION, "permission",                                                                        \
                      "the Redis user may not do what is needed (OPERATIONS.md has its ACL)")                          \
    REDIS_TROUBLE_ROW(DATABASE, "database", "Redis has no such database")                                              \
    REDIS_TROUBLE_ROW(VERSION, "version", "this Redis is too old; 7.0 or later is needed")                             \
    REDIS_TROUBLE_ROW(READ_ONLY, "read_only", "this Redis is a replica, or refuses to write")                          \
    REDIS_TROUBLE_ROW(SENTINEL, "sentinel", "no Sentinel knows the master")                                            \
    REDIS_TROUBLE_ROW(SILENT, "silent", "Redis does not answer in time")                                               \
    REDIS_TROUBLE_ROW(DEAF, "deaf", "this node does not hear itself through Redis")                                    \
    REDIS_TROUBLE_ROW(TYPE, "type", "a key under {pb} is of another type: something else uses this database")          \
    REDIS_TROUBLE_ROW(OTHER, "other", "Redis answers with an error")

#define REDIS_TROUBLE_ENUM(name, word, sentence) REDIS_TROUBLE_##name,
enum redis_trouble { REDIS_TROUBLE_ROWS(REDIS_TROUBLE_ENUM) REDIS_TROUBLES };
#undef REDIS_TROUBLE_ENUM

/* How a Redis broker fares, for metrics and /readyz. */
struct redis_broker_stats {
    bool up; /* the main Redis is in use: requests are taken, the node hears itself, and its beats are answered */
    bool has_been_up;
    unsigned relays_down;            /* relays that can't be used */
    enum redis_trouble trouble;      /* why not; of a link that stands: the last error answer until a call succeeds */
    uint64_t unanswered;             /* commands on their way */
    uint64_t heard;                  /* messages in this node's inboxes */
    uint64_t published;              /* packs of frames sent */
    uint64_t relayed;                /* frames in them */
    uint64_t dropped;                /* frames that could not be sent, as their link was down */
    uint64_t unknown;                /* messages of a kind that is not ours: another version's */
    uint64_t garbage;                /* messages that can't be read */
    uint64_t errors[REDIS_TROUBLES]; /* failed connections and error answers, by what was wrong */
    uint64_t resumed;                /* LINK_RESUMED events: up again, or Redis has lost its data */
};

/* What is wrong, for people; static. */
const char *redis_trouble_sentence(enum redis_trouble trouble);

void redis_broker_stats(const struct broker *broker, struct redis_broker_stats *out);

/* How many connections an address has on this node. The address is hidden by a keyed hash. */
struct redis_crowd {
    uint64_t address;
    uint32_t connections;
};

/* How many it has on the others; `known` false: Redis can't say now. */
typedef void redis_crowd_fn(void *context, bool known, uint32_t elsewhere);

/* Tells, and asks how many the others have: `heard` is called once for each, in their order, perhaps before the
 * return. Returns false, and calls nothing, while Redis is away, or earlier answers are still to come. */
bool redis_broker_tell_crowds(struct broker *broker, const struct redis_crowd *crowds, size_t count,
                              redis_crowd_fn *heard, void *context) __attribute__((warn_unused_result));

#endif
