/* test_talk.c - one chat, frame by frame: numbers, acknowledgements, sending again, refusals, typing, presence. */
#include "script.h"

#define MSG(seq, body)   "> {\"t\":\"msg\",\"seq\":" #seq ",\"body\":\"" body "\"}"
#define HEARD(seq, body) "< {\"t\":\"msg\",\"seq\":" #seq ",\"body\":\"" body "\"}"
#define ACK(seq)         "> {\"t\":\"ack\",\"seq\":" #seq "}"
#define ACKED(seq)       "< {\"t\":\"ack\",\"seq\":" #seq "}"

static void test_numbers_and_acknowledges(void **state) {
    (void)state;
    perform(SCRIPT(MET, "say one", MSG(1, "one"), "say two", MSG(2, "two"), ACKED(1), "! delivered 1", ACKED(2),
                   "! delivered 2", HEARD(1, "a"), "! message a", ACK(1)));
}

/* Rule 1: at most `window` of them unacknowledged. */
static void test_window(void **state) {
    (void)state;
    perform(SCRIPT("find", "~ open", "hello ,\"window\":2", "! hello", FIND_FRAME, MATCHED_FRAME, "! matched on rain",
                   "say 1", MSG(1, "1"), "say 2", MSG(2, "2"), "say 3", "say 4", ACKED(1), "! delivered 1", MSG(3, "3"),
                   ACKED(3), "! delivered 3", MSG(4, "4")));
}

/* Rule 2: only the next, in order; anything else is acknowledged again, at most every 150 ms. */
static void test_accepts_in_order(void **state) {
    (void)state;
    perform(SCRIPT(MET, HEARD(2, "b"), ACK(0), HEARD(1, "a"), "! message a", HEARD(1, "a"), HEARD(2, "b"),
                   "! message b", "wait 149", "wait 1", ACK(2), "wait 1000", HEARD(2, "b"), ACK(2)));
}

/* Nor later than half a window, so that who sends fast does not have to wait. */
static void test_acknowledges_half_a_window_at_once(void **state) {
    (void)state;
    perform(SCRIPT("find", "~ open", "hello ,\"window\":4", "! hello", FIND_FRAME, MATCHED_FRAME, "! matched on rain",
                   HEARD(1, "a"), "! message a", ACK(1), HEARD(2, "b"), "! message b", HEARD(3, "c"), "! message c",
                   ACK(3), HEARD(4, "d"), "! message d"));
}

static void test_plain_stranger(void **state) {
    (void)state;
    perform(SCRIPT("find", "~ open", "hello", "! hello", FIND_FRAME,
                   "< {\"t\":\"matched\",\"chat\":\"c1\",\"resume\":\"t1\",\"reliable\":false}", "! matched",
                   HEARD(1, "a"), "! message a", HEARD(7, "b"), "! message b", HEARD(1, "c"), "! message c",
                   "wait 60000"));
}

/* Rule 3. */
static void test_sends_again(void **state) {
    (void)state;
    perform(SCRIPT(MET, "say one", MSG(1, "one"), "say two", MSG(2, "two"), "< {\"t\":\"sync\"}", MSG(1, "one"),
                   MSG(2, "two"), "< {\"t\":\"back\"}", "! stranger on", MSG(1, "one"), MSG(2, "two"), ACKED(1),
                   "! delivered 1", "wait 9999", "wait 1", MSG(2, "two")));
}

static void test_does_not_send_again_to_somebody_away(void **state) {
    (void)state;
    perform(SCRIPT(MET, "say one", MSG(1, "one"), "< {\"t\":\"away\",\"grace_ms\":60000}", "! stranger 60000",
                   "wait 50000", "< {\"t\":\"back\"}", "! stranger on", MSG(1, "one")));
}

/* A connection that says nothing while messages are sent again and again may be dead. */
static void test_suspects_a_silent_connection(void **state) {
    (void)state;
    perform(SCRIPT(MET, "say one", MSG(1, "one"), "wait 10000", MSG(1, "one"), "wait 10000", "~ renew", MSG(1, "one"),
                   "wait 30000", MSG(1, "one"), MSG(1, "one"), MSG(1, "one"), "wait 10000", "~ renew", MSG(1, "one")));
    perform(SCRIPT(MET, "say one", MSG(1, "one"), "wait 1", "< {\"t\":\"typing\",\"on\":false}", "wait 9999",
                   MSG(1, "one"), "wait 10000", MSG(1, "one"), "wait 10000", "~ renew", MSG(1, "one")));
}

static void test_acknowledges_what_it_heard_before_it_leaves(void **state) {
    (void)state;
    perform(SCRIPT(MET, HEARD(1, "a"), "! message a", ACK(1), HEARD(2, "b"), "! message b", "leave", "! ended you_left",
                   ACK(2), "> {\"t\":\"leave\"}"));
}

