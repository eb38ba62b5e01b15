/* redis_priv.h - what the files of the Redis broker share: the broker, its script calls, and what each file does.
 *
 *   redis.c          the broker's life: up, down, resumption; delivering events
 *   redis_links.c    its connections to the main Redis and to relays, and its pulse
 *   redis_beat.c     says every second that the node lives, and hears how the cluster stands
 *   redis_call.c     the requests of one turn → one call of a script → their answers
 *   redis_request.c  requests → what scripts are asked; answers → events
 *   redis_codec.c    values ↔ bytes
 *   redis_crowd.c    connections per address, over all nodes
 *   redis_owed.c     what Redis still has to be told, as it was away
 *   redis_inbox.c    what arrives on the node's channels → events
 *   redis_relay.c    frames to other nodes, packed */
#ifndef BROKER_REDIS_PRIV_H
#define BROKER_REDIS_PRIV_H

#include "passerby/redis_broker.h"
#include "passerby/log.h"

#include "inbox.h"
#include "redis_codec.h"
#include "redis_link.h"
#include "redis_target.h"

#include "base/buffer.h"
#include "base/list.h"
#include "base/map.h"

struct redisReply;

/* In the order in which the calls of one turn are sent: a beat says that this node is there again, before it seeks. */
enum redis_script { SCRIPT_BEAT, SCRIPT_MATCH, SCRIPT_CHAT, SCRIPT_CROWD, REDIS_SCRIPTS };

/* Their sources, made by the build from the .lua files. */
extern const char redis_script_beat[];
extern const char redis_script_match[];
extern const char redis_script_chat[];
extern const char redis_script_crowd[];

#define REDIS_NODES_KEY "{pb}:n"

enum {
    REDIS_BEAT_MS = 1000,
    REDIS_SHA_CHARS = 40,
    REDIS_CHANNEL_CHARS = 5 + 2 + 16,
    REDIS_OFFERS = 1024,
};

/* The first byte of whatever is published to a node. A kind that a node doesn't know it counts and ignores.
 * Extending: a new kind is a letter here, and a case in redis_inbox.c; until all nodes know it, nobody may rely on its
 *            being heard. What changes in a record that is no ticket makes a new kind. */
enum redis_message {
    MESSAGE_OFFER = 'O',   /* control: place, attempt, time, ticket; from match.lua, with the letter before each */
    MESSAGE_CONFIRM = 'C', /* control: chat, attempt, party, party, ticket; from chat.lua, likewise */
    MESSAGE_PROBE = 'P',   /* control: a node to itself */
    MESSAGE_FRAMES = 'F',  /* data: frames, each with its length (4 bytes, little-endian) in front */
};

/* Packs to one Redis. */
struct redis_traffic {
    unsigned under_way; /* not answered */
    uint64_t since_ms;  /* when the present window began, by redis_loop_ms() */
    unsigned frames;    /* that have left in it */
    uint64_t left_ms;   /* when the last pack left */
    bool urgent;        /* something that somebody waits for is collected */
};

/* A Redis that carries frames and keeps nothing (--redis-relay). */
struct redis_relay {
    struct redis_broker *self;
    struct redis_target target;
    struct redis_link *publisher;
    struct redis_link *listener; /* to this node's data inbox; NULL: that lives elsewhere */
    unsigned unheard;            /* probes sent since one was heard */
    bool heard;                  /* one was, or was answered, since all links to it stand */
    struct redis_traffic traffic;
    bool well; /* as LINK_RESUMED knows it */
};

/* To which node a match was offered, and when by poll()'s clock. */
struct redis_offer {
    struct chat_id chat;
    uint64_t node;
    int64_t at_ms;
};

struct redis_broker {
    struct broker broker;
    uint64_t boot;
    struct broker_listener listener;
    struct log *log;
    struct redis_target main;
    struct redis_relay *relays; /* where the data inboxes live; none: on main */
    size_t relay_count;
    struct redis_pulse *pulse;
    struct redis_link *commands;
    struct redis_link *subscriber;
    char control[REDIS_CHANNEL_CHARS + 1]; /* this node's channels */
    char data[REDIS_CHANNEL_CHARS + 1];

    char sha[REDIS_SCRIPTS][REDIS_SHA_CHARS + 1];
    unsigned loaded; /* scripts that this connection has loaded */
    bool up;         /* requests are taken */
    bool closing;    /* nobody wants to hear anything */
    bool has_been_up;
    unsigned ticks; /* of REDIS_LINK_TICK_MS */
    unsigned
        trust_tick; /* since then, "nobody listens there" means that the node is gone: before, it may be resuming too */
    unsigned unheard; /* probes sent since one was heard */
    bool beat_due;
    bool adopting; /* the next answer to a beat is no news: everything is being told again anyway */
    bool refused;  /* Redis has answered with an error since the last answer to a beat */
    struct {
        bool untold;    /* since then everything was not told again */
        unsigned calm;  /* answers to beats since the last one */
        unsigned wait;  /* so many of them until it may be told again */
        unsigned pause; /* what `wait` was the last time */
    } refusals;
    int64_t now_ms;    /* poll()'s clock */
    int64_t beat_ms;   /* when the last beat was sent */
    uint64_t epoch;    /* since when Redis has had its data, as beats say; 0 = not known */
    struct map silent; /* boot → self: nodes that beats said are silent */
    uint64_t here;     /* people of this node */
    uint64_t online;
    uint64_t waiting;
    struct redis_broker_stats stats;

    struct inbox inbox; /* not yet delivered */
    struct map gone;    /* boot → itself: NODE_GONE is in the inbox */
    bool polling;

