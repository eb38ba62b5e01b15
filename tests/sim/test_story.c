/* test_story.c - the trickiest rows of the contract, each as a story whose every step can be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "story.h"

#define FIND  "{'t':'find','reliable':true}"
#define PLAIN "{'t':'find'}"
#define LEAVE "{'t':'leave'}"

static int setup(void **state) {
    *state = story_new();
    return 0;
}

static int teardown(void **state) {
    story_end(*state);
    return 0;
}

/* Two people meet, the candidate first. */
static void meet(struct line *ann, const char *ann_says, struct line *bob, const char *bob_says) {
    story_says(ann, ann_says);
    HEARS(ann, WAITING);
    story_says(bob, bob_says);
    HEARS(bob, MATCHED);
    HEARS(ann, MATCHED);
    assert_string_equal(ann->last.chat, bob->last.chat);
}

static void test_two_nodes(void **state) {
    struct story *story = *state;
    story_begin(story);
    struct line *ann = story_connects(story, 0), *bob = story_connects(story, 1);
    meet(ann, FIND, bob, FIND);

    story_says(ann, "{'t':'typing','on':true}");
    HEARS(bob, TYPING);
    story_says(ann, "{'t':'msg','seq':1,'body':'hello'}");
    SHOWN(bob, 1, "hello");
    SILENT(ann); /* nobody acknowledges for a reliable client */
    story_says(bob, "{'t':'ack','seq':1}");
    ACKED(ann, 1);

    story_says(bob, LEAVE);
    ENDED(bob, YOU_LEFT);
    ENDED(ann, LEFT);
    story_says(bob, LEAVE);
    HEARS(bob, IDLE);
}

static void test_a_node_is_killed(void **state) {
    struct story *story = *state;
    story_begin(story);
    struct line *ann = story_connects(story, 0), *bob = story_connects(story, 1);
    meet(ann, FIND, bob, FIND);

    story_crashes(story, 1);
    story_says(ann, "{'t':'msg','seq':1,'body':'are you there?'}");
    HEARS(ann, AWAY);
    struct line *again = story_connects(story, 2);
    story_resumes(again, bob);
    HEARS(ann, BACK);
    assert_int_equal(HEARS(again, RESUMED)->peer, PRESENCE_HERE);
    story_says(ann, "{'t':'msg','seq':1,'body':'are you there?'}"); /* `back`: what is unacknowledged is said again */
    SHOWN(again, 1, "are you there?");
    story_says(again, "{'t':'ack','seq':1}");
    ACKED(ann, 1);
    story_says(again,
               "{'t':'msg','seq':7,'body':'yes'}"); /* the new node does not know the numbers: this is the base */
    SHOWN(ann, 7, "yes");
}

static void test_both_nodes_are_killed(void **state) {
    struct story *story = *state;
    story_begin(story);
    struct line *ann = story_connects(story, 0), *bob = story_connects(story, 1);
    meet(ann, FIND, bob, FIND);

    story_crashes(story, 0);
    story_crashes(story, 1);
    struct line *ann2 = story_connects(story, 2);
    story_resumes(ann2, ann);
    assert_int_equal(HEARS(ann2, RESUMED)->peer, PRESENCE_AWAY);
    story_starts(story, 0);
    struct line *bob2 = story_connects(story, 0);
    story_resumes(bob2, bob);
    assert_int_equal(HEARS(bob2, RESUMED)->peer, PRESENCE_HERE);
    HEARS(ann2, BACK);
    story_says(bob2, "{'t':'msg','seq':1,'body':'again'}");
    SHOWN(ann2, 1, "again");
}

/* The answer may be lost: the token that was used stays good, and the connection that was never heard of again does no
 * harm. */
static void test_the_answer_to_resume_is_lost(void **state) {
    struct story *story = *state;
    story_begin(story);
    struct line *ann = story_connects(story, 0), *bob = story_connects(story, 1);
    meet(ann, FIND, bob, FIND);
    story_hangs_up(bob);
    HEARS(ann, AWAY);

    struct line *lost = story_connects(story, 2);
    story_resumes(lost, bob);
    HEARS(ann, BACK); /* the resume was taken */
    story_is_cut(lost);
    struct line *again = story_connects(story, 1);
    story_resumes(again, bob);
    HEARS(again, RESUMED);
    HEARS(ann, BACK);
    story_is_missed(lost); /* its node learns of the cut when the chat has long left */
    SILENT(ann);
    SILENT(again);
    story_says(ann, "{'t':'msg','seq':1,'body':'once'}");
    SHOWN(again, 1, "once");
}

