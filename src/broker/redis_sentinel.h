/* redis_sentinel.h - asks Sentinels which server is the master: https://redis.io/docs/reference/sentinel-clients/ */
#ifndef BROKER_REDIS_SENTINEL_H
#define BROKER_REDIS_SENTINEL_H

#include "redis_dial.h"

#include "base/redis_url.h"

/* Embedded in whoever asks. All members are redis_sentinel.c's, but for the first three: set them. */
struct redis_sentinel {
    void *context;
    void (*on_master)(void *context, const char *host, uint16_t port);
    void (*on_nobody)(void *context, const char *why);

    uv_loop_t *loop;
    struct redis_tls *tls;
    const struct redis_url *url;
    struct redis_dial dial;
    struct redis_wire *wire; /* to the one that is being asked */
    size_t at;               /* which that is: the last one that knew is asked first */
    size_t asked;
    unsigned ticks;
    bool dialing;
    bool authenticated;
    char host[REDIS_URL_TEXT_CHARS];      /* what it answered */
    uint16_t port;                        /* 0: nothing yet */
    char why[REDIS_DIAL_WHY_CHARS + 128]; /* with the name of the Sentinel */
};

/* Asks one Sentinel after the other. `tls` and `url` are borrowed until the answer. Returns false if none could even be
 * called; else either callback comes later. */
bool redis_sentinel_ask(struct redis_sentinel *sentinel, uv_loop_t *loop, struct redis_tls *tls,
                        const struct redis_url *url) __attribute__((warn_unused_result));
/* Once every REDIS_LINK_TICK_MS. */
void redis_sentinel_tick(struct redis_sentinel *sentinel);
/* At the end of each turn of the loop. */
void redis_sentinel_flush(struct redis_sentinel *sentinel);
/* No callback comes any more. */
void redis_sentinel_cancel(struct redis_sentinel *sentinel);

#endif
