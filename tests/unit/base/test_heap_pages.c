/* test_heap_pages.c - what malloc() gives comes from what was reserved. */
#include "base/heap_pages.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { RESERVED = 64 << 20, OBJECTS = 10000, OBJECT_BYTES = 2000 };

static void test_the_heap_grows_once(void **state) {
    (void)state;
    uintptr_t before = (uintptr_t)sbrk(0);
    heap_pages_reserve(RESERVED);
    uintptr_t reserved = (uintptr_t)sbrk(0);
    static char *objects[OBJECTS];
    for (int i = 0; i < OBJECTS; i++) {
        objects[i] = malloc(OBJECT_BYTES);
        assert_non_null(objects[i]);
        memset(objects[i], i, OBJECT_BYTES);
    }
    assert_int_equal((uintptr_t)sbrk(0), reserved); /* also where nothing can be reserved: another malloc() */
    if (reserved != before) {
        assert_true(reserved - before >= RESERVED);
        for (int i = 0; i < OBJECTS; i++)
            assert_in_range((uintptr_t)objects[i], before - RESERVED, reserved);
    }
    for (int i = 0; i < OBJECTS; i++)
        free(objects[i]);
    assert_int_equal((uintptr_t)sbrk(0), reserved);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_heap_grows_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
