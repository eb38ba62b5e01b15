/* sync.c - whoever may have lost frames says so; and what the broker may have forgotten, it is told again.
 *
 * Flow:      LINK_RESUMED, or a gap in our own loop → within TELL_MS every session tells how it stands: who waits SEEKs
 *            again, who has a chat HOLDs it. If the stranger is on another node: SYNC there, which is answered STATE
 *            (or GONE, see register.c; or by nobody: they are away, and asked again, chat.c), and `sync` to our own
 *            client. What was said of ends is said again (ending.c). After a gap our sockets are read first: our side
 *            may have gone elsewhere, and what is told of a chat that is over would make it anew in a register that
 *            has forgotten it.
 *            Every RENEW_MS each chat is held once more, as its lease would run out.
 * Fails:     while this node is cut off it accuses nobody, and every grace stands still (core_heard_ms()). Cut off for
 *            ELSEWHERE_AFTER_MS: clients whose strangers are on other nodes are asked to reconnect, which may bring
 *            them to a node that is not.
 * Extending: whatever else a broker may forget belongs in tell(). */
#include "sync.h"

#include "ask.h"
#include "chat.h"
#include "delivery.h"
#include "ending.h"
#include "pairing.h"
#include "peer.h"
#include "resume.h"
#include "session.h"

enum {
    GAP_MS = 1000, /* after a gap of so long in our own loop others may have given us up */
    TELL_MS = 1000,
    RENEW_MS = 3600 * 1000,
    RENEW_SPREAD_MS = 60 * 1000,
    HOLD_AGAIN_MS = 5000,
    ELSEWHERE_AFTER_MS = 20000,
    ELSEWHERE_SPREAD_MS = 10000,
    PART_MS = 50, /* between two parts of a walk */
};

/* --- walks over the slots ----------------------------------------------------------------------------------------- */

static void walk_stop(struct walk *walk) {
    *walk = (struct walk){.due_ms = INT64_MAX};
}

/* Begins a walk at that time, or anew when the one that is going on is done. */
static void walk_begin(struct walk *walk, int64_t at_ms) {
    if (walk->end > 0)
        walk->again = true;
    else if (at_ms < walk->due_ms)
        walk->due_ms = at_ms;
}

