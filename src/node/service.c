/* service.c - the whole process: builds the workers, waits for signals, drains.
 *
 * Flow:   service_new() binds every worker's sockets → service_run() starts the threads and waits on a small loop of
 *         its own. SIGTERM or POST /drain → not ready; drain_delay → stop accepting, `reconnect` to everybody,
 *         spread; until nobody is left, or drain_timeout → close the rest with 1012, join the threads. SIGINT, or a
 *         second SIGTERM → close everybody with 1012 at once. SIGHUP → certificates again.
 * Owns:   workers, hub, admission; the public face for HTTP (api.c). */
#include "passerby/service.h"

#include <assert.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "passerby/redis_broker.h"
#include "passerby/secret.h"

#include "api.h"
#include "worker.h"

#include "base/memory.h"
#include "base/random.h"

#include <uv.h>

enum {
    RESERVED_FILES = 64,   /* open files that are no client connections, ... */
    FILES_OF_WORKER = 16,  /* ... and so many more for each worker: its loop, its listeners, its connections to Redis */
    FILES_BESIDE = 1024,   /* where connections are bounded: those, of many workers, and who only fetches the page */
    FILES_UNASKED = 65536, /* where they are not */
    QUEUE_SLACK_BYTES = 65536, /* beside a window of messages, one client's queue may hold so much */
    RECONNECTS_PER_MS = 1,     /* how fast drained clients are sent to the other nodes */
    DRAIN_CHECK_MS = 50,
    PORT_CHARS = 8,
};

enum phase { SERVING, DRAIN_DELAY, DRAINING, STOPPING };

struct service {
    const struct config *config;
    struct log *log;
    struct memory_hub *hub;
    struct admission *admission;
    struct redis_broker_options redis; /* url NULL: none */
    struct worker **workers;
    size_t worker_count;
    struct api api;
    struct api_face *faces; /* one for each worker */
    char **listen;          /* with port 0 replaced by what the first worker got */
    uint8_t key[SECRET_KEY_BYTES];
    enum phase phase;
    int64_t stop_at_ms;
    uv_loop_t loop;
    uv_signal_t terminate;
    uv_signal_t interrupt;
    uv_signal_t hangup;
    uv_async_t drain_asked;
    uv_timer_t drain;
};

/* --- building ----------------------------------------------------------------------------------------------------- */

/* As many connections as the operator says, and the open-file limit allows. The limit is not raised far above what these
 * need, nor to a million because a container has it: lws' tables have a place for each file. */
static uint32_t max_connections(const struct config *config) {
    struct rlimit files;
    int failed = getrlimit(RLIMIT_NOFILE, &files);
    assert(failed == 0);
    uint64_t wanted = config->max_connections;
    uint64_t enough = wanted == 0 ? FILES_UNASKED : wanted + wanted / 4 + FILES_BESIDE;
    uint64_t own = RESERVED_FILES + config->workers * (FILES_OF_WORKER + net_own_files(enough));
    enough += own - RESERVED_FILES;
    files.rlim_cur = enough < files.rlim_max ? enough : files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    uint64_t most = files.rlim_cur > own + RESERVED_FILES ? files.rlim_cur - own : RESERVED_FILES;
    uint64_t least = wanted != 0 && wanted < most ? wanted : most;
    return least < UINT32_MAX ? (uint32_t)least : UINT32_MAX;
}

static void derive_key(struct service *service) {
    char drawn[32];
    const char *secret = service->config->secret;
    if (secret == NULL)
        random_secret(drawn, sizeof drawn);
    secret_derive(secret != NULL ? secret : drawn, secret != NULL ? strlen(secret) : sizeof drawn, service->key);
}

static struct worker_options worker_options(struct service *service, const struct asset *page, size_t index) {
    const struct config *config = service->config;
    struct worker_options options = {.hub = service->hub, .redis = &service->redis};
    options.node.core = (struct core_options){
        .max_body_bytes = (uint32_t)config->max_body_bytes,
        .max_frame_bytes = (uint32_t)config->max_frame_bytes,
        .window = (uint32_t)config->window,
        .grace_ms = config->grace_ms,
        .prefer_ms = config->prefer_ms,
        .message_rate = config->message_rate,
        .find_rate = config->find_rate,
    };
    memcpy(options.node.key, service->key, sizeof options.node.key);
    options.net = (struct net_options){
        .log = service->log,
        .listen = (const char *const *)service->listen,
        .sharing = config->workers == 1 ? NET_PORT_ALONE
                   : index == 0         ? NET_PORT_FIRST
                                        : NET_PORT_NEXT,
        .allowed_origins = (const char *const *)config->allowed_origins,
        .trusted_proxies = (const char *const *)config->trusted_proxies,
        .tls_certificate = config->tls_cert,
        .tls_key = config->tls_key,
        .assets = page,
        .http_handler = api_answer,
        .http_context = &service->faces[index],
        .internal_listen = index == 0 ? config->internal_listen : NULL,
        .admission = service->admission,
        .max_frame_bytes = (uint32_t)config->max_frame_bytes,
        .queue_bytes = (uint32_t)(config->window * config->max_frame_bytes + QUEUE_SLACK_BYTES),
        .total_queue_bytes = config->queue_memory_bytes,
        .handshake_timeout_ms = config->handshake_timeout_ms,
        .ping_interval_ms = config->ping_interval_ms,
        .dead_after_ms = config->dead_after_ms,
    };
    if (index == 0 && config->max_connections_per_ip > 0)
        options.crowds = service->admission;
    return options;
}

