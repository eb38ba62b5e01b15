/* visit.c - the reliable client.
 *
 * Flow:  visit_find() and visit_leave() say what is wanted. visit_reconcile(), at the end of each turn, compares that
 *        with what the node is known to think, and asks for the next step: one request (resume, find, leave) at a time,
 *        so that every answer tells what it answers.
 * Fails: a new connection knows nothing: visit_greeted() forgets what was asked, and visit_reconcile() resumes and asks
 *        again. A request that is refused for now is asked again when the node says; one that is not answered costs the
 *        connection. What the node should not have said is ignored, with a notice.
 * Owns:  the chat, and the token of the one that was left but that the node has not confirmed. */
#include "visit.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    ANSWER_MS = 20000,        /* a request may stay unanswered so long before the connection is given up */
    RETRY_MS = 1000,          /* after a refusal that gives no time */
    LONGEST_RETRY_MS = 60000, /* the longest that a node is believed */
    CLOSE_CODE_SUPERSEDED = 4501,
};

static const struct limits default_limits = {.body_bytes = 2000, .frame_bytes = 16384, .window = 32};

void visit_init(struct visit *visit, const struct criteria *criteria) {
    *visit = (struct visit){.criteria = criteria, .limits = default_limits, .retry_ms = TALK_NEVER};
    output_init(&visit->out);
}

static void forget_parting(struct visit *visit) {
    free(visit->parting_id);
    free(visit->parting_token);
    visit->parting_id = visit->parting_token = NULL;
}

void visit_fini(struct visit *visit) {
    if (visit->talking)
        talk_fini(&visit->talk);
    forget_parting(visit);
    free(visit->last_token);
    output_fini(&visit->out);
}

static struct text text_of(const char *string) {
    return (struct text){string, strlen(string)};
}

static bool equals(struct text text, const char *string) {
    return text.length == strlen(string) && memcmp(text.at, string, text.length) == 0;
}

/* --- chats -------------------------------------------------------------------------------------------------------- */

/* The chat is over. */
static struct notice *end_talk(struct visit *visit, enum notice_type type) {
    struct notice *notice = output_notice(&visit->out, type);
    if (!visit->talking)
        return notice;
    notice->number = visit->talk.backlog.count;
    visit->talking = false;
    talk_fini(&visit->talk);
    return notice;
}

static void end_talk_because(struct visit *visit, struct text reason) {
    output_text(end_talk(visit, NOTICE_ENDED), reason);
}

static void part_from(struct visit *visit, struct text id, struct text token) {
    forget_parting(visit);
    visit->parting_id = memory_copy(id.at, id.length);
    visit->parting_token = memory_copy(token.at, token.length);
}

/* The person leaves the chat: nothing more is sent or heard of it. The node has yet to be told. */
static void part(struct visit *visit, int64_t now_ms) {
    if (!visit->talking)
        return;
    if (visit->connected && visit->asked == REQUEST_NONE)
        talk_flush_ack(&visit->talk, now_ms); /* what was shown is not to count as lost */
    part_from(visit, text_of(visit->talk.id), text_of(visit->talk.token));
    end_talk_because(visit, text_of("you_left"));
}

/* --- the person --------------------------------------------------------------------------------------------------- */

static void want(struct visit *visit, bool again, int64_t now_ms) {
    part(visit, now_ms);
    visit->wanted = true;
    visit->wants_again = again;
    visit->out.wishes |= WISH_OPEN;
}

void visit_find(struct visit *visit, int64_t now_ms) {
    want(visit, false, now_ms);
}

bool visit_again(struct visit *visit, int64_t now_ms) {
    if (visit->talking || visit->last_token == NULL || now_ms - visit->last_ms >= (int64_t)visit->again_ms)
        return false;
    want(visit, true, now_ms);
    return true;
}

void visit_leave(struct visit *visit, int64_t now_ms) {
    part(visit, now_ms);
    visit->wanted = false;
}

uint64_t visit_say(struct visit *visit, struct text body) {
    assert(visit->talking && body.length > 0);
    return talk_say(&visit->talk, body);
}

