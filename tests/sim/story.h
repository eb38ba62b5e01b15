/* story.h - hand-written stories over the simulator's world: whole nodes, the memory broker, fake connections, and a
 * clock that stands still unless a story lets time pass.
 *
 * A line is one connection of somebody. What is said is JSON with single quotes; every step runs until nothing more
 * happens. */
#ifndef SIM_STORY_H
#define SIM_STORY_H

#include "pipe.h"

enum { STORY_NODES = 3, STORY_LINES = 8, STORY_UNREAD = 64, STORY_BODY = 64 };

/* One frame that a line has heard. */
struct note {
    enum server_kind kind;
    enum ended_reason reason;
    enum error_code code;
    enum presence peer;
    bool reliable;
    uint64_t seq;
    uint64_t grace_ms;
    uint64_t after_ms;
    char body[STORY_BODY];
    char chat[READER_CHAT_CHARS + 1];
    char resume[MAX_TOKEN_CHARS + 1];
};

struct line {
    struct story *story;
    struct pipe *pipe;   /* NULL once it is over */
    unsigned close_code; /* 0 = open, or hung up by itself */
    struct note unread[STORY_UNREAD];
    uint32_t unread_count;
    struct note last;                /* the last one read */
    char token[MAX_TOKEN_CHARS + 1]; /* the last one read */
};

struct story {
    struct world world;
    struct climate climate; /* may be changed before story_begin() */
    struct line lines[STORY_LINES];
    uint32_t line_count;
};

/* A window of 4, a grace of 5 s, preferences for 1 s, no limits; the caller may change the climate.
 * Heap: story_end() frees it. */
struct story *story_new(void);
void story_begin(struct story *story);
void story_end(struct story *story);

struct line *story_connects(struct story *story, uint32_t node);
void story_says(struct line *line, const char *text);
/* Says `resume` with the newest token that `from` has read. */
void story_resumes(struct line *line, const struct line *from);
/* The node takes what was said, and does nothing else yet. */
void story_is_taken(struct line *line);
void story_hangs_up(struct line *line);
/* Its network dies, and nobody knows. */
void story_is_cut(struct line *line);
/* And now the node knows. */
void story_is_missed(struct line *line);
void story_stalls(struct line *line);
void story_reads_on(struct line *line);
void story_crashes(struct story *story, uint32_t node);
void story_starts(struct story *story, uint32_t node);
void story_drains(struct story *story, uint32_t node);
void story_passes(struct story *story, int64_t ms);

const struct note *story_hears(struct line *line, enum server_kind kind, const char *file, int at);
void story_silent(struct line *line, const char *file, int at);
void story_closed(struct line *line, unsigned code, const char *file, int at);
void story_shown(struct line *line, uint64_t seq, const char *body, const char *file, int at);

/* The next thing it hears is this. */
#define HEARS(line, name) story_hears(line, SERVER_##name, __FILE__, __LINE__)
/* It hears nothing more. */
#define SILENT(line)       story_silent(line, __FILE__, __LINE__)
#define CLOSED(line, code) story_closed(line, code, __FILE__, __LINE__)
/* The next thing it hears is this message. */
#define SHOWN(line, seq, body) story_shown(line, seq, body, __FILE__, __LINE__)
/* The next thing it hears is the end of the chat, or an error, and why. */
#define ENDED(line, why)  assert_int_equal(story_hears(line, SERVER_ENDED, __FILE__, __LINE__)->reason, ENDED_##why)
#define ERROR(line, why)  assert_int_equal(story_hears(line, SERVER_ERROR, __FILE__, __LINE__)->code, ERROR_##why)
#define ACKED(line, upto) assert_int_equal(story_hears(line, SERVER_ACK, __FILE__, __LINE__)->seq, upto)

#endif
