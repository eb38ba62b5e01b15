/* early.h - frames of a match that come before the word that it is made. */
#ifndef CORE_EARLY_H
#define CORE_EARLY_H

#include "core_priv.h"

/* Keeps the frame, or remembers that there was one. */
void early_keep(struct core *core, struct search *search, const struct peer_frame *frame);
/* The match is made, and its search spent: takes what was kept, in order. */
void early_take(struct core *core, struct session *session, const struct search *search);
void early_forget(struct search *search);

#endif