bool visit_is_over(const struct visit *visit) {
    return !visit->wanted && !visit->queued && !visit->talking && visit->parting_id == NULL &&
           visit->asked == REQUEST_NONE;
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static void ask(struct visit *visit, enum visit_request what, char *frame, int64_t now_ms) {
    visit->asked = what;
    visit->answer_by_ms = now_ms + ANSWER_MS;
    output_send(&visit->out, frame);
}

/* The request has been answered, or refused. */
static void answered(struct visit *visit) {
    visit->asked = REQUEST_NONE;
    visit->out.wishes |= WISH_SETTLE;
}

/* A node that doesn't know `again` would look for anybody. */
static void ask_to_find(struct visit *visit, int64_t now_ms) {
    if (visit->wants_again && visit->again_ms == 0) {
        visit->wanted = false;
        output_text(output_notice(&visit->out, NOTICE_REFUSED), text_of("this node can't find somebody again"));
        return;
    }
    visit->sought_again = visit->wants_again;
    ask(visit, REQUEST_FIND, visit->wants_again ? frames_find_again(visit->last_token) : frames_find(visit->criteria),
        now_ms);
}

/* Is it in the line for nothing, or for somebody else than is wanted? */
static bool is_misplaced(const struct visit *visit) {
    return visit->queued && (!visit->wanted || visit->wants_again != visit->sought_again);
}

static void forget_last(struct visit *visit) {
    free(visit->last_token);
    visit->last_token = NULL;
}

void visit_reconcile(struct visit *visit, int64_t now_ms) {
    if (!visit->connected || visit->asked != REQUEST_NONE)
        return;
    bool paused = visit->retry_ms != TALK_NEVER;
    if ((visit->talking || visit->parting_id != NULL) && !visit->bound) {
        if (!paused)
            ask(visit, REQUEST_RESUME, frames_resume(visit->talking ? visit->talk.token : visit->parting_token),
                now_ms);
    } else if (visit->talking) {
        talk_flush(&visit->talk, &visit->limits, now_ms);
    } else if (visit->wanted && !visit->queued) {
        if (!paused)
            ask_to_find(visit, now_ms);
    } else if (visit->parting_id != NULL || is_misplaced(visit)) {
        ask(visit, REQUEST_LEAVE, frames_leave(), now_ms);
    } else {
        visit->out.wishes |= WISH_SETTLE;
    }
}

/* --- the connection ----------------------------------------------------------------------------------------------- */

void visit_lost(struct visit *visit) {
    visit->connected = visit->bound = visit->queued = false;
    visit->asked = REQUEST_NONE;
    visit->retry_ms = TALK_NEVER;
    output_forget_frames(&visit->out);
    if (visit->talking)
        talk_detach(&visit->talk);
}

void visit_refused(struct visit *visit, uint64_t close_code) {
    visit_lost(visit);
    visit->wanted = false;
    forget_parting(visit);
    forget_last(visit);
    if (visit->talking && close_code != CLOSE_CODE_SUPERSEDED)
        end_talk_because(visit, text_of("closed"));
    end_talk(visit, NOTICE_CLOSED)->number = close_code;
}

void visit_greeted(struct visit *visit, const struct heard *hello) {
    visit_lost(visit);
    if (hello->version != 1) {
        visit->out.wishes |= WISH_SHUT;
        visit_refused(visit, 0);
        return;
    }
    visit->connected = true;
    visit->again_ms = hello->again_ms;
    visit->limits = (struct limits){hello->max_body, hello->max_frame, hello->window};
    if (visit->talking)
        talk_refit(&visit->talk, &visit->limits);
    output_notice(&visit->out, NOTICE_HELLO)->number = hello->online;
}

/* --- what the node says ------------------------------------------------------------------------------------------- */

static void ignore(struct visit *visit, const struct heard *heard) {
    static const char *const names[] = {
#define SERVER_NAME(name, t) t,
        SERVER_ROWS(SERVER_NAME)
#undef SERVER_NAME
    };
    output_text(output_notice(&visit->out, NOTICE_IGNORED), text_of(names[heard->kind]));
}

static void on_waiting(struct visit *visit, const struct heard *heard) {
    if (visit->asked != REQUEST_FIND) {
        ignore(visit, heard);
        return;
    }
    answered(visit);
    forget_parting(visit);
    visit->bound = false;
    visit->queued = true;
    if (visit->wanted)
        output_notice(&visit->out, NOTICE_WAITING)->on = visit->sought_again;
}

static void on_matched(struct visit *visit, const struct heard *heard, int64_t now_ms) {
    bool answers = visit->asked == REQUEST_FIND;
    if (!answers && !visit->queued) {
        ignore(visit, heard);
        return;
    }
    if (answers)
        answered(visit);
    visit->queued = false;
    visit->bound = true;
    forget_parting(visit);
    if (!visit->wanted || visit->asked == REQUEST_LEAVE) { /* it crossed with our `leave` */
        part_from(visit, heard->chat, heard->resume);
        return;
    }
    visit->wanted = false;
    visit->talking = true;
    forget_last(visit);
    visit->last_token = memory_copy(heard->resume.at, heard->resume.length);
    visit->last_ms = now_ms;
    talk_init(&visit->talk, &visit->out, heard, now_ms);
    struct notice *notice = output_notice(&visit->out, NOTICE_MATCHED);
    notice->on = heard->reliable;
    for (size_t i = 0; i < heard->topic_count; i++)
        output_text(notice, heard->topics[i]);
}

static void on_resumed(struct visit *visit, const struct heard *heard, int64_t now_ms) {
    const char *held = visit->talking ? visit->talk.id : visit->parting_id;
    if (visit->asked != REQUEST_RESUME || held == NULL || !equals(heard->chat, held)) {
        ignore(visit, heard);
        return;
    }
    answered(visit);
    visit->bound = true;
    if (visit->talking)
        talk_resumed(&visit->talk, heard, now_ms);
    else
        part_from(visit, heard->chat, heard->resume);
}

static void on_ended(struct visit *visit, const struct heard *heard) {
    bool resuming = visit->asked == REQUEST_RESUME;
    if ((!visit->talking && visit->parting_id == NULL) || !(visit->bound || resuming)) {
        ignore(visit, heard);
        return;
    }
    /* `leave` is answered by `you_left`; any other reason means that the chat was over before, and `idle` follows. */
    if (resuming || (visit->asked == REQUEST_LEAVE && equals(heard->reason, "you_left")))
        answered(visit);
    visit->bound = false;
    forget_parting(visit);
    if (visit->talking)
        end_talk_because(visit, heard->reason);
}

static void on_idle(struct visit *visit, const struct heard *heard) {
    if (visit->asked != REQUEST_LEAVE) {
        ignore(visit, heard);
        return;
    }
    answered(visit);
    visit->bound = visit->queued = false;
    forget_parting(visit);
}

/* A search or a resume that the node will not take, now or ever. */
static void on_refusal(struct visit *visit, const struct heard *heard, int64_t now_ms) {
    enum visit_request asked = visit->asked;
    answered(visit);
    if (equals(heard->code, "rate_limited") || equals(heard->code, "busy")) {
        uint64_t wait_ms = heard->retry_ms == 0 ? RETRY_MS : heard->retry_ms;
        visit->retry_ms = now_ms + (int64_t)(wait_ms < LONGEST_RETRY_MS ? wait_ms : LONGEST_RETRY_MS);
    } else if (asked == REQUEST_FIND) {
        visit->wanted = false;
        output_text(output_notice(&visit->out, NOTICE_REFUSED), heard->code);
    } else {
        forget_parting(visit);
        if (visit->talking)
            end_talk_because(visit, text_of("expired"));
    }
}

static void on_error(struct visit *visit, const struct heard *heard, int64_t now_ms) {
    if (visit->talking && visit->bound && talk_heard(&visit->talk, heard, now_ms))
        return;
    bool refusable = visit->asked == REQUEST_FIND || visit->asked == REQUEST_RESUME;
    if (heard->seq == 0 && refusable && !equals(heard->code, "not_in_chat"))
        on_refusal(visit, heard, now_ms);
    else
        ignore(visit, heard);
}

void visit_heard(struct visit *visit, const struct heard *heard, int64_t now_ms) {
    switch (heard->kind) {
    case SERVER_WAITING: on_waiting(visit, heard); break;
    case SERVER_MATCHED: on_matched(visit, heard, now_ms); break;
    case SERVER_RESUMED: on_resumed(visit, heard, now_ms); break;
    case SERVER_ENDED: on_ended(visit, heard); break;
    case SERVER_IDLE: on_idle(visit, heard); break;
    case SERVER_ERROR: on_error(visit, heard, now_ms); break;
    default:
        if (visit->talking && visit->bound && talk_heard(&visit->talk, heard, now_ms))
            break;
        if (visit->parting_id == NULL) /* else it belongs to the chat that was left */
            ignore(visit, heard);
    }
}

/* --- time --------------------------------------------------------------------------------------------------------- */

void visit_tick(struct visit *visit, int64_t now_ms) {
    if (visit->asked != REQUEST_NONE && visit->answer_by_ms <= now_ms)
        visit->out.wishes |= WISH_DROP;
    if (visit->retry_ms != TALK_NEVER && visit->retry_ms <= now_ms)
        visit->retry_ms = TALK_NEVER;
    if (visit->talking)
        talk_tick(&visit->talk, now_ms);
}

int64_t visit_next_ms(const struct visit *visit) {
    int64_t next = visit->talking ? talk_next_ms(&visit->talk) : INT64_MAX;
    if (visit->asked != REQUEST_NONE && visit->answer_by_ms < next)
        next = visit->answer_by_ms;
    if (visit->retry_ms != TALK_NEVER && visit->retry_ms < next)
        next = visit->retry_ms;
    return next;
}
