/* talk.c - one chat over whatever connections it takes.
 *
 * Flow:  talk_init() or talk_resumed() say that the current connection holds the chat → talk_heard() takes its
 *        frames → talk_flush(), at the end of each turn, sends what is due → talk_detach() when the connection is gone.
 * Fails: what is unacknowledged is sent again on `resumed`, `back`, `sync`, and after RESEND_MS with the stranger here;
 *        a connection that stays silent meanwhile is suspected, and renewed. A node that has forgotten the chat
 *        (`not_in_chat`) loses its connection, so that the chat is resumed. */
#include "talk.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum {
    RESEND_MS = 10000,       /* PROTOCOL.md, "What a reliable client does", 3 */
    ACK_EVERY_MS = 150,      /* the first at once, the next after so long, or after half a window: rule 2 allows 200 */
    HOLD_MS = 1000,          /* messages are held back after a refusal that gives no time */
    LONGEST_HOLD_MS = 60000, /* the longest that a node is believed */
    TYPING_STALE_MS = 20000, /* typing without a word has stopped: the frame that says so is never repeated */
    TYPING_AGAIN_MS = 5000,  /* typing that goes on is said again so often */
    SILENT_ROUNDS = 2,       /* of sending again make the connection suspect; twice as many after each suspicion */
};

static char *copy(struct text text) {
    return memory_copy(text.at, text.length);
}

void talk_init(struct talk *talk, struct output *out, const struct heard *matched, int64_t now_ms) {
    *talk = (struct talk){
        .out = out,
        .id = copy(matched->chat),
        .token = copy(matched->resume),
        .reliable = matched->reliable,
        .attached = true,
        .here = true,
        .ack_ms = now_ms - ACK_EVERY_MS,
        .hold_until_ms = TALK_NEVER,
        .typing_until_ms = TALK_NEVER,
        .heard_ms = now_ms,
        .patience_rounds = SILENT_ROUNDS,
    };
    backlog_init(&talk->backlog);
}

void talk_fini(struct talk *talk) {
    free(talk->id);
    free(talk->token);
    backlog_fini(&talk->backlog);
    *talk = (struct talk){0};
}

/* --- what is told ------------------------------------------------------------------------------------------------- */

static void set_typing(struct talk *talk, bool on) {
    if (!on)
        talk->typing_until_ms = TALK_NEVER;
    if (talk->typing == on)
        return;
    talk->typing = on;
    output_notice(talk->out, NOTICE_TYPING)->on = on;
}

static void set_here(struct talk *talk, bool here, uint64_t grace_ms) {
    talk->here = here;
    struct notice *notice = output_notice(talk->out, NOTICE_STRANGER);
    notice->on = here;
    notice->number = here ? 0 : grace_ms;
}

static void refuse(struct talk *talk, uint64_t seq, struct text code) {
    if (!backlog_refuse(&talk->backlog, seq))
        return;
    struct notice *notice = output_notice(talk->out, NOTICE_REFUSED);
    notice->number = seq;
    output_text(notice, code);
}

/* --- connections -------------------------------------------------------------------------------------------------- */

void talk_resumed(struct talk *talk, const struct heard *resumed, int64_t now_ms) {
    free(talk->token);
    talk->token = copy(resumed->resume);
    talk->reliable = resumed->reliable;
    talk->attached = true;
    talk->typing_said = false;
    talk->heard_ms = now_ms;
    backlog_rewind(&talk->backlog, 0);
    output_notice(talk->out, NOTICE_RESUMED);
    set_here(talk, resumed->here, resumed->grace_ms);
}

void talk_detach(struct talk *talk) {
    talk->attached = false;
    talk->hold_until_ms = TALK_NEVER;
    set_typing(talk, false);
}

/* --- what we say -------------------------------------------------------------------------------------------------- */

bool talk_fits(struct text body, const struct limits *limits) {
    if (body.length > limits->body_bytes)
        return false;
    char *frame = frames_msg(MAX_SEQ, body);
    bool fits = strlen(frame) <= limits->frame_bytes;
    free(frame);
    return fits;
}

void talk_refit(struct talk *talk, const struct limits *limits) {
    static const struct text code = {"too_long", 8};
    for (size_t i = 0; i < talk->backlog.count; i++)
        if (!talk_fits(talk->backlog.kept[i].body, limits))
            refuse(talk, talk->backlog.oldest + i, code);
}

uint64_t talk_say(struct talk *talk, struct text body) {
    talk->typing_said = false;
    return backlog_say(&talk->backlog, body);
}

void talk_typing(struct talk *talk, bool on, int64_t now_ms) {
    bool stale = !talk->typing_said || now_ms - talk->typing_said_ms >= TYPING_AGAIN_MS;
    if (!talk->attached || (on ? !stale : !talk->typing_said))
        return;
    output_send(talk->out, frames_typing(on));
    talk->typing_said = on;
    talk->typing_said_ms = now_ms;
}

/* --- what we hear ------------------------------------------------------------------------------------------------- */

static void take_message(struct talk *talk, const struct heard *msg) {
    if (talk->reliable) {
        talk->ack_due = true;
        if (msg->seq != talk->received + 1)
            return;
        talk->received = msg->seq;
    }
    set_typing(talk, false);
    output_text(output_notice(talk->out, NOTICE_MESSAGE), msg->body);
}

