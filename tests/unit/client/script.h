/* script.h - a reliable client that acts out a script: what happens to it, and what it is to do then, line by line.
 *
 * What happens:
 *   find, leave, say TEXT        the person
 *   typing on|off
 *   hello [FIELDS]               a connection stands; FIELDS: further members of the frame, e.g. ,"window":2
 *   lose, refuse CODE            it is gone; for good
 *   < FRAME                      the node says
 *   wait MS                      time passes
 * What it is to do then, all of it, in this order: notices, wishes (but for WISH_SETTLE), frames:
 *   ! NOTICE                     see notice_words()
 *   ~ open|shut|renew|drop
 *   > FRAME */
#ifndef TEST_CLIENT_SCRIPT_H
#define TEST_CLIENT_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "visit.h"

#include "base/buffer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct actor {
    struct visit visit;
    int64_t now_ms;
    struct buffer done; /* lines, as in the script */
};

static const char *const notice_names[] = {
    [NOTICE_HELLO] = "hello",       [NOTICE_WAITING] = "waiting", [NOTICE_MATCHED] = "matched",
    [NOTICE_MESSAGE] = "message",   [NOTICE_TYPING] = "typing",   [NOTICE_DELIVERED] = "delivered",
    [NOTICE_STRANGER] = "stranger", [NOTICE_RESUMED] = "resumed", [NOTICE_ENDED] = "ended",
    [NOTICE_REFUSED] = "refused",   [NOTICE_CLOSED] = "closed",   [NOTICE_IGNORED] = "ignored",
};

/* "! NAME [on] [NUMBER] [TEXT]...": what is not 0. */
static inline void notice_words(const struct notice *notice, struct buffer *out) {
    buffer_printf(out, "! %s", notice_names[notice->type]);
    if (notice->on)
        buffer_string(out, " on");
    if (notice->number > 0)
        buffer_printf(out, " %" PRIu64, notice->number);
    for (size_t i = 0; i < notice->text_count; i++)
        buffer_printf(out, " %s", notice->texts[i].at);
    buffer_string(out, "\n");
}

static inline void gather(struct actor *actor) {
    static const char *const wishes[] = {"open", "shut", "renew", "drop"};
    struct output *output = &actor->visit.out;
    visit_reconcile(&actor->visit, actor->now_ms);
    struct notice *notice = output_take_notice(output);
    for (; notice != NULL; notice = output_take_notice(output)) {
        notice_words(notice, &actor->done);
        notice_free(notice);
    }
    for (unsigned i = 0; i < sizeof wishes / sizeof *wishes; i++)
        if (output->wishes & (1U << i))
            buffer_printf(&actor->done, "~ %s\n", wishes[i]);
    output->wishes = 0;
    char *frame = output_take_frame(output);
    for (; frame != NULL; frame = output_take_frame(output)) {
        buffer_printf(&actor->done, "> %s\n", frame);
        free(frame);
    }
}

static inline void hear(struct actor *actor, const char *frame) {
    struct heard heard;
    const char *problem;
    if (!frames_read(frame, strlen(frame), &heard, &problem))
        fail_msg("%s: %s", frame, problem);
    if (heard.kind == SERVER_HELLO)
        visit_greeted(&actor->visit, &heard);
    else
        visit_heard(&actor->visit, &heard, actor->now_ms);
    frames_release(&heard);
}

/* Time passes as in life: to each deadline in turn. */
static inline void pass(struct actor *actor, int64_t ms) {
    int64_t end_ms = actor->now_ms + ms;
    while (visit_next_ms(&actor->visit) <= end_ms) {
        if (visit_next_ms(&actor->visit) > actor->now_ms)
            actor->now_ms = visit_next_ms(&actor->visit);
        visit_tick(&actor->visit, actor->now_ms);
        size_t before = actor->done.length;
        gather(actor);
        if (visit_next_ms(&actor->visit) <= actor->now_ms && actor->done.length == before)
            fail_msg("a deadline that does nothing, at %" PRId64 " ms", actor->now_ms);
        if (visit_next_ms(&actor->visit) <= actor->now_ms)
            break; /* it wants a connection to be dropped: that is the script's to do */
    }
    actor->now_ms = end_ms;
}