static void test_the_last_to_resume_wins(void **state) {
    struct story *story = *state;
    story_begin(story);
    struct line *ann = story_connects(story, 0), *bob = story_connects(story, 1);
    meet(ann, FIND, bob, FIND);

    struct line *first = story_connects(story, 2), *second = story_connects(story, 2);
    story_resumes(first, bob);
    HEARS(first, RESUMED);
    CLOSED(bob, CLOSE_SUPERSEDED);
    story_resumes(second, bob);
    HEARS(second, RESUMED);
    CLOSED(first, CLOSE_SUPERSEDED);
    HEARS(ann, BACK);
    HEARS(ann, BACK);
    SILENT(ann);
    story_says(ann, "{'t':'msg','seq':1,'body':'which of you?'}");
    SHOWN(second, 1, "which of you?");
}

static void test_the_grace_runs_out(void **state) {
    struct story *story = *state;
    story_begin(story);
    struct line *ann = story_connects(story, 0), *bob = story_connects(story, 1);
    meet(ann, FIND, bob, FIND);

    story_hangs_up(bob);
    assert_int_equal(HEARS(ann, AWAY)->grace_ms, 5000);
    story_passes(story, 4999);
    SILENT(ann);
    story_passes(story, 1);
    ENDED(ann, LOST);
    struct line *late = story_connects(story, 1);
    story_resumes(late, bob);
    ENDED(late, EXPIRED);
    story_says(late, FIND); /* the connection lives on */
    HEARS(late, WAITING);
}

static void test_left_while_away(void **state) {
    struct story *story = *state;
    story_begin(story);
    struct line *ann = story_connects(story, 0), *bob = story_connects(story, 1);
    meet(ann, FIND, bob, FIND);

    story_hangs_up(bob);
    HEARS(ann, AWAY);
    story_says(ann, LEAVE);
    ENDED(ann, YOU_LEFT);
    struct line *again = story_connects(story, 2);
    story_resumes(again, bob);
    ENDED(again, LEFT);
}

static void test_both_away_the_later_grace_counts(void **state) {
    struct story *story = *state;
    story_begin(story);
    struct line *ann = story_connects(story, 0), *bob = story_connects(story, 1);
    meet(ann, FIND, bob, FIND);

    story_hangs_up(bob);
    HEARS(ann, AWAY);
    story_passes(story, 4000);
    story_hangs_up(ann);
    story_passes(story, 3000); /* Bob's own grace is over, Ann's is not */
    struct line *again = story_connects(story, 2);
    story_resumes(again, bob);
    assert_int_equal(HEARS(again, RESUMED)->peer, PRESENCE_AWAY);
    assert_int_equal(again->last.grace_ms, 2000);
    story_passes(story, 2000);
    ENDED(again, LOST);
}

static void test_next(void **state) {
    struct story *story = *state;
    story_begin(story);
    struct line *ann = story_connects(story, 0), *bob = story_connects(story, 1);
    meet(ann, FIND, bob, FIND);

    story_says(ann, FIND);
    ENDED(ann, YOU_LEFT);
    HEARS(ann, WAITING);
    ENDED(bob, LEFT);
    story_says(bob, FIND);
    HEARS(bob, WAITING); /* they have met: each would rather meet somebody else */
    story_passes(story, 999);
    SILENT(ann);
    story_passes(story, 100);
    HEARS(ann, MATCHED);
    HEARS(bob, MATCHED);
}

