/* fake_store.c - the scripts, on plain arrays: there are only a few dozen of anything.
 *
 * Owns: tickets, chats and beats; fake_store_copy() is what a replica has. */
#include "fake_store.h"

#include <stdlib.h>
#include <string.h>

#include "ticket.h"

#include "base/memory.h"

enum {
    SECOND = 1000000,
    MILLISECOND = 1000,
    SILENT_US = 3 * SECOND,
    FORGOTTEN_US = 60 * SECOND,
    SUSPECTED_US = 10 * SECOND,
    GIVEN_UP_US = 60 * SECOND,
    OVER_US = 600 * SECOND,
    AGAIN_US = 60 * SECOND,
    OFFER_US = 3 * SECOND / 2,
};

#define LEASE_US     ((int64_t)3 * 3600 * SECOND)
#define TOKEN_AGE_US ((int64_t)3 * 3600 * SECOND)

struct waiter {
    struct ticket ticket;
    uint64_t arrival;
};

struct beat {
    uint64_t boot;
    uint64_t people;
    int64_t at_us;
    bool beaten;  /* else it is only suspect */
    bool unheard; /* written down by the beat of another, as it has tickets */
    bool silent;
    bool suspect; /* it has let an offer time out */
};

struct fake_store {
    enum lie lie;
    uint64_t epoch;
    int64_t first_beat_us; /* 0 = none yet */
    uint64_t arrivals;
    struct waiter *waiters;
    size_t waiter_count;
    struct fake_chat *chats;
    size_t chat_count;
    struct beat *beats;
    size_t beat_count;
};

/* A script that runs. */
struct run {
    struct fake_store *store;
    const struct broker_request *request;
    int64_t now_us;
    const struct fake_outlet *outlet;
    struct broker_event *answer;
};

/* --- life --------------------------------------------------------------------------------------------------------- */

struct fake_store *fake_store_new(int64_t now_us, enum lie lie) {
    struct fake_store *store = memory_zero(1, sizeof *store);
    store->lie = lie;
    store->epoch = lie == LIE_AMNESIA ? 1 : (uint64_t)now_us;
    return store;
}

static void *copied(const void *list, size_t count, size_t size) {
    void *copy = memory_zero(count + 1, size);
    if (count > 0)
        memcpy(copy, list, count * size);
    return copy;
}

struct fake_store *fake_store_copy(const struct fake_store *store) {
    struct fake_store *copy = copied(store, 1, sizeof *store);
    copy->waiters = copied(store->waiters, store->waiter_count, sizeof *store->waiters);
    copy->chats = copied(store->chats, store->chat_count, sizeof *store->chats);
    copy->beats = copied(store->beats, store->beat_count, sizeof *store->beats);
    return copy;
}

void fake_store_free(struct fake_store *store) {
    free(store->waiters);
    free(store->chats);
    free(store->beats);
    free(store);
}

/* --- the line ----------------------------------------------------------------------------------------------------- */

static void take_out(struct fake_store *store, size_t at) {
    store->waiters[at] = store->waiters[--store->waiter_count];
}

static void withdraw(struct fake_store *store, struct address at, uint32_t attempt) {
    for (size_t i = 0; i < store->waiter_count; i++)
        if (address_equal(store->waiters[i].ticket.who.at, at) && store->waiters[i].ticket.attempt == attempt) {
            take_out(store, i);
            return;
        }
}

static void drop_node(struct fake_store *store, uint64_t boot) {
    if (store->lie == LIE_LOYAL)
        return;
    for (size_t i = store->waiter_count; i-- > 0;)
        if (store->waiters[i].ticket.who.at.boot == boot)
            take_out(store, i);
}

const struct ticket *fake_store_ticket(const struct fake_store *store, struct address at) {
    for (size_t i = 0; i < store->waiter_count; i++)
        if (address_equal(store->waiters[i].ticket.who.at, at))
            return &store->waiters[i].ticket;
    return NULL;
}

static struct beat *beat_of(const struct fake_store *store, uint64_t boot) {
    for (size_t i = 0; i < store->beat_count; i++)
        if (store->beats[i].boot == boot)
            return &store->beats[i];
    return NULL;
}

