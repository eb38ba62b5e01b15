/* match.pml - how two people meet: seek, offer, commit or abort, confirm; three people on two nodes.
 *
 * Each step of a process below is one step of the program: one core_step(), or one request carried out by the broker.
 * README.md maps the parts to the functions of the code, says what is left out, and why that does no harm.
 *
 * Faults, FAULTS of them in any order, at any moment: somebody leaves; somebody asks anew; a time-out too early; a
 * node's subscription is lost and made again; a node is killed; a node is taken for silent; a request is answered DOWN,
 * carried out or not; the broker forgets everything.
 *
 * Checked: the assertions, and the state in which nothing is left to do (proctype judge). Every run comes to that
 * state: attempts are numbered, and there are fewer than ATTEMPTS. So "eventually" needs no fairness here. */

#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef TALKER
#define TALKER 3                         /* who says something: 0, 1, 2, or 3 for nobody */
#endif
#ifndef PICKY
#define PICKY 3                          /* who has preferences, for a while; 3 for nobody */
#endif
#define PEOPLE 3
#define NODES 2
#define ATTEMPTS 12                      /* more than any run needs */
#define CHATS (PEOPLE * ATTEMPTS + 1)
#define NOBODY 3

#define node_of(s) ((s) != 0)            /* 0 sits on node 0; 1 and 2 on node 1 */
#define chat_of(s, n) ((s) * ATTEMPTS + (n))
#define seeker_of(c) (((c) - 1) / ATTEMPTS)

mtype = { SEEK, WITHDRAW, COMMIT, ABORT, HOLD, LOOKUP, END }                   /* requests */
mtype = { SOUGHT, COMMITTED, ABORTED, FOUND, HELD, NODE_GONE, RESUMED }        /* answers */
mtype = { OFFERED, CONFIRMED }                                                 /* control inbox */
mtype = { MSG, ENDED, STATE, GONE, SYNC, DECLINE }                             /* data inbox */

/* status of answers */
#define NONE 0
#define OK 1
#define OVER 2
#define DOWN 3

/* What travels. Requests and answers go by one connection, control and data by others: in order within each. */
chan requests[NODES] = [14] of { mtype, byte, byte, byte }       /* kind, asker, attempt or peer, chat */
chan answers[NODES] = [12] of { mtype, byte, byte, byte, byte }  /* kind, to, status, attempt or peer, chat */
chan control[NODES] = [6] of { mtype, byte, byte, byte }        /* kind, to, attempt or peer, chat */
chan data[NODES] = [12] of { mtype, byte, byte, byte }           /* kind, to, from, chat */

/* --- the broker's memory: the line and the register --------------------------------------------------------------- */

byte line[PEOPLE]           /* attempt of the ticket in the line; 0 = none */
bool line_relaxed[PEOPLE]
#define UNKNOWN 0
#define GIVEN_UP 1
#define GOING_ON 2
#define ENDED_ONCE 3
byte chats[CHATS]
byte candidate[CHATS]       /* who was offered the seeker, then who committed; NOBODY = forgotten */
bool suspect[NODES]         /* let an offer time out; until its next beat */

/* --- the nodes' memory -------------------------------------------------------------------------------------------- */

#define FREE 0
#define IDLE 1
#define SEEKING 2
#define WAITING 3
#define OFFERING 4
#define GIVING_UP 5
#define ACCEPTING 6
#define CHATTING 7
byte state[PEOPLE]
byte attempt[PEOPLE]
byte first_attempt[PEOPLE]
bool relaxed[PEOPLE]
byte held[PEOPLE]           /* chat of the held or accepted offer */
bool is_held[PEOPLE]
bool early[PEOPLE]
bool declined[PEOPLE]
bool lost_some[PEOPLE]      /* frames of the match that is being made may have been lost */
bool down[PEOPLE]           /* the broker was down, and will be asked again */
byte offered_to[PEOPLE]     /* node of the candidate */
byte chat[PEOPLE]
byte peer[PEOPLE]
bool alone[PEOPLE]          /* the stranger is away, as far as is known */
bool spoken[PEOPLE]
/* Ends that were said (ending.c), by chat: 1 by its seeker, 2 by its candidate; 4 and 8: ... who will tell the other
 * once they know who that is. */
