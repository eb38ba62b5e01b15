/* test_memory.c - what the allocators give, and that running out of memory ends the process. */
#include "base/memory.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

static void test_zero(void **state) {
    (void)state;
    unsigned char *bytes = memory_zero(100, 7);
    for (int i = 0; i < 700; i++)
        assert_int_equal(bytes[i], 0);
    free(bytes);
    free(memory_zero(0, 0));
}

static void test_resize_keeps(void **state) {
    (void)state;
    int *numbers = memory_resize(NULL, 3, sizeof *numbers);
    memcpy(numbers, (int[]){1, 2, 3}, 3 * sizeof *numbers);
    numbers = memory_resize(numbers, 1000, sizeof *numbers);
    assert_memory_equal(numbers, ((int[]){1, 2, 3}), 3 * sizeof *numbers);
    numbers = memory_resize(numbers, 0, sizeof *numbers);
    free(numbers);
}

static void test_copies(void **state) {
    (void)state;
    char *copy = memory_string("text");
    assert_string_equal(copy, "text");
    free(copy);
    copy = memory_copy("a\0b", 3);
    assert_memory_equal(copy, "a\0b", 4); /* a NUL was added */
    free(copy);
    copy = memory_copy(NULL, 0);
    assert_string_equal(copy, "");
    free(copy);
}

static void resize_too_much(void) {
    free(memory_resize(NULL, SIZE_MAX / 2, 3));
}

static void zero_too_much(void) {
    free(memory_zero(SIZE_MAX / 2, 3));
}

/* Runs it in a process of its own, with stderr closed, and expects that to abort. */
static void expect_abort(void (*function)(void)) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        function();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    /* Under ASan the allocator itself ends the process, with an exit status. */
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGABRT : WEXITSTATUS(status) != 0);
}

static void test_too_much_aborts(void **state) {
    (void)state;
    expect_abort(resize_too_much);
    expect_abort(zero_too_much);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zero),
        cmocka_unit_test(test_resize_keeps),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_too_much_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
