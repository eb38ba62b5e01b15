/* test_line.c - what a search costs, and who goes first of those who came together. (Who is paired with whom:
 * tests/contract.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "line.h"

#include <stdio.h>

enum { CROWD = 10000, TOPIC = 0x70b1c };

static struct ticket ticket_at(uint64_t boot, uint32_t slot) {
    return (struct ticket){
        .who = {.at = {.boot = boot, .slot = slot, .generation = 1}, .person = boot << 32 | slot},
        .attempt = 1,
        .since_ms = slot,
    };
}

static void set_language(struct ticket *ticket, unsigned number) {
    snprintf(ticket->language, sizeof ticket->language, "l%u", number);
}

static int setup(void **state) {
    *state = line_new();
    return 0;
}

static int teardown(void **state) {
    line_free(*state);
    return 0;
}

static void waits(struct line *line, const struct ticket *ticket) {
    struct ticket candidate;
    assert_false(line_seek(line, ticket, &candidate));
}

/* Seeks, finds that slot, and looks at no more than `most` tickets on the way. */
static void finds(struct line *line, const struct ticket *seeker, uint32_t slot, uint64_t most) {
    struct ticket candidate;
    uint64_t before = line_examined(line);
    assert_true(line_seek(line, seeker, &candidate));
    assert_int_equal(candidate.who.at.slot, slot);
    assert_in_range(line_examined(line) - before, 1, most);
}

/* Each of the crowd waits with a topic of its own, in one language. */
static void test_other_topics_cost_nothing(void **state) {
    struct line *line = *state;
    for (uint32_t i = 1; i <= CROWD; i++) {
        struct ticket ticket = ticket_at(1, i);
        ticket.topics = (struct topics){.hash = {TOPIC + i}, .count = 1};
        waits(line, &ticket);
    }
    assert_int_equal(line_examined(line), 0);

    struct ticket open = ticket_at(1, CROWD + 1);
    waits(line, &open);
    struct ticket seeker = ticket_at(2, CROWD + 2);
    finds(line, &seeker, CROWD + 1, 1);

    seeker.topics = (struct topics){.hash = {1, 2, TOPIC + CROWD / 2}, .count = 3};
    finds(line, &seeker, CROWD / 2, 1);
    assert_int_equal(line_count(line), CROWD - 1);
}

/* Each of the crowd waits in a language of its own. */
static void test_other_languages_cost_nothing(void **state) {
    struct line *line = *state;
    for (uint32_t i = 1; i <= CROWD; i++) {
        struct ticket ticket = ticket_at(1, i);
        set_language(&ticket, i);
        if (i % 2 == 0)
            ticket.topics = (struct topics){.hash = {TOPIC}, .count = 1};
        waits(line, &ticket);
    }
    assert_int_equal(line_examined(line), 0);

    struct ticket seeker = ticket_at(2, CROWD + 1);
    set_language(&seeker, CROWD / 2 + 1);
    finds(line, &seeker, CROWD / 2 + 1, 1);
    set_language(&seeker, CROWD);
    seeker.topics = (struct topics){.hash = {TOPIC, 1}, .count = 2};
    finds(line, &seeker, CROWD, 1);

    struct ticket relaxed = ticket_at(1, CROWD + 2);
    relaxed.relaxed = true;
    set_language(&relaxed, CROWD + 2);
    waits(line, &relaxed);
    seeker.relaxed = true;
    set_language(&seeker, CROWD + 1);
    finds(line, &seeker, CROWD + 2, 1);
}

/* Each of the crowd names no topic, in a language of its own: nobody for who insists on one. */
static void test_open_people_cost_the_strict_nothing(void **state) {
    struct line *line = *state;
    for (uint32_t i = 1; i <= CROWD; i++) {
        struct ticket ticket = ticket_at(1, i);
        set_language(&ticket, i);
        waits(line, &ticket);
    }
    struct ticket seeker = ticket_at(2, CROWD + 1);
    seeker.topics = (struct topics){.hash = {TOPIC}, .count = 1};
    waits(line, &seeker);
    assert_int_equal(line_examined(line), 0);
}

