/* load.h - the load generator: thousands of people in one thread, what they share, and who does what.
 *
 * A person is one WebSocket connection and a reliable (or plain) client's rules. Whom it talks to is another person of the
 * same process: so each message is checked, byte by byte, against what its sender said, and timed on one clock. */
#ifndef LOAD_H
#define LOAD_H

#include "base/buffer.h"
#include "base/map.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum {
    MAX_TARGETS = 64,
    MAX_WATCHED = 64,
    MAX_BODY = 4096,            /* as it stands in JSON */
    MIN_BODY = 17,              /* who says it, and something */
    MAX_FRAME = MAX_BODY + 512, /* that a relay may send */
    WINDOW = 8,                 /* messages unacknowledged, of each person; the contract allows 32 */
    HISTOGRAM_SUB_BITS = 5,     /* 32 buckets for each power of two: 3 % */
    HISTOGRAM_BUCKETS = 1024,
};

enum dialect { DIALECT_PLAIN, DIALECT_SOCKETIO };
enum work { WORK_IDLE, WORK_CLOSE, WORK_FIND, WORK_TALK, WORK_RATE, WORK_MATCH };

struct options {
    struct sockaddr_in targets[MAX_TARGETS];
    unsigned target_count;
    enum dialect dialect;
    enum work work;
    uint32_t people;
    uint32_t talkers;    /* so many of them; the others are connected and silent */
    bool plain;          /* no numbers and no acks */
    bool topics;         /* each pair names a topic of its own */
    bool tolerant;       /* repeats and gaps are mended by the client's rules, and counted; else they fail */
    uint32_t body_bytes; /* on average (bodies.c) */
    uint32_t seed;
    uint32_t rate;     /* messages a second, of all together */
    uint32_t at_once;  /* handshakes, or searches, under way */
    uint32_t stall_s;  /* nothing is heard for so long: fail */
    uint32_t sources;  /* first of the source addresses: 127.x.y.z */
    double warm_s;     /* before the measured part */
    double measured_s; /* or ... */
    uint64_t messages; /* ... so many messages, or matches */
    bool gate;         /* wait for a line on stdin before each phase */
    struct {
        const char *name;
        int pid;
    } watched[MAX_WATCHED];
    unsigned watched_count;
};

/* What a person is about. It goes down this list, but for MATCHED, which may lead back to FINDING. */
enum person_state {
    PERSON_NOWHERE,
    PERSON_DIALLING,  /* connect(2) is under way */
    PERSON_UPGRADING, /* the request is written */
    PERSON_UPGRADED,
    PERSON_GREETED, /* `hello` has come */
    PERSON_FINDING,
    PERSON_MATCHED,
    PERSON_LEAVING, /* has said Close */
    PERSON_CUTTING, /* has ended its side of the connection without a word */
    PERSON_GONE,
};

/* Small: a million of them are to fit beside what they measure. */
struct person {
    int fd;
    uint32_t peer;      /* index + 1; 0 = none */
    uint32_t said;      /* seq of its last message */
    uint32_t acked;     /* highest that the stranger has acknowledged; of a plain person: that was heard there */
    uint32_t heard;     /* seq of the last message from the stranger */
    uint8_t state;      /* enum person_state */
    uint64_t found_ns;  /* when it began to search, or should have */
    uint64_t *said_ns;  /* when it said, or should have said, its last WINDOW messages; NULL until it speaks */
    struct buffer *in;  /* the beginning of a frame; NULL = none */
    struct buffer *out; /* what the kernel would not take; NULL = nothing */
};

struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t most_us;
};

struct tally {
    uint64_t said;
    uint64_t heard; /* messages */
    uint64_t acks;  /* heard */
    uint64_t matches;
    uint64_t repeated;
    uint64_t gaps;
    uint64_t syncs; /* sync and back */
    uint64_t aways;
    uint64_t across; /* pairs on different targets */
};

/* A part of the run, as measured from outside: clocks of the watched processes, and what was done meanwhile. */
struct reading {
    uint64_t at_ns;
    uint64_t cpu_ns[MAX_WATCHED];
    uint64_t own_ns; /* what the load itself took */
    struct tally tally;
};

