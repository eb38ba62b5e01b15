/* visitor.c - one person at the service: joins visit.c (what to say), link.c (over which connection) and socket.c.
 *
 * Flow:  a call, a frame or a time-out changes the state and arms the timer → the timer's turn carries out what came
 *        of it: wishes, notices, frames, orders, until nothing is left → the timer is armed for what comes next.
 * Fails: what a node sends that is no frame is ignored, with a notice. An address where nothing ever answered is looked
 *        at once more, to say why.
 * Owns:  its sockets, by the numbers that the link knows them by. */
#include "visitor.h"

#include "tcp.h"
#include "visit.h"

#include "base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum {
    SOCKETS = 3,         /* the candidate, the current and the former one */
    DIAGNOSIS_MS = 1000, /* to learn why nothing answers */
    TROUBLE_CHARS = 256,
};

struct visitor {
    struct visit visit;
    struct link link;
    struct random random;
    struct sockets *sockets;
    const struct url *url;
    const struct visitor_listener *listener;
    void *context;
    struct {
        unsigned id; /* 0 = free */
        struct socket *socket;
    } table[SOCKETS];
    bool greeted;
    bool hurried;                /* the next loss is our own doing, and needs no pause */
    char trouble[TROUBLE_CHARS]; /* to be told; "" = none */
    uv_timer_t timer;
};

static void on_timer(uv_timer_t *timer);

static int64_t now_ms(const struct visitor *visitor) {
    return (int64_t)uv_now(visitor->timer.loop);
}

/* Something has changed: a turn is due. */
static void changed(struct visitor *visitor) {
    uv_timer_start(&visitor->timer, on_timer, 0, 0);
}

/* --- sockets ------------------------------------------------------------------------------------------------------ */

static struct socket *socket_of(const struct visitor *visitor, unsigned id) {
    for (size_t i = 0; id != 0 && i < SOCKETS; i++)
        if (visitor->table[i].id == id)
            return visitor->table[i].socket;
    return NULL;
}

static void forget_socket(struct visitor *visitor, unsigned id) {
    for (size_t i = 0; i < SOCKETS; i++)
        if (visitor->table[i].id == id)
            visitor->table[i].id = 0;
}

static void send_frame(struct visitor *visitor, unsigned id, char *frame) {
    struct socket *socket = socket_of(visitor, id);
    if (socket != NULL)
        socket_send(socket, frame, strlen(frame));
    free(frame);
}

/* The first message of a connection that is being dialled. */
static void greet(struct visitor *visitor, const struct heard *heard) {
    link_greeted(&visitor->link, now_ms(visitor));
    visitor->greeted = true;
    visit_greeted(&visitor->visit, heard);
}

static void ignore(struct visitor *visitor, const char *what) {
    output_text(output_notice(&visitor->visit.out, NOTICE_IGNORED), (struct text){what, strlen(what)});
}

static void hear(struct visitor *visitor, unsigned id, const struct heard *heard) {
    switch (link_role(&visitor->link, id)) {
    case LINK_STRANGE: return;
    case LINK_CANDIDATE:
        if (heard->kind == SERVER_HELLO)
            greet(visitor, heard);
        else
            ignore(visitor, "a frame before hello");
        return;
    case LINK_FORMER:
        if (heard->kind == SERVER_MATCHED) /* a stranger met there must not wait in vain */
            send_frame(visitor, id, frames_leave());
        return;
    case LINK_CURRENT:
        if (heard->kind == SERVER_RECONNECT)
            link_reconnect(&visitor->link, heard->after_ms, now_ms(visitor));
        else if (heard->kind == SERVER_HELLO)
            ignore(visitor, "a second hello");
        else
            visit_heard(&visitor->visit, heard, now_ms(visitor));
        return;
    }
}

static void on_text(void *context, unsigned id, const char *bytes, size_t length) {
    struct visitor *visitor = context;
    struct heard heard;
    const char *problem;
    if (frames_read(bytes, length, &heard, &problem)) {
        hear(visitor, id, &heard);
        frames_release(&heard);
    } else {
        ignore(visitor, problem);
    }
    changed(visitor);
}

