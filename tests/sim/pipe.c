/* pipe.c - bytes on their way, and the two ends that learn of things at different times.
 *
 * Flow:  see pipe.h. A pipe is freed when both its ends know that it is over.
 * Owns:  its parcels. */
#include "pipe.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cluster.h"
#include "lie.h"
#include "presence.h"

#include "base/memory.h"

enum { NOTICE_MAX_US = 300000, JANSSON_IN = 64 };

static void lose_some(struct world *world, struct parcels *parcels) {
    if (parcels->count > 0)
        parcels_truncate(parcels, (uint32_t)world_below(world, parcels->count + 1));
}

/* --- life --------------------------------------------------------------------------------------------------------- */

struct pipe *pipe_open(struct world *world, struct server *server, struct client *client, uint32_t number) {
    struct pipe *pipe = memory_zero(1, sizeof *pipe);
    pipe->conn = ++world->last_conn;
    pipe->server = server;
    pipe->client = client;
    pipe->number = number;
    pipe->node_open = pipe->client_open = true;
    source_init(&pipe->up_source, SOURCE_UP, pipe);
    source_init(&pipe->down_source, SOURCE_DOWN, pipe);
    source_init(&pipe->node_notice, SOURCE_NODE_NOTICE, pipe);
    source_init(&pipe->client_notice, SOURCE_CLIENT_NOTICE, pipe);
    map_set(&world->pipes, pipe->conn, pipe);
    list_append(&server->pipes, &pipe->siblings);
    world_ready(world, &pipe->up_source);
    world_trace(world, "client %u opens conn %llu to node %u", number, (unsigned long long)pipe->conn, server->index);
    return pipe;
}

static void free_pipe(struct world *world, struct pipe *pipe) {
    presence_pipe_over(pipe);
    list_remove(&pipe->siblings);
    map_take(&world->pipes, pipe->conn);
    parcels_truncate(&pipe->up, 0);
    parcels_truncate(&pipe->queue, 0);
    parcels_truncate(&pipe->kernel, 0);
    world_forget(world, &pipe->up_source);
    world_forget(world, &pipe->down_source);
    world_forget(world, &pipe->node_notice);
    world_forget(world, &pipe->client_notice);
    free(pipe);
}

void pipe_free_all(struct world *world) {
    for (size_t i = 0; i < world->pipes.capacity;) {
        if (world->pipes.slots[i].value != NULL)
            free_pipe(world, world->pipes.slots[i].value);
        else
            i++;
    }
}

static void free_if_over(struct world *world, struct pipe *pipe) {
    if (!pipe->client_open && !pipe->node_open && !pipe->busy)
        free_pipe(world, pipe);
}

static void break_pipe(struct world *world, struct pipe *pipe) {
    if (pipe->broken)
        return;
    pipe->broken = true;
    presence_broken(world, pipe);
}

/* Does the transport's queue move on when the kernel has room? */
static bool moves_on(const struct world *world, const struct pipe *pipe) {
    return pipe->queue.first != NULL && pipe->kernel.bytes < world->climate.kernel_bytes &&
           (pipe->server == NULL || pipe->server->frozen_until_us <= world->now_us);
}

/* What can happen next on the way down. */
static void wake_down(struct world *world, struct pipe *pipe) {
    bool reads = pipe->client_open && !pipe->cut;
    bool moves = moves_on(world, pipe);
    bool waits = pipe->kernel.first != NULL || (pipe->close_code != 0 && pipe->queue.first == NULL);
    if (moves || (waits && reads))
        world_at(world, &pipe->down_source,
                 reads && pipe->stalled_until_us > world->now_us ? pipe->stalled_until_us : 0);
    else
        world_forget(world, &pipe->down_source);
}

static void wake_up(struct world *world, struct pipe *pipe) {
    if (pipe->server != NULL && pipe->node_open && !pipe->node_closing && !pipe->cut && !pipe->paused &&
        (!pipe->opened || pipe->up.first != NULL || pipe->ending))
        world_ready(world, &pipe->up_source);
}

/* --- the client's side -------------------------------------------------------------------------------------------- */