/* `find` while waiting replaces the criteria, and keeps place and clock; each find has its own answer. */
static void test_find_replaced(void **state) {
    struct story *story = *state;
    story_begin(story);
    struct line *ann = story_connects(story, 0), *cat = story_connects(story, 0), *dan = story_connects(story, 1);
    story_says(ann, "{'t':'find','topics':['chess']}");
    HEARS(ann, WAITING);
    story_passes(story, 100);
    story_says(cat, "{'t':'find','topics':['go']}");
    HEARS(cat, WAITING);
    story_passes(story, 100);
    story_says(ann, "{'t':'find','topics':['chess','Go']}");
    HEARS(ann, WAITING);
    HEARS(ann, MATCHED);
    HEARS(cat, MATCHED);

    story_says(dan, PLAIN);
    story_is_taken(dan);
    story_says(dan, "{'t':'find','topics':['x']}"); /* before the first is answered */
    story_is_taken(dan);
    HEARS(dan, WAITING);
    HEARS(dan, WAITING);
    SILENT(dan);
}

static void test_window(void **state) {
    struct story *story = *state;
    story_begin(story);
    struct line *ann = story_connects(story, 0), *bob = story_connects(story, 1);
    meet(ann, FIND, bob, FIND);
    for (int i = 1; i <= 4; i++) {
        char text[64];
        snprintf(text, sizeof text, "{'t':'msg','seq':%d,'body':'x'}", i);
        story_says(ann, text);
        SHOWN(bob, (uint64_t)i, "x");
    }
    story_says(ann, "{'t':'msg','seq':5,'body':'x'}");
    ERROR(ann, WINDOW_FULL);
    story_says(bob, "{'t':'ack','seq':4}");
    ACKED(ann, 4);
    story_says(ann, "{'t':'msg','seq':6,'body':'x'}"); /* the refused one has not come again */
    ERROR(ann, WINDOW_FULL);
    story_says(ann, "{'t':'msg','seq':5,'body':'x'}");
    story_says(ann, "{'t':'msg','seq':6,'body':'x'}");
    SHOWN(bob, 5, "x");
    SHOWN(bob, 6, "x");
    story_says(ann, "{'t':'msg','seq':8,'body':'x'}");
    ERROR(ann, BAD_SEQ);
    story_says(bob, "{'t':'ack','seq':7}"); /* what was never passed on */
    ERROR(bob, BAD_SEQ);
}

/* A plain client is acknowledged for when the kernel has taken the message, not before. */
static void test_plain_client_that_stalls(void **state) {
    struct story *story = *state;
    story->climate.kernel_bytes = 1; /* one frame fits */
    story_begin(story);
    struct line *ann = story_connects(story, 0), *bob = story_connects(story, 0);
    meet(ann, FIND, bob, PLAIN);

    story_stalls(bob);
    story_says(ann, "{'t':'msg','seq':1,'body':'taken by the kernel'}");
    ACKED(ann, 1);
    story_says(ann, "{'t':'msg','seq':2,'body':'queued'}");
    SILENT(ann);
    story_says(ann, "{'t':'msg','seq':2,'body':'queued'}"); /* said again while it is queued: not queued twice */
    story_says(ann, "{'t':'typing','on':true}");            /* never stored */
    ACKED(ann, 1);                                          /* still */
    SILENT(ann);
    story_reads_on(bob);
    SHOWN(bob, 1, "taken by the kernel");
    SHOWN(bob, 2, "queued");
    SILENT(bob);
    ACKED(ann, 2);
    story_says(ann, "{'t':'msg','seq':2,'body':'queued'}"); /* its ack was lost: acknowledged again, not shown again */
    ACKED(ann, 2);
    SILENT(bob);
}

static void test_slow_consumer(void **state) {
    struct story *story = *state;
    story->climate.kernel_bytes = 1;
    story->climate.queue_bytes = 90; /* two short messages */
    story_begin(story);
    struct line *ann = story_connects(story, 0), *bob = story_connects(story, 1);
    meet(ann, FIND, bob, FIND);

    story_stalls(bob);
    story_says(ann, "{'t':'msg','seq':1,'body':'one'}");
    story_says(ann, "{'t':'msg','seq':2,'body':'two'}");
    story_says(ann, "{'t':'msg','seq':3,'body':'three'}");
    story_says(ann, "{'t':'msg','seq':4,'body':'four'}");
    story_passes(story, 500);
    HEARS(ann, AWAY);
    story_reads_on(bob);
    SHOWN(bob, 1, "one");
    CLOSED(bob, CLOSE_SLOW);
    struct line *again = story_connects(story, 1);
    story_resumes(again, bob);
    HEARS(again, RESUMED);
    HEARS(ann, BACK);
    story_says(ann, "{'t':'msg','seq':1,'body':'one'}");
    SHOWN(again, 1, "one");
}