static struct beat *write_down(struct fake_store *store, uint64_t boot, int64_t now_us) {
    store->beats = memory_resize(store->beats, store->beat_count + 1, sizeof *store->beats);
    struct beat *beat = &store->beats[store->beat_count++];
    *beat = (struct beat){.boot = boot, .at_us = now_us};
    return beat;
}

static bool is_heard(const struct fake_store *store, uint64_t boot, int64_t now_us) {
    const struct beat *beat = beat_of(store, boot);
    return store->lie == LIE_LOYAL || beat == NULL ||
           (!beat->silent && !beat->suspect && now_us - beat->at_us <= SILENT_US);
}

static bool better(const struct waiter *a, unsigned a_common, const struct waiter *b, unsigned b_common) {
    if (a_common != b_common)
        return a_common > b_common;
    if (a->ticket.since_ms != b->ticket.since_ms)
        return a->ticket.since_ms < b->ticket.since_ms;
    return a->arrival < b->arrival;
}

/* The place of the best candidate; SIZE_MAX = nobody. */
static size_t best_for(const struct run *run, const struct ticket *seeker) {
    const struct fake_store *store = run->store;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < store->waiter_count; i++) {
        const struct waiter *waiter = &store->waiters[i];
        if (!is_heard(store, waiter->ticket.who.at.boot, run->now_us) || !ticket_agree(seeker, &waiter->ticket))
            continue;
        if (best == SIZE_MAX || better(waiter, ticket_common(seeker, &waiter->ticket), &store->waiters[best],
                                       ticket_common(seeker, &store->waiters[best].ticket)))
            best = i;
    }
    return best;
}

static struct fake_chat *chat_of(const struct fake_store *store, struct chat_id id) {
    for (size_t i = 0; i < store->chat_count; i++)
        if (chat_id_equal(store->chats[i].record.id, id))
            return &store->chats[i];
    return NULL;
}

static struct fake_chat *create(const struct run *run, enum fake_chat_state state, int64_t life_us) {
    struct fake_store *store = run->store;
    store->chats = memory_resize(store->chats, store->chat_count + 1, sizeof *store->chats);
    struct fake_chat *chat = &store->chats[store->chat_count++];
    *chat = (struct fake_chat){.state = state, .expires_us = run->now_us + life_us};
    chat->record.id = run->request->kind == BROKER_SEEK ? run->request->seek.chat : run->request->chat;
    return chat;
}

static void enter(struct fake_store *store, const struct ticket *ticket) {
    store->waiters = memory_resize(store->waiters, store->waiter_count + 1, sizeof *store->waiters);
    store->waiters[store->waiter_count++] = (struct waiter){*ticket, ++store->arrivals};
}

/* Offers the seeker to the best whose node listens; false if there is nobody. */
static bool offer(const struct run *run, const struct ticket *seeker) {
    struct fake_store *store = run->store;
    for (size_t at; (at = best_for(run, seeker)) != SIZE_MAX;) {
        const struct ticket candidate = store->waiters[at].ticket;
        take_out(store, at);
        struct broker_event offered = {.kind = BROKER_OFFERED, .to = candidate.who.at, .chat = seeker->chat};
        offered.offered.attempt = candidate.attempt;
        offered.offered.seeker = *seeker;
        if (run->outlet->publish(run->outlet->context, &offered) > 0) {
            struct fake_chat *chat = create(run, FAKE_CHAT_OFFERED, GIVEN_UP_US);
            chat->offered_to = candidate.who.at.boot;
            chat->offered_us = run->now_us;
            run->answer->sought.node = candidate.who.at.boot;
            return true;
        }
        drop_node(store, candidate.who.at.boot); /* nobody listens there */
    }
    return false;
}

static void seek(const struct run *run) {
    struct ticket seeker = run->request->seek;
    if (seeker.since_ms == 0)
        seeker.since_ms = run->now_us / MILLISECOND;
    for (size_t i = run->store->waiter_count; i-- > 0;)
        if (address_equal(run->store->waiters[i].ticket.who.at, seeker.who.at))
            take_out(run->store, i);
    run->answer->kind = BROKER_SOUGHT;
    run->answer->status = BROKER_NONE;
    run->answer->chat = (struct chat_id){0, 0};
    run->answer->sought.attempt = seeker.attempt;
    run->answer->sought.since_ms = seeker.since_ms;
    if (offer(run, &seeker)) {
        run->answer->status = BROKER_OK;
        run->answer->chat = seeker.chat;
    } else {
        enter(run->store, &seeker);
    }
}