void pipe_say(struct world *world, struct pipe *pipe, const char *bytes, size_t length) {
    world_trace(world, "client %u conn %llu > %.*s", pipe->number, (unsigned long long)pipe->conn, (int)length, bytes);
    if (pipe->cut || pipe->server == NULL || !pipe->node_open || lie_deaf(world))
        return;
    parcels_push(&pipe->up, parcels_make(bytes, length));
    wake_up(world, pipe);
}

void pipe_hang_up(struct world *world, struct pipe *pipe) {
    world_trace(world, "client %u hangs up conn %llu", pipe->number, (unsigned long long)pipe->conn);
    pipe->client_open = false;
    pipe->ending = true;
    world_forget(world, &pipe->down_source);
    world_forget(world, &pipe->client_notice);
    break_pipe(world, pipe);
    if (pipe->cut || pipe->server == NULL) {
        free_if_over(world, pipe);
        return;
    }
    pipe->paused = false; /* a node that does not read learns of the end by its pings */
    wake_up(world, pipe);
}

void pipe_cut(struct world *world, struct pipe *pipe, int64_t node_us, int64_t client_us, bool known) {
    world_trace(world, "conn %llu of client %u is cut", (unsigned long long)pipe->conn, pipe->number);
    break_pipe(world, pipe);
    pipe->cut = true;
    parcels_truncate(&pipe->up, 0);
    world_forget(world, &pipe->up_source);
    world_at(world, &pipe->node_notice, node_us);
    if (known) {
        pipe->client_open = false;
        world_forget(world, &pipe->client_notice);
    } else {
        world_at(world, &pipe->client_notice, client_us);
    }
    wake_down(world, pipe);
    free_if_over(world, pipe);
}

void pipe_orphan(struct world *world, struct pipe *pipe) {
    pipe->server = NULL;
    list_remove(&pipe->siblings);
    pipe->node_open = false;
    break_pipe(world, pipe);
    presence_noticed(world, pipe);
    parcels_truncate(&pipe->up, 0);
    parcels_truncate(&pipe->queue, 0);
    lose_some(world, &pipe->kernel);
    world_forget(world, &pipe->up_source);
    world_forget(world, &pipe->node_notice);
    if (pipe->client_open && !pipe->cut && pipe->close_code == 0)
        world_at(world, &pipe->client_notice, world->now_us + 1 + (int64_t)world_below(world, 3 * SECOND_US));
    wake_down(world, pipe);
    free_if_over(world, pipe);
}

void pipe_wake(struct world *world, struct pipe *pipe) {
    wake_down(world, pipe);
}

void pipe_stall(struct world *world, struct pipe *pipe, int64_t until_us) {
    pipe->stalled_until_us = until_us;
    wake_down(world, pipe);
}

/* --- the node's side ---------------------------------------------------------------------------------------------- */

static struct pipe *find(struct transport *transport, conn_ref conn) {
    const struct server *server = (const struct server *)(const void *)transport;
    struct pipe *pipe = map_get(&server->world->pipes, conn);
    return pipe != NULL && pipe->server == server && pipe->node_open ? pipe : NULL;
}

void pipe_close(struct world *world, struct pipe *pipe, enum close_code code) {
    if (!pipe->node_open || pipe->node_closing)
        return;
    world_trace(world, "node %u closes conn %llu of client %u with %d", pipe->server->index,
                (unsigned long long)pipe->conn, pipe->number, code);
    check_closing(pipe, code);
    pipe->node_closing = true;
    pipe->close_code = (unsigned)code;
    break_pipe(world, pipe);
    parcels_truncate(&pipe->up, 0);
    world_forget(world, &pipe->up_source);
    if (code == CLOSE_SLOW)
        parcels_truncate(&pipe->queue, 0);
    while (pipe->queue.first != NULL) /* all of it goes ahead of the close frame: only the timing of that is lost */
        parcels_push(&pipe->kernel, parcels_pop(&pipe->queue));
    world_at(world, &pipe->node_notice, world->now_us + (int64_t)world_below(world, NOTICE_MAX_US));
    if (lie_leak(world))
        world_forget(world, &pipe->node_notice);
    wake_down(world, pipe);
}

