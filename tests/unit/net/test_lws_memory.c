/* test_lws_memory.c - a realloc() like any other, whatever the sizes, and for all threads. */
#include "lws_memory.h"

#include "base/random.h"
#include "base/slab.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

enum { BLOCKS = 3000, STEPS = 60000, THREADS = 3, TABLE_BYTES = 1 << 20 };

struct block {
    unsigned char *at;
    size_t size;
    unsigned char with;
};

static void *reallocate(void *block, size_t size) {
    return lws_memory_reallocate(block, size, "test");
}

static bool is_filled(const struct block *block, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (block->at[i] != block->with)
            return false;
    return true;
}

/* Blocks of a few sizes, as of lws, and of any. Counts what is not as it was left. */
static int storm(uint64_t seed) {
    static const size_t often[] = {864, 224, 148, 160, 128, 1024};
    static _Thread_local struct block blocks[BLOCKS];
    struct random random;
    random_init(&random, seed);
    int wrong = 0;
    for (int i = 0; i < STEPS; i++) {
        struct block *block = &blocks[random_below(&random, BLOCKS)];
        size_t size = random_below(&random, 4) > 0 ? often[random_below(&random, 6)] : random_below(&random, 1500);
        wrong += !is_filled(block, block->size);
        block->at = reallocate(block->at, size);
        wrong += !is_filled(block, size < block->size ? size : block->size);
        wrong += (block->at == NULL) != (size == 0);
        block->size = size;
        block->with = (unsigned char)i;
        if (size > 0)
            memset(block->at, block->with, size);
    }
    for (int i = 0; i < BLOCKS; i++) {
        wrong += !is_filled(&blocks[i], blocks[i].size);
        wrong += reallocate(blocks[i].at, 0) != NULL;
        blocks[i] = (struct block){0};
    }
    return wrong;
}

static void test_storm(void **state) {
    (void)state;
    assert_int_equal(storm(1), 0);
}

static void *thread(void *argument) {
    int *wrong = argument;
    *wrong = storm((uint64_t)(uintptr_t)argument);
    return NULL;
}

static void test_threads(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    int wrong[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, thread, &wrong[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(wrong[i], 0);
    }
}

/* What there are many of stands side by side. */
static void test_density(void **state) {
    (void)state;
    static unsigned char *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = reallocate(NULL, 224);
    int neighbours = 0;
    for (int i = 1; i < BLOCKS; i++)
        neighbours += blocks[i] - blocks[i - 1] == 224;
    assert_true(neighbours > BLOCKS / 10 * 8); /* the first are by malloc(), and pages need not be side by side */
    for (int i = 0; i < BLOCKS; i++)
        assert_null(reallocate(blocks[i], 0));
    assert_null(reallocate(NULL, 0));
}

/* What is not held by many is by malloc(), however often it is asked for. */
static void test_in_passing(void **state) {
    (void)state;
    for (int i = 0; i < BLOCKS; i++) {
        unsigned char *pair[2] = {reallocate(NULL, 264), reallocate(NULL, 264)};
        ptrdiff_t apart = pair[1] - pair[0];
        assert_true(apart > 264 || apart < -264); /* malloc()'s own is between them */
        for (int j = 0; j < 2; j++)
            assert_null(reallocate(pair[j], 0));
    }
}

static size_t pages_in_memory(const char *from, size_t bytes) {
    static unsigned char in[TABLE_BYTES / 4096];
    size_t count = 0;
    uintptr_t begin = ((uintptr_t)from + 4095) & ~(uintptr_t)4095;
    size_t pages = (bytes - (begin - (uintptr_t)from)) / 4096;
    assert_int_equal(mincore((void *)begin, pages * 4096, in), 0);
    for (size_t i = 0; i < pages; i++)
        count += in[i] & 1;
    return count;
}

static void test_untouched_tables(void **state) {
    (void)state;
    lws_memory_watch_tables();
    char *table = reallocate(NULL, TABLE_BYTES);
    char *moved = reallocate(NULL, TABLE_BYTES);
    memset(table, 0, TABLE_BYTES);
    table[TABLE_BYTES / 2] = 'x';
    table[TABLE_BYTES - 1] = 'y';
    assert_null(reallocate(moved, 0));
    assert_true(pages_in_memory(table, TABLE_BYTES) >= TABLE_BYTES / 4096 - 1);
    lws_memory_untouch_tables();
    assert_true(pages_in_memory(table, TABLE_BYTES) <= 2);
    for (size_t i = 0; i < TABLE_BYTES; i++)
        assert_int_equal(table[i], i == TABLE_BYTES / 2 ? 'x' : i == TABLE_BYTES - 1 ? 'y' : 0);
    assert_null(reallocate(table, 0));
    table = reallocate(NULL, TABLE_BYTES);
    memset(table, 0, TABLE_BYTES);
    lws_memory_untouch_tables(); /* it was not watched */
    assert_true(pages_in_memory(table, TABLE_BYTES) >= TABLE_BYTES / 4096 - 1);
    assert_null(reallocate(table, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_passing), cmocka_unit_test(test_density),          cmocka_unit_test(test_storm),
        cmocka_unit_test(test_threads),    cmocka_unit_test(test_untouched_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
