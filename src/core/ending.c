/* ending.c - tells that a chat is over, even if this node is cut off just then.
 *
 * Flow:   END to the register first, so that a resume which asks it later learns how; then ENDED to the stranger's
 *         session.
 * Fails:  neither is answered. So each end is remembered: for FAREWELL_MS, as a link can be dead for so long before
 *         that is noticed, and for as long as this node is cut off. Then all of it is said again; twice does no harm.
 *         Beyond FAREWELLS the oldest are forgotten: their strangers hear `away`, and `lost` after the grace.
 *         The word of a match comes twice, and the second time after a resume has taken our side to another session of this
 *         node: that looks like a match for somebody who has left, until LOOKUP shows it. Nobody is told any more.
 *         A resume has moved our side to a session that is gone, or waits for the answer in vain → the end is said for
 *         that place, too.
 *         The stranger has moved since, or a match was given up while nobody could say whether it was made: LOOKUP says
 *         who has to be told.
 *         A resume has moved our side to a session of another node meanwhile → the register listens to that one only. So
 *         who hears ENDED from elsewhere than from where they know the other side to be says the end as well.
 *         A failover has taken the register back to when our side was elsewhere → it is told where we are first (HOLD):
 *         until all have been told again (chat.c), and when LOOKUP shows it.
 *         A HOLD that crossed with an end may make the chat again in a register that had forgotten it. If its answer
 *         comes after ENDED, it finds nobody here, and the end is said again; if it comes before, who hears ENDED says
 *         the end as well (shortly after LINK_RESUMED, when such things happen).
 * Owns:   core->farewells. */
#include "ending.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "session.h"

#include "base/memory.h"

enum { FAREWELLS = 4096, FAREWELL_MS = 30000 };

struct farewell {
    struct list link;
    int64_t at_ms;
    struct ending ending;
};

static void tell_peer(struct core *core, const struct ending *ending) {
    struct peer_frame *frame = ask_peer(core, PEER_ENDED, ending->peer, ending->at);
    frame->chat = ending->chat;
    frame->side = ending->side;
    frame->fence = ending->fence;
    frame->ended.how = ending->how;
}

static void say(struct core *core, const struct ending *ending) {
    ask_broker(core, BROKER_END, ending->at, ending->chat)->end = ending->how;
    if (ending->ask)
        ask_broker(core, BROKER_LOOKUP, ending->at, ending->chat);
    tell_peer(core, ending);
}

static struct farewell *oldest(struct core *core) {
    return list_entry(core->farewells.next, struct farewell, link);
}

static void forget_oldest(struct core *core) {
    struct farewell *farewell = oldest(core);
    list_remove(&farewell->link);
    core->farewell_count--;
    free(farewell);
}

static void forget_before(struct core *core, int64_t at_ms) {
    while (!list_empty(&core->farewells) && oldest(core)->at_ms < at_ms)
        forget_oldest(core);
}

/* What is surely said by now need not be remembered. */
static void forget_said(struct core *core) {
    forget_before(core, (core->cut_off ? core->cut_off_ms : core_now(core)) - FAREWELL_MS);
}

static void remember(struct core *core, const struct ending *ending) {
    forget_said(core);
    if (core->farewell_count == FAREWELLS)
        forget_oldest(core);
    struct farewell *farewell = memory_zero(1, sizeof *farewell);
    farewell->at_ms = core_now(core);
    farewell->ending = *ending;
    list_append(&core->farewells, &farewell->link);
    core->farewell_count++;
}

void ending_say(struct core *core, const struct ending *ending) {
    say(core, ending);
    remember(core, ending);
}

/* Was it said by a place that their side has left, as far as we know, or for one that we don't know? */
static bool is_from_elsewhere(const struct chat *chat, const struct peer_frame *frame) {
    return frame->fence != chat->peer.fence || !address_equal(frame->from, chat->peer.at);
}

void ending_heard(struct core *core, const struct session *session, const struct peer_frame *frame) {
    const struct chat *chat = session->chat;
    struct ending ending = {.at = session_address(core, session),
                            .chat = chat->id,
                            .side = chat->side,
                            .fence = chat->fence,
                            .how = frame->ended.how};
    remember(core, &ending);
    bool is_unsettled = core->settled_ms != 0 && core_now(core) - core->settled_ms < FAREWELL_MS;
    if (is_unsettled || is_from_elsewhere(chat, frame))
        say(core, &ending);
}

void ending_repeat(struct core *core) {
    forget_said(core);
    for (struct list *link = core->farewells.next; link != &core->farewells; link = link->next) {
        struct farewell *farewell = list_entry(link, struct farewell, link);
        farewell->at_ms = core_now(core); /* this may be lost as well */
        farewell->ending.ask = true;      /* they may have moved since */
        say(core, &farewell->ending);
    }
}

static struct ending *find(struct core *core, struct address at, struct chat_id chat) {
    for (struct list *link = core->farewells.next; link != &core->farewells; link = link->next) {
        struct ending *ending = &list_entry(link, struct farewell, link)->ending;
        if (chat_id_equal(ending->chat, chat) && address_equal(ending->at, at))
            return ending;
    }
    return NULL;
}

/* A resume has taken our side to another session of this node, which has the chat: that one will say when it is over. */
static bool goes_on_here(const struct core *core, const struct broker_event *event, const struct ending *ending) {
    const struct session *there = session_at(core, event->chat_state.record.party[ending->side].at);
    return event->status == BROKER_OK && session_has_chat(there, ending->chat);
}

/* The register listens to the present place of a side alone. A resume may have moved ours to yet another session of this
 * node, which does not have the chat, as the answer was lost; then that place says it. And a failover may have taken the
 * register back to before our side came here; then it is told that first. */
static void end_as_present_place(struct core *core, const struct broker_event *event, const struct ending *ending) {
    const struct party *party = event->chat_state.record.party;
    struct address at = party[ending->side].at;
    bool is_here = at.boot == core->options.boot;
    if (!is_here && party[ending->side].fence < ending->fence) {
        struct broker_request *request = ask_broker(core, BROKER_HOLD, ending->at, ending->chat);
        memcpy(request->hold.party, party, sizeof request->hold.party);
        request->hold.party[ending->side].at = ending->at;
        request->hold.party[ending->side].fence = ending->fence;
    }
    ask_broker(core, BROKER_END, is_here ? at : ending->at, ending->chat)->end = ending->how;
}

void ending_found(struct core *core, const struct broker_event *event) {
    bool is_known = event->status == BROKER_OK || event->status == BROKER_OVER;
    struct ending *ending = is_known ? find(core, event->to, event->chat) : NULL;
    if (ending == NULL || goes_on_here(core, event, ending))
        return;
    if (event->status == BROKER_OK)
        end_as_present_place(core, event, ending);
    if (ending->ask) {
        const struct party *party = event->chat_state.record.party;
        ending->ask = false;
        if (party[0].at.boot != 0 || party[1].at.boot != 0) { /* of an ended chat that may not be known */
            ending->peer = party[side_other(ending->side)].at;
            ending->fence = party[ending->side].fence;
        }
        tell_peer(core, ending);
    }
}

void ending_init(struct core *core) {
    list_init(&core->farewells);
}

void ending_fini(struct core *core) {
    forget_before(core, INT64_MAX);
}
