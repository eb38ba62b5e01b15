/* redis_dial.c - from a host name to a connection.
 *
 * Flow:  an address is taken as it is; a name goes to the resolver, on libuv's thread pool, as it may take its time →
 *        each address in turn, until one connects.
 * Fails: no address → UNRESOLVED. None connects → the last one's trouble. An address that is silent for STALLED_TICKS
 *        is given up: there may be a better one behind it. A look-up is never given up, as it can't be interrupted:
 *        when the call is cancelled meanwhile, its answer is dropped. The process may have to wait for it at its end.
 *        */
#include "redis_dial.h"

#include "redis_link.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct redis_lookup {
    uv_getaddrinfo_t request;
    struct redis_dial *dial; /* NULL: nobody waits for it */
};

static bool try_next(struct redis_dial *dial);

static void note(struct redis_dial *dial, enum redis_trouble trouble, const char *what, const char *why) {
    dial->trouble = trouble;
    snprintf(dial->why, sizeof dial->why, "%s: %s", what, why);
}

/* --- trying an address -------------------------------------------------------------------------------------------- */

static void on_open(void *context) {
    struct redis_dial *dial = context;
    struct redis_wire *wire = dial->wire;
    dial->wire = NULL;
    dial->on_dialed(dial->context, wire);
}

static void go_on(struct redis_dial *dial) {
    if (!try_next(dial))
        dial->on_failed(dial->context, dial->trouble, dial->why);
}

static void on_lost(void *context, enum redis_trouble trouble, const char *why) {
    struct redis_dial *dial = context;
    dial->wire = NULL;
    note(dial, trouble, dial->addresses[dial->next - 1], why);
    go_on(dial);
}

/* Returns false when there is none left. */
static bool try_next(struct redis_dial *dial) {
    const struct redis_wire_listener listener = {dial, on_open, on_lost};
    dial->ticks = 0;
    while (dial->next < dial->count) {
        const char *address = dial->port == 0 ? dial->host : dial->addresses[dial->next];
        const struct redis_wire_options options = {
            .loop = dial->loop, .address = address, .port = dial->port, .tls = dial->tls, .host = dial->host};
        enum redis_trouble trouble;
        char why[128];
        dial->next++;
        dial->wire = redis_wire_new(&options, &listener, &trouble, why, sizeof why);
        if (dial->wire != NULL)
            return true;
        note(dial, trouble, address, why);
    }
    return false;
}

/* --- looking a name up -------------------------------------------------------------------------------------------- */

static void add_address(struct redis_dial *dial, const struct addrinfo *info) {
    if (dial->count == REDIS_DIAL_ADDRESSES)
        return;
    if (getnameinfo(info->ai_addr, info->ai_addrlen, dial->addresses[dial->count], REDIS_DIAL_ADDRESS_CHARS, NULL, 0,
                    NI_NUMERICHOST) == 0)
        dial->count++;
}

static void on_looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *found) {
    struct redis_lookup *lookup = request->data;
    struct redis_dial *dial = lookup->dial;
    for (const struct addrinfo *info = found; info != NULL && dial != NULL; info = info->ai_next)
        add_address(dial, info);
    uv_freeaddrinfo(found);
    free(lookup);
    if (dial == NULL)
        return;
    dial->lookup = NULL;
    note(dial, REDIS_TROUBLE_UNRESOLVED, dial->host, status < 0 ? uv_strerror(status) : "no address");
    go_on(dial);
}

static bool is_address(const char *host) {
    unsigned char bytes[sizeof(struct in6_addr)];
    return strchr(host, ':') != NULL || inet_pton(AF_INET, host, bytes) == 1;
}

static bool look_up(struct redis_dial *dial) {
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct redis_lookup *lookup = memory_zero(1, sizeof *lookup);
    lookup->dial = dial;
    lookup->request.data = lookup;
    dial->lookup = lookup;
    int status = uv_getaddrinfo(dial->loop, &lookup->request, on_looked_up, dial->host, NULL, &hints);
    if (status == 0)
        return true;
    note(dial, REDIS_TROUBLE_UNRESOLVED, dial->host, uv_strerror(status));
    dial->lookup = NULL;
    free(lookup);
    return false;
}

/* --- the outside -------------------------------------------------------------------------------------------------- */

bool redis_dial_start(struct redis_dial *dial, uv_loop_t *loop, struct redis_tls *tls, const char *host,
                      uint16_t port) {
    dial->loop = loop;
    dial->tls = tls;
    dial->host = host;
    dial->port = port;
    dial->count = dial->next = dial->ticks = 0;
    if (port != 0 && !is_address(host))
        return look_up(dial);
    snprintf(dial->addresses[0], sizeof dial->addresses[0], "%s", host);
    dial->count = 1;
    return try_next(dial);
}

bool redis_dial_tick(struct redis_dial *dial) {
    dial->ticks++;
    if (dial->wire != NULL && dial->ticks > REDIS_LINK_STALLED_TICKS)
        redis_wire_break(dial->wire, REDIS_TROUBLE_UNREACHABLE, "no answer to connecting");
    return dial->lookup != NULL && dial->ticks == REDIS_LINK_STALLED_TICKS;
}

static void ignore_loss(void *context, enum redis_trouble trouble, const char *why) {
    (void)context;
    (void)trouble;
    (void)why;
}

void redis_dial_cancel(struct redis_dial *dial) {
    if (dial->lookup != NULL) {
        dial->lookup->dial = NULL;
        uv_cancel((uv_req_t *)&dial->lookup->request); /* works only while it has not begun */
        dial->lookup = NULL;
    }
    if (dial->wire != NULL) {
        const struct redis_wire_listener nobody = {NULL, NULL, ignore_loss};
        redis_wire_listen(dial->wire, &nobody);
        redis_wire_break(dial->wire, REDIS_TROUBLE_NONE, "");
        dial->wire = NULL;
    }
}
