/* ratelimit.c - token buckets as the generic cell rate algorithm. */
#include "ratelimit.h"

#include "ask.h"

enum { US_PER_MS = 1000, US_PER_S = 1000000 };

static int64_t interval_us(struct rate rate) {
    return US_PER_S / (int64_t)rate.per_second;
}

/* How far the theoretical arrival time may lie ahead of now: what is left of a burst. */
static int64_t tolerance_us(struct rate rate) {
    return interval_us(rate) * (rate.burst > 0 ? (int64_t)rate.burst - 1 : 0);
}

int64_t ratelimit_take(int64_t *tat_us, struct rate rate, int64_t now_us) {
    if (rate.per_second == 0)
        return 0;
    int64_t tat = *tat_us > now_us ? *tat_us : now_us;
    int64_t early = tat - tolerance_us(rate) - now_us;
    if (early > 0)
        return early;
    *tat_us = tat + interval_us(rate);
    return 0;
}

void ratelimit_message(struct core *core, struct session *session) {
    struct rate rate = core->options.message_rate;
    if (rate.per_second == 0)
        return;
    /* What has been read is served, whatever the bucket says; the next one waits until there is a token for it. */
    int64_t now_us = core_now(core) * US_PER_MS;
    int64_t tat = session->messages_tat_us > now_us ? session->messages_tat_us : now_us;
    session->messages_tat_us = tat + interval_us(rate);
    int64_t early = session->messages_tat_us - tolerance_us(rate) - now_us;
    if (early <= 0)
        return;
    if (session->throttle.place == 0) {
        struct action *action = ask_action(core, ACTION_PAUSE);
        action->conn = session->conn;
        action->pause.paused = true;
    }
    heap_set(&core->throttles, &session->throttle, core_now(core) + (early + US_PER_MS - 1) / US_PER_MS);
}

void ratelimit_release(struct core *core, struct session *session) {
    struct action *action = ask_action(core, ACTION_PAUSE);
    action->conn = session->conn;
    action->pause.paused = false;
}

bool ratelimit_find(struct core *core, struct session *session) {
    int64_t wait_us = ratelimit_take(&session->finds_tat_us, core->options.find_rate, core_now(core) * US_PER_MS);
    if (wait_us == 0)
        return true;
    struct server_frame *frame = ask_tell(core, session, SERVER_ERROR);
    frame->error.code = ERROR_RATE_LIMITED;
    frame->error.retry_ms = (uint32_t)((wait_us + US_PER_MS - 1) / US_PER_MS);
    return false;
}
