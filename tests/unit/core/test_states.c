/* test_states.c - every state × every event, by a table written by hand: the next state, and what is told. */
#include "rig.h"

/* --- the lawful changes ------------------------------------------------------------------------------------------- */

/* The states by letter, as in the tables below. Y: away; T: greeting. */
static const char letters[] = "FISWOGACYRT";

static const char *const may_follow[SESSION_STATES] = {
    [SESSION_FREE] = "I",         [SESSION_IDLE] = "FSR",       [SESSION_SEEKING] = "FWOGCI",
    [SESSION_WAITING] = "FSAI",   [SESSION_OFFERING] = "FCSGI", [SESSION_GIVING_UP] = "FCSI",
    [SESSION_ACCEPTING] = "FCSI", [SESSION_CHATTING] = "FIY",   [SESSION_AWAY] = "F",
    [SESSION_REBINDING] = "FTI",  [SESSION_GREETING] = "FCYI",
};

static void test_lawful_changes(void **state) {
    (void)state;
    assert_int_equal(strlen(letters), SESSION_STATES);
    for (int from = 0; from < SESSION_STATES; from++)
        for (int to = 0; to < SESSION_STATES; to++) {
            bool lawful = strchr(may_follow[from], letters[to]) != NULL;
            if (session_may_change((enum session_state)from, (enum session_state)to) != lawful)
                fail_msg("%c to %c", letters[from], letters[to]);
        }
}

/* --- a session in each state -------------------------------------------------------------------------------------- */

enum { CONN = 1 };

/* The columns: the states in which a session can be; r: rebinding, and its connection is gone. */
static const char columns[] = "ISWOGACYRTr";
enum { COLUMNS = sizeof columns - 1 };

static const struct claims token = {.chat = {5, 6},
                                    .side = SIDE_CANDIDATE,
                                    .reliable = true,
                                    .peer_reliable = true,
                                    .person = 12,
                                    .peer = STRANGER_PERSON};

static void answer_rebind(struct rig *rig, session_ref ref, enum broker_status status) {
    struct broker_event event =
        rig_rebound_event(rig_address(rig, ref), &token, 2, rig_stranger_party(true), (struct address){0});
    event.status = status;
    event.chat_state.record.ended = (struct tombstone){END_LEFT, SIDE_SEEKER};
    rig_broker(rig, event);
}

static void search_to(struct rig *rig, session_ref ref, char column) {
    rig_find(rig, ref, true);
    rig_skip(rig);
    if (column == 'S')
        return;
    rig_sought(rig, ref, column == 'W' || column == 'A' ? BROKER_NONE : BROKER_OK);
    rig_skip(rig);
    if (column == 'A')
        rig_offered(rig, ref, true);
    if (column == 'G')
        rig_wait(rig, OFFER_TIMEOUT_MS);
}

static session_ref session_in(struct rig *rig, char column) {
    session_ref ref = rig_open(rig, CONN);
    if (strchr("SWOGA", column) != NULL)
        search_to(rig, ref, column);
    if (strchr("CY", column) != NULL)
        rig_match(rig, ref, true, true);
    if (strchr("RTr", column) != NULL)
        rig_resume(rig, ref, &token);
    rig_skip(rig);
    if (column == 'T')
        answer_rebind(rig, ref, BROKER_OK);
    if (strchr("Yr", column) != NULL)
        rig_close(rig, ref, CONN);
    rig_skip(rig);
    return ref;
}

/* The chat that the session has, is making or is resuming; else some other. */
static struct chat_id chat_of(const struct rig *rig, session_ref ref) {
    const struct session *session = rig_session(rig, ref);
    switch (rig_state(rig, ref)) {
    case SESSION_SEEKING:
    case SESSION_OFFERING:
    case SESSION_GIVING_UP: return session->search->ticket.chat;
    case SESSION_ACCEPTING: return session->search->held_chat;
    case SESSION_CHATTING:
    case SESSION_AWAY:
    case SESSION_GREETING: return session->chat->id;
    case SESSION_REBINDING: return session->resume->claims.chat;
    default: return rig_offer_id();
    }
}

/* --- the events --------------------------------------------------------------------------------------------------- */

#define EVENT(name, ...)                                                                                               \
    static void name(struct rig *rig, session_ref ref) {                                                               \
        __VA_ARGS__;                                                                                                   \
    }

