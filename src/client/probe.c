/* probe.c - `passerby probe`: two strangers meet through an address, talk, and meet again after a broken connection.
 *
 * They name a topic that nobody else can know, and so meet each other: a stranger who was met without it is left at once.
 *
 * Flow:      each step begins by doing something, and is over when its condition holds for what was heard since.
 * Fails:     at the first step that does not come to its end in time, or at the first thing that contradicts the
 *            protocol; the result says which and why.
 * Extending: a step is a row in `steps`. */
#include "passerby/client.h"

#include "options.h"
#include "visitor.h"

#include "base/random.h"

#include <assert.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { EXIT_USAGE = 2, USUAL_TIMEOUT_MS = 30000, TOPIC_BYTES = 16, ERROR_CHARS = 512, BODY_CHARS = 32 };

static const char usage[] = "Usage: passerby probe URL [OPTION]...\n"
                            "\n"
                            "Two strangers meet through the address, talk both ways, one's connection is cut\n"
                            "and resumed, they talk on, and leave. URL is ws, wss, http or https; without a\n"
                            "path, /ws is meant. They meet each other and nobody else.\n";

static const char status_text[] = "Exit status: 0 it went well; 1 it did not, and one line on stderr says at which\n"
                                  "step, and why; 2 the command line is wrong.\n";

struct probe;

struct person {
    struct probe *probe;
    struct person *other;
    struct visitor *visitor;
    unsigned said;    /* messages */
    unsigned heard;   /* of the other's */
    unsigned resumed; /* times */
    bool greeted;
    bool met;
    bool ended; /* because the other left */
};

struct step {
    const char *name;
    void (*begin)(struct probe *probe);
    bool (*is_over)(const struct probe *probe);
};

enum { STEPS = 7 };

struct probe {
    struct options options;
    bool json;
    struct url url;
    char topic[2 * TOPIC_BYTES + 1];
    struct criteria criteria;
    uv_loop_t loop;
    uv_timer_t timer;
    struct sockets *sockets;
    struct person a, b;
    size_t step;
    uint64_t since_ns;
    double took_ms[STEPS];
    char trouble[ERROR_CHARS]; /* the last one */
    char error[ERROR_CHARS];   /* "" = it went well so far */
    bool done;
};

/* --- the steps ---------------------------------------------------------------------------------------------------- */

static void say(struct person *person) {
    char body[BODY_CHARS];
    int length = snprintf(body, sizeof body, "probe %u", ++person->said);
    (void)visitor_say(person->visitor, (struct text){body, (size_t)length});
}

static bool all_is_heard(const struct probe *probe) {
    return probe->a.heard == probe->b.said && probe->b.heard == probe->a.said;
}

/* And known to be: acknowledgements are gathered for a moment. */
static bool all_is_acknowledged(const struct probe *probe) {
    return visitor_unacknowledged(probe->a.visitor) == 0 && visitor_unacknowledged(probe->b.visitor) == 0;
}

static void begin_connect(struct probe *probe) {
    visitor_find(probe->a.visitor);
    visitor_find(probe->b.visitor);
}

static bool are_connected(const struct probe *probe) {
    return probe->a.greeted && probe->b.greeted;
}

static void begin_nothing(struct probe *probe) {
    (void)probe; /* the search goes on */
}

static bool have_met(const struct probe *probe) {
    return probe->a.met && probe->b.met;
}

static void begin_talk(struct probe *probe) {
    say(&probe->a);
    say(&probe->b);
}

static void begin_resume(struct probe *probe) {
    visitor_cut(probe->b.visitor);
    say(&probe->a);
}

static bool has_resumed(const struct probe *probe) {
    return probe->b.resumed > 0 && all_is_heard(probe);
}

static void begin_leave(struct probe *probe) {
    visitor_leave(probe->a.visitor);
}

static bool have_left(const struct probe *probe) {
    return visitor_is_over(probe->a.visitor) && probe->b.ended;
}

