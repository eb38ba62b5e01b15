/* sim.c - the simulator: whole nodes, a broker, model clients, faults; one thread, virtual time, one seed.
 *
 * Flow:  a run is a row of eras. Each draws a climate (limits, grace, window, pace, faults, rogues) from the seed and
 *        its own number, builds a cluster, runs its steps with calms in between, lets everybody leave, and looks for
 *        what is left.
 * Fails: a violated invariant ends its seed, and says which era, step and rule: `--era` replays it alone. The others
 *        go on; the exit status is 1. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "era.h"
#include "lie.h"

enum { ERA_STEPS = 50000 };

struct arguments {
    struct world_options world;
    uint64_t seeds;
    uint64_t steps;    /* of each seed */
    uint64_t only_era; /* UINT64_MAX = all */
};

static const char usage[] =
    "usage: sim [--seed S] [--seeds K] [--steps N] [--broker memory|redis] [--era E] [--nodes N] "
    "[--clients M] [--lie NAME] [--trace]\n"
    "\n"
    "  --seed S     the number that everything is drawn from (default 1)\n"
    "  --seeds K    run K seeds, from that one on (default 1)\n"
    "  --steps N    how many steps to run with each seed (default 1000000)\n"
    "  --broker B   what joins the nodes: memory (the default) or redis\n"
    "  --era E      run only the era with this number, as a failure names it\n"
    "  --nodes N    nodes of the cluster (default 3)\n"
    "  --clients M  people (default 24)\n"
    "  --lie NAME   let transport or broker do something wrong on purpose: the run must fail\n"
    "  --trace      print every event\n";

static bool number(const char *text, uint64_t *out) {
    char *end;
    *out = strtoull(text, &end, 0);
    return *text >= '0' && *text <= '9' && *end == '\0';
}

static bool take(const char *flag, const char *value, struct arguments *arguments) {
    uint64_t n = 0;
    if (strcmp(flag, "--lie") == 0) {
        arguments->world.lie = lie_named(value);
        return arguments->world.lie != LIES;
    }
    if (strcmp(flag, "--broker") == 0) {
        arguments->world.redis = strcmp(value, "redis") == 0;
        return arguments->world.redis || strcmp(value, "memory") == 0;
    }
    if (!number(value, &n))
        return false;
    if (strcmp(flag, "--seed") == 0)
        arguments->world.seed = n;
    else if (strcmp(flag, "--seeds") == 0)
        arguments->seeds = n;
    else if (strcmp(flag, "--steps") == 0)
        arguments->steps = n;
    else if (strcmp(flag, "--era") == 0)
        arguments->only_era = n;
    else if (strcmp(flag, "--nodes") == 0 && n >= 1 && n <= 64)
        arguments->world.nodes = (uint32_t)n;
    else if (strcmp(flag, "--clients") == 0 && n >= 1 && n <= 100000)
        arguments->world.clients = (uint32_t)n;
    else
        return false;
    return true;
}

static bool parse(int argc, char **argv, struct arguments *arguments) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0) {
            arguments->world.trace = stdout;
        } else if (i + 1 < argc && take(argv[i], argv[i + 1], arguments)) {
            i++;
        } else {
            fprintf(stderr, "sim: %s\n%s", argv[i], usage);
            return false;
        }
    }
    return true;
}

/* --- the run ------------------------------------------------------------------------------------------------------ */

static void add(struct tally *sum, const struct tally *one) {
#define TALLY_ADD(name) sum->name += one->name;
    TALLY_ROWS(TALLY_ADD)
#undef TALLY_ADD
    for (int i = 0; i < OUTAGES; i++)
        sum->outages[i] += one->outages[i];
}

/* What a run has come to. */
struct sum {
    uint64_t steps;
    uint64_t seeds;
    uint64_t digest;
    uint64_t lies;
    uint64_t violations;
    struct tally tally;
};

static void complain(const struct world *world, const struct arguments *arguments, uint64_t seed, uint64_t era) {
    fprintf(stderr,
            "sim: seed %" PRIu64 ", era %" PRIu64 ", step %" PRIu64 ": %s\n"
            "sim: replay: sim --broker %s --seed %" PRIu64 " --era %" PRIu64 " --nodes %u --clients %u --trace\n",
            seed, era, world->step, world->failure, arguments->world.redis ? "redis" : "memory", seed, era,
            arguments->world.nodes, arguments->world.clients);
}

/* One seed, up to the first violation. */
static void run(const struct arguments *arguments, uint64_t seed, struct sum *sum) {
    bool one = arguments->only_era != UINT64_MAX;
    bool good = true;
    uint64_t steps = 0;
    for (uint64_t era = one ? arguments->only_era : 0; good && steps < arguments->steps; era++) {
        struct world world;
        struct world_options options = arguments->world;
        options.seed = era_seed(seed, era);
        era_run(&world, &options, ERA_STEPS);
        steps += world.step;
        sum->digest = (sum->digest ^ world.digest) * 0x9e3779b97f4a7c15u;
        sum->lies += world.lies_told;
        add(&sum->tally, &world.tally);
        good = !world_failed(&world);
        if (!good)
            complain(&world, arguments, seed, era);
        world_close(&world);
        if (one)
            break;
    }
    sum->steps += steps;
    sum->seeds++;
    sum->violations += !good;
}

static void print(const struct arguments *arguments, const struct sum *sum) {
    printf("sim: %s seeds %" PRIu64 " steps %" PRIu64, arguments->world.redis ? "redis" : "memory", sum->seeds,
           sum->steps);
#define TALLY_PRINT(name) printf(" " #name " %" PRIu64, sum->tally.name);
    TALLY_ROWS(TALLY_PRINT)
#undef TALLY_PRINT
#define OUTAGE_PRINT(name, word) printf(" " #word " %" PRIu64, sum->tally.outages[OUTAGE_##name]);
    if (arguments->world.redis) {
        OUTAGE_ROWS(OUTAGE_PRINT)
    }
#undef OUTAGE_PRINT
    if (arguments->world.lie != LIE_NONE)
        printf(" lies %" PRIu64, sum->lies);
    printf(" digest %016" PRIx64 " violations %" PRIu64 "\n", sum->digest, sum->violations);
}

int main(int argc, char **argv) {
    struct arguments arguments = {
        .world = {.seed = 1, .nodes = 3, .clients = 24}, .seeds = 1, .steps = 1000000, .only_era = UINT64_MAX};
    if (!parse(argc, argv, &arguments))
        return 2;
    struct sum sum = {0};
    for (uint64_t i = 0; i < arguments.seeds; i++)
        run(&arguments, arguments.world.seed + i, &sum);
    print(&arguments, &sum);
    return sum.violations == 0 ? 0 : 1;
}
