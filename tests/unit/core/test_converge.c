/* test_converge.c - two people, three nodes, and a register that forgets: whatever is lost, and in whatever order the
 * rest comes, in the end both are there, each knows where the other is, and nobody was told that it is over.
 *
 * Flow:  a seed → random steps: an answer or a frame arrives, time passes, a person resumes on some node, a node is cut
 *        off, killed or back, the register forgets everything → all is mended → it settles → everything is looked at.
 * Owns:  the cores, and what is on its way to each: answers of the register in their order, frames in theirs. */
#include "rig.h"

#include "base/memory.h"
#include "base/random.h"

#include <stdlib.h>

enum { NODES = 3, SEEDS = 3000, STEPS = 150, MANY = 512, PEOPLE = 2 };

/* What is on its way to a node. */
struct queue {
    struct peer_frame frames[MANY];
    struct broker_event answers[MANY];
    size_t frame_count, answer_count;
};

struct person {
    struct claims token;
    unsigned node;
    conn_ref conn; /* 0 = none */
    session_ref session;
    conn_ref next_conn; /* resuming; 0 = none */
    unsigned next_node;
    session_ref next_session;
    bool moving; /* has asked to be resumed on another connection since it was last answered */
};

struct world {
    struct random random;
    struct core *core[NODES];
    uint64_t boot[NODES];
    bool cut_off[NODES];
    bool deaf[NODES];      /* cut off, and does not know it yet */
    bool forgotten[NODES]; /* the register has forgotten, and the node does not know it yet */
    struct queue queue[NODES];
    struct person person[PEOPLE];
    struct chat_record record;
    bool known;
    uint64_t fence;
    int64_t now_ms;
    conn_ref conns;
    uint64_t boots;
    uint64_t seed;
};

static uint64_t below(struct world *world, uint64_t bound) {
    return random_below(&world->random, bound);
}

/* --- the register ------------------------------------------------------------------------------------------------- */

static unsigned node_of(const struct world *world, uint64_t boot) {
    unsigned node = 0;
    while (node < NODES && world->boot[node] != boot)
        node++;
    return node;
}

static void answer(struct world *world, const struct broker_event *event) {
    unsigned node = node_of(world, event->to.boot);
    if (node == NODES)
        return;
    assert_true(world->queue[node].answer_count < MANY);
    world->queue[node].answers[world->queue[node].answer_count++] = *event;
}

static void rebind(struct world *world, const struct broker_request *request, struct broker_event *event) {
    const struct claims *claims = &request->rebind.claims;
    enum side other = side_other(claims->side);
    if (!world->known) {
        world->known = true;
        world->record = (struct chat_record){.id = request->chat};
        world->record.party[other] = (struct party){.person = claims->peer, .reliable = claims->peer_reliable};
    }
    event->kind = BROKER_REBOUND;
    if (request->rebind.only_from != 0 && request->rebind.only_from != world->record.party[claims->side].fence)
        return;
    event->chat_state.previous = world->record.party[claims->side].at;
    world->record.party[claims->side] =
        (struct party){request->asker, claims->person, ++world->fence, claims->reliable};
}

static void hold(struct world *world, const struct broker_request *request, struct broker_event *event) {
    event->chat_state.held = true;
    if (!world->known)
        world->record = (struct chat_record){request->chat, {request->hold.party[0], request->hold.party[1]}, {0}};
    world->known = true;
    for (int side = 0; side < 2; side++)
        if (request->hold.party[side].fence > world->record.party[side].fence)
            world->record.party[side] = request->hold.party[side];
}