static inline const char *rest(const char *line, const char *word) {
    size_t length = strlen(word);
    if (strncmp(line, word, length) != 0 || (line[length] != '\0' && line[length] != ' '))
        return NULL;
    return line + length + (line[length] == ' ');
}

static inline void act(struct actor *actor, const char *line) {
    const char *words;
    struct visit *visit = &actor->visit;
    if (rest(line, "find") != NULL)
        visit_find(visit, actor->now_ms);
    else if ((words = rest(line, "again")) != NULL) /* "again" alone: it is possible */
        assert_int_equal(visit_again(visit, actor->now_ms), strcmp(words, "not") != 0);
    else if (rest(line, "leave") != NULL)
        visit_leave(visit, actor->now_ms);
    else if ((words = rest(line, "say")) != NULL)
        (void)visit_say(visit, (struct text){words, strlen(words)});
    else if ((words = rest(line, "typing")) != NULL)
        talk_typing(&visit->talk, strcmp(words, "on") == 0, actor->now_ms);
    else if ((words = rest(line, "hello")) != NULL) {
        struct buffer frame = {0};
        buffer_printf(&frame, "{\"t\":\"hello\",\"v\":1%s}%c", words, '\0');
        hear(actor, frame.bytes);
        buffer_fini(&frame);
    } else if (rest(line, "lose") != NULL)
        visit_lost(visit);
    else if ((words = rest(line, "refuse")) != NULL)
        visit_refused(visit, strtoul(words, NULL, 10));
    else if ((words = rest(line, "<")) != NULL)
        hear(actor, words);
    else if ((words = rest(line, "wait")) != NULL)
        pass(actor, strtol(words, NULL, 10));
    else
        fail_msg("the script has no line \"%s\"", line);
}

static inline bool is_expected(const char *line) {
    return line != NULL && (line[0] == '!' || line[0] == '~' || line[0] == '>');
}

/* Acts out the script, a NULL-terminated array. */
static inline void perform(const char *const *script) {
    static const struct criteria criteria = {.topics = {"rain"}, .topic_count = 1, .language = "en"};
    struct actor actor = {.now_ms = 1000};
    visit_init(&actor.visit, &criteria);
    while (*script != NULL) {
        const char *cause = *script++;
        act(&actor, cause);
        gather(&actor);
        struct buffer expected = {0};
        for (; is_expected(*script); script++)
            buffer_printf(&expected, "%s\n", *script);
        buffer_append(&expected, "", 1);
        buffer_append(&actor.done, "", 1);
        if (strcmp(actor.done.bytes, expected.bytes) != 0)
            fail_msg("after \"%s\" it did\n%sinstead of\n%s", cause, actor.done.bytes, expected.bytes);
        buffer_fini(&expected);
        buffer_clear(&actor.done);
    }
    buffer_fini(&actor.done);
    visit_fini(&actor.visit);
}

#define SCRIPT(...) ((const char *const[]){__VA_ARGS__, NULL})

#define FIND_FRAME    "> {\"t\":\"find\",\"reliable\":true,\"topics\":[\"rain\"],\"lang\":\"en\"}"
#define MATCHED_FRAME "< {\"t\":\"matched\",\"chat\":\"c1\",\"topics\":[\"rain\"],\"resume\":\"t1\",\"reliable\":true}"
#define RESUMED_FRAME "< {\"t\":\"resumed\",\"chat\":\"c1\",\"peer\":\"here\",\"resume\":\"t2\",\"reliable\":true}"

/* The beginning of most scripts: a chat with a reliable stranger. */
#define MET "find", "~ open", "hello", "! hello", FIND_FRAME, MATCHED_FRAME, "! matched on rain"

#endif