/* --- the register ------------------------------------------------------------------------------------------------- */

static struct party seated(const struct ticket *ticket) {
    struct party party = ticket->who;
    if (party.fence == 0)
        party.fence = FIRST_FENCE;
    return party;
}

static struct broker_event match_event(enum broker_event_kind kind, const struct fake_chat *chat, enum side side,
                                       uint32_t attempt, const struct ticket *peer) {
    const struct party *own = &chat->record.party[side];
    struct broker_event event = {.kind = kind, .to = own->at, .chat = chat->record.id};
    event.match.attempt = attempt;
    event.match.peer = *peer;
    event.match.peer.who = chat->record.party[side_other(side)];
    event.match.fence = own->fence;
    return event;
}

/* The confirmation goes first: if nobody is there to hear it, the seeker is as good as given up. */
static void commit(const struct run *run) {
    const struct ticket *seeker = &run->request->commit.seeker;
    const struct ticket *candidate = &run->request->commit.candidate;
    struct fake_chat *chat = chat_of(run->store, run->request->chat);
    run->answer->kind = BROKER_COMMITTED;
    run->answer->status = BROKER_NONE;
    run->answer->match.attempt = candidate->attempt;
    bool fresh = chat == NULL || chat->state == FAKE_CHAT_OFFERED;
    if (!fresh &&
        (chat->state != FAKE_CHAT_GOES_ON || !address_equal(chat->record.party[SIDE_CANDIDATE].at, candidate->who.at)))
        return;
    struct fake_chat made = {.record.id = run->request->chat};
    made.record.party[SIDE_SEEKER] = seated(seeker);
    made.record.party[SIDE_CANDIDATE] = seated(candidate);
    struct broker_event confirmed =
        match_event(BROKER_CONFIRMED, fresh ? &made : chat, SIDE_SEEKER, seeker->attempt, candidate);
    uint32_t receivers = run->outlet->publish(run->outlet->context, &confirmed);
    if (fresh && receivers == 0)
        return;
    if (chat == NULL)
        chat = create(run, FAKE_CHAT_GOES_ON, LEASE_US);
    if (fresh) {
        chat->state = FAKE_CHAT_GOES_ON;
        chat->record = made.record;
        chat->candidate = *candidate;
    }
    chat->expires_us = run->now_us + LEASE_US;
    *run->answer = match_event(BROKER_COMMITTED, chat, SIDE_CANDIDATE, candidate->attempt, seeker);
    run->answer->to = run->request->asker;
}

/* Nobody has committed for so long: the node that let the offer time out is asked nothing more until it is heard. Who
 * gives up sooner has another reason. */
static void suspect(const struct run *run, const struct fake_chat *chat) {
    struct beat *beat = beat_of(run->store, chat->offered_to);
    if (run->now_us - chat->offered_us < OFFER_US)
        return;
    if (beat == NULL)
        beat = write_down(run->store, chat->offered_to, run->now_us);
    beat->suspect = true;
}

static void give_up(const struct run *run) {
    struct fake_chat *chat = chat_of(run->store, run->request->chat);
    run->answer->kind = BROKER_ABORTED;
    run->answer->status = BROKER_NONE;
    if (chat == NULL)
        chat = create(run, FAKE_CHAT_GIVEN_UP, GIVEN_UP_US);
    if (chat->state == FAKE_CHAT_OFFERED) {
        suspect(run, chat);
        chat->state = FAKE_CHAT_GIVEN_UP;
    }
    if (chat->state == FAKE_CHAT_GOES_ON) {
        *run->answer = match_event(BROKER_ABORTED, chat, SIDE_SEEKER, run->request->abort.attempt, &chat->candidate);
        run->answer->to = run->request->asker;
    }
    run->answer->match.attempt = run->request->abort.attempt;
}