static void test_holds_back_when_told(void **state) {
    (void)state;
    perform(SCRIPT(MET, "say one", MSG(1, "one"), "say two", MSG(2, "two"),
                   "< {\"t\":\"error\",\"code\":\"window_full\",\"seq\":2,\"retry_ms\":300}", "say three", "wait 299",
                   "wait 1", MSG(2, "two"), MSG(3, "three"), "< {\"t\":\"error\",\"code\":\"window_full\",\"seq\":2}",
                   ACKED(1), "! delivered 1", MSG(2, "two"), MSG(3, "three")));
}

/* The node does not know the numbers: one message at a time, until it has acknowledged. */
static void test_bad_seq(void **state) {
    (void)state;
    perform(SCRIPT(MET, "say one", MSG(1, "one"), "say two", MSG(2, "two"), "say three", MSG(3, "three"),
                   "< {\"t\":\"error\",\"code\":\"bad_seq\",\"seq\":2}", "wait 999", "wait 1", MSG(1, "one"), ACKED(1),
                   "! delivered 1", MSG(2, "two"), MSG(3, "three")));
}

/* Its number may have been passed on: something that no node refuses takes its place. */
static void test_refused_message(void **state) {
    (void)state;
    perform(SCRIPT(MET, "say one", MSG(1, "one"), "< {\"t\":\"error\",\"code\":\"too_long\",\"seq\":1}",
                   "! refused 1 too_long", MSG(1, "\xe2\x80\xa6"),
                   "< {\"t\":\"error\",\"code\":\"too_long\",\"seq\":1}",
                   "< {\"t\":\"error\",\"code\":\"too_long\",\"seq\":9}", "lose", "say four", "hello ,\"max_body\":3",
                   "! refused 2 too_long", "! hello", "> {\"t\":\"resume\",\"token\":\"t1\"}", RESUMED_FRAME,
                   "! resumed", "! stranger on", MSG(1, "\xe2\x80\xa6"), MSG(2, "\xe2\x80\xa6")));
}

static void test_forgotten_chat(void **state) {
    (void)state;
    perform(SCRIPT(MET, "< {\"t\":\"error\",\"code\":\"not_in_chat\"}", "~ drop", "lose", "hello", "! hello",
                   "> {\"t\":\"resume\",\"token\":\"t1\"}"));
}

static void test_typing(void **state) {
    (void)state;
    perform(SCRIPT(MET, "< {\"t\":\"typing\",\"on\":true}", "! typing on", "< {\"t\":\"typing\",\"on\":true}",
                   HEARD(1, "a"), "! typing", "! message a", ACK(1), "< {\"t\":\"typing\",\"on\":true}", "! typing on",
                   "wait 19999", "wait 1", "! typing", "< {\"t\":\"typing\",\"on\":true}", "! typing on", "lose",
                   "! typing"));
    perform(SCRIPT(MET, "typing on", "> {\"t\":\"typing\",\"on\":true}", "typing on", "wait 4999", "typing on",
                   "wait 1", "typing on", "> {\"t\":\"typing\",\"on\":true}", "typing off",
                   "> {\"t\":\"typing\",\"on\":false}", "typing off", "typing on", "> {\"t\":\"typing\",\"on\":true}",
                   "say one", MSG(1, "one"), "typing off", "lose", "typing on"));
}

static void test_fits(void **state) {
    (void)state;
    static const struct {
        const char *body;
        struct limits limits;
        bool fits;
    } rows[] = {
        {"12345", {5, 1000, 1}, true},
        {"123456", {5, 1000, 1}, false},
        {"\xc3\xa4\xc3\xa4\xc3\xa4", {5, 1000, 1}, false},
        {"12345", {5, 49, 1}, true}, /* {"t":"msg","seq":9007199254740991,"body":"12345"} */
        {"123456", {9, 49, 1}, false},
        {"1234\"", {9, 49, 1}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (talk_fits((struct text){rows[i].body, strlen(rows[i].body)}, &rows[i].limits) != rows[i].fits)
            fail_msg("row %zu", i);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_and_acknowledges),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_accepts_in_order),
        cmocka_unit_test(test_acknowledges_half_a_window_at_once),
        cmocka_unit_test(test_plain_stranger),
        cmocka_unit_test(test_sends_again),
        cmocka_unit_test(test_does_not_send_again_to_somebody_away),
        cmocka_unit_test(test_suspects_a_silent_connection),
        cmocka_unit_test(test_acknowledges_what_it_heard_before_it_leaves),
        cmocka_unit_test(test_holds_back_when_told),
        cmocka_unit_test(test_bad_seq),
        cmocka_unit_test(test_refused_message),
        cmocka_unit_test(test_forgotten_chat),
        cmocka_unit_test(test_typing),
        cmocka_unit_test(test_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
