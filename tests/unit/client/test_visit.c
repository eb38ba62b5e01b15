/* test_visit.c - the reliable client, frame by frame: finding, leaving, resuming, and what a node should not say. */
#include "script.h"

static void test_finds_and_leaves(void **state) {
    (void)state;
    perform(SCRIPT("find", "~ open", "hello ,\"online\":3", "! hello 3", FIND_FRAME, "< {\"t\":\"waiting\"}",
                   "! waiting", MATCHED_FRAME, "! matched on rain", "leave", "! ended you_left", "> {\"t\":\"leave\"}",
                   "< {\"t\":\"ended\",\"reason\":\"you_left\"}", "wait 60000"));
}

static void test_stops_looking(void **state) {
    (void)state;
    perform(SCRIPT("find", "~ open", "hello", "! hello", FIND_FRAME, "< {\"t\":\"waiting\"}", "! waiting", "leave",
                   "> {\"t\":\"leave\"}", "< {\"t\":\"idle\"}", "wait 60000"));
}

/* The match crossed with our `leave`, which ends that chat. */
static void test_leave_crosses_with_match(void **state) {
    (void)state;
    perform(SCRIPT("find", "~ open", "hello", "! hello", FIND_FRAME, "< {\"t\":\"waiting\"}", "! waiting", "leave",
                   "> {\"t\":\"leave\"}", MATCHED_FRAME, "< {\"t\":\"msg\",\"seq\":1,\"body\":\"hi\"}",
                   "< {\"t\":\"ended\",\"reason\":\"you_left\"}", "wait 60000"));
}

/* The stranger was faster: `idle` is what answers our `leave`. */
static void test_leave_crosses_with_end(void **state) {
    (void)state;
    perform(SCRIPT(MET, "leave", "! ended you_left", "> {\"t\":\"leave\"}", "< {\"t\":\"ended\",\"reason\":\"left\"}",
                   "< {\"t\":\"idle\"}", "wait 60000"));
}

/* What was to go over a connection that is gone does not go over the next. */
static void test_frames_die_with_their_connection(void **state) {
    (void)state;
    static const struct criteria nothing = {.topic_count = 0};
    struct heard heard;
    const char *problem;
    static const char hello[] = "{\"t\":\"hello\",\"v\":1}";
    struct visit visit;
    visit_init(&visit, &nothing);
    visit_find(&visit, 0);
    assert_true(frames_read(hello, strlen(hello), &heard, &problem));
    visit_greeted(&visit, &heard);
    frames_release(&heard);
    visit_reconcile(&visit, 0);
    visit_lost(&visit);
    assert_null(output_take_frame(&visit.out));
    visit_fini(&visit);
}

static void test_next(void **state) {
    (void)state;
    perform(SCRIPT(MET, "find", "! ended you_left", "~ open", FIND_FRAME, "< {\"t\":\"ended\",\"reason\":\"you_left\"}",
                   "< {\"t\":\"waiting\"}", "! waiting", "find", "~ open",
                   "< {\"t\":\"matched\",\"chat\":\"c2\",\"resume\":\"t9\",\"reliable\":false}", "! matched"));
}

#define AGAIN_FRAME "> {\"t\":\"find\",\"reliable\":true,\"again\":\"t1\"}"
#define MET_KNOWING                                                                                                    \
    "again not", "find", "~ open", "hello ,\"again_ms\":9000", "! hello", FIND_FRAME, MATCHED_FRAME, "! matched on rain"
#define LEFT "< {\"t\":\"ended\",\"reason\":\"left\"}", "! ended left"

static void test_again(void **state) {
    (void)state;
    perform(SCRIPT(MET_KNOWING, "again not", LEFT, "again", "~ open", AGAIN_FRAME,
                   "< {\"t\":\"waiting\",\"again\":true}", "! waiting on",
                   "< {\"t\":\"matched\",\"chat\":\"c2\",\"resume\":\"t9\",\"reliable\":false}", "! matched"));
    /* too late; a node that does not know how, before and while it waits */
    perform(SCRIPT(MET_KNOWING, LEFT, "wait 9000", "again not"));
    perform(SCRIPT(MET, LEFT, "again not"));
    perform(SCRIPT(MET_KNOWING, LEFT, "again", "~ open", AGAIN_FRAME, "< {\"t\":\"waiting\",\"again\":true}",
                   "! waiting on", "lose", "hello", "! hello", "! refused this node can't find somebody again"));
}

