/* suite_random.c - random searches against a model that is too simple to be wrong.
 *
 * The model keeps people as rows and looks through all of them; topics are a set of bits, languages are numbers.
 * Nobody has the same place in the line as another, so that there is exactly one right answer. */
#include "cluster.h"

#include <string.h>

#include "base/random.h"

enum {
    NODES = 3,
    PER_NODE = 100,
    PEOPLE = NODES * PER_NODE,
    TOPICS = 60,
    LANGUAGES = 8,
    SEED = 20240229,
};

struct person {
    bool waiting;
    bool relaxed;
    uint64_t topics;                /* a bit each */
    unsigned language;              /* 0 = not named */
    unsigned met[RECENT_STRANGERS]; /* index + 1; 0 = none */
    int64_t since_ms;
    uint32_t attempt;
    struct chat_id chat;
};

struct world {
    struct cluster *cluster;
    struct random random;
    struct person people[PEOPLE];
    unsigned most_waiting;
    unsigned matches;
};

static unsigned below(struct world *world, unsigned bound) {
    return (unsigned)random_below(&world->random, bound);
}

/* --- the model ---------------------------------------------------------------------------------------------------- */

static bool takes(const struct world *world, unsigned a, unsigned b) {
    const struct person *self = &world->people[a];
    const struct person *other = &world->people[b];
    if (self->relaxed)
        return true;
    if (self->topics != 0 && (self->topics & other->topics) == 0)
        return false;
    if (self->language != 0 && other->language != 0 && self->language != other->language)
        return false;
    for (unsigned i = 0; i < RECENT_STRANGERS; i++)
        if (self->met[i] == b + 1)
            return false;
    return true;
}

/* Whom the seeker must get: an index, or PEOPLE for nobody. */
static unsigned right_answer(const struct world *world, unsigned seeker) {
    unsigned best = PEOPLE;
    int best_common = -1;
    for (unsigned i = 0; i < PEOPLE; i++) {
        const struct person *person = &world->people[i];
        if (i == seeker || !person->waiting || !takes(world, seeker, i) || !takes(world, i, seeker))
            continue;
        int common = __builtin_popcountll(person->topics & world->people[seeker].topics);
        if (common > best_common || (common == best_common && person->since_ms < world->people[best].since_ms)) {
            best = i;
            best_common = common;
        }
    }
    return best;
}

static unsigned waiting(const struct world *world) {
    unsigned count = 0;
    for (unsigned i = 0; i < PEOPLE; i++)
        count += world->people[i].waiting;
    return count;
}

/* --- the same for the broker -------------------------------------------------------------------------------------- */

static struct ticket ticket_of(struct world *world, unsigned at) {
    static const char *const languages[LANGUAGES] = {"", "en", "de", "fr", "gsw", "e", "abcdefgh", "abcdefgi"};
    const struct person *person = &world->people[at];
    struct ticket ticket = {
        .who = {.at = cluster_address(world->cluster, at / PER_NODE, at), .person = at + 1},
        .attempt = person->attempt,
        .relaxed = person->relaxed,
        .chat = person->chat,
        .since_ms = person->since_ms,
    };
    for (unsigned i = 0; i < TOPICS; i++)
        if ((person->topics & UINT64_C(1) << i) != 0)
            ticket.topics.hash[ticket.topics.count++] = 0x70b1c000 + i;
    strcpy(ticket.language, languages[person->language]);
    for (unsigned i = 0; i < RECENT_STRANGERS; i++)
        ticket.recent[i] = person->met[i];
    return ticket;
}

/* --- what happens ------------------------------------------------------------------------------------------------- */

static void change_wishes(struct world *world, struct person *person) {
    person->relaxed = below(world, 40) == 0;
    person->topics = 0;
    for (unsigned i = below(world, 20) == 0 ? 0 : 1 + below(world, MAX_TOPICS); i > 0; i--)
        person->topics |= UINT64_C(1) << below(world, below(world, 4) == 0 ? 3 : TOPICS);
    person->language = below(world, 20) == 0 ? 0 : 1 + below(world, LANGUAGES - 1);
    for (unsigned i = 0; i < RECENT_STRANGERS; i++)
        person->met[i] = below(world, 2) == 0 ? 0 : 1 + below(world, PEOPLE);
}

