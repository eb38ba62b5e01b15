/* rebind.pml - how a chat lives on while its two people change places: resume, fencing, and a forgetful register.
 *
 * A place is a session on one of two nodes. Each step of a process below is one step of the program: one core_step(),
 * or one request carried out by the broker. README.md maps the parts to the functions of the code, says what is left
 * out, and why that does no harm.
 *
 * Faults, FAULTS of them in any order, at any moment: a person's connection drops, unnoticed by its node for any time;
 * somebody leaves; somebody never comes back; a node's subscription is lost and made again; a node is killed; a node is
 * taken for silent; a request is answered DOWN, carried out or not; the register forgets everything.
 *
 * Checked: the assertions, and the state in which nothing is left to do (proctype judge). */

#ifndef FAULTS
#define FAULTS 1
#endif
#define NODES 2
#define PLACES 5
#define NOWHERE PLACES
#define other_side(x) (1 - (x))
#define other_node(n) (1 - (n))

mtype = { REBIND, LOOKUP, HOLD, END }                                                  /* requests */
mtype = { REBOUND_HERE, FOUND, HELD, NODE_GONE, RESUMED }                              /* answers */
/* frames; VACANT is the MOVED that goes to the stranger, ASKED the SYNC that goes to our own side */
mtype = { MSG, AWAY_NOW, REBOUND, STATE, ENDED, MOVED, VACANT, GONE, SYNC, ASKED }

/* status of answers */
#define NONE 0
#define OK 1
#define OVER 2
#define DOWN 3

/* kind, place; HOLD: the stranger's place and fence; REBIND: only from this fence, 0 = from any */
chan requests[NODES] = [10] of { mtype, byte, byte, byte }
/* kind, place, status, own place and fence, the stranger's place and fence; REBIND: own place before */
chan answers[NODES] = [14] of { mtype, byte, byte, byte, byte, byte, byte, byte }
chan data[NODES] = [8] of { mtype, byte, byte, byte, bool } /* kind, to, from, fence, here */
chan inhouse[NODES] = [8] of { mtype, byte, byte, byte, bool }               /* the same, within a node: never lost */

/* --- the register ------------------------------------------------------------------------------------------------- */

#define UNKNOWN 0
#define GOING_ON 1
#define IS_OVER 2
byte record = GOING_ON
byte seat[2]
byte seat_fence[2]
byte clock = 2              /* Redis' TIME */

/* --- the nodes' memory: places ------------------------------------------------------------------------------------ */

#define FREE 0
#define REBINDING 1
#define GREETING 2
#define CHATTING 3
#define AWAY 4
#define GONE_BY 5           /* no session any more, but its end may have to be said again (ending.c) */
byte state[PLACES]
byte side[PLACES]
byte node_of[PLACES]
bool conn[PLACES]
byte fence[PLACES]
byte peer[PLACES]
byte peer_fence[PLACES]
bool peer_here[PLACES]
#define LOOKING_NOT 0
#define LOOKING_ASTRAY 1
#define LOOKING_DUE 2
#define LOOKING_ENDED 3
byte looking[PLACES]
byte empty_fence[PLACES]    /* of a place of our side where nobody is; 0 = none */
byte asked_fence[PLACES]    /* of a later place of our side, which was asked whether anybody is there, ... */
byte asked_at[PLACES]       /* ... and the place itself */
byte moved_fence[PLACES]    /* while REBINDING: what MOVED told of, ... */
bool moved_here[PLACES]
byte heard_at[PLACES]       /* ... and where the stranger was heard from */
byte heard_fence[PLACES]
bool down[PLACES]           /* the broker was down, and will be asked again */
bool farewell[PLACES]       /* this place ended the chat */
byte places = 2             /* used so far */

/* --- the world ---------------------------------------------------------------------------------------------------- */

#define OFFLINE 0
#define ONLINE 1
#define HEARD_END 2
#define NEVER_BACK 3
byte person[2]
byte newest[2]              /* the place of their newest connection */
byte asking[2]              /* REBINDs of theirs that the register has not answered yet */
byte seen[2]                /* the greatest fence of a message they were shown */
bool dead[NODES]
bool unheard[NODES]
bool cut[NODES]
bool noticed[NODES]
bool resync[NODES]
byte faults = FAULTS
bool cause                  /* somebody left, or will never come back: the chat may end */

#define has_chat(p) (state[p] == GREETING || state[p] == CHATTING || state[p] == AWAY)
#define alive(p) (!dead[node_of[p]])

inline ask(kind, p, x, y) { assert(nfull(requests[node_of[p]])); requests[node_of[p]]!kind, p, x, y }

#define apart(to, from) ((to) != NOWHERE && node_of[to] != node_of[from])

