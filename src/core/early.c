/* early.c - frames of a match that come before the word that it is made, as they go by another way.
 *
 * Flow:  kept, copied, until the match is made; then taken as if they came now.
 * Fails: more come than a client may have in flight → the rest is dropped. For that, and whenever frames may have been
 *        lost, SYNC asks for them. The match is not made → they are forgotten: whoever sent them is told that there is
 *        no chat.
 * Owns:  search->early. */
#include "early.h"

#include <stdlib.h>

#include "chat.h"
#include "peer.h"

#include "base/memory.h"

enum { NOT_MESSAGES = 8 }; /* of the frames that are kept besides messages */

struct early {
    struct early *next;
    struct peer_frame frame; /* its body is ours */
};

static bool is_kept(const struct core *core, const struct search *search, const struct peer_frame *frame) {
    switch (frame->kind) {
    case PEER_MSG:
    case PEER_ACK:
    case PEER_AWAY:
    case PEER_REBOUND:
    case PEER_STATE:
    case PEER_SYNC: return search->early_count < core->options.window + NOT_MESSAGES;
    case PEER_TYPING:
    case PEER_ENDED:
    case PEER_MOVED:
    case PEER_GONE:
    case PEER_DECLINE: break;
    }
    return false;
}

void early_keep(struct core *core, struct search *search, const struct peer_frame *frame) {
    if (!is_kept(core, search, frame)) {
        search->frames_lost = search->frames_lost || frame->kind != PEER_TYPING;
        return;
    }
    struct early *early = memory_zero(1, sizeof *early);
    early->frame = *frame;
    if (frame->kind == PEER_MSG)
        early->frame.msg.body.at = memory_copy(frame->msg.body.at, frame->msg.body.length);
    struct early **end = &search->early;
    while (*end != NULL)
        end = &(*end)->next;
    *end = early;
    search->early_count++;
}

void early_take(struct core *core, struct session *session, const struct search *search) {
    for (const struct early *early = search->early; early != NULL; early = early->next)
        peer_take(core, &early->frame);
    if (search->frames_lost) /* or their node is gone: what came before does not answer for it */
        chat_ask_state(core, session);
}

void early_forget(struct search *search) {
    while (search->early != NULL) {
        struct early *early = search->early;
        search->early = early->next;
        if (early->frame.kind == PEER_MSG)
            free((void *)(uintptr_t)early->frame.msg.body.at);
        free(early);
    }
    search->early_count = 0;
    search->frames_lost = false;
}