static void take_request(struct world *world, unsigned node, const struct broker_request *request) {
    struct broker_event event = {.kind = BROKER_FOUND, .to = request->asker, .chat = request->chat};
    if (request->kind == BROKER_END) {
        for (int side = 0; side < 2 && world->known; side++)
            if (address_equal(world->record.party[side].at, request->asker))
                fail_msg("seed %llu: the chat is ended", (unsigned long long)world->seed);
        return;
    }
    if (world->cut_off[node] || world->deaf[node]) {
        event.status = BROKER_DOWN;
        event.kind = request->kind == BROKER_REBIND ? BROKER_REBOUND : BROKER_FOUND;
        event.chat_state.held = request->kind == BROKER_HOLD;
        if (request->kind == BROKER_REBIND && below(world, 4) == 0) { /* it was carried out, and the answer lost */
            struct broker_event lost = event;
            rebind(world, request, &lost);
        }
        answer(world, &event);
        return;
    }
    if (request->kind == BROKER_REBIND)
        rebind(world, request, &event);
    else if (request->kind == BROKER_HOLD)
        hold(world, request, &event);
    else
        event.status = world->known ? BROKER_OK : BROKER_NONE;
    event.chat_state.record = world->record;
    answer(world, &event);
}

/* --- nodes -------------------------------------------------------------------------------------------------------- */

static void step(struct world *world, unsigned node, struct event event);

static void take_frame(struct world *world, unsigned from, const struct peer_frame *frame) {
    unsigned to = node_of(world, frame->to.boot);
    if (world->cut_off[from] || world->deaf[from])
        return;
    if (to == NODES) {
        struct broker_event gone = {
            .kind = BROKER_NODE_GONE, .to.boot = world->boot[from], .node_gone.boot = frame->to.boot};
        answer(world, &gone);
    } else if (!world->cut_off[to] && !world->deaf[to]) {
        assert_true(world->queue[to].frame_count < MANY);
        world->queue[to].frames[world->queue[to].frame_count++] = *frame;
    }
}

/* The answer to a resume: the person uses the new connection from now on. */
static void resumed(struct world *world, struct person *person) {
    unsigned old_node = person->node;
    struct event closed = {.kind = EVENT_CLOSED, .session = person->session, .conn = person->conn};
    person->node = person->next_node;
    person->conn = person->next_conn;
    person->session = person->next_session;
    person->next_conn = 0;
    person->moving = false;
    if (closed.conn != 0)
        step(world, old_node, closed);
}

static void take_sent(struct world *world, const struct action *action) {
    for (int i = 0; i < PEOPLE; i++) {
        struct person *person = &world->person[i];
        bool new = person->next_conn != 0 && action->conn == person->next_conn;
        if (action->send.frame.kind == SERVER_ENDED && (new || action->conn == person->conn))
            fail_msg("seed %llu: person %d is told that it is over", (unsigned long long)world->seed, i);
        if (action->send.frame.kind == SERVER_RESUMED && new) {
            person->token = action->send.claims;
            resumed(world, person);
        }
    }
}

/* A client does not come back from a 4501: it must concern a connection that it has replaced, or is about to. */
static void take_closed(struct world *world, const struct action *action) {
    for (int i = 0; i < PEOPLE; i++) {
        struct person *person = &world->person[i];
        if (action->conn == person->next_conn || (action->conn == person->conn && !person->moving))
            fail_msg("seed %llu: person %d is thrown out", (unsigned long long)world->seed, i);
        if (person->conn == action->conn)
            person->conn = 0;
    }
}

static void step(struct world *world, unsigned node, struct event event) {
    event.now_ms = world->now_ms;
    event.wall_ms = world->now_ms;
    event.entropy[0] = random_u64(&world->random);
    event.entropy[1] = random_u64(&world->random);
    struct actions actions = core_step(world->core[node], &event);
    struct action *list = memory_resize(NULL, actions.count + 1, sizeof *list);
    for (size_t i = 0; i < actions.count; i++)
        list[i] = actions.list[i];
    for (size_t i = 0; i < actions.count; i++) {
        struct action *action = &list[i];
        if (action->kind == ACTION_REQUEST)
            take_request(world, node, &action->request);
        else if (action->kind == ACTION_PEER)
            take_frame(world, node, &action->peer);
        else if (action->kind == ACTION_SEND)
            take_sent(world, action);
        else if (action->kind == ACTION_CLOSE)
            take_closed(world, action);
        else if (action->kind == ACTION_BIND)
            for (int p = 0; p < PEOPLE; p++)
                if (world->person[p].next_conn == action->conn)
                    world->person[p].next_session = action->session;
    }
    free(list);
}