byte endings[CHATS]
byte ended_with[CHATS]      /* whom the seeker told; NOBODY = nobody */

/* --- the world ---------------------------------------------------------------------------------------------------- */

bool dead[NODES]
bool cut[NODES]             /* the subscription is lost */
bool noticed[NODES]         /* ... and Redis knows: nobody receives */
bool resync[NODES]          /* LINK_RESUMED will come */
bool unheard[NODES]         /* dead, and the other node does not know yet */
byte faults = FAULTS
bool disturbed              /* something happened that may undo a match */

/* The register's word and the stranger's frames may even come before the answer to SEEK, by other connections. */
#ifdef M_ORDER_TRUSTED
#define found_by_now(s) (state[s] == OFFERING || state[s] == GIVING_UP)
#else
#define found_by_now(s) (state[s] == SEEKING || state[s] == OFFERING || state[s] == GIVING_UP)
#endif
#define waits_for(s, c) ((found_by_now(s) && chat_of(s, attempt[s]) == (c)) || \
                         (state[s] == ACCEPTING && held[s] == (c)))
#define searching(s) (state[s] >= SEEKING && state[s] <= ACCEPTING)

inline ask(kind, s, x, c) { assert(nfull(requests[node_of(s)])); requests[node_of(s)]!kind, s, x, c }

inline answer(kind, s, status, x, c) {
    if
    :: !dead[node_of(s)] -> assert(nfull(answers[node_of(s)])); answers[node_of(s)]!kind, s, status, x, c
    :: else
    fi
}

/* PUBLISH to a data inbox; nobody receives → NODE_GONE to the sender. */
inline say(kind, to, from, c) {
    if
    :: dead[node_of(to)] || (cut[node_of(to)] && noticed[node_of(to)]) -> answer(NODE_GONE, from, OK, node_of(to), 0)
    :: cut[node_of(to)] && !noticed[node_of(to)]
    :: else -> assert(nfull(data[node_of(to)])); data[node_of(to)]!kind, to, from, c
    fi
}

#include "match_node.pml"
#include "match_broker.pml"

/* --- the people, and what befalls them ---------------------------------------------------------------------------- */

#define alive(s) (!dead[node_of(s)])

inline give_up_waiting(s) {              /* OFFER_TIMEOUT_MS have passed */
#ifndef M_REQUEUED_UNREAD
    give_up(s)
#else
    seek(s)
#endif
}

#define nothing_under_way (empty(requests[0]) && empty(requests[1]) && empty(answers[0]) && empty(answers[1]) && \
                           empty(control[0]) && empty(control[1]) && empty(data[0]) && empty(data[1]) && \
                           !cut[0] && !cut[1] && !resync[0] && !resync[1])

proctype person(byte s) {
    if
    :: atomic { alive(s) -> first_attempt[s] = 1; relaxed[s] = (s != PICKY); seek(s) }
    :: !alive(s)
    fi;
end:
    do
    :: atomic { state[s] == WAITING && !relaxed[s] -> relaxed[s] = true; seek(s) }
    :: atomic { state[s] == CHATTING && s == TALKER && !spoken[s] -> spoken[s] = true; say(MSG, peer[s], s, chat[s]) }
    :: atomic { down[s] -> ask_again(s) }
    :: atomic { state[s] == OFFERING && nothing_under_way -> give_up_waiting(s) }
    :: atomic { state[s] == CHATTING && alone[s] && nothing_under_way ->
        ending_say(s, peer[s], chat[s]);
        chat_ended(s) } /* the grace is over */
    :: atomic { state[s] == OFFERING && faults > 0 -> faults--; give_up_waiting(s) }
    :: atomic { state[s] >= SEEKING && faults > 0 -> faults--; disturbed = true; leave(s) }
    :: atomic { searching(s) && faults > 0 ->
        faults--;
        disturbed = true;
        drop_match(s);
        first_attempt[s] = attempt[s] + 1;
        seek(s) }
    od
}

inline drain(inbox) {
    do
    :: nempty(inbox) -> inbox?_, _, _, _
    :: empty(inbox) -> break
    od
}