/* Reads what the node says and hands it to the checker; NULL if it is not to go out. */
static struct parcel *read_frame(struct world *world, struct pipe *pipe, const struct transport_frame *frame) {
    world_trace(world, "client %u conn %llu < %.*s", pipe->number, (unsigned long long)pipe->conn, (int)frame->length,
                frame->bytes);
    if (world_chance(world, JANSSON_IN) && !reader_is_object(frame->bytes, frame->length))
        world_fail(world, "a frame that is no JSON object: %.*s", (int)frame->length, frame->bytes);
    struct parcel *parcel = parcels_make(frame->bytes, frame->length);
    parcel->tag = frame->tag;
    parcel->report = frame->report;
    const char *wrong = reader_read(parcel->bytes, parcel->length, &parcel->heard);
    if (wrong != NULL) {
        world_fail(world, "a frame to client %u: %s: %.*s", pipe->number, wrong, (int)frame->length, frame->bytes);
        free(parcel);
        return NULL;
    }
    if (lie_twist(world, pipe, frame, &parcel->heard)) {
        free(parcel);
        return NULL;
    }
    check_sent(world, pipe, &parcel->heard);
    return parcel;
}

/* Is an earlier frame with this tag queued? Puts the new one in its place, if that is the rule. */
static bool queued_already(struct pipe *pipe, const struct transport_frame *frame, struct parcel *parcel) {
    for (struct parcel **at = &pipe->queue.first; *at != NULL; at = &(*at)->next) {
        if ((*at)->tag != frame->tag)
            continue;
        if (frame->rule == TAG_REPLACE) {
            struct parcel *old = *at;
            pipe->queue.bytes = pipe->queue.bytes - old->length + parcel->length;
            parcel->next = old->next;
            *at = parcel;
            if (parcel->next == NULL)
                pipe->queue.last = &parcel->next;
            free(old);
        } else {
            free(parcel);
        }
        return true;
    }
    return false;
}

static void into_kernel(struct pipe *pipe, struct parcel *parcel) {
    check_written(pipe, &parcel->heard);
    parcels_push(&pipe->kernel, parcel);
}

static enum transport_sent enqueue(struct world *world, struct pipe *pipe, const struct transport_frame *frame,
                                   struct parcel *parcel) {
    if (frame->rule == TAG_FRESH) {
        free(parcel);
        return TRANSPORT_DROPPED;
    }
    if (frame->rule != TAG_NONE && queued_already(pipe, frame, parcel))
        return frame->rule == TAG_REPLACE ? TRANSPORT_QUEUED : TRANSPORT_DROPPED;
    parcels_push(&pipe->queue, parcel);
    if (pipe->queue.bytes > world->climate.queue_bytes && !lie_hoard(world)) {
        world->tally.slow++;
        pipe_close(world, pipe, CLOSE_SLOW);
        return TRANSPORT_DROPPED;
    }
    check_queued(world, pipe, &parcel->heard);
    wake_down(world, pipe);
    return TRANSPORT_QUEUED;
}

static enum transport_sent pipe_send(struct transport *transport, conn_ref conn, const struct transport_frame *frame) {
    struct pipe *pipe = find(transport, conn);
    if (pipe == NULL || pipe->node_closing)
        return TRANSPORT_DROPPED;
    struct world *world = ((struct server *)(void *)transport)->world;
    memset(frame->bytes - TRANSPORT_HEADROOM_BYTES, 0x55, TRANSPORT_HEADROOM_BYTES);
    struct parcel *parcel = read_frame(world, pipe, frame);
    if (parcel == NULL)
        return TRANSPORT_WRITTEN;
    if (pipe->queue.first != NULL || pipe->kernel.bytes >= world->climate.kernel_bytes)
        return enqueue(world, pipe, frame, parcel);
    into_kernel(pipe, parcel);
    wake_down(world, pipe);
    return TRANSPORT_WRITTEN;
}

static void transport_close(struct transport *transport, conn_ref conn, enum close_code code) {
    struct pipe *pipe = find(transport, conn);
    if (pipe != NULL)
        pipe_close(((struct server *)(void *)transport)->world, pipe, code);
}

static void transport_pause(struct transport *transport, conn_ref conn, bool paused) {
    struct pipe *pipe = find(transport, conn);
    if (pipe == NULL)
        return;
    struct world *world = ((struct server *)(void *)transport)->world;
    pipe->paused = paused;
    if (paused)
        world_forget(world, &pipe->up_source);
    else
        wake_up(world, pipe);
}