/* Behind the answers that are on their way: they came over the same connection. */
static void tell(struct world *world, unsigned node, enum broker_event_kind kind) {
    struct broker_event event = {.kind = kind, .to.boot = world->boot[node]};
    answer(world, &event);
}

static void start(struct world *world, unsigned node) {
    struct core_options options = rig_options();
    options.boot = world->boot[node] = ++world->boots;
    world->core[node] = core_new(&options);
    world->cut_off[node] = world->deaf[node] = world->forgotten[node] = false;
    world->queue[node].answer_count = world->queue[node].frame_count = 0;
}

/* --- what happens ------------------------------------------------------------------------------------------------- */

static void resume(struct world *world, struct person *person, unsigned node) {
    static const struct client_frame frame = {.kind = CLIENT_RESUME};
    if (person->next_conn != 0)
        step(world, person->next_node,
             (struct event){.kind = EVENT_CLOSED, .session = person->next_session, .conn = person->next_conn});
    if (person->conn != 0 && below(world, 2) == 0) {
        step(world, person->node,
             (struct event){.kind = EVENT_CLOSED, .session = person->session, .conn = person->conn});
        person->conn = 0;
    }
    person->moving = true;
    person->next_conn = ++world->conns;
    person->next_node = node;
    step(world, node, (struct event){.kind = EVENT_OPENED, .conn = person->next_conn});
    step(world, node,
         (struct event){.kind = EVENT_RECEIVED,
                        .session = person->next_session,
                        .received = {.frame = &frame, .claims = &person->token}});
}

static void drop(struct world *world, struct person *person) {
    if (person->conn == 0)
        return;
    conn_ref conn = person->conn;
    person->conn = 0;
    step(world, person->node, (struct event){.kind = EVENT_CLOSED, .session = person->session, .conn = conn});
}

static void kill_node(struct world *world, unsigned node) {
    core_free(world->core[node]);
    for (int i = 0; i < PEOPLE; i++) {
        struct person *person = &world->person[i];
        if (person->node == node)
            person->conn = 0;
        if (person->next_node == node)
            person->next_conn = 0;
    }
    start(world, node);
}

/* What was on its way is lost, in part. */
static void cut(struct world *world, unsigned node) {
    struct queue *queue = &world->queue[node];
    world->deaf[node] = true;
    queue->frame_count = below(world, queue->frame_count + 1);
    for (size_t i = below(world, queue->answer_count + 1); i < queue->answer_count; i++)
        queue->answers[i].status = BROKER_DOWN;
}

static void notice(struct world *world, unsigned node) {
    if (world->deaf[node] && !world->cut_off[node])
        tell(world, node, BROKER_LINK_LOST);
    world->cut_off[node] = world->cut_off[node] || world->deaf[node];
}

static void mend(struct world *world, unsigned node) {
    if (world->deaf[node] || world->forgotten[node]) {
        world->deaf[node] = world->cut_off[node] = world->forgotten[node] = false;
        tell(world, node, BROKER_LINK_RESUMED);
    }
}

static void forget(struct world *world) {
    world->known = false;
    for (int node = 0; node < NODES; node++)
        world->forgotten[node] = true;
}

static void deliver(struct world *world, unsigned node) {
    struct queue *queue = &world->queue[node];
    if (queue->answer_count > 0 && (queue->frame_count == 0 || below(world, 2) == 0)) {
        struct broker_event event = queue->answers[0];
        memmove(&queue->answers[0], &queue->answers[1], --queue->answer_count * sizeof event);
        step(world, node, (struct event){.kind = EVENT_BROKER, .broker = &event});
    } else if (queue->frame_count > 0) {
        struct peer_frame frame = queue->frames[0];
        memmove(&queue->frames[0], &queue->frames[1], --queue->frame_count * sizeof frame);
        step(world, node, (struct event){.kind = EVENT_PEER, .peer = &frame});
    }
}

static void pass(struct world *world, int64_t ms) {
    world->now_ms += ms;
    for (unsigned node = 0; node < NODES; node++)
        if (core_deadline(world->core[node]) <= world->now_ms)
            step(world, node, (struct event){.kind = EVENT_TICK});
}