/* The first worker may have been given a port by the kernel: the others must listen on the same. */
static void fix_ports(struct service *service, uint16_t port) {
    for (char **address = service->listen; *address != NULL; address++) {
        char *colon = strrchr(*address, ':');
        if (colon == NULL || strcmp(colon, ":0") != 0)
            continue;
        size_t host = (size_t)(colon - *address);
        char *fixed = memory_zero(host + PORT_CHARS, 1);
        snprintf(fixed, host + PORT_CHARS, "%.*s:%u", (int)host, *address, port);
        free(*address);
        *address = fixed;
    }
}

static bool open_workers(struct service *service, const struct asset *page, char *error, size_t error_size) {
    for (size_t i = 0; i < service->config->workers; i++) {
        struct worker_options options = worker_options(service, page, i);
        struct worker *worker = worker_new(&options, error, error_size);
        if (worker == NULL)
            return false;
        service->workers[service->worker_count] = worker;
        service->api.worker_count = ++service->worker_count;
        if (i == 0)
            fix_ports(service, worker_port(worker));
    }
    return true;
}

static void copy_listen(struct service *service) {
    size_t count = 0;
    while (service->config->listen[count] != NULL)
        count++;
    service->listen = memory_zero(count + 1, sizeof *service->listen);
    for (size_t i = 0; i < count; i++)
        service->listen[i] = memory_string(service->config->listen[i]);
}

/* --- draining ----------------------------------------------------------------------------------------------------- */

static uint64_t connections(const struct service *service) {
    uint64_t sum = 0;
    for (size_t i = 0; i < service->worker_count; i++)
        sum += worker_connections(service->workers[i]);
    return sum;
}

static void close_loop(struct service *service) {
    uv_close((uv_handle_t *)&service->terminate, NULL);
    uv_close((uv_handle_t *)&service->interrupt, NULL);
    uv_close((uv_handle_t *)&service->hangup, NULL);
    uv_close((uv_handle_t *)&service->drain_asked, NULL);
    uv_close((uv_handle_t *)&service->drain, NULL);
}

static void stop(struct service *service) {
    if (service->phase == STOPPING)
        return;
    service->phase = STOPPING;
    log_line(service->log, LOG_LEVEL_INFO, "stopping", "connections=%llu", (unsigned long long)connections(service));
    for (size_t i = 0; i < service->worker_count; i++)
        worker_stop(service->workers[i]);
    sigset_t all; /* nobody listens any more: a late signal must not end the process by its default */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    close_loop(service);
}

static void on_drain_check(uv_timer_t *timer) {
    struct service *service = timer->data;
    if (connections(service) == 0 || (int64_t)uv_now(&service->loop) >= service->stop_at_ms)
        stop(service);
}

static void on_drain_delayed(uv_timer_t *timer) {
    struct service *service = timer->data;
    uint64_t people = connections(service);
    uint64_t spread = people / RECONNECTS_PER_MS;
    if (spread > service->config->drain_spread_ms)
        spread = service->config->drain_spread_ms;
    service->phase = DRAINING;
    log_line(service->log, LOG_LEVEL_INFO, "draining", "connections=%llu spread_ms=%llu", (unsigned long long)people,
             (unsigned long long)spread);
    for (size_t i = 0; i < service->worker_count; i++)
        worker_drain(service->workers[i], (uint32_t)spread);
    service->stop_at_ms =
        (int64_t)uv_now(&service->loop) + (int64_t)spread + (int64_t)service->config->drain_timeout_ms;
    uv_timer_start(timer, on_drain_check, DRAIN_CHECK_MS, DRAIN_CHECK_MS);
}

static void drain(struct service *service) {
    if (service->phase != SERVING)
        return;
    service->phase = DRAIN_DELAY;
    atomic_store(&service->api.draining, true);
    log_line(service->log, LOG_LEVEL_INFO, "not ready any more", "drain_delay_ms=%u", service->config->drain_delay_ms);
    uv_timer_start(&service->drain, on_drain_delayed, service->config->drain_delay_ms, 0);
}