static void take_ack(struct talk *talk, uint64_t seq) {
    if (!backlog_acknowledged(&talk->backlog, seq))
        return;
    talk->patience_rounds = SILENT_ROUNDS;
    talk->hold_until_ms = TALK_NEVER;
    output_notice(talk->out, NOTICE_DELIVERED)->number = seq;
}

static bool is_hopeless(struct text code) {
    static const char *const words[] = {"too_long", "bad_field", "bad_json"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(code.at, words[i]) == 0)
            return true;
    return false;
}

static bool take_error(struct talk *talk, const struct heard *error, int64_t now_ms) {
    if (strcmp(error->code.at, "not_in_chat") == 0) {
        talk->out->wishes |= WISH_DROP;
        return true;
    }
    if (error->seq == 0)
        return false;
    if (is_hopeless(error->code)) {
        refuse(talk, error->seq, error->code);
        return true;
    }
    bool gap = strcmp(error->code.at, "bad_seq") == 0;
    talk->backlog.careful |= gap;
    backlog_rewind(&talk->backlog, gap ? 0 : error->seq);
    if (talk->hold_until_ms == TALK_NEVER) {
        uint64_t wait_ms = error->retry_ms == 0 ? HOLD_MS : error->retry_ms;
        talk->hold_until_ms = now_ms + (int64_t)(wait_ms < LONGEST_HOLD_MS ? wait_ms : LONGEST_HOLD_MS);
    }
    return true;
}

bool talk_heard(struct talk *talk, const struct heard *heard, int64_t now_ms) {
    talk->heard_ms = now_ms;
    switch (heard->kind) {
    case SERVER_MSG: take_message(talk, heard); return true;
    case SERVER_ACK: take_ack(talk, heard->seq); return true;
    case SERVER_SYNC: backlog_rewind(&talk->backlog, 0); return true;
    case SERVER_ERROR: return take_error(talk, heard, now_ms);
    case SERVER_TYPING:
        talk->typing_until_ms = now_ms + TYPING_STALE_MS;
        set_typing(talk, heard->on);
        return true;
    case SERVER_AWAY:
        set_typing(talk, false);
        set_here(talk, false, heard->grace_ms);
        return true;
    case SERVER_BACK:
        backlog_rewind(&talk->backlog, 0);
        set_typing(talk, false);
        set_here(talk, true, 0);
        return true;
    default: return false;
    }
}

/* --- what is due -------------------------------------------------------------------------------------------------- */

void talk_flush_ack(struct talk *talk, int64_t now_ms) {
    if (!talk->ack_due || !talk->attached)
        return;
    talk->ack_due = false;
    talk->ack_ms = now_ms;
    talk->acknowledged = talk->received;
    output_send(talk->out, frames_ack(talk->received));
}

void talk_flush(struct talk *talk, const struct limits *limits, int64_t now_ms) {
    bool many = talk->received - talk->acknowledged >= (limits->window + 1) / 2; /* the stranger may be out of window */
    if (many || now_ms >= talk->ack_ms + ACK_EVERY_MS)
        talk_flush_ack(talk, now_ms);
    if (talk->hold_until_ms != TALK_NEVER)
        return;
    uint64_t seq;
    const struct kept *due = backlog_due(&talk->backlog, limits->window, now_ms, &seq);
    for (; due != NULL; due = backlog_due(&talk->backlog, limits->window, now_ms, &seq))
        output_send(talk->out, frames_msg(seq, due->body));
}

/* When the oldest unacknowledged message has waited long enough. */
static int64_t resend_ms(const struct talk *talk) {
    if (!talk->attached || !talk->here || !backlog_in_flight(&talk->backlog))
        return INT64_MAX;
    return talk->backlog.kept[0].sent_ms + RESEND_MS;
}

static void resend(struct talk *talk) {
    bool heard = talk->heard_ms > talk->backlog.kept[0].sent_ms;
    backlog_rewind(&talk->backlog, 0);
    talk->silent_rounds = heard ? 0 : talk->silent_rounds + 1;
    if (talk->silent_rounds < talk->patience_rounds)
        return;
    talk->silent_rounds = 0;
    talk->patience_rounds *= 2;
    talk->out->wishes |= WISH_RENEW;
}

void talk_tick(struct talk *talk, int64_t now_ms) {
    if (talk->hold_until_ms != TALK_NEVER && talk->hold_until_ms <= now_ms)
        talk->hold_until_ms = TALK_NEVER;
    if (talk->typing_until_ms != TALK_NEVER && talk->typing_until_ms <= now_ms)
        set_typing(talk, false);
    if (resend_ms(talk) <= now_ms)
        resend(talk);
}

int64_t talk_next_ms(const struct talk *talk) {
    int64_t next = resend_ms(talk);
    int64_t others[] = {
        talk->hold_until_ms,
        talk->typing_until_ms,
        talk->ack_due && talk->attached ? talk->ack_ms + ACK_EVERY_MS : TALK_NEVER,
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i] != TALK_NEVER && others[i] < next)
            next = others[i];
    return next;
}