/* PUBLISH to a data inbox; nobody receives → NODE_GONE to the sender; the place is not known → nothing. */
inline say(kind, to, from, f, here) {
    if
    :: (to) == NOWHERE
    :: (to) != NOWHERE && node_of[to] == node_of[from] ->
        assert(nfull(inhouse[node_of[to]]));
        inhouse[node_of[to]]!kind, to, from, f, here
    :: apart(to, from) && (dead[node_of[to]] || (cut[node_of[to]] && noticed[node_of[to]])) ->
        if
        :: alive(from) ->
            assert(nfull(answers[node_of[from]]));
            answers[node_of[from]]!NODE_GONE, 0, 0, 0, 0, node_of[to], 0, 0
        :: else
        fi
    :: apart(to, from) && !dead[node_of[to]] && cut[node_of[to]] && !noticed[node_of[to]]
    :: apart(to, from) && !dead[node_of[to]] && !cut[node_of[to]] ->
        assert(nfull(data[node_of[to]]));
        data[node_of[to]]!kind, to, from, f, here
    fi
}

inline say_to_stranger(kind, p) { say(kind, peer[p], p, fence[p], conn[p]) }

#include "rebind_resume.pml"
#include "rebind_node.pml"
#include "rebind_broker.pml"

/* --- the people, and what befalls them ---------------------------------------------------------------------------- */

#define none_down (!down[0] && !down[1] && !down[2] && !down[3] && !down[4])
#define noticed_all (unnoticed(0) + unnoticed(1) + unnoticed(2) + unnoticed(3) + unnoticed(4) == 0)
#define unnoticed(p) (conn[p] && newest[side[p]] != (p))
#define nothing_under_way (empty(requests[0]) && empty(requests[1]) && empty(answers[0]) && empty(answers[1]) && \
                           empty(data[0]) && empty(data[1]) && empty(inhouse[0]) && empty(inhouse[1]) && \
                           !cut[0] && !cut[1] && !resync[0] && !resync[1] && \
                           !unheard[0] && !unheard[1] && noticed_all && none_down)
#define left_behind(p) (record == GOING_ON && newest[side[p]] != (p) && \
                        seat[side[p]] != (p) && seat[side[p]] != NOWHERE)
/* What a person's earlier connections still ask of the register: with IN_ORDER nothing, when they are back; without,
 * only a killed node's requests are through by then. */
#if defined(M_KILLED_SPEAKS_LATER)
#define in_order(x) true
#elif defined(IN_ORDER)
#define in_order(x) (asking[x] == 0)
#else
#define in_order(x) ((!dead[0] || empty(requests[0])) && (!dead[1] || empty(requests[1])))
#endif
#define nobody_comes(x) (person[x] == NEVER_BACK || person[x] == HEARD_END)

proctype human(byte x) {
end:
    do
    :: atomic { person[x] == ONLINE && faults > 0 ->       /* the connection drops */
        faults--;
#ifndef M_HALF_OPEN_RESUME
        if                                                 /* in the middle of a resume its node notices that */
        :: state[newest[x]] == REBINDING -> conn[newest[x]] = false
        :: else
        fi;
#endif
        newest[x] = NOWHERE;
        person[x] = OFFLINE }
    :: atomic { person[x] == OFFLINE && places < PLACES && in_order(x) -> /* and is made again, somewhere */
        if
        :: !dead[0] -> node_of[places] = 0
        :: !dead[1] -> node_of[places] = 1
        fi;
        state[places] = REBINDING; side[places] = x; conn[places] = true; newest[x] = places; person[x] = ONLINE;
        ask(REBIND, places, 0, 0);
        asking[x]++;
        places++ }
    :: atomic { person[x] == OFFLINE && faults > 0 -> faults--; person[x] = NEVER_BACK; cause = true }
    :: atomic { person[x] == ONLINE && faults > 0 && state[newest[x]] == CHATTING ->
        faults--;
        cause = true;
        ending_say(newest[x]);
        chat_ended(newest[x]) }
    od
}

/* A place: what its connection and its timers do to it. */
proctype place(byte p) {
    bool said;
end:
    do
    :: atomic { unnoticed(p) && alive(p) -> closed(p) }
    :: atomic { down[p] && alive(p) -> ask_again(p) }
    :: atomic { asked_fence[p] > fence[p] && asked_fence[p] != empty_fence[p] && nothing_under_way && alive(p) ->
        if                               /* sync_hold_again(), resume_node_gone() */
        :: asked_at[p] != NOWHERE && dead[node_of[asked_at[p]]] -> moved(p, asked_fence[p], false)
        :: else -> hold(p)
        fi }
    :: atomic { state[p] == GREETING && nothing_under_way -> greeted(p, false) }
    :: atomic { state[p] == AWAY && peer_here[p] && nothing_under_way && person[side[p]] != OFFLINE -> destroy(p) }
    :: atomic { (state[p] == CHATTING || state[p] == AWAY) && !peer_here[p] && looking[p] == LOOKING_NOT && alive(p) &&
                ((left_behind(p) && asked_fence[p] <= fence[p]) ||
                 (nothing_under_way && nobody_comes(other_side(side[p])))) ->
#if defined(M_ENDED_UNASKED)
        ending_say(p);
        chat_ended(p)
#elif defined(M_END_FROM_ANYWHERE) || defined(END_UNASKED)
        end_overdue(p)                   /* the register refuses it: asking first only saves the trouble */
#else
        looking[p] = LOOKING_DUE;
        ask(LOOKUP, p, 0, 0)
#endif
        }
#ifdef TALK
    :: atomic { state[p] == CHATTING && conn[p] && alive(p) && !said && side[p] == 0 ->
        said = true;
        say_to_stranger(MSG, p) }
#endif
    od
}