static void act(struct world *world) {
    unsigned node = (unsigned)below(world, NODES);
    struct person *person = &world->person[below(world, PEOPLE)];
    uint64_t draw = below(world, 100);
    if (draw < 55)
        deliver(world, node);
    else if (draw < 75)
        pass(world, (int64_t)below(world, 100));
    else if (draw < 82)
        resume(world, person, node);
    else if (draw < 85)
        drop(world, person);
    else if (draw < 88)
        cut(world, node);
    else if (draw < 92)
        notice(world, node);
    else if (draw < 97)
        mend(world, node);
    else if (draw < 99)
        forget(world);
    else
        kill_node(world, node);
}

static void go_on(struct world *world, int rounds, int64_t ms) {
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < PEOPLE; i++)
            if ((world->person[i].conn == 0 || world->person[i].moving) && world->person[i].next_conn == 0)
                resume(world, &world->person[i], (unsigned)below(world, NODES));
        for (int i = 0; i < 30; i++)
            deliver(world, (unsigned)below(world, NODES));
        pass(world, ms);
    }
}

/* Nothing is broken any more, and everybody comes back who was dropped; also who can't know what became of a resume. */
static void settle(struct world *world) {
    for (unsigned node = 0; node < NODES; node++) {
        notice(world, node);
        mend(world, node);
    }
    go_on(world, 200, 50);
}

/* --- what must be true -------------------------------------------------------------------------------------------- */

static void assert_there(const struct world *world, int who) {
    const struct person *person = &world->person[who], *other = &world->person[1 - who];
    const struct session *session = session_get(world->core[person->node], person->session);
    const struct session *theirs = session_get(world->core[other->node], other->session);
    const char *wrong = NULL;
    if (session == NULL || session->state != SESSION_CHATTING || session->conn != person->conn)
        wrong = "is not in its chat";
    else if (!session->chat->peer_here)
        wrong = "takes the other to be away";
    else if (theirs == NULL ||
             !address_equal(session->chat->peer.at, session_address(world->core[other->node], theirs)))
        wrong = "does not know where the other is";
    else if (!address_equal(world->record.party[session->chat->side].at,
                            session_address(world->core[person->node], session)))
        wrong = "is not where the register has it";
    if (wrong != NULL)
        fail_msg("seed %llu: person %d %s", (unsigned long long)world->seed, who, wrong);
}

static void assert_nobody_else(const struct world *world) {
    uint64_t sessions = 0;
    for (int node = 0; node < NODES; node++)
        sessions += core_gauges(world->core[node]).sessions;
    if (sessions != PEOPLE)
        fail_msg("seed %llu: %llu sessions are left", (unsigned long long)world->seed, (unsigned long long)sessions);
}

static void open_world(struct world *world, uint64_t seed) {
    memset(world, 0, sizeof *world);
    world->seed = seed;
    random_init(&world->random, seed);
    world->now_ms = 1000000;
    for (unsigned node = 0; node < NODES; node++)
        start(world, node);
    const struct chat_id id = {5, 6};
    for (int i = 0; i < PEOPLE; i++)
        world->person[i].token = (struct claims){.chat = id,
                                                 .side = (enum side)i,
                                                 .reliable = true,
                                                 .peer_reliable = true,
                                                 .person = 100 + (uint64_t)i,
                                                 .peer = 101 - (uint64_t)i};
    for (int i = 0; i < PEOPLE; i++)
        resume(world, &world->person[i], (unsigned)below(world, NODES));
}

static void test_converges(void **state) {
    (void)state;
    struct world *world = memory_zero(1, sizeof *world);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        open_world(world, seed);
        for (int i = 0; i < STEPS; i++)
            act(world);
        settle(world);
        assert_there(world, 0);
        assert_there(world, 1);
        go_on(world, 80, 1000); /* until every grace is over */
        assert_there(world, 0);
        assert_there(world, 1);
        assert_nobody_else(world);
        for (int node = 0; node < NODES; node++)
            core_free(world->core[node]);
    }
    free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_converges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