/* Says what the register has; renews the lease. */
static void tell(const struct run *run, enum broker_event_kind kind, struct fake_chat *chat, struct address previous) {
    run->answer->kind = kind;
    run->answer->status = BROKER_NONE;
    run->answer->chat_state.held = run->request->kind == BROKER_HOLD;
    if (chat == NULL || (chat->state != FAKE_CHAT_GOES_ON && chat->state != FAKE_CHAT_OVER))
        return;
    if (chat->state == FAKE_CHAT_GOES_ON)
        chat->expires_us = run->now_us + LEASE_US;
    run->answer->status = chat->state == FAKE_CHAT_GOES_ON ? BROKER_OK : BROKER_OVER;
    run->answer->chat_state.record = chat->record;
    run->answer->chat_state.previous = previous;
}

static bool known(const struct fake_chat *chat) {
    return chat != NULL && chat->state != FAKE_CHAT_OFFERED;
}

/* A chat that Redis has forgotten begins again from the token: if Redis has lost its data since, or if the chat is
 * younger than a tombstone lives (a failover loses the last writes, and keeps the epoch; so another one begins). */
static struct fake_chat *from_token(const struct run *run, struct fake_chat *chat) {
    const struct claims *claims = &run->request->rebind.claims;
    int64_t born_us = claims->born_ms * MILLISECOND;
    int64_t age_us = run->now_us - born_us;
    if (age_us > TOKEN_AGE_US || ((uint64_t)born_us >= run->store->epoch && age_us >= OVER_US))
        return NULL;
    if ((uint64_t)born_us >= run->store->epoch && (uint64_t)run->now_us - run->store->epoch >= AGAIN_US)
        run->store->epoch = (uint64_t)run->now_us;
    if (chat == NULL)
        chat = create(run, FAKE_CHAT_GOES_ON, LEASE_US);
    chat->state = FAKE_CHAT_GOES_ON;
    chat->record.party[claims->side] = (struct party){.person = claims->person, .reliable = claims->reliable};
    chat->record.party[side_other(claims->side)] =
        (struct party){.person = claims->peer, .reliable = claims->peer_reliable};
    return chat;
}

static void rebind(const struct run *run) {
    const struct claims *claims = &run->request->rebind.claims;
    struct fake_chat *chat = chat_of(run->store, run->request->chat);
    uint64_t only_from = run->request->rebind.only_from;
    struct address previous = {0};
    if (!known(chat) && only_from == 0)
        chat = from_token(run, chat);
    if (chat != NULL && chat->state == FAKE_CHAT_GOES_ON &&
        (only_from == 0 || only_from == chat->record.party[claims->side].fence)) {
        struct party *party = &chat->record.party[claims->side];
        previous = party->at;
        party->at = run->request->asker;
        party->reliable = claims->reliable;
        if (run->store->lie != LIE_BACKDATED)
            party->fence = party->fence + 1 > (uint64_t)run->now_us ? party->fence + 1 : (uint64_t)run->now_us;
    }
    tell(run, BROKER_REBOUND, chat, previous);
}

static void hold(const struct run *run) {
    struct fake_chat *chat = chat_of(run->store, run->request->chat);
    bool by_seeker = address_equal(run->request->asker, run->request->hold.party[SIDE_SEEKER].at);
    if (!known(chat) || (chat->state == FAKE_CHAT_GIVEN_UP && by_seeker)) {
        if (chat == NULL)
            chat = create(run, FAKE_CHAT_GOES_ON, LEASE_US);
        chat->state = FAKE_CHAT_GOES_ON;
        memcpy(chat->record.party, run->request->hold.party, sizeof chat->record.party);
    } else if (chat->state == FAKE_CHAT_GOES_ON) {
        for (int side = 0; side < 2; side++)
            if (run->store->lie == LIE_UNFENCED ||
                run->request->hold.party[side].fence > chat->record.party[side].fence)
                chat->record.party[side] = run->request->hold.party[side];
    }
    tell(run, BROKER_FOUND, chat, (struct address){0});
}

static void end(const struct run *run) {
    struct fake_chat *chat = chat_of(run->store, run->request->chat);
    if (chat == NULL || chat->state != FAKE_CHAT_GOES_ON || run->store->lie == LIE_ENDLESS)
        return;
    for (int side = 0; side < 2; side++)
        if (address_equal(chat->record.party[side].at, run->request->asker)) {
            chat->state = FAKE_CHAT_OVER;
            chat->record.ended = run->request->end;
            chat->expires_us = run->now_us + OVER_US;
            return;
        }
}

