/* wish.h - what clients feel like doing, and the pools that their searches draw from. */
#ifndef SIM_WISH_H
#define SIM_WISH_H

#include "client.h"

/* Lets a client do something; false if it has no wish. */
bool wish_act(struct world *world, struct client *client);

struct criteria wish_criteria(struct world *world, const struct client *client);

/* Appends the `find` for these criteria; `last`: the token for criteria.again. */
void wish_find(const struct criteria *criteria, const struct token *last, struct buffer *out);
/* How a topic comes back: as written, trimmed. */
const char *wish_topic(uint32_t topic, uint32_t spelling);

/* Would `a` rather meet `b` than wait: topics and language; or do both want each other again? */
bool wish_prefers(const struct criteria *a, const struct criteria *b);

#endif