/* lws does not tell why nothing answers. */
static void diagnose(struct visitor *visitor) {
    int64_t until_ms = tcp_now_ms() + DIAGNOSIS_MS;
    int fd = tcp_connect(visitor->url->host, visitor->url->port, until_ms, visitor->trouble, sizeof visitor->trouble);
    if (fd < 0)
        return;
    close(fd);
    snprintf(visitor->trouble, sizeof visitor->trouble, "no %sWebSocket is spoken there",
             visitor->url->tls ? "TLS with a " : "");
}

static void note_trouble(struct visitor *visitor, unsigned id, const char *why) {
    enum link_role role = link_role(&visitor->link, id);
    if (role != LINK_CANDIDATE && role != LINK_CURRENT)
        return;
    if (*why == '\0' && !visitor->greeted)
        diagnose(visitor);
    else
        snprintf(visitor->trouble, sizeof visitor->trouble, "%s", *why == '\0' ? "nothing answers" : why);
}

static void on_gone(void *context, unsigned id, unsigned close_code, const char *why) {
    struct visitor *visitor = context;
    forget_socket(visitor, id);
    note_trouble(visitor, id, why);
    switch (link_lost(&visitor->link, id, close_code, now_ms(visitor))) {
    case LINK_LOSS_NONE: break;
    case LINK_LOSS_CURRENT: visit_lost(&visitor->visit); break;
    case LINK_LOSS_REFUSED: visit_refused(&visitor->visit, close_code); break;
    }
    if (visitor->hurried)
        link_hurry(&visitor->link, now_ms(visitor));
    visitor->hurried = false;
    changed(visitor);
}

static const struct socket_listener socket_listener = {.on_text = on_text, .on_gone = on_gone};

static void dial(struct visitor *visitor, unsigned id) {
    size_t place = 0;
    while (place < SOCKETS && visitor->table[place].id != 0)
        place++;
    assert(place < SOCKETS);
    visitor->table[place].id = id;
    visitor->table[place].socket = socket_dial(visitor->sockets, visitor->url, &socket_listener, visitor, id);
}

static void close_socket(struct visitor *visitor, unsigned id) {
    struct socket *socket = socket_of(visitor, id);
    forget_socket(visitor, id);
    if (socket != NULL)
        socket_close(socket);
}

/* --- a turn ------------------------------------------------------------------------------------------------------- */

static void grant_wishes(struct visitor *visitor) {
    struct link *link = &visitor->link;
    unsigned wishes = visitor->visit.out.wishes;
    visitor->visit.out.wishes = 0;
    if (wishes & WISH_SHUT)
        link_shut(link);
    if (wishes & WISH_OPEN)
        link_open(link, now_ms(visitor));
    if (wishes & WISH_DROP && link->current != 0) {
        link_drop(link, now_ms(visitor));
        visit_lost(&visitor->visit);
    }
    if (wishes & WISH_RENEW)
        link_renew(link, now_ms(visitor));
    if (wishes & WISH_SETTLE)
        link_settle(link);
}

static void tell(struct visitor *visitor) {
    struct notice *notice = output_take_notice(&visitor->visit.out);
    for (; notice != NULL; notice = output_take_notice(&visitor->visit.out)) {
        visitor->listener->on_notice(visitor->context, notice);
        notice_free(notice);
    }
    if (visitor->trouble[0] != '\0')
        visitor->listener->on_trouble(visitor->context, visitor->trouble);
    visitor->trouble[0] = '\0';
}

/* Frames before orders: a socket that is to be closed sends first what it has. */
static void carry_out(struct visitor *visitor) {
    char *frame = output_take_frame(&visitor->visit.out);
    for (; frame != NULL; frame = output_take_frame(&visitor->visit.out))
        send_frame(visitor, visitor->link.current, frame);
    struct link_order order;
    while (link_take_order(&visitor->link, &order)) {
        if (order.dial)
            dial(visitor, order.socket);
        else
            close_socket(visitor, order.socket);
    }
}