static const struct step steps[STEPS] = {
    {"connect", begin_connect, are_connected}, /* both */
    {"meet", begin_nothing, have_met},         /* each other */
    {"talk", begin_talk, all_is_heard},        /* both ways */
    {"resume", begin_resume, has_resumed},     /* one drops, the other talks on */
    {"talk again", begin_talk, all_is_heard},  /* both ways */
    {"acknowledge", begin_nothing, all_is_acknowledged},
    {"leave", begin_leave, have_left}, /* one; the other hears of it */
};

static void finish(struct probe *probe) {
    probe->done = true;
    uv_stop(&probe->loop);
}

__attribute__((format(printf, 2, 3))) static void fail(struct probe *probe, const char *format, ...) {
    if (probe->done)
        return;
    va_list values;
    va_start(values, format);
    vsnprintf(probe->error, sizeof probe->error, format, values);
    va_end(values);
    finish(probe);
}

static void begin_step(struct probe *probe) {
    probe->since_ns = uv_hrtime();
    steps[probe->step].begin(probe);
}

static void on_turn(void *context) {
    struct probe *probe = ((struct person *)context)->probe;
    while (!probe->done && steps[probe->step].is_over(probe)) {
        probe->took_ms[probe->step] = (double)(uv_hrtime() - probe->since_ns) / 1e6;
        if (++probe->step == STEPS)
            finish(probe);
        else
            begin_step(probe);
    }
}

/* --- what happens ------------------------------------------------------------------------------------------------- */

static void on_matched(struct person *person, const struct notice *notice) {
    struct probe *probe = person->probe;
    for (size_t i = 0; i < notice->text_count; i++)
        if (strcmp(notice->texts[i].at, probe->topic) == 0)
            person->met = true;
    if (!person->met)
        visitor_find(person->visitor); /* somebody else */
}

static void on_message(struct person *person, const struct notice *notice) {
    if (!person->met)
        return;
    char expected[BODY_CHARS];
    snprintf(expected, sizeof expected, "probe %u", ++person->heard);
    if (strcmp(notice->texts[0].at, expected) != 0)
        fail(person->probe, "a message came twice, out of order or altered");
}

static void on_ended(struct person *person, const struct notice *notice) {
    struct probe *probe = person->probe;
    if (!person->met || person == &probe->a) /* the first leaves by itself, at the end */
        return;
    if (strcmp(notice->texts[0].at, "left") == 0 && strcmp(steps[probe->step].name, "leave") == 0)
        person->ended = true;
    else
        fail(probe, "the chat ended early");
}

static void on_notice(void *context, const struct notice *notice) {
    struct person *person = context;
    struct probe *probe = person->probe;
    switch (notice->type) {
    case NOTICE_HELLO: person->greeted = true; break;
    case NOTICE_MATCHED: on_matched(person, notice); break;
    case NOTICE_MESSAGE: on_message(person, notice); break;
    case NOTICE_RESUMED: person->resumed++; break;
    case NOTICE_ENDED: on_ended(person, notice); break;
    case NOTICE_REFUSED: fail(probe, "the node refuses: %s", notice->texts[0].at); break;
    case NOTICE_CLOSED:
        fail(probe, "the node closed a connection for good, with code %u", (unsigned)notice->number);
        break;
    case NOTICE_IGNORED:
        if (probe->options.verbose)
            arguments_complain("probe", "ignored from the node: %s", notice->texts[0].at);
        break;
    case NOTICE_WAITING:
    case NOTICE_TYPING:
    case NOTICE_DELIVERED:
    case NOTICE_STRANGER: break;
    }
}

static void on_trouble(void *context, const char *why) {
    struct probe *probe = ((struct person *)context)->probe;
    snprintf(probe->trouble, sizeof probe->trouble, "%s", why);
    if (probe->step == 0)
        fail(probe, "%s", why);
}

static void on_timeout(uv_timer_t *timer) {
    struct probe *probe = timer->data;
    fail(probe, "not over after %.3g s%s%.300s", probe->options.timeout_ms / 1e3, probe->trouble[0] == '\0' ? "" : "; ",
         probe->trouble);
}

/* --- the result --------------------------------------------------------------------------------------------------- */

static void print_text(const struct probe *probe) {
    double total_ms = 0;
    for (size_t i = 0; i < probe->step; i++) {
        printf("%-11s %9.1f ms\n", steps[i].name, probe->took_ms[i]);
        total_ms += probe->took_ms[i];
    }
    if (probe->error[0] == '\0')
        printf("%-11s %9.1f ms\n", "all", total_ms);
}

