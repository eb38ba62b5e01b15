/* order.c - who talks, to whom, and whose turn it is: drawn by --seed.
 *
 * People connect one after the other, and so lie side by side in a relay's memory. If those who talk were the first of all, or
 * neighbours talked to each other, or took turns in that order, each message would find what it needs where the message before
 * was: nobody's service is like that. */
#include "load.h"

#include "base/memory.h"
#include "base/random.h"

static void shuffle(struct random *random, uint32_t *list, uint32_t count, uint32_t step) {
    for (uint32_t left = count; left > 1; left--) {
        uint32_t *last = &list[(size_t)(left - 1) * step];
        uint32_t *chosen = &list[(size_t)(random_u64(random) % left) * step];
        uint32_t held = *last;
        *last = *chosen;
        *chosen = held;
    }
}

static uint32_t *one_to(uint32_t count) {
    uint32_t *list = memory_zero(count, sizeof *list);
    for (uint32_t i = 0; i < count; i++)
        list[i] = i;
    return list;
}

/* Pairs are of an even and an odd person: where there are two targets, these are on both. */
void order_init(struct load *load) {
    struct random random;
    uint32_t people = load->options.people;
    uint32_t talkers = load->options.talkers;
    random_init(&random, load->options.seed);
    load->search = one_to(people);
    shuffle(&random, load->search, people / 2, 2);
    shuffle(&random, load->search + 1, people / 2, 2);
    load->pair_of = memory_zero(people, sizeof *load->pair_of);
    load->turns = memory_zero(talkers, sizeof *load->turns);
    for (uint32_t i = 0; i < talkers; i++) {
        load->pair_of[load->search[i]] = i;
        load->turns[i] = load->search[i];
    }
    shuffle(&random, load->turns, talkers, 1);
    load->from_ns = load->to_ns = UINT64_MAX; /* nothing is measured yet */
}

struct person *order_next(struct load *load) {
    return &load->people[load->turns[load->turn++ % load->options.talkers]];
}
