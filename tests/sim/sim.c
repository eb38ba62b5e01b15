/* sim.c - the simulator: whole nodes, the memory broker, model clients, faults; one thread, virtual time, one seed.
 *
 * Flow:  a run is a row of eras. Each draws a climate (limits, grace, window, pace, faults, rogues) from the seed and
 *        its own number, builds a cluster, runs its steps with calms in between, lets everybody leave, and looks for
 *        what is left.
 * Fails: a violated invariant ends the run with exit status 1, and says which era, step and rule: `--era` replays it
 *        alone. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "era.h"
#include "lie.h"

enum { ERA_STEPS = 50000 };

struct arguments {
    struct world_options world;
    uint64_t steps;
    uint64_t first_era;
    uint64_t only_era; /* UINT64_MAX = all */
};

static const char usage[] =
    "usage: sim [--seed S] [--steps N] [--era E] [--nodes N] [--clients M] [--lie NAME] [--trace]\n"
    "\n"
    "  --seed S     the number that everything is drawn from (default 1)\n"
    "  --steps N    how many steps to run (default 1000000)\n"
    "  --era E      run only the era with this number, as a failure names it\n"
    "  --nodes N    nodes of the cluster (default 3)\n"
    "  --clients M  people (default 24)\n"
    "  --lie NAME   let the transport do something wrong on purpose: the run must fail\n"
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
    if (!number(value, &n))
        return false;
    if (strcmp(flag, "--seed") == 0)
        arguments->world.seed = n;
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
}

int main(int argc, char **argv) {
    struct arguments arguments = {
        .world = {.seed = 1, .nodes = 3, .clients = 24}, .steps = 1000000, .only_era = UINT64_MAX};
    if (!parse(argc, argv, &arguments))
        return 2;
    uint64_t steps = 0, digest = 0, lies = 0;
    struct tally sum = {0};
    bool good = true;
    bool one = arguments.only_era != UINT64_MAX;
    for (uint64_t era = one ? arguments.only_era : 0; good && steps < arguments.steps; era++) {
        struct world world;
        struct world_options options = arguments.world;
        options.seed = era_seed(arguments.world.seed, era);
        era_run(&world, &options, ERA_STEPS);
        steps += world.step;
        digest = (digest ^ world.digest) * 0x9e3779b97f4a7c15u;
        lies += world.lies_told;
        add(&sum, &world.tally);
        good = !world_failed(&world);
        if (!good)
            fprintf(stderr,
                    "sim: seed %" PRIu64 ", era %" PRIu64 ", step %" PRIu64 ": %s\n"
                    "sim: replay: sim --seed %" PRIu64 " --era %" PRIu64 " --nodes %u --clients %u --trace\n",
                    arguments.world.seed, era, world.step, world.failure, arguments.world.seed, era, options.nodes,
                    options.clients);
        world_close(&world);
        if (one)
            break;
    }
    printf("sim: seed %" PRIu64 " steps %" PRIu64, arguments.world.seed, steps);
#define TALLY_PRINT(name) printf(" " #name " %" PRIu64, sum.name);
    TALLY_ROWS(TALLY_PRINT)
#undef TALLY_PRINT
    if (arguments.world.lie != LIE_NONE)
        printf(" lies %" PRIu64, lies);
    printf(" digest %016" PRIx64 "\n", digest);
    return good ? 0 : 1;
}