static void test_drain(void **state) {
    struct story *story = *state;
    story_begin(story);
    struct line *ann = story_connects(story, 0), *bob = story_connects(story, 1), *cat = story_connects(story, 1);
    meet(ann, FIND, bob, FIND);
    story_says(cat, FIND);
    HEARS(cat, WAITING);

    story_drains(story, 1);
    HEARS(bob, RECONNECT);
    HEARS(cat, RECONNECT);
    story_says(cat, FIND);
    ERROR(cat, BUSY);
    story_says(bob, "{'t':'msg','seq':1,'body':'I am moving'}"); /* this one works until then */
    SHOWN(ann, 1, "I am moving");
    struct line *moved = story_connects(story, 2);
    story_resumes(moved, bob);
    HEARS(moved, RESUMED);
    CLOSED(bob, CLOSE_SUPERSEDED);
    HEARS(ann, BACK);
    story_says(ann, "{'t':'ack','seq':1}");
    ACKED(moved, 1);
}

static void test_the_tenth_protocol_error(void **state) {
    struct story *story = *state;
    story_begin(story);
    struct line *ann = story_connects(story, 0), *bob = story_connects(story, 1);
    meet(ann, FIND, bob, FIND);
    for (int i = 1; i <= 9; i++) {
        story_says(bob, "{'t':'dance'}");
        ERROR(bob, BAD_TYPE);
    }
    story_passes(story, 60000); /* inside one minute */
    story_says(bob, "{'t':'dance'}");
    ERROR(bob, BAD_TYPE);
    SILENT(ann);
    for (int i = 2; i <= 10; i++) {
        story_says(bob, "{'t':'dance'}");
        ERROR(bob, BAD_TYPE);
    }
    CLOSED(bob, CLOSE_ERRORS);
    ENDED(ann, LEFT);
    struct line *again = story_connects(story, 2);
    story_resumes(again, bob);
    ENDED(again, YOU_LEFT);
}

/* What the new node learns from an ack counts as much as what it learns from a message. */
static void test_ack_ahead_of_what_is_said_again(void **state) {
    struct story *story = *state;
    story_begin(story);
    struct line *ann = story_connects(story, 0), *bob = story_connects(story, 1);
    meet(ann, FIND, bob, FIND);
    story_says(ann, "{'t':'msg','seq':1,'body':'one'}");
    story_says(ann, "{'t':'msg','seq':2,'body':'two'}");
    SHOWN(bob, 1, "one");
    SHOWN(bob, 2, "two");
    story_crashes(story, 0);

    struct line *again = story_connects(story, 2);
    story_resumes(again, ann);
    HEARS(again, RESUMED);
    HEARS(bob, AWAY);
    HEARS(bob, BACK);
    story_says(bob, "{'t':'ack','seq':2}");
    SILENT(bob);
    story_says(again, "{'t':'msg','seq':1,'body':'one'}"); /* said before the ack was read */
    SHOWN(bob, 1, "one");
    ACKED(again, 2);
    story_says(again, "{'t':'msg','seq':3,'body':'three'}");
    SHOWN(bob, 3, "three");
    SILENT(again);
}

/* And when it comes later than the first message. */
static void test_ack_of_what_was_said_elsewhere(void **state) {
    struct story *story = *state;
    story_begin(story);
    struct line *ann = story_connects(story, 0), *bob = story_connects(story, 1);
    meet(ann, FIND, bob, FIND);
    story_says(ann, "{'t':'msg','seq':1,'body':'one'}");
    story_says(ann, "{'t':'msg','seq':2,'body':'two'}");
    SHOWN(bob, 1, "one");
    SHOWN(bob, 2, "two");
    story_crashes(story, 0);

    struct line *again = story_connects(story, 2);
    story_resumes(again, ann);
    HEARS(again, RESUMED);
    story_says(again, "{'t':'msg','seq':1,'body':'one'}"); /* and the connection is lost */
    HEARS(bob, AWAY);
    HEARS(bob, BACK);
    SHOWN(bob, 1, "one");
    story_says(bob, "{'t':'ack','seq':2}");
    ACKED(again, 2);
    story_hangs_up(again);
    HEARS(bob, AWAY);
    struct line *third = story_connects(story, 2);
    story_resumes(third, again);
    HEARS(third, RESUMED);
    HEARS(bob, BACK);
    story_says(third, "{'t':'msg','seq':3,'body':'three'}");
    SHOWN(bob, 3, "three");
    SILENT(third);
}