inline drain(inbox) {
    do
    :: nempty(inbox) -> inbox?_, _, _, _, _
    :: empty(inbox) -> break
    od
}

inline tell_gone(n) {
    if
    :: !dead[other_node(n)] ->
        assert(nfull(answers[other_node(n)]));
        answers[other_node(n)]!NODE_GONE, 0, 0, 0, 0, n, 0, 0
    :: else
    fi
}

inline vanish(p) {
    if
    :: p < places && node_of[p] == n ->
        if
        :: newest[side[p]] == p && person[side[p]] == ONLINE -> newest[side[p]] = NOWHERE; person[side[p]] = OFFLINE
        :: else
        fi;
        farewell[p] = false;
        destroy(p)
    :: else
    fi
}

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
        drain(data[n]) }
    :: atomic { cut[n] && !dead[n] -> cut[n] = false; noticed[n] = false; resync[n] = true }
    :: atomic { faults > 0 && !dead[n] && !dead[other_node(n)] ->  /* it is killed */
        faults--;
        dead[n] = true; cut[n] = false; resync[n] = false;
        drain(data[n]);
        drain(inhouse[n]);
        do
        :: nempty(answers[n]) -> answers[n]?_, _, _, _, _, _, _, _
        :: empty(answers[n]) -> break
        od;
        vanish(0); vanish(1); vanish(2); vanish(3); vanish(4);
        unheard[n] = true }
    :: atomic { unheard[n] && empty(data[other_node(n)]) && empty(requests[n]) ->
        unheard[n] = false;                                /* SILENT_MS later: what it had said has been read by then */
        tell_gone(n) }
    :: atomic { faults > 0 && !dead[n] ->                  /* it is taken for silent, and learns it later */
        faults--;
        tell_gone(n);
        resync[n] = true }
    od
}

proctype forgetful_register() {
end:
    do
    :: atomic { faults > 0 ->
        faults--;
        record = UNKNOWN;
        seat[0] = NOWHERE; seat[1] = NOWHERE; seat_fence[0] = 0; seat_fence[1] = 0;
        resync[0] = !dead[0];
        resync[1] = !dead[1] }
    :: atomic { faults > 0 -> faults = 0 }                 /* enough */
    od
}

/* --- when nothing is left to do ----------------------------------------------------------------------------------- */

#define sits_well(x) (state[newest[x]] == CHATTING && conn[newest[x]] && peer[newest[x]] == newest[other_side(x)] && \
                      peer_fence[newest[x]] == fence[newest[other_side(x)]] && peer_here[newest[x]] && \
                      seat[x] == newest[x] && seat_fence[x] == fence[newest[x]])

proctype judge() {
    byte p;
end:
    timeout;
    atomic {
        assert(nothing_under_way);
        if                                                         /* who comes back more often than there is room for? */
        :: person[0] == OFFLINE || person[1] == OFFLINE -> assert(places == PLACES); goto unjudged
        :: else
        fi;
        assert((person[0] == ONLINE) == (person[1] == ONLINE));    /* it is not over for one alone */
        if
        :: person[0] == ONLINE ->
            assert(record == GOING_ON);
            assert(sits_well(0));                                  /* both talk to each other's newest place */
            assert(sits_well(1))
        :: else
        fi;
        do
        :: p < places ->
            assert(dead[node_of[p]] || p == newest[side[p]] || state[p] == FREE || state[p] == GONE_BY);
            assert(state[p] != REBINDING && state[p] != GREETING);
            p++
        :: else -> break
        od;
unjudged:
        skip
    }
}

init {
    atomic {
        seat[0] = 0; seat[1] = 1; seat_fence[0] = 1; seat_fence[1] = 1;
        newest[0] = 0; newest[1] = 1; person[0] = ONLINE; person[1] = ONLINE;
        state[0] = CHATTING; side[0] = 0; node_of[0] = 0; conn[0] = true; fence[0] = 1;
        peer[0] = 1; peer_fence[0] = 1; peer_here[0] = true;
        state[1] = CHATTING; side[1] = 1; node_of[1] = 1; conn[1] = true; fence[1] = 1;
        peer[1] = 0; peer_fence[1] = 1; peer_here[1] = true;
        peer[2] = NOWHERE; peer[3] = NOWHERE; peer[4] = NOWHERE;
        heard_at[0] = NOWHERE; heard_at[1] = NOWHERE; heard_at[2] = NOWHERE;
        heard_at[3] = NOWHERE; heard_at[4] = NOWHERE;
        run node(0); run node(1); run broker(0); run broker(1);
        run human(0); run human(1);
        run place(0); run place(1); run place(2); run place(3); run place(4);
        run fate(0); run fate(1); run forgetful_register(); run judge()
    }
}