/* It leaves the one line before it enters the other. */
static void test_again_or_anybody(void **state) {
    (void)state;
    perform(SCRIPT(MET_KNOWING, LEFT, "again", "~ open", AGAIN_FRAME, "< {\"t\":\"waiting\",\"again\":true}",
                   "! waiting on", "find", "~ open", "> {\"t\":\"leave\"}", "< {\"t\":\"idle\"}", FIND_FRAME,
                   "< {\"t\":\"waiting\"}", "! waiting", "again", "~ open", "> {\"t\":\"leave\"}", "< {\"t\":\"idle\"}",
                   AGAIN_FRAME));
}

static void test_ends(void **state) {
    (void)state;
    perform(SCRIPT(MET, "say one", "> {\"t\":\"msg\",\"seq\":1,\"body\":\"one\"}",
                   "< {\"t\":\"ended\",\"reason\":\"left\"}", "! ended 1 left", "find", "~ open", FIND_FRAME));
}

static void test_resumes(void **state) {
    (void)state;
    perform(SCRIPT(MET, "lose", "say one", "hello", "! hello", "> {\"t\":\"resume\",\"token\":\"t1\"}", RESUMED_FRAME,
                   "! resumed", "! stranger on", "> {\"t\":\"msg\",\"seq\":1,\"body\":\"one\"}", "lose", "hello",
                   "! hello", "> {\"t\":\"resume\",\"token\":\"t2\"}",
                   "< {\"t\":\"resumed\",\"chat\":\"c1\",\"peer\":\"away\",\"grace_ms\":5,\"resume\":\"t3\","
                   "\"reliable\":true}",
                   "! resumed", "! stranger 5", "> {\"t\":\"msg\",\"seq\":1,\"body\":\"one\"}"));
}

static void test_resumes_too_late(void **state) {
    (void)state;
    perform(SCRIPT(MET, "lose", "hello", "! hello", "> {\"t\":\"resume\",\"token\":\"t1\"}",
                   "< {\"t\":\"ended\",\"reason\":\"expired\"}", "! ended expired", "wait 60000"));
    perform(SCRIPT(MET, "lose", "hello", "! hello", "> {\"t\":\"resume\",\"token\":\"t1\"}",
                   "< {\"t\":\"error\",\"code\":\"bad_field\",\"message\":\"token\"}", "! ended expired"));
}

/* PROTOCOL.md, "What a reliable client does", 5: the connection drops before the answer to `leave`. */
static void test_repeats_leave(void **state) {
    (void)state;
    perform(SCRIPT(MET, "leave", "! ended you_left", "> {\"t\":\"leave\"}", "lose", "hello", "! hello",
                   "> {\"t\":\"resume\",\"token\":\"t1\"}", RESUMED_FRAME, "> {\"t\":\"leave\"}",
                   "< {\"t\":\"ended\",\"reason\":\"you_left\"}", "wait 60000"));
    perform(SCRIPT(MET, "find", "! ended you_left", "~ open", FIND_FRAME, "lose", "hello", "! hello",
                   "> {\"t\":\"resume\",\"token\":\"t1\"}", RESUMED_FRAME, FIND_FRAME));
    perform(SCRIPT(MET, "lose", "leave", "! ended you_left", "hello", "! hello",
                   "> {\"t\":\"resume\",\"token\":\"t1\"}", "< {\"t\":\"ended\",\"reason\":\"left\"}", "wait 60000"));
}

static void test_searches_again_after_a_loss(void **state) {
    (void)state;
    perform(SCRIPT("find", "~ open", "hello", "! hello", FIND_FRAME, "< {\"t\":\"waiting\"}", "! waiting", "lose",
                   "hello", "! hello", FIND_FRAME));
}

