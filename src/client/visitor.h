/* visitor.h - one person at the service: the reliable client over connections that are made again when they break. */
#ifndef CLIENT_VISITOR_H
#define CLIENT_VISITOR_H

#include "frames.h"
#include "link.h"
#include "output.h"
#include "socket.h"

struct visitor;

/* All are called from the loop, never from within a function of the visitor; they may call any but visitor_free(). */
struct visitor_listener {
    void (*on_notice)(void *context, const struct notice *notice);
    /* A connection or an attempt at one is gone, and why. */
    void (*on_trouble)(void *context, const char *why);
    /* After everything that happened was told. */
    void (*on_turn)(void *context);
};

/* All pointers are borrowed for the visitor's life. */
struct visitor *visitor_new(struct uv_loop_s *loop, struct sockets *sockets, const struct url *url,
                            const struct criteria *criteria, const struct visitor_listener *listener, void *context);
/* Breaks off. The loop must run before it is closed. */
void visitor_free(struct visitor *visitor);

/* Looks for a stranger; leaves the chat first, if there is one. Connects, if that has not been done. */
void visitor_find(struct visitor *visitor);
/* Looks for the stranger of the last chat, and nobody else. False: that is not possible. */
bool visitor_again(struct visitor *visitor);
/* Leaves the chat, or stops looking. */
void visitor_leave(struct visitor *visitor);
/* Says something. Returns its number; or 0 if there is no chat, or no node would take the text. */
uint64_t visitor_say(struct visitor *visitor, struct text body);
/* Call it as often as you like. */
void visitor_typing(struct visitor *visitor, bool on);
/* Cuts the connection, as a broken network would; a new one is dialled at once. */
void visitor_cut(struct visitor *visitor);

/* --- how it stands --- */

enum link_state visitor_link(const struct visitor *visitor);
/* A connection has stood. */
bool visitor_was_greeted(const struct visitor *visitor);
bool visitor_is_talking(const struct visitor *visitor);
/* How many messages have been said and not acknowledged. */
size_t visitor_unacknowledged(const struct visitor *visitor);
/* The most bytes that a message may have. */
uint64_t visitor_longest(const struct visitor *visitor);
/* Nothing is left behind at the node by going now. */
bool visitor_is_over(const struct visitor *visitor);

#endif