static void arm(struct visitor *visitor) {
    int64_t next = link_next_ms(&visitor->link);
    if (visit_next_ms(&visitor->visit) < next)
        next = visit_next_ms(&visitor->visit);
    if (next == INT64_MAX)
        return;
    int64_t now = now_ms(visitor);
    uv_timer_start(&visitor->timer, on_timer, next > now ? (uint64_t)(next - now) : 0, 0);
}

static void on_timer(uv_timer_t *timer) {
    struct visitor *visitor = timer->data;
    visit_tick(&visitor->visit, now_ms(visitor));
    link_tick(&visitor->link, now_ms(visitor));
    do {
        grant_wishes(visitor);
        tell(visitor);
        visit_reconcile(&visitor->visit, now_ms(visitor));
        grant_wishes(visitor);
        carry_out(visitor);
    } while (!list_empty(&visitor->visit.out.notices));
    if (!uv_is_active((uv_handle_t *)timer))
        arm(visitor);
    visitor->listener->on_turn(visitor->context);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

struct visitor *visitor_new(struct uv_loop_s *loop, struct sockets *sockets, const struct url *url,
                            const struct criteria *criteria, const struct visitor_listener *listener, void *context) {
    struct visitor *visitor = memory_zero(1, sizeof *visitor);
    visitor->sockets = sockets;
    visitor->url = url;
    visitor->listener = listener;
    visitor->context = context;
    uint64_t seed;
    random_secret(&seed, sizeof seed);
    random_init(&visitor->random, seed);
    link_init(&visitor->link, &visitor->random);
    visit_init(&visitor->visit, criteria);
    uv_timer_init(loop, &visitor->timer);
    visitor->timer.data = visitor;
    return visitor;
}

static void on_timer_closed(uv_handle_t *handle) {
    free(handle->data);
}

void visitor_free(struct visitor *visitor) {
    for (size_t i = 0; i < SOCKETS; i++)
        if (visitor->table[i].id != 0)
            socket_close(visitor->table[i].socket);
    visit_fini(&visitor->visit);
    uv_close((uv_handle_t *)&visitor->timer, on_timer_closed);
}

/* --- what the person does ----------------------------------------------------------------------------------------- */

void visitor_find(struct visitor *visitor) {
    visit_find(&visitor->visit, now_ms(visitor));
    changed(visitor);
}

bool visitor_again(struct visitor *visitor) {
    bool possible = visit_again(&visitor->visit, now_ms(visitor));
    changed(visitor);
    return possible;
}

void visitor_leave(struct visitor *visitor) {
    visit_leave(&visitor->visit, now_ms(visitor));
    changed(visitor);
}

uint64_t visitor_say(struct visitor *visitor, struct text body) {
    struct visit *visit = &visitor->visit;
    if (!visit->talking || body.length == 0 || !talk_fits(body, &visit->limits))
        return 0;
    changed(visitor);
    return visit_say(visit, body);
}

void visitor_typing(struct visitor *visitor, bool on) {
    if (!visitor->visit.talking)
        return;
    talk_typing(&visitor->visit.talk, on, now_ms(visitor));
    changed(visitor);
}

void visitor_cut(struct visitor *visitor) {
    struct socket *socket = socket_of(visitor, visitor->link.current);
    if (socket == NULL)
        return;
    visitor->hurried = true;
    socket_cut(socket);
}

enum link_state visitor_link(const struct visitor *visitor) {
    return link_state(&visitor->link);
}

bool visitor_was_greeted(const struct visitor *visitor) {
    return visitor->greeted;
}

bool visitor_is_talking(const struct visitor *visitor) {
    return visitor->visit.talking;
}

size_t visitor_unacknowledged(const struct visitor *visitor) {
    return visitor->visit.talking ? visitor->visit.talk.backlog.count : 0;
}

uint64_t visitor_longest(const struct visitor *visitor) {
    return visitor->visit.limits.body_bytes;
}

bool visitor_is_over(const struct visitor *visitor) {
    return visit_is_over(&visitor->visit);
}