EVENT(find, rig_find(rig, ref, true))
EVENT(find_plain, rig_find(rig, ref, false))
EVENT(say, rig_say(rig, ref, 1, "hello"))
EVENT(ack, rig_ack(rig, ref, 0))
EVENT(ack_too_high, rig_ack(rig, ref, 9))
EVENT(type, rig_type(rig, ref, true))
EVENT(leave, rig_leave(rig, ref))
EVENT(resume, rig_resume(rig, ref, &token))
EVENT(resume_forged, rig_resume(rig, ref, NULL))
EVENT(fault, rig_fault(rig, ref, ERROR_BAD_JSON))
EVENT(closed, rig_close(rig, ref, CONN))
EVENT(written, rig_written(rig, ref, (uint64_t)1 << 53 | 1))

static void drain(struct rig *rig, session_ref ref) {
    (void)ref;
    rig_step(rig, (struct event){.kind = EVENT_DRAIN});
}
static void shift(struct rig *rig, session_ref ref) {
    (void)ref;
    rig_step(rig, ((struct event){.kind = EVENT_SHIFT, .shift.gap_ms = 1000}));
}
static void tick(struct rig *rig, session_ref ref) {
    (void)ref;
    int64_t due = rig_due_ms(rig);
    rig_wait(rig, due == INT64_MAX ? 1000000 : due);
}

static void sought(struct rig *rig, session_ref ref, enum broker_status status, uint32_t earlier) {
    rig_broker(rig, {.kind = BROKER_SOUGHT,
                     .status = status,
                     .to = rig_address(rig, ref),
                     .chat = chat_of(rig, ref),
                     .sought.attempt = rig_session(rig, ref)->attempt - earlier});
}
EVENT(sought_ok, sought(rig, ref, BROKER_OK, 0))
EVENT(sought_none, sought(rig, ref, BROKER_NONE, 0))
EVENT(sought_over, sought(rig, ref, BROKER_OVER, 0))
EVENT(sought_down, sought(rig, ref, BROKER_DOWN, 0))
EVENT(sought_late, sought(rig, ref, BROKER_OK, 1))
EVENT(offered, rig_offered(rig, ref, true))

static void offered_late(struct rig *rig, session_ref ref) {
    rig_broker(rig, {.kind = BROKER_OFFERED,
                     .to = rig_address(rig, ref),
                     .chat = {3, 3},
                     .offered = {.attempt = rig_session(rig, ref)->attempt - 1, .seeker = rig_stranger_ticket(true)}});
}

static void outcome(struct rig *rig, session_ref ref, enum broker_event_kind kind, enum broker_status status) {
    rig_outcome(rig, kind, status, ref, chat_of(rig, ref), rig_stranger_ticket(true));
}
EVENT(committed, outcome(rig, ref, BROKER_COMMITTED, BROKER_OK))
EVENT(committed_none, outcome(rig, ref, BROKER_COMMITTED, BROKER_NONE))
EVENT(committed_down, outcome(rig, ref, BROKER_COMMITTED, BROKER_DOWN))
EVENT(confirmed, outcome(rig, ref, BROKER_CONFIRMED, BROKER_OK))
EVENT(aborted, outcome(rig, ref, BROKER_ABORTED, BROKER_OK))
EVENT(aborted_none, outcome(rig, ref, BROKER_ABORTED, BROKER_NONE))
EVENT(aborted_down, outcome(rig, ref, BROKER_ABORTED, BROKER_DOWN))

EVENT(rebound_ok, answer_rebind(rig, ref, BROKER_OK))
EVENT(rebound_none, answer_rebind(rig, ref, BROKER_NONE))
EVENT(rebound_over, answer_rebind(rig, ref, BROKER_OVER))
EVENT(rebound_down, answer_rebind(rig, ref, BROKER_DOWN))

