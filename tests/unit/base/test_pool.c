/* test_pool.c - pages that don't overlap, keep what is in them while they become huge ones, and of which few are there before they are taken. */
#include "base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

enum { HUGE_PAGE_BYTES = 2 << 20, SMALL_PAGE_BYTES = 4096, PAGES = (70 << 20) / POOL_PAGE_BYTES };

/* How much of the 2 MB around a page is there. */
static size_t bytes_there(void *page) {
    unsigned char there[HUGE_PAGE_BYTES / SMALL_PAGE_BYTES];
    size_t bytes = 0;
    assert_int_equal(mincore((char *)page - (uintptr_t)page % HUGE_PAGE_BYTES, HUGE_PAGE_BYTES, there), 0);
    for (size_t i = 0; i < sizeof there; i++)
        bytes += (there[i] & 1) != 0 ? SMALL_PAGE_BYTES : 0;
    return bytes;
}

static bool is_filled(const unsigned char *page, int n) {
    for (size_t i = sizeof n; i < POOL_PAGE_BYTES; i++)
        if (page[i] != (unsigned char)n)
            return false;
    return memcmp(page, &n, sizeof n) == 0;
}

/* First, as it wants a pool that nobody has taken from. */
static void test_what_is_there(void **state) {
    (void)state;
    static unsigned char *pages[PAGES];
    for (int n = 0; n < PAGES; n++) {
        size_t taken = (size_t)(n + 1) * POOL_PAGE_BYTES;
        pages[n] = pool_take();
        memset(pages[n], n, POOL_PAGE_BYTES);
        memcpy(pages[n], &n, sizeof n);
        assert_int_equal((uintptr_t)pages[n] % POOL_PAGE_BYTES, 0);
        size_t of_this = (uintptr_t)pages[n] % HUGE_PAGE_BYTES + POOL_PAGE_BYTES;
        assert_in_range(bytes_there(pages[n]), of_this, of_this + taken / 16);
    }
    for (int n = 0; n < PAGES; n++)
        assert_true(is_filled(pages[n], n));
    for (int n = 0; n < PAGES; n++)
        pool_give(pages[n]);
}

static void test_taken_again(void **state) {
    (void)state;
    void *first = pool_take();
    void *second = pool_take();
    assert_ptr_not_equal(first, second);
    pool_give(first);
    assert_ptr_equal(pool_take(), first);
    pool_give(second);
    pool_give(first);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_is_there), cmocka_unit_test(test_taken_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
