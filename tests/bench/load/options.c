/* options.c - the command line. */
#include "load.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "Usage: load --target HOST:PORT[,...] --people N [OPTION]...\n"
    "\n"
    "  --target HOST:PORT,...    IPv4; person i goes to the i-th of them, and begins anew behind the last\n"
    "  --dialect plain|socketio  what is around the objects of passerby.v1 (plain)\n"
    "  --people N                connections\n"
    "  --talkers N               of them, so many find strangers and talk, drawn by --seed (all)\n"
    "  --do idle|close|find|talk|rate|match\n"
    "                            connect only; the same, and then close; find a stranger, and be silent; talk as\n"
    "                            fast as it goes, one message of each pair under way; talk at --rate; search again\n"
    "                            and again, at --rate if given (idle)\n"
    "  --rate N                  messages, or matches, a second of all together\n"
    "  --plain                   people who number and acknowledge nothing\n"
    "  --topics                  each pair names a topic of its own, and so finds each other\n"
    "  --tolerant                what is lost or repeated is mended by the client's rules, and counted\n"
    "  --body BYTES              of a message on average, in JSON: they are of several lengths and scripts (23)\n"
    "  --seed N                  who talks to whom, whose turn it is, and who says what (1)\n"
    "  --warm SECONDS            before what is measured (1)\n"
    "  --seconds SECONDS         measured (5)\n"
    "  --messages N              instead: until so many messages (or matches)\n"
    "  --at-once N               handshakes, or searches, under way (64)\n"
    "  --stall SECONDS           without anything heard: fail (30)\n"
    "  --sources N               the first of the source addresses (0)\n"
    "  --watch NAME=PID          whose CPU and memory are measured; may be given several times\n"
    "  --gate                    print each phase's name, and wait for a line before it\n";

enum choice {
    OPTION_TARGET = 1,
    OPTION_DIALECT,
    OPTION_PEOPLE,
    OPTION_TALKERS,
    OPTION_DO,
    OPTION_RATE,
    OPTION_PLAIN,
    OPTION_TOPICS,
    OPTION_TOLERANT,
    OPTION_BODY,
    OPTION_SEED,
    OPTION_WARM,
    OPTION_SECONDS,
    OPTION_MESSAGES,
    OPTION_AT_ONCE,
    OPTION_STALL,
    OPTION_SOURCES,
    OPTION_WATCH,
    OPTION_GATE,
};

static const struct option long_options[] = {
    {"target", required_argument, NULL, OPTION_TARGET},
    {"dialect", required_argument, NULL, OPTION_DIALECT},
    {"people", required_argument, NULL, OPTION_PEOPLE},
    {"talkers", required_argument, NULL, OPTION_TALKERS},
    {"do", required_argument, NULL, OPTION_DO},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"plain", no_argument, NULL, OPTION_PLAIN},
    {"topics", no_argument, NULL, OPTION_TOPICS},
    {"tolerant", no_argument, NULL, OPTION_TOLERANT},
    {"body", required_argument, NULL, OPTION_BODY},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"warm", required_argument, NULL, OPTION_WARM},
    {"seconds", required_argument, NULL, OPTION_SECONDS},
    {"messages", required_argument, NULL, OPTION_MESSAGES},
    {"at-once", required_argument, NULL, OPTION_AT_ONCE},
    {"stall", required_argument, NULL, OPTION_STALL},
    {"sources", required_argument, NULL, OPTION_SOURCES},
    {"watch", required_argument, NULL, OPTION_WATCH},
    {"gate", no_argument, NULL, OPTION_GATE},
    {0},
};

static void misuse(const char *what, const char *value) {
    fprintf(stderr, "load: %s: \"%s\"\n%s", what, value, usage);
    exit(2);
}

static uint32_t number(const char *text) {
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (end == text || *end != '\0' || value > UINT32_MAX)
        misuse("not a number", text);
    return (uint32_t)value;
}

static double duration(const char *text) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0))
        misuse("not a number of seconds", text);
    return value;
}

static unsigned one_of(const char *text, const char *const *words) {
    for (unsigned i = 0; words[i] != NULL; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    misuse("not one of the words", text);
    return 0;
}

static void read_targets(struct options *options, char *list) {
    for (char *word = strtok(list, ","); word != NULL; word = strtok(NULL, ",")) {
        char *colon = strchr(word, ':');
        if (colon == NULL || options->target_count == MAX_TARGETS)
            misuse("not HOST:PORT", word);
        *colon = '\0';
        struct sockaddr_in *target = &options->targets[options->target_count++];
        target->sin_family = AF_INET;
        target->sin_port = htons((uint16_t)number(colon + 1));
        if (inet_pton(AF_INET, word, &target->sin_addr) != 1)
            misuse("not an IPv4 address", word);
    }
}

static void read_watched(struct options *options, char *text) {
    char *equals = strchr(text, '=');
    if (equals == NULL || options->watched_count == MAX_WATCHED)
        misuse("not NAME=PID", text);
    *equals = '\0';
    options->watched[options->watched_count].name = text;
    options->watched[options->watched_count++].pid = (int)number(equals + 1);
}

static void take(struct options *options, int option, char *value) {
    static const char *const dialects[] = {"plain", "socketio", NULL};
    static const char *const works[] = {"idle", "close", "find", "talk", "rate", "match", NULL};
    switch ((enum choice)option) {
    case OPTION_TARGET: read_targets(options, value); break;
    case OPTION_DIALECT: options->dialect = (enum dialect)one_of(value, dialects); break;
    case OPTION_PEOPLE: options->people = number(value); break;
    case OPTION_TALKERS: options->talkers = number(value); break;
    case OPTION_DO: options->work = (enum work)one_of(value, works); break;
    case OPTION_RATE: options->rate = number(value); break;
    case OPTION_PLAIN: options->plain = true; break;
    case OPTION_TOPICS: options->topics = true; break;
    case OPTION_TOLERANT: options->tolerant = true; break;
    case OPTION_BODY: options->body_bytes = number(value); break;
    case OPTION_SEED: options->seed = number(value); break;
    case OPTION_WARM: options->warm_s = duration(value); break;
    case OPTION_SECONDS: options->measured_s = duration(value); break;
    case OPTION_MESSAGES: options->messages = number(value); break;
    case OPTION_AT_ONCE: options->at_once = number(value); break;
    case OPTION_STALL: options->stall_s = number(value); break;
    case OPTION_SOURCES: options->sources = number(value); break;
    case OPTION_WATCH: read_watched(options, value); break;
    case OPTION_GATE: options->gate = true; break;
    default: misuse("unknown option", "?");
    }
}

static void check(struct options *options) {
    if (options->talkers == 0 || options->talkers > options->people)
        options->talkers = options->people;
    if (options->target_count == 0 || options->people == 0)
        misuse("--target and --people are needed", "");
    if (options->talkers % 2 != 0 || options->at_once < 2)
        misuse("people talk in pairs", "--talkers, --at-once");
    if (options->body_bytes < MIN_BODY || options->body_bytes > MAX_BODY / 2)
        misuse("from 17 to 2048", "--body");
    if (options->work == WORK_RATE && options->rate == 0)
        misuse("--do rate needs it", "--rate");
}

void options_parse(struct options *options, int argc, char **argv) {
    int option;
    *options =
        (struct options){.body_bytes = 23, .at_once = 64, .stall_s = 30, .seed = 1, .warm_s = 1, .measured_s = 5};
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        take(options, option, optarg);
    if (optind < argc)
        misuse("unexpected", argv[optind]);
    check(options);
}