static void expire(struct fake_store *store, int64_t now_us) {
    for (size_t i = store->chat_count; i-- > 0;)
        if (store->chats[i].expires_us <= now_us)
            store->chats[i] = store->chats[--store->chat_count];
}

bool fake_store_run(struct fake_store *store, const struct broker_request *request, int64_t now_us,
                    const struct fake_outlet *outlet, struct broker_event *answer) {
    struct run run = {store, request, now_us, outlet, answer};
    *answer = (struct broker_event){.to = request->asker, .chat = request->chat};
    expire(store, now_us);
    switch (request->kind) {
    case BROKER_SEEK: seek(&run); return true;
    case BROKER_WITHDRAW: withdraw(store, request->asker, request->withdraw.attempt); return false;
    case BROKER_COMMIT: commit(&run); return true;
    case BROKER_ABORT: give_up(&run); return true;
    case BROKER_REBIND: rebind(&run); return true;
    case BROKER_LOOKUP: tell(&run, BROKER_FOUND, chat_of(store, request->chat), (struct address){0}); return true;
    case BROKER_HOLD: hold(&run); return true;
    case BROKER_END: end(&run); return false;
    }
    return false;
}

/* --- beats -------------------------------------------------------------------------------------------------------- */

static void silence(struct fake_store *store, int64_t now_us) {
    for (size_t i = store->beat_count; i-- > 0;) {
        struct beat *beat = &store->beats[i];
        int64_t age_us = now_us - beat->at_us;
        if (beat->beaten && age_us > SILENT_US) {
            beat->silent = true;
            drop_node(store, beat->boot);
        }
        if (age_us > (beat->beaten ? FORGOTTEN_US : SUSPECTED_US))
            *beat = store->beats[--store->beat_count];
    }
}

/* Who seeks just after Redis was emptied, and dies before its first beat. */
static void write_down_seekers(struct fake_store *store, int64_t now_us) {
    for (size_t i = 0; i < store->waiter_count; i++) {
        uint64_t boot = store->waiters[i].ticket.who.at.boot;
        if (beat_of(store, boot) == NULL)
            *write_down(store, boot, now_us) = (struct beat){boot, .at_us = now_us, .beaten = true, .unheard = true};
    }
}

struct fake_beat fake_store_beat(struct fake_store *store, uint64_t boot, bool fresh, uint64_t people, int64_t now_us) {
    struct fake_beat answer = {.epoch = store->epoch, .fresh = fresh};
    struct beat *own = beat_of(store, boot);
    answer.known = (own != NULL && own->beaten && !own->unheard) || store->lie == LIE_AMNESIA;
    if (own == NULL)
        own = write_down(store, boot, now_us);
    answer.silent = own->silent || own->suspect || now_us - own->at_us > SILENT_US;
    *own = (struct beat){.boot = boot, .people = people, .at_us = now_us, .beaten = true};
    if (fresh)
        drop_node(store, boot);
    if (store->first_beat_us == 0)
        store->first_beat_us = now_us;
    if (now_us - store->first_beat_us <= SILENT_US)
        write_down_seekers(store, now_us);
    silence(store, now_us);
    for (size_t i = 0; i < store->beat_count; i++) {
        const struct beat *beat = &store->beats[i];
        if (!beat->silent)
            answer.online += beat->people;
        else if (answer.gone_count < sizeof answer.gone / sizeof answer.gone[0])
            answer.gone[answer.gone_count++] = beat->boot;
    }
    answer.waiting = store->waiter_count;
    return answer;
}

/* As if it had been silent for long: the others hear of it with their next beats. */
void fake_store_leave(struct fake_store *store, uint64_t boot, int64_t now_us) {
    struct beat *beat = beat_of(store, boot);
    drop_node(store, boot);
    if (beat != NULL)
        *beat = (struct beat){.boot = boot, .at_us = now_us - SILENT_US - 1, .beaten = true, .silent = true};
}

/* --- for the checker ---------------------------------------------------------------------------------------------- */

size_t fake_store_waiting(const struct fake_store *store) {
    return store->waiter_count;
}

const struct fake_chat *fake_store_chats(const struct fake_store *store, size_t *count) {
    *count = store->chat_count;
    return store->chats;
}