static void transport_bind(struct transport *transport, conn_ref conn, session_ref session) {
    struct pipe *pipe = find(transport, conn);
    if (pipe == NULL)
        return;
    const struct server *server = (const struct server *)(const void *)transport;
    pipe->session = session;
    world_trace(server->world, "node %u binds conn %llu of client %u to slot %u", server->index,
                (unsigned long long)conn, pipe->number, (unsigned)session);
}

const struct transport_ops pipe_transport_ops = {pipe_send, transport_close, transport_pause, transport_bind};

/* --- steps -------------------------------------------------------------------------------------------------------- */

static void node_learns_of_the_end(struct world *world, struct pipe *pipe) {
    struct server *server = pipe->server;
    pipe->node_open = false;
    presence_noticed(world, pipe);
    world_forget(world, &pipe->node_notice);
    world_forget(world, &pipe->up_source);
    parcels_truncate(&pipe->up, 0);
    parcels_truncate(&pipe->queue, 0);
    if (pipe->opened) {
        server->listener.on_close(server->listener.context, pipe->session, pipe->conn);
        cluster_called(world, server);
    }
    pipe->server = NULL;
    list_remove(&pipe->siblings);
    wake_down(world, pipe);
    free_if_over(world, pipe);
}

static void run_up(struct world *world, struct pipe *pipe) {
    struct server *server = pipe->server;
    if (!pipe->opened) {
        pipe->opened = true;
        server->listener.on_open(server->listener.context, pipe->conn);
        cluster_called(world, server);
    } else if (pipe->up.first != NULL) {
        struct parcel *parcel = parcels_pop(&pipe->up);
        check_taken(pipe, parcel->bytes, parcel->length);
        server->listener.on_text(server->listener.context, pipe->session, pipe->conn, parcel->bytes, parcel->length);
        free(parcel);
        cluster_called(world, server);
    } else if (pipe->ending) {
        node_learns_of_the_end(world, pipe);
        return;
    }
    wake_up(world, pipe);
}

static void client_learns_of_the_end(struct world *world, struct pipe *pipe, unsigned code) {
    pipe->client_open = false;
    world_forget(world, &pipe->down_source);
    world_forget(world, &pipe->client_notice);
    world_trace(world, "client %u learns that conn %llu is closed: %u", pipe->number, (unsigned long long)pipe->conn,
                code);
    world->audience->closed(world, pipe, code);
    free_if_over(world, pipe);
}

/* The transport's queue moves on: the kernel has room. */
static void write_one(struct world *world, struct pipe *pipe) {
    struct parcel *parcel = parcels_pop(&pipe->queue);
    bool report = parcel->report;
    uint64_t tag = parcel->tag;
    into_kernel(pipe, parcel);
    if (report) {
        struct server *server = pipe->server;
        server->listener.on_written(server->listener.context, pipe->session, tag);
        cluster_called(world, server);
    }
}

static void run_down(struct world *world, struct pipe *pipe) {
    bool room = moves_on(world, pipe);
    bool reads = pipe->client_open && !pipe->cut && pipe->stalled_until_us <= world->now_us;
    if (room && (!reads || pipe->kernel.first == NULL || world_chance(world, 2))) {
        write_one(world, pipe);
    } else if (reads && pipe->kernel.first != NULL) {
        struct parcel *parcel =
            lie_reorder(world, pipe->kernel.first) ? parcels_pop_second(&pipe->kernel) : parcels_pop(&pipe->kernel);
        world->audience->hear(world, pipe, &parcel->heard);
        free(parcel);
    } else if (reads && pipe->close_code != 0) {
        client_learns_of_the_end(world, pipe, pipe->close_code);
    }
    wake_down(world, pipe);
}

void pipe_run(struct world *world, struct pipe *pipe, enum source_kind kind) {
    pipe->busy = true;
    switch (kind) {
    case SOURCE_UP: run_up(world, pipe); break;
    case SOURCE_DOWN: run_down(world, pipe); break;
    case SOURCE_NODE_NOTICE:
        if (pipe->node_open)
            node_learns_of_the_end(world, pipe);
        break;
    default:
        if (pipe->client_open)
            client_learns_of_the_end(world, pipe, CLOSE_ABNORMAL);
    }
    pipe->busy = false;
    free_if_over(world, pipe);
}
