/* backlog.c - what was said in one chat and not acknowledged.
 *
 * Flow:  backlog_say() numbers a message and keeps it → backlog_due() hands out what the window lets go now →
 *        backlog_acknowledged() forgets it.
 * Fails: backlog_rewind() makes backlog_due() hand out again what may have been lost; backlog_refuse() makes harmless
 *        what no node will take. */
#include "backlog.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* What a message becomes whose text no node takes: U+2026, an ellipsis. */
static const char replacement[] = "\xe2\x80\xa6";

void backlog_init(struct backlog *backlog) {
    *backlog = (struct backlog){.oldest = 1, .cursor = 1};
}

void backlog_fini(struct backlog *backlog) {
    for (size_t i = 0; i < backlog->count; i++)
        free((char *)backlog->kept[i].body.at);
    free(backlog->kept);
}

uint64_t backlog_say(struct backlog *backlog, struct text body) {
    backlog->kept = memory_resize(backlog->kept, backlog->count + 1, sizeof *backlog->kept);
    backlog->kept[backlog->count] = (struct kept){.body = {memory_copy(body.at, body.length), body.length}};
    return backlog->oldest + backlog->count++;
}

const struct kept *backlog_due(struct backlog *backlog, uint64_t window, int64_t now_ms, uint64_t *seq) {
    uint64_t ahead = backlog->cursor - backlog->oldest;
    if (ahead >= backlog->count || ahead >= (backlog->careful ? 1 : window))
        return NULL;
    *seq = backlog->cursor++;
    backlog->kept[ahead].sent_ms = now_ms;
    return &backlog->kept[ahead];
}

bool backlog_in_flight(const struct backlog *backlog) {
    return backlog->cursor > backlog->oldest;
}

void backlog_rewind(struct backlog *backlog, uint64_t seq) {
    if (seq < backlog->oldest)
        seq = backlog->oldest;
    if (seq < backlog->cursor)
        backlog->cursor = seq;
}

bool backlog_acknowledged(struct backlog *backlog, uint64_t seq) {
    if (seq < backlog->oldest || seq - backlog->oldest >= backlog->count)
        return false;
    size_t count = (size_t)(seq - backlog->oldest) + 1;
    for (size_t i = 0; i < count; i++)
        free((char *)backlog->kept[i].body.at);
    backlog->count -= count;
    memmove(backlog->kept, backlog->kept + count, backlog->count * sizeof *backlog->kept);
    backlog->oldest += count;
    if (backlog->cursor < backlog->oldest)
        backlog->cursor = backlog->oldest;
    backlog->careful = false;
    return true;
}

bool backlog_refuse(struct backlog *backlog, uint64_t seq) {
    if (seq < backlog->oldest || seq - backlog->oldest >= backlog->count)
        return false;
    struct text *body = &backlog->kept[seq - backlog->oldest].body;
    if (body->length == strlen(replacement) && memcmp(body->at, replacement, body->length) == 0)
        return false;
    free((char *)body->at);
    *body = (struct text){memory_string(replacement), strlen(replacement)};
    backlog_rewind(backlog, seq);
    return true;
}
