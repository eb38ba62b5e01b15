/* line.h - the waiting line: finds the best stranger for a ticket, or lets it wait.
 *
 * Exact: a seek finds somebody whenever anybody in the line and the seeker accept each other, and among several
 *        takes the one with the most topics in common, then the longest wait (since_ms, then arrival). Not
 *        thread-safe. */
#ifndef BROKER_LINE_H
#define BROKER_LINE_H

#include "passerby/types.h"

struct line;

struct line *line_new(void);
void line_free(struct line *line);

/* Takes the seeker's earlier ticket out of the line, whatever its attempt, and looks for a candidate. Returns true
 * and takes the candidate, copied to `candidate`, out as well; or returns false, and the seeker's ticket, copied, is
 * in the line. */
bool line_seek(struct line *line, const struct ticket *seeker, struct ticket *candidate)
    __attribute__((warn_unused_result));

/* Takes the ticket (at, attempt) out, if it is there. */
void line_withdraw(struct line *line, struct address at, uint32_t attempt);

/* Takes out all tickets of a node. */
void line_drop(struct line *line, uint64_t boot);

/* How many wait. */
size_t line_count(const struct line *line);

/* How many waiting tickets all seeks so far have looked at: what searching costs. */
uint64_t line_examined(const struct line *line);

#endif
