/* output.c - what the reliable client wants done, in the order in which it came about. */
#include "output.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

struct outgoing {
    struct list link;
    char *frame;
};

void output_init(struct output *output) {
    list_init(&output->frames);
    list_init(&output->notices);
    output->wishes = 0;
}

void output_fini(struct output *output) {
    output_forget_frames(output);
    for (struct notice *notice = output_take_notice(output); notice != NULL; notice = output_take_notice(output))
        notice_free(notice);
}

void output_send(struct output *output, char *frame) {
    struct outgoing *outgoing = memory_zero(1, sizeof *outgoing);
    outgoing->frame = frame;
    list_append(&output->frames, &outgoing->link);
}

struct notice *output_notice(struct output *output, enum notice_type type) {
    struct notice *notice = memory_zero(1, sizeof *notice);
    notice->type = type;
    list_append(&output->notices, &notice->link);
    return notice;
}

void output_text(struct notice *notice, struct text text) {
    assert(notice->text_count < MAX_TOPICS);
    notice->texts[notice->text_count++] = (struct text){memory_copy(text.at, text.length), text.length};
}

char *output_take_frame(struct output *output) {
    if (list_empty(&output->frames))
        return NULL;
    struct outgoing *outgoing = list_entry(output->frames.next, struct outgoing, link);
    char *frame = outgoing->frame;
    list_remove(&outgoing->link);
    free(outgoing);
    return frame;
}

struct notice *output_take_notice(struct output *output) {
    if (list_empty(&output->notices))
        return NULL;
    struct notice *notice = list_entry(output->notices.next, struct notice, link);
    list_remove(&notice->link);
    return notice;
}

void output_forget_frames(struct output *output) {
    for (char *frame = output_take_frame(output); frame != NULL; frame = output_take_frame(output))
        free(frame);
}

void notice_free(struct notice *notice) {
    for (size_t i = 0; i < notice->text_count; i++)
        free((char *)notice->texts[i].at);
    free(notice);
}