    struct redis_call *calls[REDIS_SCRIPTS]; /* what was asked for, and is not sent; NULL: nothing */
    unsigned requests_under_way;             /* sent, and not answered */
    struct redis_offer offers[REDIS_OFFERS]; /* by chat, the latest: to know whom to suspect */
    struct list owed;                        /* withdrawals and ends that Redis has not heard of */
    size_t owed_count;
    struct {
        size_t left; /* answers to come */
        redis_crowd_fn *heard;
        void *context;
    } crowds;
    struct map packs;             /* boot → struct pack: frames that are collected */
    struct redis_traffic traffic; /* to the main Redis */
};

/* --- redis.c --- */
void redis_post(struct redis_broker *self, const struct broker_event *event);
void redis_post_gone(struct redis_broker *self, uint64_t boot);
/* Posts LINK_RESUMED: whatever this node has told Redis may be forgotten, and frames may have been lost. */
void redis_resumed(struct redis_broker *self);

/* What up needs may be there; the probe that was awaited has come; it is up no more. */
void redis_try_up(struct redis_broker *self);
void redis_heard_itself(struct redis_broker *self);
void redis_go_down(struct redis_broker *self);
/* Another second has passed: has the node poll, and a beat sent. */
void redis_beat_due(struct redis_broker *self);

/* --- redis_links.c --- */
void redis_links_open(struct redis_broker *self, struct uv_loop_s *loop);
/* All at once. Whatever waits for an answer gets NULL before the return. */
void redis_links_close(struct redis_broker *self);
void redis_links_drain(struct redis_broker *self, int timeout_ms);
/* Both links to main stand, and the scripts are loaded. */
bool redis_can_probe(const struct redis_broker *self);
/* What is said to the node's own inbox, on main (NULL) or on its home relay, isn't heard: subscribes anew. If it wasn't
 * heard since these connections stand, they may lead to two different servers: both are made anew. */
void redis_deaf(struct redis_broker *self, struct redis_relay *home);
/* A probe to a relay has come back, or been answered. */
void redis_relay_heard(struct redis_relay *relay);
/* The relay on which a node's data inbox lives; NULL: on main. */
struct redis_relay *redis_home(const struct redis_broker *self, uint64_t boot);

/* The loop's clock. */
uint64_t redis_loop_ms(const struct redis_broker *self);
/* Has the loop take a turn after so long, at the latest. */
void redis_turn_within(struct redis_broker *self, uint64_t ms);

/* --- redis_beat.c --- */
/* The links have just come up: beats at once, and takes Redis as it finds it, as LINK_RESUMED is said anyway. */
void redis_beat_begin(struct redis_broker *self);
/* A second of the loop's clock has passed: a beat is due. */
void redis_beat_tick(struct redis_broker *self);
/* Beats when it is due: poll()'s clock may be another. */
void redis_beat_poll(struct redis_broker *self, int64_t now_ms);
/* Says that the node leaves: Redis takes its tickets out of the line. */
void redis_beat_leave(struct redis_broker *self);
void redis_beat_fini(struct redis_broker *self);

/* --- redis_call.c --- */
/* What a script answers to a request, as that script says; bad if there was none, or an error. `request` is what
 * redis_call_begin() was given. Both are borrowed. */
typedef void redis_answer_fn(struct redis_broker *self, const struct broker_request *request,
                             struct redis_reader *answer);

/* The caller appends what it asks to what redis_call_begin() returns, and then calls redis_call_end(). `request`
 * (copied) may be NULL, and so may `answer`, if nobody cares. While Redis is away, the answer comes from
 * redis_call_end(), and is bad. */
struct buffer *redis_call_begin(struct redis_broker *self, enum redis_script script,
                                const struct broker_request *request, redis_answer_fn *answer)
    __attribute__((returns_nonnull));
void redis_call_end(struct redis_broker *self, enum redis_script script);
/* At the end of each turn of the loop: sends what was asked for in it, unless many requests are under way. */
void redis_calls_flush(struct redis_broker *self);
/* Redis is away: what was asked for gets bad answers. */
void redis_calls_drop(struct redis_broker *self);
/* How many calls are not sent yet. */
size_t redis_calls_queued(const struct redis_broker *self);
void redis_calls_init(struct redis_broker *self);
void redis_calls_fini(struct redis_broker *self);
/* Loads the scripts; `self->loaded` counts them, and redis_loaded() is called when all are. */
void redis_scripts_load(struct redis_broker *self);
void redis_loaded(struct redis_broker *self);
/* Logs an error answer. */
void redis_complain(struct redis_broker *self, const char *error);

/* --- redis_request.c --- */
void redis_ask(struct redis_broker *self, const struct broker_request *request);
/* A WITHDRAW or END that could not be said when it should have been. */
void redis_ask_late(struct redis_broker *self, const struct broker_request *request);

/* --- redis_owed.c --- */
void redis_owe(struct redis_broker *self, const struct broker_request *request);
void redis_pay(struct redis_broker *self);
void redis_owed_drop(struct redis_broker *self);

/* --- redis_inbox.c --- */
void redis_hear(void *self, const char *bytes, size_t length);
/* The same, of what did not come by an inbox. */
void redis_take_message(struct redis_broker *self, const char *bytes, size_t length);

/* --- redis_relay.c --- */
/* `urgent`: somebody waits for it. */
void redis_pack(struct redis_broker *self, uint64_t boot, const void *bytes, size_t length, bool urgent);
void redis_publish_packs(struct redis_broker *self);
void redis_drop_packs(struct redis_broker *self);
/* To this node's own inboxes: control on main; data on a relay, where nobody listens unless it is home, but an answer
 * says enough. */
void redis_probe(struct redis_broker *self);
void redis_probe_relay(struct redis_relay *relay);

#endif