/* FOUND, with those fences more than the known ones. */
static void answer(struct rig *rig, session_ref ref, enum broker_status status, bool held, uint64_t ours,
                   uint64_t theirs) {
    const struct chat *chat = rig_session(rig, ref)->chat;
    struct broker_event event = {
        .kind = BROKER_FOUND, .status = status, .to = rig_address(rig, ref), .chat = chat_of(rig, ref)};
    event.chat_state.held = held;
    event.chat_state.record.ended = (struct tombstone){END_LEFT, chat != NULL ? side_other(chat->side) : SIDE_SEEKER};
    if (chat != NULL) {
        event = rig_found_event(rig, ref, status, held);
        event.chat_state.record.ended = (struct tombstone){END_LEFT, side_other(chat->side)};
        event.chat_state.record.party[chat->side].fence += ours;
        event.chat_state.record.party[chat->side].at.boot += 70 * ours;
        event.chat_state.record.party[side_other(chat->side)].fence += theirs;
    }
    rig_broker(rig, event);
}
EVENT(found_same, answer(rig, ref, BROKER_OK, false, 0, 0))
EVENT(found_moved, answer(rig, ref, BROKER_OK, false, 0, 1))
EVENT(found_us_moved, answer(rig, ref, BROKER_OK, false, 1, 0))
EVENT(found_over, answer(rig, ref, BROKER_OVER, false, 0, 0))
EVENT(found_over_elsewhere, answer(rig, ref, BROKER_OVER, false, 1, 0))
EVENT(found_none, answer(rig, ref, BROKER_NONE, false, 0, 0))
EVENT(found_down, answer(rig, ref, BROKER_DOWN, false, 0, 0))
EVENT(held_same, answer(rig, ref, BROKER_OK, true, 0, 0))
EVENT(held_moved, answer(rig, ref, BROKER_OK, true, 0, 1))
EVENT(held_us_moved, answer(rig, ref, BROKER_OK, true, 1, 0))
EVENT(held_over, answer(rig, ref, BROKER_OVER, true, 0, 0))
EVENT(held_none, answer(rig, ref, BROKER_NONE, true, 0, 0))
EVENT(held_down, answer(rig, ref, BROKER_DOWN, true, 0, 0))

static void node_gone(struct rig *rig, session_ref ref) {
    (void)ref;
    rig_broker(rig, {.kind = BROKER_NODE_GONE, .node_gone.boot = THERE});
}
static void link_lost(struct rig *rig, session_ref ref) {
    (void)ref;
    rig_broker(rig, {.kind = BROKER_LINK_LOST});
}
static void link_resumed(struct rig *rig, session_ref ref) {
    (void)ref;
    rig_broker(rig, {.kind = BROKER_LINK_RESUMED});
}
static void link_resumed_and_told(struct rig *rig, session_ref ref) {
    link_resumed(rig, ref);
    rig_skip(rig);
    rig_wait(rig, 0);
}
static void link_lost_for_long(struct rig *rig, session_ref ref) {
    link_lost(rig, ref);
    rig_wait(rig, 100000);
}

static struct peer_frame peer(const struct rig *rig, session_ref ref, enum peer_kind kind) {
    const struct chat *chat = rig_session(rig, ref)->chat;
    if (chat != NULL)
        return rig_peer_frame(rig, ref, kind);
    return (struct peer_frame){.kind = kind,
                               .to = rig_address(rig, ref),
                               .from = STRANGER,
                               .chat = chat_of(rig, ref),
                               .side = SIDE_CANDIDATE,
                               .fence = 1};
}
static void peer_msg(struct rig *rig, session_ref ref) {
    struct peer_frame frame = peer(rig, ref, PEER_MSG);
    frame.msg.seq = 1;
    frame.msg.reliable = true;
    rig_carry(rig, frame);
}
EVENT(peer_ack, rig_carry(rig, peer(rig, ref, PEER_ACK)))
EVENT(peer_typing, rig_carry(rig, peer(rig, ref, PEER_TYPING)))
EVENT(peer_away, rig_carry(rig, peer(rig, ref, PEER_AWAY)))
EVENT(peer_rebound, rig_carry(rig, peer(rig, ref, PEER_REBOUND)))
EVENT(peer_state_away, rig_carry(rig, peer(rig, ref, PEER_STATE)))

static void peer_state_here(struct rig *rig, session_ref ref) {
    struct peer_frame frame = peer(rig, ref, PEER_STATE);
    frame.state.here = true;
    rig_carry(rig, frame);
}
static void peer_sync_here(struct rig *rig, session_ref ref) {
    struct peer_frame frame = peer(rig, ref, PEER_SYNC);
    frame.state.here = true;
    rig_carry(rig, frame);
}
static void peer_ended(struct rig *rig, session_ref ref) {
    struct peer_frame frame = peer(rig, ref, PEER_ENDED);
    frame.ended.how = (struct tombstone){END_LEFT, frame.side};
    rig_carry(rig, frame);
}
static void peer_moved(struct rig *rig, session_ref ref) {
    struct peer_frame frame = peer(rig, ref, PEER_MOVED);
    frame.side = side_other(frame.side);
    frame.fence = 99;
    frame.moved.here = true;
    rig_carry(rig, frame);
}
static void peer_moved_for_nobody(struct rig *rig, session_ref ref) {
    struct peer_frame frame = peer(rig, ref, PEER_MOVED);
    frame.side = side_other(frame.side);
    frame.fence = 99;
    rig_carry(rig, frame);
}
static void peer_moved_late(struct rig *rig, session_ref ref) {
    struct peer_frame frame = peer(rig, ref, PEER_MOVED);
    frame.side = side_other(frame.side);
    frame.fence = 0;
    rig_carry(rig, frame);
}
EVENT(peer_gone, rig_carry(rig, peer(rig, ref, PEER_GONE)))
EVENT(peer_sync_away, rig_carry(rig, peer(rig, ref, PEER_SYNC)))
EVENT(peer_decline, rig_carry(rig, peer(rig, ref, PEER_DECLINE)))

