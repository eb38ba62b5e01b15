/* api.c - answers to the dynamic HTTP requests.
 *
 * Extending: a new path is a row of the table, and a function that fills in the answer. */
#include "api.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { STUCK_MS = 10000 }; /* a loop that has not turned for so long is taken to be stuck */

typedef void (*answer_fn)(struct api *api, struct buffer *body, struct http_answer *answer);

static uint64_t sum(const struct api *api, enum metric metric) {
    uint64_t total = 0;
    for (size_t i = 0; i < api->worker_count; i++) {
        struct worker_view view;
        worker_view(api->workers[i], &view);
        total += metrics_get(view.metrics, metric);
    }
    return total;
}

static void answer_stats(struct api *api, struct buffer *body, struct http_answer *answer) {
    struct worker_view first;
    worker_view(api->workers[0], &first);
    answer->content_type = "application/json";
    buffer_printf(body, "{\"online\":%llu,\"waiting\":%llu,\"chats\":%llu}\n",
                  (unsigned long long)metrics_get(first.metrics, METRIC_ONLINE),
                  (unsigned long long)sum(api, METRIC_WAITING), (unsigned long long)(sum(api, METRIC_CHATS) + 1) / 2);
}

static void answer_livez(struct api *api, struct buffer *body, struct http_answer *answer) {
    for (size_t i = 0; i < api->worker_count; i++) {
        struct worker_view view;
        worker_view(api->workers[i], &view);
        if (view.beat_age_ms > STUCK_MS) {
            answer->status = 503;
            buffer_printf(body, "worker %zu has stood still for %lld ms\n", i, (long long)view.beat_age_ms);
            return;
        }
    }
    buffer_string(body, "alive\n");
}

/* NULL: it is ready. */
static const char *why_not_ready(const struct api *api) {
    if (atomic_load(&api->draining))
        return "draining";
    struct worker_view view = {0};
    for (size_t i = 0; i < api->worker_count && view.not_ready == NULL; i++)
        worker_view(api->workers[i], &view);
    return view.not_ready;
}

static void answer_readyz(struct api *api, struct buffer *body, struct http_answer *answer) {
    const char *why_not = why_not_ready(api);
    if (why_not != NULL)
        answer->status = 503;
    buffer_printf(body, "%s\n", why_not != NULL ? why_not : "ready");
}

static void answer_metrics(struct api *api, struct buffer *body, struct http_answer *answer) {
    const struct metrics **nodes = memory_zero(api->worker_count, sizeof(struct metrics *));
    for (size_t i = 0; i < api->worker_count; i++) {
        struct worker_view view;
        worker_view(api->workers[i], &view);
        nodes[i] = view.metrics;
    }
    answer->content_type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_render(body, nodes, api->worker_count, api->build);
    free(nodes);
}

static void answer_drain(struct api *api, struct buffer *body, struct http_answer *answer) {
    answer->status = 202;
    api->drain(api->drain_context);
    buffer_string(body, "draining\n");
}

static const struct path {
    enum http_door door;
    const char *method; /* "GET" answers HEAD too */
    const char *path;
    answer_fn answer;
} paths[] = {
    {HTTP_PUBLIC, "GET", "/api/stats", answer_stats}, {HTTP_INTERNAL, "GET", "/livez", answer_livez},
    {HTTP_INTERNAL, "GET", "/readyz", answer_readyz}, {HTTP_INTERNAL, "GET", "/metrics", answer_metrics},
    {HTTP_LOCAL, "POST", "/drain", answer_drain},
};

static bool same_server(enum http_door one, enum http_door other) {
    return (one == HTTP_PUBLIC) == (other == HTTP_PUBLIC);
}

static bool method_fits(const char *wanted, const char *method) {
    return strcmp(wanted, method) == 0 || (strcmp(wanted, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

bool api_answer(void *context, enum http_door door, const char *method, const char *path, struct http_answer *answer) {
    struct api_face *face = context;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (!same_server(paths[i].door, door) || strcmp(paths[i].path, path) != 0)
            continue;
        buffer_clear(&face->body);
        answer->status = 200;
        answer->content_type = "text/plain; charset=utf-8";
        if (!method_fits(paths[i].method, method)) {
            answer->status = 405;
            buffer_printf(&face->body, "use %s\n", paths[i].method);
        } else if (door < paths[i].door) {
            answer->status = 403;
            buffer_string(&face->body, "only from this machine: ask 127.0.0.1, without a proxy\n");
        } else {
            paths[i].answer(face->api, &face->body, answer);
        }
        answer->body = face->body.bytes;
        answer->length = face->body.length;
        return true;
    }
    return false;
}