/* What one node has acknowledged for a plain client never comes again: the next node must not wait for it. */
static void test_plain_gap_after_take_over(void **state) {
    struct story *story = *state;
    story_begin(story);
    struct line *ann = story_connects(story, 0), *bob = story_connects(story, 1);
    meet(ann, FIND, bob, PLAIN);
    story_hangs_up(bob);
    HEARS(ann, AWAY);
    struct line *again = story_connects(story, 2);
    story_resumes(again, bob);
    HEARS(again, RESUMED);
    HEARS(ann, BACK);

    story_says(ann, "{'t':'msg','seq':1,'body':'one'}");
    SHOWN(again, 1, "one");
    ACKED(ann, 1);
    story_crashes(story, 2);
    struct line *third = story_connects(story, 1);
    story_resumes(third, bob);
    HEARS(third, RESUMED);
    HEARS(ann, AWAY);
    HEARS(ann, BACK);
    story_says(ann, "{'t':'msg','seq':2,'body':'two'}");
    SHOWN(third, 2, "two");
    ACKED(ann, 2);
}

/* The match is made while one of the two is leaving: nobody is left in a chat of one. */
static void test_leave_crosses_the_match(void **state) {
    struct story *story = *state;
    story_begin(story);
    struct line *ann = story_connects(story, 0), *bob = story_connects(story, 1);
    story_says(ann, FIND);
    HEARS(ann, WAITING);
    story_says(bob, FIND);
    story_says(ann, LEAVE); /* on its way together with Bob's search */
    HEARS(ann, IDLE);
    HEARS(bob, WAITING);
    SILENT(ann);
    struct line *cat = story_connects(story, 2);
    story_says(cat, FIND);
    HEARS(cat, MATCHED);
    HEARS(bob, MATCHED);
}

static void test_tokens_that_are_worth_nothing(void **state) {
    struct story *story = *state;
    story_begin(story);
    struct line *ann = story_connects(story, 0), *bob = story_connects(story, 1), *cat = story_connects(story, 2);
    meet(ann, FIND, bob, FIND);
    char forged[MAX_TOKEN_CHARS + 64];
    size_t length = strlen(bob->token);
    bob->token[length / 2] = bob->token[length / 2] == 'A' ? 'B' : 'A';
    snprintf(forged, sizeof forged, "{'t':'resume','token':'%s'}", bob->token);
    story_says(cat, forged);
    ENDED(cat, EXPIRED);
    story_says(cat, "{'t':'resume','token':''}");
    ENDED(cat, EXPIRED);
    story_resumes(ann, ann); /* good, but she is not idle */
    ERROR(ann, BAD_FIELD);
    SILENT(bob);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_two_nodes),
        STORY(test_a_node_is_killed),
        STORY(test_both_nodes_are_killed),
        STORY(test_the_answer_to_resume_is_lost),
        STORY(test_the_last_to_resume_wins),
        STORY(test_the_grace_runs_out),
        STORY(test_left_while_away),
        STORY(test_both_away_the_later_grace_counts),
        STORY(test_next),
        STORY(test_find_replaced),
        STORY(test_window),
        STORY(test_plain_client_that_stalls),
        STORY(test_slow_consumer),
        STORY(test_drain),
        STORY(test_the_tenth_protocol_error),
        STORY(test_ack_ahead_of_what_is_said_again),
        STORY(test_ack_of_what_was_said_elsewhere),
        STORY(test_plain_gap_after_take_over),
        STORY(test_leave_crosses_the_match),
        STORY(test_tokens_that_are_worth_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