static void peer_gone_and_found(struct rig *rig, session_ref ref) {
    peer_gone(rig, ref);
    rig_skip(rig);
    found_same(rig, ref);
}
static void peer_gone_and_unknown(struct rig *rig, session_ref ref) {
    peer_gone(rig, ref);
    rig_skip(rig);
    found_none(rig, ref);
}
static void peer_fenced(struct rig *rig, session_ref ref) {
    struct peer_frame frame = peer(rig, ref, PEER_MSG);
    frame.fence = 0;
    rig_carry(rig, frame);
}
static void peer_of_our_side(struct rig *rig, session_ref ref) {
    struct peer_frame frame = peer(rig, ref, PEER_ENDED);
    frame.side = rig_session(rig, ref)->chat != NULL ? side_other(frame.side) : frame.side;
    frame.chat = rig_session(rig, ref)->chat != NULL ? frame.chat : (struct chat_id){1, 1};
    rig_carry(rig, frame);
}
static void peer_of_another_chat(struct rig *rig, session_ref ref) {
    struct peer_frame frame = peer(rig, ref, PEER_ENDED);
    frame.chat = (struct chat_id){1, 1};
    rig_carry(rig, frame);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

/* A cell: the state afterwards, then what the client is told: w waiting, M matched, m msg, a ack, t typing, y away,
 * b back, s sync, R resumed, E ended, i idle, r reconnect, ! error. "": nothing changes and nothing is told. NULL: the
 * broker never says that. */
static const char *const told_letters = "hwMmatybsREir!"; /* by enum server_kind */

/* clang-format off */
static const struct row {
    const char *name;
    void (*happen)(struct rig *rig, session_ref ref);
    const char *cells[COLUMNS];
} rows[] = {
#define ROW(name) {#name, name,
    /*                    I     S     W     O     G     A     C     Y    R     T      r */
    ROW(find)            {"S",  "Sww", "Sw", "Sww", "Sww", "Sw", "SE", "",  "",   "",    ""}},
    ROW(find_plain)      {"S",  "Sww", "Sw", "Sww", "Sww", "Sw", "SE", "",  "",   "",    ""}},
    ROW(say)             {"I!", "S!", "W!", "O!", "G!", "A!", "",   "",  "",   "",    ""}},
    ROW(ack)             {"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(ack_too_high)    {"",   "",   "",   "",   "",   "",   "C!", "",  "",   "",    ""}},
    ROW(type)            {"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(leave)           {"Ii", "Ii", "Ii", "Ii", "Ii", "Ii", "IE", "",  "",   "",    ""}},
    ROW(resume)          {"R",  "S!", "W!", "O!", "G!", "A!", "C!", "",  "R!", "T!",  ""}},
    ROW(resume_forged)   {"IE", "S!", "W!", "O!", "G!", "A!", "C!", "",  "R!", "T!",  ""}},
    ROW(fault)           {"I!", "S!", "W!", "O!", "G!", "A!", "C!", "",  "R!", "T!",  ""}},
    ROW(closed)          {"F",  "F",  "F",  "F",  "F",  "F",  "Y",  "",  "",   "Y",   ""}},
    ROW(written)         {"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(drain)           {"Ir", "Ir", "Ir", "Or", "Gr", "Ar", "Cr", "",  "Rr", "Tr",  ""}},
    ROW(shift)           {"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(tick)            {"",   "",   "S",  "G",  "",   "",   "",   "F", "",   "CR",  ""}},
    ROW(sought_ok)       {"",   "O",  "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(sought_none)     {"",   "Ww", "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(sought_over)     {"",   "G",  "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(sought_down)     {"",   "G",  "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(sought_late)     {"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(offered)         {"",   "",   "A",  "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(offered_late)    {"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(committed)       {"",   NULL, "",   NULL, NULL, "CM", "",   "",  "",   "",    ""}},
    ROW(committed_none)  {"",   "",   "",   "",   "",   "S",  "",   "",  "",   "",    ""}},
    ROW(committed_down)  {"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(confirmed)       {"",   "CM", "",   "CM", "CM", NULL, "",   "",  "",   "",    ""}},
    ROW(aborted)         {"",   NULL, "",   "CM", "CM", NULL, "",   "",  "",   "",    ""}},
    ROW(aborted_none)    {"",   "",   "",   "",   "S",  "",   "",   "",  "",   "",    ""}},
    ROW(aborted_down)    {"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(rebound_ok)      {"",   "",   "",   "",   "",   "",   "",   "",  "T",  "",    "Y"}},
    ROW(rebound_none)    {"",   "",   "",   "",   "",   "",   "",   "",  "IE", "",    "F"}},
    ROW(rebound_over)    {"",   "",   "",   "",   "",   "",   "",   "",  "IE", "",    "F"}},
    ROW(rebound_down)    {"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(found_same)      {"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    "F"}},
    ROW(found_moved)     {"",   "",   "",   "",   "",   "",   "Cb", "",  "",   "",    "F"}},
    ROW(found_us_moved)  {"",   "",   "",   "",   "",   "",   "",   "F", "",   "",    "F"}},
    ROW(found_over)      {"",   "",   "",   "",   "",   "",   "IE", "F", "",   "IE",  "F"}},
    ROW(found_over_elsewhere){"", "", "",   "",   "",   "",   "IE", "F", "",   "IE",  "F"}},
    ROW(found_none)      {"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    "F"}},
    ROW(found_down)      {"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(held_same)       {"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(held_moved)      {"",   "",   "",   "",   "",   "",   "Cb", "",  "",   "",    ""}},
    ROW(held_us_moved)   {"",   "",   "",   "",   "",   "",   "",   "F", "",   "",    ""}},
    ROW(held_over)       {"",   "",   "",   "",   "",   "",   "IE", "F", "",   "IE",  ""}},
    ROW(held_none)       {"",   "",   "",   "",   "",   "",   "IE", "F", "",   "IE",  ""}},
    ROW(held_down)       {"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(node_gone)       {"",   "",   "",   "G",  "",   "",   "Cy", "",  "",   "CR",  ""}},
    ROW(link_lost)       {"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(link_resumed)    {"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(link_resumed_and_told){"", "", "S", "",   "",   "",   "Cs", "",  "",   "",    ""}},
    ROW(link_lost_for_long){"", "",   "",   "G",  "",   "",   "Cr", "",  "Rr", "CRr", ""}},
    ROW(peer_msg)        {"",   "",   "",   "",   "",   "",   "Cm", "",  "",   "",    ""}},
    ROW(peer_ack)        {"",   "",   "",   "",   "",   "",   "Ca", "",  "",   "",    ""}},
    ROW(peer_typing)     {"",   "",   "",   "",   "",   "",   "Ct", "",  "",   "",    ""}},
    ROW(peer_away)       {"",   "",   "",   "",   "",   "",   "Cy", "",  "",   "CR",  ""}},
    ROW(peer_rebound)    {"",   "",   "",   "",   "",   "",   "Cb", "",  "",   "CRb", ""}},
    ROW(peer_state_here) {"",   "",   "",   "",   "",   "",   "",   "",  "",   "CR",  ""}},
    ROW(peer_state_away) {"",   "",   "",   "",   "",   "",   "Cy", "",  "",   "CR",  ""}},
    ROW(peer_ended)      {"",   "S",  "",   "S",  "S",  "S",  "IE", "F", "",   "IE",  ""}},
    ROW(peer_moved)      {"",   "",   "",   "",   "",   "",   "F",  "F", "",   "F",   ""}},
    ROW(peer_moved_for_nobody){"", "", "",  "",   "",   "",   "",   "F", "",   "",    ""}},
    ROW(peer_moved_late) {"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(peer_gone)       {"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(peer_gone_and_found){"",  "", "",   "",   "",   "",   "Cy", "",  "",   "CR",  "F"}},
    ROW(peer_gone_and_unknown){"", "", "",  "",   "",   "",   "Cy", "",  "",   "CR",  "F"}},
    ROW(peer_sync_here)  {"",   "",   "",   "",   "",   "",   "Cs", "",  "",   "CR",  ""}},
    ROW(peer_sync_away)  {"",   "",   "",   "",   "",   "",   "Cys", "", "",   "CR",  ""}},
    ROW(peer_decline)    {"",   "",   "",   "S",  "",   "",   "",   "",  "",   "",    ""}},
    ROW(peer_fenced)     {"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(peer_of_our_side){"",   "",   "",   "",   "",   "",   "",   "",  "",   "",    ""}},
    ROW(peer_of_another_chat){"", "", "",   "",   "",   "",   "",   "",  "",   "",    ""}},
