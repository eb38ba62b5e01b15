/* redis_target.h - one Redis of the configuration: where it is, how to speak to it, and what is wrong with it.
 *
 * Shared by all links of one broker to it, so that a cause is counted for each link, but logged once. */
#ifndef BROKER_REDIS_TARGET_H
#define BROKER_REDIS_TARGET_H

#include "passerby/log.h"
#include "passerby/redis_broker.h"

#include "base/redis_url.h"

struct redis_tls;

enum { REDIS_COMPLAINTS = 4 }; /* causes of one trouble that are told apart: links and commands have their own */

struct redis_target {
    struct redis_url url;
    char text[REDIS_URL_TEXT_CHARS]; /* the URL without its secrets, for the log */
    struct redis_tls *tls;           /* NULL: plain */
    struct log *log;                 /* borrowed */
    uint64_t *errors;                /* by enum redis_trouble; borrowed */
    enum redis_trouble trouble;      /* the latest; NONE: none since it was praised, or for a minute */
    unsigned ticks;                  /* of REDIS_LINK_TICK_MS: its clock */
    unsigned trouble_ticks;          /* when the latest came */
    struct redis_complaint {
        unsigned ticks; /* when it came last */
        char why[96];   /* of PERMISSION and OTHER, which have many causes; "" = not logged lately */
    } complaints[REDIS_TROUBLES][REDIS_COMPLAINTS];
};

/* `what` is the option, for the error. Fill or not, redis_target_fini() is harmless. */
bool redis_target_init(struct redis_target *target, const char *what, const char *url,
                       const struct redis_broker_options *options, uint64_t *errors, char *error, size_t error_size)
    __attribute__((warn_unused_result));
void redis_target_fini(struct redis_target *target);

/* Once every REDIS_LINK_TICK_MS. */
void redis_target_tick(struct redis_target *target);

/* Something is wrong: counts it, and logs it unless the same was logged since the target was praised, or within the
 * last minute. `link` names the connection, `why` is what was said. */
void redis_target_trouble(struct redis_target *target, enum redis_trouble trouble, const char *link, const char *why);

/* It is fit for use: what goes wrong from now on is news. */
void redis_target_praise(struct redis_target *target);

/* What an error answer means. */
enum redis_trouble redis_trouble_of(const char *error);

#endif
