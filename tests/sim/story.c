/* story.c - the steps of stories. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "story.h"

#include <stdlib.h>
#include <string.h>

#include "cluster.h"

#include "base/memory.h"

static void copy(char *to, size_t size, struct text text) {
    size_t length = text.length < size ? text.length : size - 1;
    if (length > 0)
        memcpy(to, text.at, length);
    to[length] = '\0';
}

/* --- what lines hear ---------------------------------------------------------------------------------------------- */

static struct line *line_of(struct world *world, const struct pipe *pipe) {
    struct story *story = list_entry(world, struct story, world);
    return &story->lines[pipe->number];
}

static void hear(struct world *world, struct pipe *pipe, const struct heard *heard) {
    struct line *line = line_of(world, pipe);
    assert_true(line->unread_count < STORY_UNREAD);
    struct note *note = &line->unread[line->unread_count++];
    *note = (struct note){
        .kind = heard->kind,
        .reason = heard->reason,
        .code = heard->code,
        .peer = heard->peer,
        .reliable = heard->reliable,
        .seq = heard->seq,
        .grace_ms = heard->grace_ms,
        .after_ms = heard->after_ms,
    };
    copy(note->body, sizeof note->body, heard->body);
    copy(note->chat, sizeof note->chat, heard->chat);
    copy(note->resume, sizeof note->resume, heard->resume);
}

static void closed(struct world *world, struct pipe *pipe, unsigned code) {
    struct line *line = line_of(world, pipe);
    line->pipe = NULL;
    line->close_code = code;
}

static const struct audience audience = {hear, closed};

static void run(struct story *story) {
    world_run_ready(&story->world);
    assert_string_equal(story->world.failure, "");
}

/* --- life --------------------------------------------------------------------------------------------------------- */

struct story *story_new(void) {
    struct story *story = memory_zero(1, sizeof *story);
    story->climate = (struct climate){
        .core = {.max_body_bytes = 200, .max_frame_bytes = 16384, .window = 4, .grace_ms = 5000, .prefer_ms = 1000},
        .kernel_bytes = 10000,
        .queue_bytes = 20000,
    };
    return story;
}

void story_begin(struct story *story) {
    struct world_options options = {.seed = 1, .nodes = STORY_NODES};
    world_open(&story->world, &options, &story->climate, &audience);
    run(story);
}

void story_end(struct story *story) {
    world_close(&story->world);
    free(story);
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

struct line *story_connects(struct story *story, uint32_t node) {
    assert_true(story->line_count < STORY_LINES);
    struct line *line = &story->lines[story->line_count];
    line->story = story;
    line->pipe = pipe_open(&story->world, &story->world.servers[node], NULL, story->line_count++);
    HEARS(line, HELLO);
    return line;
}

void story_says(struct line *line, const char *text) {
    assert_non_null(line->pipe);
    char *json = memory_string(text);
    for (char *at = json; *at != '\0'; at++)
        if (*at == '\'')
            *at = '"';
    pipe_say(&line->story->world, line->pipe, json, strlen(json));
    free(json);
}

void story_resumes(struct line *line, const struct line *from) {
    char text[MAX_TOKEN_CHARS + 64];
    snprintf(text, sizeof text, "{'t':'resume','token':'%s'}", from->token);
    story_says(line, text);
}

void story_is_taken(struct line *line) {
    world_forget(&line->story->world, &line->pipe->up_source);
    pipe_run(&line->story->world, line->pipe, SOURCE_UP);
}

void story_hangs_up(struct line *line) {
    struct pipe *pipe = line->pipe;
    line->pipe = NULL;
    pipe_hang_up(&line->story->world, pipe);
    run(line->story);
}

void story_is_cut(struct line *line) {
    pipe_cut(&line->story->world, line->pipe, NEVER_US, NEVER_US, false);
}

void story_is_missed(struct line *line) {
    struct world *world = &line->story->world;
    world_at(world, &line->pipe->node_notice, world->now_us);
    run(line->story);
}

void story_stalls(struct line *line) {
    run(line->story);
    pipe_stall(&line->story->world, line->pipe, NEVER_US);
}

void story_reads_on(struct line *line) {
    pipe_stall(&line->story->world, line->pipe, 0);
    run(line->story);
}

void story_crashes(struct story *story, uint32_t node) {
    cluster_crash(&story->world, &story->world.servers[node], NEVER_US);
}

void story_starts(struct story *story, uint32_t node) {
    cluster_start(&story->world, &story->world.servers[node]);
}

void story_drains(struct story *story, uint32_t node) {
    run(story);
    cluster_drain(&story->world, &story->world.servers[node], 0, NEVER_US);
    run(story);
}

void story_passes(struct story *story, int64_t ms) {
    int64_t until_us = story->world.now_us + ms * MILLISECOND_US;
    run(story);
    while (story->world.now_us < until_us) {
        world_pass(&story->world, until_us);
        run(story);
    }
}

/* --- expectations ------------------------------------------------------------------------------------------------- */

static const char *word(enum server_kind kind) {
#define SERVER_WORD(name, t) t,
    static const char *const words[] = {SERVER_ROWS(SERVER_WORD)};
#undef SERVER_WORD
    return words[kind];
}

const struct note *story_hears(struct line *line, enum server_kind kind, const char *file, int at) {
    run(line->story);
    if (line->unread_count == 0) {
        print_error("`%s` was expected, and nothing came\n", word(kind));
        _fail(file, at);
    }
    line->last = line->unread[0];
    memmove(&line->unread[0], &line->unread[1], --line->unread_count * sizeof line->unread[0]);
    if (line->last.kind != kind) {
        print_error("`%s` was expected, and `%s` came\n", word(kind), word(line->last.kind));
        _fail(file, at);
    }
    if (line->last.resume[0] != '\0')
        memcpy(line->token, line->last.resume, sizeof line->token);
    return &line->last;
}

void story_silent(struct line *line, const char *file, int at) {
    run(line->story);
    if (line->unread_count == 0)
        return;
    print_error("nothing was expected, and `%s` came\n", word(line->unread[0].kind));
    _fail(file, at);
}

void story_closed(struct line *line, unsigned code, const char *file, int at) {
    run(line->story);
    if (line->pipe == NULL && line->close_code == code)
        return;
    print_error("close code %u was expected, and %u came\n", code, line->close_code);
    _fail(file, at);
}

void story_shown(struct line *line, uint64_t seq, const char *body, const char *file, int at) {
    const struct note *note = story_hears(line, SERVER_MSG, file, at);
    _assert_int_equal(note->seq, seq, file, at);
    _assert_string_equal(note->body, body, file, at);
}
