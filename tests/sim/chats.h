/* chats.h - the truth about each chat, which none of its participants knows. */
#ifndef SIM_CHATS_H
#define SIM_CHATS_H

#include "world.h"

#include "link.h"
#include "reader.h"

/* One of the two people of a chat. */
struct member {
    uint32_t number;    /* of the client, or of the story's visitor */
    uint32_t person;    /* of the session (struct link) */
    bool doubtful;      /* and it may be an earlier one (struct link) */
    bool reliable;      /* as its `find` said */
    bool rogue;         /* keeps to nothing: what it says is not checked */
    bool told_reliable; /* what it was told of the stranger */
    bool read;          /* the client has read its `matched` */
    bool left;          /* it has asked to leave, or was thrown out */
    bool left_before;   /* on a connection that it has lost: that may still be carried out */
    bool over;          /* it takes part no more */
    bool told_end;      /* its node has said `ended` */
    bool told_away;     /* its node has said `away` */
    bool overdue;       /* it was gone for as long as the grace, once */
    bool astray;        /* its resume reached a node that died before it answered: the register has it there */
    bool murky;         /* two resumes were under way at once: nobody can say who holds the chat */
    struct criteria criteria;
    bool replaced;     /* its criteria may have been others */
    int64_t waited_us; /* before the match, at most */
    struct pipe *pipe; /* that the node has bound it to; NULL = gone */
    conn_ref last;     /* the last such */
    int64_t gone_us;   /* since when it is gone; -1 = it is there */
    int64_t absent_us; /* since when it is gone, or its node out of reach for others; -1 = it is there */
    int64_t deaf_us;   /* what fake_redis_deaf_us() was then */
    int64_t known_us;  /* since when its node knows, or is dead; NEVER_US = it does not know */
    uint32_t drops;
    uint32_t resumes;     /* asked for */
    uint32_t refused;     /* messages of it that were */
    uint32_t told_topics; /* those in common, as it was told: a bit per topic of the pool */
    uint64_t said;        /* messages numbered so far */
    uint64_t shown;       /* the number of the last message that its client showed */
    uint64_t floor;       /* the same, on the present connection */
    uint64_t acked;       /* the highest ack that its client has sent */
    uint64_t written;     /* the number of the last message that was written to it */
};

struct chat {
    struct list order;
    char id[READER_CHAT_CHARS + 1];
    uint64_t key;
    uint32_t serial;
    uint32_t refs; /* pipes and clients that point here */
    uint32_t members;
    bool revived;   /* by a token of it, when it was over and Redis had forgotten that */
    bool disturbed; /* something went wrong with the cluster while both talked */
    int64_t born_us;
    struct member member[2];
};

/* The chat with that id; NULL if there is none. */
struct chat *chats_find(const struct world *world, struct text id);
/* A new one. Forgets old ones that nobody holds. */
struct chat *chats_add(struct world *world, struct text id);
/* Whoever keeps a pointer holds the chat meanwhile. */
void chats_hold(struct chat *chat);
void chats_release(struct chat *chat);
void chats_free(struct world *world);

#endif