#define other_node(n) (1 - (n))

inline tell_gone(n) {
    if
    :: !dead[other_node(n)] -> assert(nfull(answers[other_node(n)])); answers[other_node(n)]!NODE_GONE, 0, OK, n, 0
    :: else
    fi
}

inline vanish(s) { forget(s); state[s] = FREE }
inline unticket(s) { line[s] = 0 }

proctype fate(byte n) {
end:
    do
    :: atomic { faults > 0 && !dead[n] && !cut[n] ->       /* its subscription is lost, with all that was under way */
        faults--;
        cut[n] = true;
        if
        :: noticed[n] = true
        :: noticed[n] = false
        fi;
        drain(control[n]);
        drain(data[n]) }
    :: atomic { cut[n] && !dead[n] -> cut[n] = false; noticed[n] = false; resync[n] = true }
    :: atomic { faults > 0 && !dead[n] ->                  /* it is killed */
        faults--;
        disturbed = true;
        dead[n] = true; cut[n] = false; resync[n] = false; suspect[n] = false;
        drain(control[n]);
        drain(data[n]);
        do
        :: nempty(answers[n]) -> answers[n]?_, _, _, _, _
        :: empty(answers[n]) -> break
        od;
        if
        :: n == 0 -> vanish(0)
        :: else -> vanish(1); vanish(2)
        fi;
        unheard[n] = true }
    :: atomic { unheard[n] && empty(control[other_node(n)]) && empty(data[other_node(n)]) && empty(requests[n]) ->
        unheard[n] = false;                                /* SILENT_MS later: what it had said has been read by then */
        tell_gone(n) }
    :: atomic { faults > 0 && !dead[n] ->                  /* it is taken for silent, and learns it later */
        faults--;
        if
        :: n == 0 -> unticket(0)
        :: else -> unticket(1); unticket(2)
        fi;
        tell_gone(n);
        resync[n] = true }
    :: atomic { suspect[n] && !dead[n] && !cut[n] ->       /* its next beat */
        suspect[n] = false;
#ifndef M_SUSPECT_NOT_TOLD
        resync[n] = true
#endif
        }
    od
}

proctype forgetful_broker() {
    byte i;
end:
    do
    :: atomic { faults > 0 ->
        faults--;
        disturbed = true;
        do
        :: i < PEOPLE -> line[i] = 0; i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < CHATS -> chats[i] = UNKNOWN; candidate[i] = NOBODY; i++
        :: else -> break
        od;
        i = 0;
        resync[0] = !dead[0];
        resync[1] = !dead[1] }
    :: atomic { faults > 0 -> faults = 0 }                 /* enough */
    od
}

/* --- when nothing is left to do ----------------------------------------------------------------------------------- */

proctype judge() {
    byte s, waiting;
end:
    timeout;
    atomic {
        assert(nothing_under_way);
        do
        :: s < PEOPLE ->
            if
            :: state[s] == WAITING && alive(s) ->
                waiting++;
                assert(line[s] == attempt[s])              /* who waits stands in the line */
            :: state[s] == CHATTING && alive(s) ->         /* who is matched has a partner, who knows it */
                assert(alive(peer[s]) && state[peer[s]] == CHATTING && chat[peer[s]] == chat[s] && peer[peer[s]] == s);
                assert(chats[chat[s]] == GOING_ON)
            :: else -> assert(state[s] == FREE || state[s] == IDLE)  /* and nothing is left half done */
            fi;
            s++
        :: else -> break
        od;
        assert(waiting <= 1)                               /* nobody waits beside somebody waiting */
    }
}

init {
    atomic {
        byte i;
        do
        :: i < CHATS -> candidate[i] = NOBODY; ended_with[i] = NOBODY; i++
        :: else -> break
        od;
        i = 0;
        offered_to[0] = NODES; offered_to[1] = NODES; offered_to[2] = NODES;
        run node(0); run node(1); run broker(0); run broker(1);
        run person(0); run person(1);
#ifndef TWO_PEOPLE
        run person(2);
#endif
        run fate(0); run fate(1); run forgetful_broker(); run judge()
    }
}