/* Everybody who waits would do: the first is taken without a look at the others. */
static void test_the_first_of_many_who_would_do(void **state) {
    struct line *line = *state;
    for (uint32_t i = 1; i <= CROWD; i++) {
        struct ticket ticket = ticket_at(1, i);
        set_language(&ticket, i);
        ticket.topics = (struct topics){.hash = {TOPIC, TOPIC + i}, .count = 2};
        waits(line, &ticket);
    }
    struct ticket seeker = ticket_at(2, CROWD + 1);
    seeker.topics = (struct topics){.hash = {TOPIC}, .count = 1};
    finds(line, &seeker, 1, 1);
    finds(line, &seeker, 2, 1);
}

/* Only those whom one has met oneself, and who have met one, are looked at in vain. */
static void test_strangers_met(void **state) {
    struct line *line = *state;
    struct ticket seeker = ticket_at(2, CROWD + 1);
    for (uint32_t i = 1; i <= CROWD; i++) {
        struct ticket ticket = ticket_at(1, i);
        set_language(&ticket, i);
        waits(line, &ticket);
        if (i <= RECENT_STRANGERS)
            seeker.recent[i - 1] = ticket.who.person;
    }
    finds(line, &seeker, RECENT_STRANGERS + 1, RECENT_STRANGERS + 1);
}

static void test_arrival_decides(void **state) {
    struct line *line = *state;
    for (uint32_t i = 1; i <= 3; i++) {
        struct ticket ticket = ticket_at(1, i);
        set_language(&ticket, i);
        ticket.since_ms = 5;
        waits(line, &ticket);
    }
    struct ticket first = ticket_at(1, 1); /* seeks again, with its place: it now came last */
    set_language(&first, 1);
    first.since_ms = 5;
    waits(line, &first);
    struct ticket seeker = ticket_at(2, 9);
    finds(line, &seeker, 2, 1);
    finds(line, &seeker, 3, 1);
    finds(line, &seeker, 1, 1);
}

static void test_drop(void **state) {
    struct line *line = *state;
    for (uint32_t i = 1; i <= 1000; i++) {
        struct ticket ticket = ticket_at(1 + i % 3, i);
        set_language(&ticket, i);
        waits(line, &ticket);
    }
    line_drop(line, 2);
    line_drop(line, 2);
    line_drop(line, 99);
    assert_int_equal(line_count(line), 1000 - 334);
    struct ticket seeker = ticket_at(9, 9);
    seeker.relaxed = true;
    struct ticket candidate;
    while (line_seek(line, &seeker, &candidate))
        assert_int_not_equal(candidate.who.at.boot, 2);
    assert_int_equal(line_count(line), 1); /* the seeker itself */
}

/* What one may name at most: every queue that it opened is closed again (LeakSanitizer looks). */
static void test_the_largest_ticket(void **state) {
    struct line *line = *state;
    struct ticket ticket = ticket_at(1, 1);
    ticket.relaxed = true;
    set_language(&ticket, 123);
    for (uint64_t i = 0; i < MAX_TOPICS; i++)
        ticket.topics.hash[ticket.topics.count++] = UINT64_MAX - i;
    waits(line, &ticket);
    line_withdraw(line, ticket.who.at, ticket.attempt);
    assert_int_equal(line_count(line), 0);
    waits(line, &ticket);
    struct ticket seeker = ticket;
    seeker.who = ticket_at(2, 2).who;
    finds(line, &seeker, 1, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_other_topics_cost_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_languages_cost_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_open_people_cost_the_strict_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_first_of_many_who_would_do, setup, teardown),
        cmocka_unit_test_setup_teardown(test_strangers_met, setup, teardown),
        cmocka_unit_test_setup_teardown(test_arrival_decides, setup, teardown),
        cmocka_unit_test_setup_teardown(test_drop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_largest_ticket, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
