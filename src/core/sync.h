/* sync.h - being cut off from the other nodes, coming back, and telling how things stand. */
#ifndef CORE_SYNC_H
#define CORE_SYNC_H

#include "core_priv.h"

void sync_init(struct core *core);
/* LINK_LOST, LINK_RESUMED. */
void sync_link_lost(struct core *core);
void sync_link_resumed(struct core *core);
/* This node's loop stood still for so long. */
void sync_shifted(struct core *core, int64_t gap_ms);
/* What is due by now; when something is, INT64_MAX = never. */
void sync_tick(struct core *core);
int64_t sync_deadline(const struct core *core);

/* There is a chat whose lease must be renewed. */
void sync_chat_opened(struct core *core);
/* A HOLD could not be carried out. */
void sync_hold_again(struct core *core);
/* A resume could not be carried out: if this node has been cut off for long, its client had better try another. */
void sync_send_elsewhere(struct core *core, struct session *session);

#endif
