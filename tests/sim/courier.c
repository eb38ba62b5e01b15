/* courier.c - see courier.h. */
#include "courier.h"

#include "cluster.h"
#include "fake_broker.h"
#include "lie.h"

static struct courier *of(struct broker *broker) {
    return (struct courier *)(void *)broker;
}

static const struct courier *of_const(const struct broker *broker) {
    return (const struct courier *)(const void *)broker;
}

static void request(struct broker *broker, const struct broker_request *request) {
    static const char *const words[] = {"seek", "withdraw", "commit", "abort", "rebind", "lookup", "hold", "end"};
    struct courier *courier = of(broker);
    const struct chat_id *chat = request->kind == BROKER_SEEK ? &request->seek.chat : &request->chat;
    world_trace(courier->world, "node %u slot %u requests %s, chat %08llx", courier->server->index, request->asker.slot,
                words[request->kind], (unsigned long long)(chat->high >> 32));
    courier->real->ops->request(courier->real, request);
}

static void relay(struct broker *broker, uint64_t boot, const void *bytes, size_t length) {
    struct courier *courier = of(broker);
    if (lie_lose_relay(courier->world, bytes, length))
        return;
    if (lie_echo_relay(courier->world))
        courier->real->ops->relay(courier->real, boot, bytes, length);
    courier->real->ops->relay(courier->real, boot, bytes, length);
}

static void poll(struct broker *broker, int64_t now_ms) {
    of(broker)->real->ops->poll(of(broker)->real, now_ms);
}

static void report_online(struct broker *broker, uint64_t here) {
    of(broker)->real->ops->report_online(of(broker)->real, here);
}

static uint64_t online(const struct broker *broker) {
    return of_const(broker)->real->ops->online(of_const(broker)->real);
}

static uint64_t waiting(const struct broker *broker) {
    return of_const(broker)->real->ops->waiting(of_const(broker)->real);
}

static void close_real(struct broker *broker) {
    of(broker)->real->ops->close(of(broker)->real);
}

static const struct broker_ops ops = {request, relay, relay, poll, report_online, online, waiting, close_real};

static void on_event(void *context, const struct broker_event *event) {
    static const char *const words[] = {"sought", "offered", "committed", "confirmed", "aborted",     "rebound",
                                        "found",  "relayed", "node gone", "link lost", "link resumed"};
    static const char *const statuses[] = {"ok", "none", "over", "down"};
    struct courier *courier = context;
    world_trace(courier->world, "node %u slot %u gets %s, %s, chat %08llx", courier->server->index, event->to.slot,
                words[event->kind], statuses[event->status], (unsigned long long)(event->chat.high >> 32));
    node_on_broker_event(courier->node, event);
}

void courier_join(struct courier *courier, struct server *server, uint64_t boot, void (*wake)(void *context)) {
    struct world *world = server->world;
    struct broker_listener listener = {on_event, courier, wake, server};
    *courier = (struct courier){.broker = {&ops}, .world = world, .node = server->node, .server = server};
    courier->real = world->redis != NULL ? fake_broker_join(world->redis, server, boot, &listener)
                                         : memory_hub_join(world->hub, boot, &listener);
}

void courier_kill(struct courier *courier) {
    if (courier->world->redis != NULL)
        fake_broker_kill(courier->real);
}
