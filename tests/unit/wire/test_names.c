/* test_names.c - the protocol's words, and chat ids as text. */
#include "passerby/wire.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static void test_names(void **state) {
    (void)state;
    assert_string_equal(wire_error_name(ERROR_BAD_JSON), "bad_json");
    assert_string_equal(wire_error_name(ERROR_BUSY), "busy");
    assert_string_equal(wire_ended_name(ENDED_YOU_LEFT), "you_left");
    assert_string_equal(wire_ended_name(ENDED_EXPIRED), "expired");
    assert_string_equal(wire_client_name(CLIENT_FIND), "find");
    assert_string_equal(wire_client_name(CLIENT_RESUME), "resume");
    assert_string_equal(wire_server_name(SERVER_HELLO), "hello");
    assert_string_equal(wire_server_name(SERVER_ERROR), "error");
}

static void test_every_error_has_a_message(void **state) {
    (void)state;
    for (enum error_code code = 0; code < ERROR_CODES; code++)
        assert_true(strlen(wire_error_message(code)) > 0);
}

static void test_chat_id(void **state) {
    (void)state;
    static const struct {
        struct chat_id id;
        const char *text;
    } rows[] = {
        {{0, 0}, "AAAAAAAAAAAAAAAAAAAAAA"},
        {{UINT64_MAX, UINT64_MAX}, "_____________________w"},
        {{0, 1}, "AAAAAAAAAAAAAAAAAAAAAQ"},
        {{UINT64_C(1) << 63, 0}, "gAAAAAAAAAAAAAAAAAAAAA"},
        {{UINT64_C(0x0001020304050607), UINT64_C(0x08090a0b0c0d0e0f)}, "AAECAwQFBgcICQoLDA0ODw"},
        {{UINT64_C(0xfbefbefbefbefbef), UINT64_C(0xbefbefbefbefbefb)},
         "--------------------"
         "-w"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[CHAT_ID_CHARS + 1];
        wire_chat_id(rows[i].id, text);
        assert_string_equal(text, rows[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_every_error_has_a_message),
        cmocka_unit_test(test_chat_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