static void print_json(const struct probe *probe) {
    json_t *list = json_array();
    for (size_t i = 0; i < probe->step; i++)
        json_array_append_new(list, json_pack("{s:s, s:f}", "step", steps[i].name, "ms", probe->took_ms[i]));
    json_t *result =
        json_pack("{s:b, s:s, s:o}", "ok", probe->error[0] == '\0', "url", probe->options.url, "steps", list);
    if (probe->error[0] != '\0') {
        json_object_set_new(result, "failed", json_string(steps[probe->step].name));
        json_object_set_new(result, "error", json_string(probe->error));
    }
    json_dumpf(result, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(result);
}

/* Returns the exit status. */
static int report(const struct probe *probe) {
    if (probe->json)
        print_json(probe);
    else
        print_text(probe);
    if (probe->error[0] == '\0')
        return EXIT_SUCCESS;
    arguments_complain("probe", "%s: %s: %s", probe->options.url, steps[probe->step].name, probe->error);
    return EXIT_FAILURE;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static const struct visitor_listener listener = {.on_notice = on_notice, .on_trouble = on_trouble, .on_turn = on_turn};

static void draw_topic(struct probe *probe) {
    uint8_t random[TOPIC_BYTES];
    random_secret(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(probe->topic + 2 * i, 3, "%02x", random[i]);
    probe->criteria = (struct criteria){.topics = {probe->topic}, .topic_count = 1};
}

static void add_person(struct probe *probe, struct person *person, struct person *other) {
    *person = (struct person){.probe = probe, .other = other};
    person->visitor = visitor_new(&probe->loop, probe->sockets, &probe->url, &probe->criteria, &listener, person);
}

static void run(struct probe *probe) {
    draw_topic(probe);
    add_person(probe, &probe->a, &probe->b);
    add_person(probe, &probe->b, &probe->a);
    uv_timer_init(&probe->loop, &probe->timer);
    probe->timer.data = probe;
    uv_timer_start(&probe->timer, on_timeout, probe->options.timeout_ms, 0);
    begin_step(probe);
    while (!probe->done)
        uv_run(&probe->loop, UV_RUN_DEFAULT);
    visitor_free(probe->a.visitor);
    visitor_free(probe->b.visitor);
    uv_close((uv_handle_t *)&probe->timer, NULL);
    sockets_free(probe->sockets);
    uv_run(&probe->loop, UV_RUN_DEFAULT);
}

static enum arguments_result read_arguments(struct probe *probe, int argc, char *const argv[]) {
    const struct argument rows[] = {
        {ARGUMENT_SWITCH, "json", NULL, &probe->json, "Print the result as JSON."},
        OPTIONS_ROWS(probe->options, "Give up after so long. Default: 30s."),
    };
    const struct arguments arguments = {
        "probe", usage, status_text, rows, sizeof rows / sizeof *rows, &probe->options.url,
    };
    enum arguments_result result = arguments_read(&arguments, argc, argv);
    if (result != ARGUMENTS_GOOD)
        return result;
    if (probe->options.url == NULL) {
        arguments_complain("probe", "needs an address, e.g. https://chat.example.org");
        return ARGUMENTS_BAD;
    }
    return options_check("probe", &probe->options, &probe->url) ? ARGUMENTS_GOOD : ARGUMENTS_BAD;
}

int client_probe(int argc, char *const argv[]) {
    struct probe probe = {.options.timeout_ms = USUAL_TIMEOUT_MS};
    enum arguments_result result = read_arguments(&probe, argc, argv);
    if (result != ARGUMENTS_GOOD)
        return result == ARGUMENTS_HELP ? EXIT_SUCCESS : EXIT_USAGE;
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&probe.loop);
    probe.sockets = sockets_new(&probe.loop, &probe.options.trust);
    if (probe.sockets != NULL)
        run(&probe);
    else
        fail(&probe, "libwebsockets could not be started");
    int left = uv_loop_close(&probe.loop);
    assert(left == 0);
    (void)left;
    return report(&probe);
}