/* Takes the next part of a walk that takes `spread_ms` in all. Returns true when that was the last. */
static bool walk_part(struct core *core, struct walk *walk, uint32_t spread_ms,
                      void (*each)(struct core *core, struct session *session)) {
    if (walk->end == 0)
        walk->end = core->slot_count;
    uint32_t part = walk->end / (spread_ms / PART_MS) + 1;
    for (; part > 0 && walk->next < walk->end; part--) {
        struct session *session = session_of_slot(core, walk->next++);
        if (session != NULL)
            each(core, session);
    }
    walk->due_ms = core_now(core) + PART_MS;
    return walk->next == walk->end;
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

static bool is_elsewhere(const struct core *core, const struct chat *chat) {
    return chat->peer.at.boot != 0 && chat->peer.at.boot != core->options.boot;
}

static void tell(struct core *core, struct session *session) {
    const struct chat *chat = session->chat;
    if (chat == NULL) {
        pairing_tell(core, session);
        return;
    }
    ask_hold(core, session);
    if (!is_elsewhere(core, chat)) {
        peer_check_here(core, session);
        return;
    }
    if (session->state == SESSION_GREETING) {
        ask_peer_of(core, PEER_REBOUND, session);
        return;
    }
    chat_ask_state(core, session);
    if (chat->peer_here)
        delivery_resync(core, session);
}

static void renew(struct core *core, struct session *session) {
    if (session->chat != NULL)
        ask_hold(core, session);
}

static void tell_part(struct core *core) {
    if (!walk_part(core, &core->telling, TELL_MS, tell))
        return;
    bool again = core->telling.again;
    walk_stop(&core->telling);
    if (again)
        walk_begin(&core->telling, core_now(core));
}

static void renew_part(struct core *core) {
    if (!walk_part(core, &core->renewing, RENEW_SPREAD_MS, renew))
        return;
    bool again = core->renewing.again;
    walk_stop(&core->renewing);
    if (again)
        walk_begin(&core->renewing, core_now(core) + HOLD_AGAIN_MS);
    else if (core_gauges(core).chatting > 0)
        walk_begin(&core->renewing, core_now(core) + RENEW_MS);
}

void sync_chat_opened(struct core *core) {
    if (core->renewing.due_ms == INT64_MAX)
        walk_begin(&core->renewing, core_now(core) + RENEW_MS);
}

void sync_hold_again(struct core *core) {
    if (!core->cut_off)
        walk_begin(&core->renewing, core_now(core) + HOLD_AGAIN_MS);
}

/* --- the link ----------------------------------------------------------------------------------------------------- */

/* Sets the deadlines of all chats to what counts now that frames may be lost, or may have been. */
static void set_deadlines(struct core *core) {
    for (uint32_t i = 0; i < core->slot_count; i++) {
        struct session *session = session_of_slot(core, i);
        if (session == NULL || session->chat == NULL)
            continue;
        session->chat->outdated = true;
        chat_set_timer(core, session);
    }
}

/* Lets everybody tell, and nobody's grace end before they all have. */
static void begin_telling(struct core *core, int64_t at_ms) {
    core->settled_ms = core_now(core) + SETTLE_MS;
    set_deadlines(core);
    walk_begin(&core->telling, at_ms);
}

void sync_link_lost(struct core *core) {
    if (core->cut_off)
        return;
    core->cut_off = true;
    core->cut_off_ms = core_now(core);
    core->elsewhere_ms = core_now(core) + ELSEWHERE_AFTER_MS;
    walk_stop(&core->telling);
    walk_stop(&core->renewing);
    set_deadlines(core);
}

void sync_link_resumed(struct core *core) {
    ending_repeat(core);
    if (core->cut_off)
        core->deaf_ms += core_now(core) - core->cut_off_ms;
    core->cut_off = false;
    core->elsewhere_ms = INT64_MAX;
    for (uint32_t i = 0; i < core->slot_count; i++) {
        struct session *session = session_of_slot(core, i);
        if (session == NULL)
            continue;
        resume_link_resumed(core, session);
        session->sent_elsewhere = false;
        pairing_link_resumed(core, session);
    }
    begin_telling(core, core_now(core));
    walk_stop(&core->renewing); /* what is told now need not be renewed soon */
    walk_begin(&core->renewing, core_now(core) + RENEW_MS);
}

void sync_shifted(struct core *core, int64_t gap_ms) {
    if (core->cut_off)
        return;
    core->deaf_ms += gap_ms;
    if (gap_ms < GAP_MS)
        return;
    ending_repeat(core);
    begin_telling(core, core_now(core) + CATCH_UP_MS);
}

/* --- cut off for long --------------------------------------------------------------------------------------------- */

static void send_elsewhere(struct core *core, struct session *session) {
    if (session->sent_elsewhere || session->conn == 0 || core->draining)
        return;
    session->sent_elsewhere = true;
    session_ask_to_reconnect(core, session, ELSEWHERE_SPREAD_MS);
}

static void send_all_elsewhere(struct core *core) {
    core->elsewhere_ms = INT64_MAX;
    for (uint32_t i = 0; i < core->slot_count; i++) {
        struct session *session = session_of_slot(core, i);
        if (session == NULL)
            continue;
        bool apart = session->state == SESSION_CHATTING && is_elsewhere(core, session->chat);
        if (apart || session->state == SESSION_REBINDING)
            send_elsewhere(core, session);
    }
}

void sync_send_elsewhere(struct core *core, struct session *session) {
    if (core->cut_off && core->elsewhere_ms == INT64_MAX)
        send_elsewhere(core, session);
}

/* --- time --------------------------------------------------------------------------------------------------------- */

void sync_init(struct core *core) {
    core->elsewhere_ms = INT64_MAX;
    walk_stop(&core->telling);
    walk_stop(&core->renewing);
}

void sync_tick(struct core *core) {
    if (core->telling.due_ms <= core_now(core))
        tell_part(core);
    if (core->renewing.due_ms <= core_now(core))
        renew_part(core);
    if (core->elsewhere_ms <= core_now(core))
        send_all_elsewhere(core);
}

static int64_t earlier(int64_t a, int64_t b) {
    return a < b ? a : b;
}

int64_t sync_deadline(const struct core *core) {
    return earlier(core->elsewhere_ms, earlier(core->telling.due_ms, core->renewing.due_ms));
}