static void test_waits_when_told(void **state) {
    (void)state;
    perform(SCRIPT("find", "~ open", "hello", "! hello", FIND_FRAME,
                   "< {\"t\":\"error\",\"code\":\"rate_limited\",\"retry_ms\":700}", "wait 699", "wait 1", FIND_FRAME,
                   "< {\"t\":\"error\",\"code\":\"busy\"}", "wait 999", "wait 1", FIND_FRAME));
    perform(SCRIPT(MET, "lose", "hello", "! hello", "> {\"t\":\"resume\",\"token\":\"t1\"}",
                   "< {\"t\":\"error\",\"code\":\"rate_limited\",\"retry_ms\":9e15}", "wait 59999", "wait 1",
                   "> {\"t\":\"resume\",\"token\":\"t1\"}"));
}

static void test_search_is_refused(void **state) {
    (void)state;
    perform(SCRIPT("find", "~ open", "hello", "! hello", FIND_FRAME,
                   "< {\"t\":\"error\",\"code\":\"bad_field\",\"message\":\"topics\"}", "! refused bad_field",
                   "wait 60000"));
}

static void test_unanswered_request_costs_the_connection(void **state) {
    (void)state;
    perform(SCRIPT("find", "~ open", "hello", "! hello", FIND_FRAME, "wait 19999", "wait 1", "~ drop", "lose", "hello",
                   "! hello", FIND_FRAME));
}

static void test_closed_for_good(void **state) {
    (void)state;
    perform(SCRIPT(MET, "say one", "> {\"t\":\"msg\",\"seq\":1,\"body\":\"one\"}", "refuse 4501", "! closed 4501"));
    perform(SCRIPT(MET, "say one", "> {\"t\":\"msg\",\"seq\":1,\"body\":\"one\"}", "refuse 4502", "! ended 1 closed",
                   "! closed 4502", "wait 60000"));
    perform(SCRIPT("find", "~ open", "< {\"t\":\"hello\",\"v\":2}", "! closed", "~ shut", "wait 60000"));
}

/* A node that says what it should not: nothing happens, but for a word about it. */
static void test_nonsense(void **state) {
    (void)state;
    static const char *const frames[] = {
        "waiting", "idle", "away", "back", "sync",
    };
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        char frame[64], ignored[64];
        snprintf(frame, sizeof frame, "< {\"t\":\"%s\"}", frames[i]);
        snprintf(ignored, sizeof ignored, "! ignored %s", frames[i]);
        perform(SCRIPT("find", "~ open", "hello", "! hello", FIND_FRAME, "< {\"t\":\"waiting\"}", "! waiting", frame,
                       ignored));
    }
    perform(SCRIPT("hello", "! hello", MATCHED_FRAME, "! ignored matched", RESUMED_FRAME, "! ignored resumed",
                   "< {\"t\":\"ended\",\"reason\":\"left\"}", "! ignored ended", "< {\"t\":\"ack\",\"seq\":1}",
                   "! ignored ack", "< {\"t\":\"msg\",\"seq\":1,\"body\":\"x\"}", "! ignored msg",
                   "< {\"t\":\"error\",\"code\":\"new\"}", "! ignored error", "< {\"t\":\"typing\",\"on\":true}",
                   "! ignored typing"));
    perform(SCRIPT(MET, MATCHED_FRAME, "! ignored matched", RESUMED_FRAME, "! ignored resumed",
                   "< {\"t\":\"ack\",\"seq\":7}", "< {\"t\":\"error\",\"code\":\"bad_json\"}", "! ignored error"));
    perform(SCRIPT(MET, "lose", "hello", "! hello", "> {\"t\":\"resume\",\"token\":\"t1\"}",
                   "< {\"t\":\"resumed\",\"chat\":\"c2\",\"peer\":\"here\",\"resume\":\"t2\",\"reliable\":true}",
                   "! ignored resumed"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_and_leaves),
        cmocka_unit_test(test_stops_looking),
        cmocka_unit_test(test_leave_crosses_with_match),
        cmocka_unit_test(test_leave_crosses_with_end),
        cmocka_unit_test(test_frames_die_with_their_connection),
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_again_or_anybody),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_resumes),
        cmocka_unit_test(test_resumes_too_late),
        cmocka_unit_test(test_repeats_leave),
        cmocka_unit_test(test_searches_again_after_a_loss),
        cmocka_unit_test(test_waits_when_told),
        cmocka_unit_test(test_search_is_refused),
        cmocka_unit_test(test_unanswered_request_costs_the_connection),
        cmocka_unit_test(test_closed_for_good),
        cmocka_unit_test(test_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
