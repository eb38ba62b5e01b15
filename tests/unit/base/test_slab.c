/* test_slab.c - blocks that don't overlap, are used again, and go with their slab. */
#include "base/slab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCKS = 5000 };

static void fill(unsigned char *block, size_t size, int n) {
    memset(block, n, size);
    memcpy(block, &n, sizeof n);
}

static bool is_filled(const unsigned char *block, size_t size, int n) {
    for (size_t i = sizeof n; i < size; i++)
        if (block[i] != (unsigned char)n)
            return false;
    return memcmp(block, &n, sizeof n) == 0;
}

static void test_blocks_are_apart(void **state) {
    (void)state;
    static const size_t sizes[] = {8, 136, 864, SLAB_MOST_BYTES};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct slab slab = {.block_bytes = sizes[i]};
        static unsigned char *blocks[BLOCKS];
        for (int n = 0; n < BLOCKS; n++)
            fill(blocks[n] = slab_take(&slab), sizes[i], n);
        for (int n = 0; n < BLOCKS; n += 3)
            slab_give(&slab, blocks[n]);
        for (int n = 0; n < BLOCKS; n += 3)
            fill(blocks[n] = slab_take(&slab), sizes[i], n);
        for (int n = 0; n < BLOCKS; n++)
            assert_true(is_filled(blocks[n], sizes[i], n));
        for (int n = 0; n < BLOCKS; n++)
            slab_give(&slab, blocks[n]);
        slab_fini(&slab);
    }
}

/* As many as fit into a page without anything between them. */
static void test_pages_are_full(void **state) {
    (void)state;
    struct slab slab = {.block_bytes = 136};
    unsigned char *blocks[POOL_PAGE_BYTES / 136];
    size_t count = sizeof blocks / sizeof *blocks;
    for (size_t i = 0; i < count; i++) {
        blocks[i] = slab_take(&slab);
        assert_int_equal((uintptr_t)blocks[i] % sizeof(void *), 0);
        assert_true(slab_page_of(blocks[i]) == slab_page_of(blocks[0]));
        assert_true(slab_page_of(blocks[i] + 135) == slab_page_of(blocks[0]));
    }
    void *more = slab_take(&slab);
    assert_true(slab_page_of(more) != slab_page_of(blocks[0]));
    slab_give(&slab, more);
    for (size_t i = 0; i < count; i++)
        slab_give(&slab, blocks[i]);
    slab_fini(&slab);
}

static void test_used_again(void **state) {
    (void)state;
    struct slab slab = {.block_bytes = 64};
    void *first = slab_take(&slab);
    slab_give(&slab, NULL);
    slab_give(&slab, first);
    assert_ptr_equal(slab_take(&slab), first);
    slab_give(&slab, first);
    slab_fini(&slab);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_are_apart),
        cmocka_unit_test(test_pages_are_full),
        cmocka_unit_test(test_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