static void on_terminate(uv_signal_t *signal, int number) {
    (void)number;
    struct service *service = signal->data;
    if (service->phase == SERVING)
        drain(service);
    else
        stop(service);
}

static void on_interrupt(uv_signal_t *signal, int number) {
    (void)number;
    stop(signal->data);
}

static void on_hangup(uv_signal_t *signal, int number) {
    (void)number;
    struct service *service = signal->data;
    for (size_t i = 0; i < service->worker_count && service->config->tls_cert != NULL; i++)
        worker_reload(service->workers[i]);
}

static void on_drain_asked(uv_async_t *async) {
    drain(async->data);
}

static void ask_to_drain(void *context) {
    struct service *service = context;
    uv_async_send(&service->drain_asked);
}

/* --- the outside -------------------------------------------------------------------------------------------------- */

static void open_loop(struct service *service) {
    uv_loop_t *loop = &service->loop;
    int failed = uv_loop_init(loop);
    failed |= uv_signal_init(loop, &service->terminate);
    failed |= uv_signal_init(loop, &service->interrupt);
    failed |= uv_signal_init(loop, &service->hangup);
    failed |= uv_async_init(loop, &service->drain_asked, on_drain_asked);
    failed |= uv_timer_init(loop, &service->drain);
    assert(failed == 0);
    service->terminate.data = service->interrupt.data = service->hangup.data = service;
    service->drain_asked.data = service->drain.data = service;
}

struct service *service_new(const struct config *config, struct log *log, const struct asset *page,
                            const struct build_info *build, char *error, size_t error_size) {
    struct service *service = memory_zero(1, sizeof *service);
    service->config = config;
    service->log = log;
    service->hub = memory_hub_new();
    service->redis = (struct redis_broker_options){.url = config->redis,
                                                   .relays = (const char *const *)config->redis_relay,
                                                   .tls_ca = config->redis_ca,
                                                   .log = log};
    service->admission =
        admission_new(max_connections(config), (uint32_t)config->max_connections_per_ip, config->connect_rate);
    service->workers = memory_zero(config->workers, sizeof(struct worker *));
    service->faces = memory_zero(config->workers, sizeof *service->faces);
    for (size_t i = 0; i < config->workers; i++)
        service->faces[i].api = &service->api;
    service->api =
        (struct api){.workers = service->workers, .build = build, .drain = ask_to_drain, .drain_context = service};
    copy_listen(service);
    derive_key(service);
    open_loop(service);
    if (!open_workers(service, page, error, error_size)) {
        close_loop(service);
        uv_run(&service->loop, UV_RUN_DEFAULT);
        service_free(service);
        service = NULL;
    }
    return service;
}

static void log_listening(const struct service *service, const char *what, const char *address, uint16_t port,
                          bool tls) {
    const char *colon = strrchr(address, ':');
    log_line(service->log, LOG_LEVEL_INFO, what, "address=%.*s port=%u workers=%zu tls=%s", (int)(colon - address),
             address, port, service->worker_count, tls ? "on" : "off");
}

static void log_start(const struct service *service) {
    struct worker *first = service->workers[0];
    for (char **address = service->listen; *address != NULL; address++)
        log_listening(service, "listening", *address, (uint16_t)strtoul(strrchr(*address, ':') + 1, NULL, 10),
                      service->config->tls_cert != NULL);
    if (service->config->internal_listen != NULL)
        log_listening(service, "internal listening", service->config->internal_listen, worker_internal_port(first),
                      false);
}

void service_run(struct service *service) {
    log_start(service);
    uv_signal_start(&service->terminate, on_terminate, SIGTERM);
    uv_signal_start(&service->interrupt, on_interrupt, SIGINT);
    uv_signal_start(&service->hangup, on_hangup, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    sigset_t all, before; /* signals are this thread's business alone */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    for (size_t i = 0; i < service->worker_count; i++)
        worker_start(service->workers[i]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    uv_run(&service->loop, UV_RUN_DEFAULT);
}

void service_free(struct service *service) {
    for (size_t i = 0; i < service->worker_count; i++)
        worker_join(service->workers[i]);
    for (size_t i = 0; i < service->worker_count; i++) /* now that none of them looks at another any more */
        worker_free(service->workers[i]);
    int failed = uv_loop_close(&service->loop);
    assert(failed == 0);
    for (size_t i = 0; i < service->config->workers; i++)
        buffer_fini(&service->faces[i].body);
    free(service->faces);
    memory_hub_free(service->hub);
    admission_free(service->admission);
    for (char **address = service->listen; *address != NULL; address++)
        free(*address);
    free(service->listen);
    free(service->workers);
    free(service);
}