#undef ROW
};
/* clang-format on */
enum { ROWS = sizeof rows / sizeof rows[0] };

static void describe(const struct rig *rig, session_ref ref, char out[16]) {
    size_t length = 0;
    out[length++] = letters[rig_state(rig, ref)];
    for (size_t i = 0; i < rig->count && length < 15; i++)
        if (rig->actions[i].kind == ACTION_SEND && rig->actions[i].conn == CONN)
            out[length++] = told_letters[rig->actions[i].send.frame.kind];
    out[length] = '\0';
}

static void test_every_state_and_event(void **state) {
    (void)state;
    assert_int_equal(strlen(told_letters), SERVER_KINDS);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLUMNS; c++) {
            if (rows[r].cells[c] == NULL)
                continue;
            struct rig rig;
            rig_init(&rig);
            session_ref ref = session_in(&rig, columns[c]);
            char column[2] = {columns[c] == 'r' ? 'R' : columns[c], '\0'};
            const char *expected = rows[r].cells[c][0] != '\0' ? rows[r].cells[c] : column;
            char outcome_was[16];
            rows[r].happen(&rig, ref);
            describe(&rig, ref, outcome_was);
            if (strcmp(outcome_was, expected) != 0)
                fail_msg("%s in %c: %s, not %s", rows[r].name, columns[c], outcome_was, expected);
            rig_fini(&rig);
        }
}