/* The two have been matched: perhaps the candidate commits, perhaps the seeker gives up before. */
static void decide(struct world *world, const struct ticket *seeker, const struct ticket *candidate) {
    unsigned node = cluster_node_of(world->cluster, seeker->who.at.boot);
    bool given_up = below(world, 3) == 0;
    if (given_up)
        assert_int_equal(cluster_abort(world->cluster, seeker).status, BROKER_NONE);
    if (below(world, 2) == 0) {
        enum broker_status status = cluster_commit(world->cluster, seeker, candidate).status;
        assert_int_equal(status, given_up ? BROKER_NONE : BROKER_OK);
        assert_int_equal(cluster_left(world->cluster, node, BROKER_CONFIRMED), !given_up);
    }
}

static void seek(struct world *world, unsigned at) {
    struct cluster *cluster = world->cluster;
    struct person *person = &world->people[at];
    cluster_advance(cluster, 1); /* so that each new place is another */
    person->attempt++;
    person->chat = (struct chat_id){at + 1, person->attempt};
    if (below(world, 4) > 0)
        change_wishes(world, person);
    if (below(world, 2) == 0)
        person->since_ms = 0;
    unsigned right = right_answer(world, at);

    struct ticket seeker = ticket_of(world, at);
    struct broker_event sought = cluster_seek(cluster, &seeker);
    assert_true(sought.sought.since_ms > 0);
    assert_true(seeker.since_ms == 0 || seeker.since_ms == sought.sought.since_ms);
    person->since_ms = sought.sought.since_ms;
    person->waiting = right == PEOPLE;
    assert_int_equal(sought.status, person->waiting ? BROKER_NONE : BROKER_OK);
    if (right == PEOPLE)
        return;
    struct ticket candidate = ticket_of(world, right);
    world->people[right].waiting = false;
    world->matches++;
    assert_true(sought.sought.node == 0 || sought.sought.node == candidate.who.at.boot);
    struct broker_event offered = cluster_take(cluster, right / PER_NODE, BROKER_OFFERED);
    assert_address(offered.to, candidate.who.at);
    assert_int_equal(offered.offered.attempt, candidate.attempt);
    assert_ticket(&offered.offered.seeker, &seeker);
    decide(world, &seeker, &candidate);
}

static void withdraw(struct world *world, unsigned at) {
    struct person *person = &world->people[at];
    uint32_t attempt = person->attempt - (below(world, 3) == 0);
    cluster_withdraw(world->cluster, cluster_address(world->cluster, at / PER_NODE, at), attempt);
    if (attempt == person->attempt)
        person->waiting = false;
}

static void restart(struct world *world, unsigned node) {
    cluster_close(world->cluster, node);
    cluster_settle(world->cluster);
    cluster_join(world->cluster, node);
    for (unsigned i = 0; i < PER_NODE; i++)
        world->people[node * PER_NODE + i].waiting = false;
    cluster_settle(world->cluster);
    cluster_forget(world->cluster);
}

static void test_random(void **state) {
    struct cluster *cluster = *state;
    struct world world = {.cluster = cluster};
    random_init(&world.random, SEED);
    for (unsigned i = 0; i < cluster->fixture->operations; i++) {
        unsigned at = below(&world, PEOPLE);
        if (below(&world, 1000) == 0)
            restart(&world, below(&world, NODES));
        else if (below(&world, 10) == 0)
            withdraw(&world, at);
        else
            seek(&world, at);
        unsigned count = waiting(&world);
        assert_int_equal(cluster_waiting(cluster), count);
        if (count > world.most_waiting)
            world.most_waiting = count;
        cluster_forget(cluster);
    }
    print_message("%u operations, seed %d: %u matches, at most %u waiting\n", cluster->fixture->operations, SEED,
                  world.matches, world.most_waiting);
    assert_true(world.most_waiting > PEOPLE / 10);
    assert_true(world.matches > cluster->fixture->operations / 10);
}

int suite_random(const struct fixture *fixture) {
    const struct CMUnitTest tests[] = {
        CLUSTER_TEST(test_random, fixture),
    };
    return cmocka_run_group_tests_name(fixture->name, tests, NULL, NULL);
}