struct load {
    struct options options;
    struct person *people;
    int epoll;
    uint32_t dialled;     /* people that have begun to connect */
    uint32_t greeted;     /* people that have heard `hello` */
    uint32_t matched;     /* people in a chat */
    uint32_t gone;        /* people whose connection the relay has ended, as they asked */
    struct map strangers; /* hash of a chat id → the person who heard of it first */
    struct tally tally;
    struct histogram latency;
    uint64_t from_ns; /* latencies count of what was due from then on ... */
    uint64_t to_ns;   /* ... and before then; however late it came */
    uint64_t due;     /* how many messages, or searches, these were */
    bool talking;     /* who has heard a message says the next */
    uint32_t
        *search; /* who talks, in the order in which they search: two by two they are pairs; behind them the others */
    uint32_t *pair_of; /* of each person, where in that order */
    uint32_t *turns;   /* who talks, in the order in which it is their turn */
    uint32_t turn;     /* whose turn it is */
    uint64_t moved_ns; /* when something was last heard */
    clockid_t clocks[MAX_WATCHED];
    struct buffer result; /* JSON */
    struct bodies *bodies;
};

/* --- main.c --- */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
uint64_t now_ns(void);

/* --- options.c --- */
void options_parse(struct options *options, int argc, char **argv);

/* --- loop.c --- */
void loop_init(struct load *load);
/* Waits for sockets until `until_ns`, and serves what came. */
void loop_turn(struct load *load, uint64_t until_ns);
void loop_watch(struct load *load, struct person *person, uint32_t events, bool known);

/* --- socket.c --- */
void socket_dial(struct load *load, struct person *person);
void socket_event(struct load *load, struct person *person, uint32_t events);
/* Sends bytes, or queues them. */
void socket_send(struct load *load, struct person *person, const char *bytes, size_t length);
void socket_close(struct load *load, struct person *person);

/* --- frames.c --- */
/* Appends one masked text frame (RFC 6455 section 5.2) that says `text`. */
void frames_put(struct load *load, struct buffer *out, const char *text, size_t length);
/* Takes the frames that are whole; returns how many bytes they had. */
size_t frames_take(struct load *load, struct person *person, char *bytes, size_t length);
/* Says Close (RFC 6455 section 5.5.1): a browser that leaves the page. */
void frames_close(struct load *load, struct person *person);

/* --- json.c --- */
struct field {
    const char *at; /* of a string: without its quotes, escapes left as they are */
    size_t length;
    bool string;
};
/* A flat look at one object: fills in those of the members that it has. False if it is no object. */
bool json_look(const char *text, size_t length, const char *const *names, struct field *fields, size_t count);

/* --- order.c --- */
void order_init(struct load *load);
/* Whose turn it is now; the next one's is it then. */
struct person *order_next(struct load *load);

/* --- bodies.c --- */
void bodies_init(struct load *load);
/* Writes what `sender` says in its message `seq`, as it stands between the quotes of a JSON string; returns how many bytes. */
size_t bodies_write(const struct load *load, uint32_t sender, uint32_t seq, char body[MAX_BODY]);

/* --- person.c --- */
/* The relay said something. */
void person_told(struct load *load, struct person *person, const char *text, size_t length);
void person_find(struct load *load, struct person *person, uint64_t due_ns);
/* Says the next message, due at that time; into `with`, if that is not NULL. False if the window is full. */
bool person_say(struct load *load, struct person *person, uint64_t due_ns, struct buffer *with);
/* All that is unacknowledged. */
void person_say_again(struct load *load, struct person *person);
/* What was due at that time: does its latency count? */
static inline bool is_measured(const struct load *load, uint64_t due_ns) {
    return due_ns >= load->from_ns && due_ns < load->to_ns;
}
static inline uint32_t person_index(const struct load *load, const struct person *person) {
    return (uint32_t)(person - load->people);
}

/* --- phases.c --- */
void phase_connect(struct load *load);
void phase_find(struct load *load);
void phase_work(struct load *load);
/* Waits for sockets, and fails after --stall seconds of nothing. */
void phase_turn(struct load *load, uint64_t until_ns);

/* --- close.c --- */
void phase_close(struct load *load);

/* --- watch.c --- */
void watch_init(struct load *load);
void watch_read(const struct load *load, struct reading *reading);
/* Appends `"name":{...},` with CPU of what was done between the two. */
void watch_put(struct load *load, const char *name, const struct reading *from, const struct reading *to);
/* Appends `"name":{process:bytes,...},`: RssAnon. */
void watch_put_memory(struct load *load, const char *name);

/* --- histogram.c --- */
void histogram_add(struct histogram *histogram, uint64_t us);
void histogram_put(const struct histogram *histogram, struct buffer *out);

#endif
