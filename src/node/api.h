/* api.h - what the process says over HTTP beside the page: /api/stats outside; /livez, /readyz, /metrics and /drain
 * inside, the last for this machine alone. */
#ifndef NODE_API_H
#define NODE_API_H

#include <stdatomic.h>

#include "passerby/metrics.h"
#include "passerby/net.h"

#include "base/buffer.h"

#include "worker.h"

/* Shared by the threads of all workers. Borrows what it points to. */
struct api {
    struct worker *const *workers;
    size_t worker_count;
    const struct build_info *build;
    _Atomic bool draining;
    void (*drain)(void *context); /* thread-safe */
    void *drain_context;
};

/* One worker's face of it, with the answer that is being given. The owner calls buffer_fini() on `body`. */
struct api_face {
    struct api *api;
    struct buffer body;
};

/* An http_handler_fn; its context is a struct api_face. */
bool api_answer(void *face, enum http_door door, const char *method, const char *path, struct http_answer *answer);

#endif