/* A register that knows what the session knows: it answers a LOOKUP, and takes an END. */
static void answer_lookup(struct rig *rig, session_ref ref) {
    bool asked = false, ended = false;
    for (size_t i = 0; i < rig->count; i++) {
        const struct action *action = &rig->actions[i];
        asked |= action->kind == ACTION_REQUEST && action->request.kind == BROKER_LOOKUP;
        ended |= action->kind == ACTION_REQUEST && action->request.kind == BROKER_END;
    }
    rig_skip(rig);
    if (asked && rig_session(rig, ref) != NULL)
        answer(rig, ref, ended ? BROKER_OVER : BROKER_OK, false, 0, 0);
}

/* Two events one after the other in each state: no assertion fires, and when the connection has gone and all deadlines
 * have passed, nothing is left but what waits for an answer of the broker. */
static void run_pair(char column, const struct row *first, const struct row *second) {
    struct rig rig;
    rig_init(&rig);
    session_ref ref = session_in(&rig, column);
    first->happen(&rig, ref);
    rig_skip(&rig);
    if (rig_session(&rig, ref) != NULL)
        second->happen(&rig, ref);
    rig_skip(&rig);
    if (rig_session(&rig, ref) != NULL)
        rig_close(&rig, ref, CONN);
    rig_skip(&rig);
    link_resumed(&rig, ref);
    for (int i = 0; i < 16 && rig_due_ms(&rig) != INT64_MAX && rig_state(&rig, ref) != SESSION_REBINDING; i++) {
        rig_skip(&rig);
        tick(&rig, ref);
        answer_lookup(&rig, ref);
        answer_lookup(&rig, ref);
    }
    if (core_gauges(rig.core).sessions != (rig_state(&rig, ref) == SESSION_REBINDING))
        fail_msg("%s, %s in %c: a session stays, in %c", first->name, second->name, column,
                 letters[rig_state(&rig, ref)]);
    rig_fini(&rig);
}

static void test_every_pair_of_events(void **state) {
    (void)state;
    for (int c = 0; c < COLUMNS; c++)
        for (int a = 0; a < ROWS; a++)
            for (int b = 0; b < ROWS; b++)
                if (rows[a].cells[c] != NULL)
                    run_pair(columns[c], &rows[a], &rows[b]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lawful_changes),
        cmocka_unit_test(test_every_state_and_event),
        cmocka_unit_test(test_every_pair_of_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
