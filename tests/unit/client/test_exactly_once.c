/* test_exactly_once.c - two reliable clients over a node that loses connections and frames: what one says the other
 * shows, exactly once and in order.
 *
 * The node is a model: it passes on what it is told, keeps nothing, and answers `resume`. Frames on their way are lost
 * with their connection, and between nodes (`sync` follows). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "visit.h"

#include "base/buffer.h"
#include "base/random.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 200, MESSAGES = 60, MAX_FLYING = 256, MAX_STEPS = 100000 };

struct person {
    struct visit visit;
    char *flying[MAX_FLYING]; /* frames on their way to this person, in order */
    size_t flying_count;
    unsigned said;
    unsigned shown;
    bool connected;
};

struct world {
    struct random random;
    int64_t now_ms;
    struct person people[2];
};

static const struct criteria nobody_special = {.topic_count = 0};

static struct person *other(struct world *world, struct person *person) {
    return person == &world->people[0] ? &world->people[1] : &world->people[0];
}

static void fly(struct person *to, const char *frame) {
    if (!to->connected)
        return;
    assert_true(to->flying_count < MAX_FLYING);
    to->flying[to->flying_count++] = strdup(frame);
}

static void crash_into_ground(struct person *person) {
    while (person->flying_count > 0)
        free(person->flying[--person->flying_count]);
}

/* --- the node ----------------------------------------------------------------------------------------------------- */

static void node_hears(struct world *world, struct person *from, const char *frame) {
    struct person *to = other(world, from);
    json_t *object = json_loads(frame, 0, NULL);
    const char *t = json_string_value(json_object_get(object, "t"));
    char answer[128];
    if (strcmp(t, "find") == 0) {
        fly(from, "{\"t\":\"matched\",\"chat\":\"c\",\"resume\":\"t\",\"reliable\":true}");
    } else if (strcmp(t, "resume") == 0) {
        snprintf(answer, sizeof answer,
                 "{\"t\":\"resumed\",\"chat\":\"c\",\"peer\":\"%s\",\"resume\":\"t\",\"reliable\":true}",
                 to->connected ? "here" : "away");
        fly(from, answer);
        fly(to, "{\"t\":\"back\"}");
    } else {
        fly(to, frame);
    }
    json_decref(object);
}

/* --- the clients -------------------------------------------------------------------------------------------------- */

static void settle(struct world *world, struct person *person) {
    struct output *out = &person->visit.out;
    visit_reconcile(&person->visit, world->now_ms);
    for (struct notice *notice = output_take_notice(out); notice != NULL; notice = output_take_notice(out)) {
        if (notice->type == NOTICE_MESSAGE) {
            char expected[16];
            snprintf(expected, sizeof expected, "%u", ++person->shown);
            assert_string_equal(notice->texts[0].at, expected);
        }
        assert_true(notice->type != NOTICE_ENDED && notice->type != NOTICE_REFUSED);
        notice_free(notice);
    }
    for (char *frame = output_take_frame(out); frame != NULL; frame = output_take_frame(out)) {
        if (person->connected)
            node_hears(world, person, frame);
        free(frame);
    }
}

static void hear(struct world *world, struct person *person, const char *frame) {
    struct heard heard;
    const char *problem;
    assert_true(frames_read(frame, strlen(frame), &heard, &problem));
    if (heard.kind == SERVER_HELLO)
        visit_greeted(&person->visit, &heard);
    else
        visit_heard(&person->visit, &heard, world->now_ms);
    frames_release(&heard);
    settle(world, person);
}

static void connect_person(struct world *world, struct person *person) {
    if (person->connected)
        return;
    person->connected = true;
    hear(world, person, "{\"t\":\"hello\",\"v\":1,\"window\":8}");
}

static void lose(struct world *world, struct person *person) {
    if (!person->connected)
        return;
    person->connected = false;
    crash_into_ground(person);
    visit_lost(&person->visit);
    fly(other(world, person), "{\"t\":\"away\",\"grace_ms\":60000}");
    settle(world, person);
}

static void deliver(struct world *world, struct person *person) {
    if (person->flying_count == 0)
        return;
    char *frame = person->flying[0];
    memmove(person->flying, person->flying + 1, --person->flying_count * sizeof *person->flying);
    hear(world, person, frame);
    free(frame);
}

static void say(struct world *world, struct person *person) {
    if (!person->visit.talking || person->said == MESSAGES)
        return;
    char body[16];
    int length = snprintf(body, sizeof body, "%u", ++person->said);
    (void)visit_say(&person->visit, (struct text){body, (size_t)length});
    settle(world, person);
}

/* What was on its way between nodes is lost, and both are told so. */
static void lose_frames(struct world *world) {
    for (size_t i = 0; i < 2; i++) {
        struct person *person = &world->people[i];
        if (!person->visit.talking || !person->visit.bound)
            return;
    }
    for (size_t i = 0; i < 2; i++) {
        crash_into_ground(&world->people[i]);
        fly(&world->people[i], "{\"t\":\"sync\"}");
    }
}

static void wait(struct world *world) {
    int64_t next_ms = INT64_MAX;
    for (size_t i = 0; i < 2; i++)
        if (visit_next_ms(&world->people[i].visit) < next_ms)
            next_ms = visit_next_ms(&world->people[i].visit);
    if (next_ms == INT64_MAX)
        return;
    world->now_ms = next_ms > world->now_ms ? next_ms : world->now_ms;
    for (size_t i = 0; i < 2; i++) {
        struct person *person = &world->people[i];
        visit_tick(&person->visit, world->now_ms);
        bool drops = (person->visit.out.wishes & WISH_DROP) != 0;
        person->visit.out.wishes = 0;
        if (drops)
            lose(world, person);
        settle(world, person);
    }
}

/* Faults happen until everything has been said. */
static void step(struct world *world, bool faults) {
    struct person *person = &world->people[random_below(&world->random, 2)];
    uint64_t dice = random_below(&world->random, 100);
    if (dice < 60)
        deliver(world, person);
    else if (dice < 75)
        say(world, person);
    else if (dice < 85)
        connect_person(world, person);
    else if (dice < 95)
        wait(world);
    else if (faults && dice < 98)
        lose(world, person);
    else if (faults)
        lose_frames(world);
}

static bool is_complete(const struct world *world) {
    for (size_t i = 0; i < 2; i++)
        if (world->people[i].said < MESSAGES || world->people[i].visit.talk.backlog.count > 0)
            return false;
    return true;
}

static void live(uint64_t seed) {
    struct world world = {.now_ms = 1};
    random_init(&world.random, seed);
    for (size_t i = 0; i < 2; i++) {
        visit_init(&world.people[i].visit, &nobody_special);
        visit_find(&world.people[i].visit, world.now_ms);
        connect_person(&world, &world.people[i]);
    }
    while (!world.people[0].visit.talking || !world.people[1].visit.talking)
        for (size_t i = 0; i < 2; i++)
            deliver(&world, &world.people[i]);
    int steps = 0;
    while (!is_complete(&world) && ++steps < MAX_STEPS)
        step(&world, world.people[0].said < MESSAGES || world.people[1].said < MESSAGES);
    if (!is_complete(&world))
        fail_msg("seed %u: not over after %d steps", (unsigned)seed, steps);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(world.people[i].shown, MESSAGES);
        crash_into_ground(&world.people[i]);
        visit_fini(&world.people[i].visit);
    }
}

static void test_exactly_once(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        live(seed);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_exactly_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
