/* rebind.pml - how one chat lives on while its two people change their places: resume, fencing, and a forgetful register.
 *
 * A place is a session on one of two nodes. Each step of a process below is one step of the program: one core_step(), or
 * one request carried out by the broker. README.md maps the parts to the functions of the code, says what is left out,
 * and why that does no harm.
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
mtype = { MSG, AWAY_NOW, REBOUND, STATE, ENDED, MOVED, VACANT, GONE, SYNC }            /* frames; VACANT: MOVED, to the stranger */

/* status of answers */
#define NONE 0
#define OK 1
#define OVER 2
#define DOWN 3

chan requests[NODES] = [10] of { mtype, byte, byte, byte } /* kind, place; HOLD: stranger's place and fence; REBIND: only from
                                                               this fence, 0 = from any */
chan answers[NODES] = [14] of { mtype, byte, byte, byte, byte, byte, byte, byte } /* kind, place, status, own place and fence,
                                                               stranger's place and fence, REBIND: own place before */
chan data[NODES] = [8] of { mtype, byte, byte, byte, bool } /* kind, to, from, fence, here */
chan inhouse[NODES] = [8] of { mtype, byte, byte, byte, bool }               /* the same, within a node: never lost */

/* --- the register ------------------------------------------------------------------------------------------------------ */

#define UNKNOWN 0
#define GOING_ON 1
#define IS_OVER 2
byte record = GOING_ON
byte seat[2]
byte seat_fence[2]
byte clock = 2              /* Redis' TIME */

/* --- the nodes' memory: places ------------------------------------------------------------------------------------------ */

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
byte moved_fence[PLACES]    /* while REBINDING: what MOVED told of, ... */
bool moved_here[PLACES]
byte heard_at[PLACES]       /* ... and where the stranger was heard from */
byte heard_fence[PLACES]
bool down[PLACES]           /* the broker was down, and will be asked again */
bool farewell[PLACES]       /* this place ended the chat */
byte places = 2             /* used so far */

/* --- the world ---------------------------------------------------------------------------------------------------------- */

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

/* --- session.c, chat.c, ending.c ------------------------------------------------------------------------------------------ */

inline destroy(p) {
    state[p] = (farewell[p] -> GONE_BY : FREE);
    conn[p] = false; peer_here[p] = false; down[p] = false; empty_fence[p] = 0; moved_fence[p] = 0; moved_here[p] = false;
    heard_at[p] = NOWHERE; heard_fence[p] = 0; looking[p] = LOOKING_NOT;
    if
    :: !farewell[p] -> peer[p] = NOWHERE; peer_fence[p] = 0
    :: else
    fi
}

inline hear_end(p) {                     /* what our client hears */
    if
    :: conn[p] && newest[side[p]] == p ->
        assert(cause);                   /* no chat ends for nothing */
        person[side[p]] = HEARD_END
    :: else
    fi
}

inline chat_ended(p) { hear_end(p); destroy(p) }

inline ending_say(p) { ask(END, p, 0, 0); say_to_stranger(ENDED, p); farewell[p] = true }

/* A LOOKUP that is under way because a frame went astray was about the stranger's earlier place. */
inline new_place(p) {
#ifndef M_ASTRAY_KEPT
    if
    :: looking[p] == LOOKING_ASTRAY -> looking[p] = LOOKING_NOT
    :: else
    fi
#else
    skip
#endif
}

/* chat_set_timer(): a LOOKUP that is under way was about another deadline. */
inline new_deadline(p) {
    if
    :: looking[p] != LOOKING_ASTRAY -> looking[p] = LOOKING_NOT
    :: else
    fi
}

inline drop(p) {
    state[p] = AWAY;
    new_deadline(p);
    say_to_stranger(AWAY_NOW, p)
}

inline closed(p) {                       /* session_closed() */
    conn[p] = false;
    if
    :: state[p] == CHATTING || state[p] == GREETING -> drop(p)
    :: else
    fi
}

inline superseded(p) {
    assert(!(conn[p] && newest[side[p]] == p)); /* nobody's newest connection is closed with 4501 */
    destroy(p)
}

/* A frame to the stranger went astray. */
inline look_up(p) {
    if
    :: looking[p] == LOOKING_NOT -> looking[p] = LOOKING_ASTRAY; ask(LOOKUP, p, 0, 0)
    :: else
    fi
}

/* --- resume.c ------------------------------------------------------------------------------------------------------------- */

inline greeted(p, here) { state[p] = CHATTING; peer_here[p] = here; new_deadline(p) }

inline peer_away(p) {
    if
    :: state[p] == GREETING -> greeted(p, false)
    :: else -> peer_here[p] = false; new_deadline(p)
    fi
}

/* Whoever is connected to us stays: nobody is where the register has moved our side to, with this fence. */
inline stay(p, f) {
#ifndef M_NOT_STAYING
    empty_fence[p] = f;
    asking[side[p]]++;
    ask(REBIND, p, f, 0)
#else
    superseded(p)
#endif
}

inline tell_previous(p, previous, f, here) {
    if
    :: previous != NOWHERE && previous != p -> say(MOVED, previous, p, f, here)
    :: else
    fi
}

#define previous_is_here(p, previous) (previous != NOWHERE && previous != p && node_of[previous] == node_of[p] && \
                                       has_chat(previous))

/* What the register says about the stranger, or what they have said themselves since. */
inline take_place(p, previous, f, at, g) {
    if
    :: heard_fence[p] > g -> at = heard_at[p]; g = heard_fence[p]
    :: else
    fi;
    heard_at[p] = NOWHERE; heard_fence[p] = 0;
    fence[p] = f;
    looking[p] = LOOKING_NOT;
    peer[p] = at;
    peer_fence[p] = g;
    peer_here[p] = (at != NOWHERE);
    if
    :: previous_is_here(p, previous) ->
        peer_here[p] = peer_here[previous];
        empty_fence[p] = empty_fence[previous];
        if
        :: peer_fence[previous] >= g -> peer[p] = peer[previous]; peer_fence[p] = peer_fence[previous]
        :: else
        fi;
        superseded(previous)
    :: else -> tell_previous(p, previous, f, conn[p])
    fi;
    state[p] = GREETING;
    say_to_stranger(REBOUND, p);
    if
    :: !conn[p] -> drop(p)
    :: conn[p] && peer[p] == NOWHERE -> greeted(p, false)
    :: else
    fi
}

/* The register has moved our side here. */
inline rebound(p, previous, f, at, g) {
    if
    :: moved_fence[p] > f && (moved_here[p] || !conn[p]) -> superseded(p)
    :: !(moved_fence[p] > f && (moved_here[p] || !conn[p])) &&
       previous_is_here(p, previous) && !conn[p] && conn[previous] -> stay(previous, f); destroy(p)
    :: else ->
        x = moved_fence[p];
        moved_fence[p] = 0; moved_here[p] = false;
        take_place(p, previous, f, at, g);
        if
        :: x > f -> stay(p, x)
        :: else
        fi
    fi
}

inline stayed(p, status, own, f, at, g, previous) {
    if
    :: status == OVER || status == NONE -> look_up(p)
    :: status == OK && f > fence[p] && own != p -> superseded(p)
    :: status == OK && f > fence[p] && own == p ->
        fence[p] = f;
        if
        :: g > peer_fence[p] -> peer[p] = at; peer_fence[p] = g
        :: else
        fi;
        tell_previous(p, previous, f, conn[p]);
        if
        :: state[p] == AWAY -> say_to_stranger(SYNC, p)
        :: else -> say_to_stranger(REBOUND, p)
        fi
    :: else
    fi
}

inline rebound_here(p, status, own, f, at, g, previous) {
    if
    :: has_chat(p) -> stayed(p, status, own, f, at, g, previous)
    :: state[p] == REBINDING && status == DOWN -> down[p] = true
    :: state[p] == REBINDING && (status == NONE || status == OVER) -> chat_ended(p)
    :: state[p] == REBINDING && status == OK -> rebound(p, previous, f, at, g)
    :: !has_chat(p) && state[p] != REBINDING ->
        if
        :: status == OK && own == p -> tell_previous(p, previous, f, false)
        :: else
        fi
    fi
}

/* BROKER_RETRY_MS after it was down. */
inline ask_again(p) {
    down[p] = false;
    if
#ifndef M_ASKED_FOR_NOBODY
    :: conn[p] -> ask(REBIND, p, 0, 0); asking[side[p]]++
    :: !conn[p] -> ask(LOOKUP, p, 0, 0)
#else
    :: ask(REBIND, p, 0, 0); asking[side[p]]++
#endif
    fi
}

/* The answer to that LOOKUP. */
inline whether_moved(p, status, own, f, at) {
    if
    :: status == DOWN -> down[p] = true
    :: else ->
        if
        :: status == OK && own == p -> say(VACANT, at, p, f, false)
        :: else
        fi;
        destroy(p)
    fi
}

inline moved(p, f, here) {
    if
    :: f <= fence[p] || f == empty_fence[p]
    :: else ->
        if
        :: conn[p] && !here -> stay(p, f)
        :: else -> superseded(p)
        fi
    fi
}

inline overtaken(kind, p, from, f, here) {
    if
    :: kind == MOVED && f > moved_fence[p] -> moved_fence[p] = f; moved_here[p] = here
    :: kind != MOVED && kind != VACANT && kind != GONE && f > heard_fence[p] -> heard_at[p] = from; heard_fence[p] = f
    :: else
    fi
}

/* --- peer.c --------------------------------------------------------------------------------------------------------------- */

inline state_is(p, here) {
    if
    :: state[p] == GREETING -> greeted(p, here)
    :: else -> peer_here[p] = here; new_deadline(p)
    fi
}

inline shown(p, f) {
    if
    :: state[p] == CHATTING && conn[p] && newest[side[p]] == p ->
        assert(f >= seen[side[p]]);      /* nobody hears a left-behind place after the present one */
        seen[side[p]] = f
    :: else
    fi
}

inline take_from_stranger(kind, p, from, f, here) {
    news = f > peer_fence[p];
    if
    :: news -> new_place(p)
    :: else
    fi;
    peer[p] = from;
    peer_fence[p] = f;
    if
    :: kind != REBOUND && state[p] != GREETING && (news || (kind == MSG && !peer_here[p])) ->
        peer_here[p] = true;
        new_deadline(p);
#ifndef M_NEWS_UNANSWERED
        if                               /* they may think that we are away: what we said went to their earlier place */
        :: news && kind != SYNC && kind != ENDED -> say_to_stranger(SYNC, p)
        :: else
        fi
#endif
    :: else
    fi;
    news = false;
    if
    :: kind == MSG -> shown(p, f)
    :: kind == AWAY_NOW -> peer_away(p)
    :: kind == REBOUND -> say_to_stranger(STATE, p); state_is(p, true)
    :: kind == STATE -> state_is(p, here)
    :: kind == SYNC -> say_to_stranger(STATE, p); state_is(p, here)
    :: kind == ENDED -> farewell[p] = true; chat_ended(p)
    fi
}

inline take(kind, p, from, f, here) {
    if
#ifndef M_OVERTAKEN_LOST
    :: state[p] == REBINDING -> overtaken(kind, p, from, f, here)
#else
    :: state[p] == REBINDING
#endif
    :: state[p] != REBINDING && !has_chat(p) ->
        if
        :: kind == MSG || kind == AWAY_NOW || kind == REBOUND || kind == SYNC -> say(GONE, from, p, 0, false)
#ifdef M_GONE_FOR_EVER
        :: kind == GONE -> say(GONE, from, p, 0, false)
#endif
        :: else
        fi
    :: has_chat(p) && kind == MOVED -> moved(p, f, here)
    :: has_chat(p) && kind == VACANT ->      /* pass_on_moved() */
        if
        :: f > peer_fence[p] -> say(MOVED, peer[p], p, f, false)
        :: else
        fi
    :: has_chat(p) && kind == GONE ->
        if
        :: from == peer[p] -> look_up(p)
        :: else
        fi
    :: has_chat(p) && kind != MOVED && kind != VACANT && kind != GONE ->
        if
#ifndef M_NOT_FENCED
        :: f < peer_fence[p] -> say(MOVED, from, p, peer_fence[p], true)
        :: f >= peer_fence[p] -> take_from_stranger(kind, p, from, f, here)
#else
        :: take_from_stranger(kind, p, from, f, here)
#endif
        fi
    fi
}

/* --- register.c ------------------------------------------------------------------------------------------------------------ */

inline hold(p) { ask(HOLD, p, peer[p], peer_fence[p]) }

inline end_overdue(p) { ask(END, p, 0, 0); looking[p] = LOOKING_ENDED; ask(LOOKUP, p, 0, 0) }

#define nobody_at(q) (q == NOWHERE || !has_chat(q) && state[q] != REBINDING)

inline found(p, status, own, f, at, g, why, is_held) {
    if
    :: (status == OK || status == OVER) && f > fence[p] && own != p ->
        if
        :: conn[p] && (f == empty_fence[p] || (own != NOWHERE && node_of[own] == node_of[p] && nobody_at(own))) -> stay(p, f)
        :: else -> superseded(p)
        fi
    :: else ->
        if
        :: (status == OK || status == OVER) && f > fence[p] -> fence[p] = f
        :: else
        fi;
        if
        :: status == OK && g > peer_fence[p] ->
            new_place(p);
            peer[p] = at;
            peer_fence[p] = g;
            if
            :: state[p] == GREETING -> say_to_stranger(REBOUND, p)
            :: else -> peer_here[p] = true; new_deadline(p); say_to_stranger(SYNC, p)
            fi
        :: status == OK && g <= peer_fence[p] ->
            if
            :: f < fence[p] || g < peer_fence[p] -> hold(p)
            :: else
            fi;
            if
            :: why == LOOKING_ASTRAY && (state[p] == GREETING || peer_here[p]) -> peer_away(p)
            :: why == LOOKING_DUE -> end_overdue(p)
            :: why == LOOKING_ENDED -> end_overdue(p)
            :: else
            fi
        :: status == OVER -> say_to_stranger(ENDED, p); chat_ended(p)
        :: status == NONE && is_held -> say_to_stranger(ENDED, p); chat_ended(p)
        :: status == NONE && !is_held ->
            hold(p);
            if
            :: why == LOOKING_ASTRAY && (state[p] == GREETING || peer_here[p]) -> peer_away(p)
            :: else
            fi
        :: status == DOWN ->
            if
            :: is_held -> hold(p)
            :: else
            fi
        fi
    fi
}

/* --- sync.c ----------------------------------------------------------------------------------------------------------------- */

inline tell(p, n) {
    if
    :: node_of[p] == n && p < places && farewell[p] -> ask(END, p, 0, 0); say_to_stranger(ENDED, p)
    :: node_of[p] == n && p < places && has_chat(p) ->
#ifndef M_NOT_HELD
        hold(p);
#endif
        if
        :: peer[p] != NOWHERE && node_of[peer[p]] != n ->
            if
            :: state[p] == GREETING -> say_to_stranger(REBOUND, p)
#ifndef M_NOT_SYNCED
            :: else -> say_to_stranger(SYNC, p)
#else
            :: else
#endif
            fi
        :: peer[p] != NOWHERE && node_of[peer[p]] == n && nobody_at(peer[p]) -> look_up(p)   /* peer_check_here() */
        :: else
        fi
    :: else
    fi
}

inline vanished(p, n, boot) {
    if
    :: node_of[p] == n && has_chat(p) && peer[p] != NOWHERE && node_of[peer[p]] == boot &&
       (state[p] == GREETING || peer_here[p]) ->
        peer_away(p);
#ifndef M_GONE_UNPROBED
        say_to_stranger(SYNC, p)         /* it may have come back, and its SYNC may have overtaken this */
#endif
    :: else
    fi
}

proctype node(byte n) {
    byte p, x, f, at, g, status, why, before;
    bool here, news;
    mtype kind;
end:
    do
    :: atomic { !dead[n] && nempty(answers[n]) ->
        answers[n]?kind, p, status, x, f, at, g, before;
        if
        :: kind == REBOUND_HERE -> rebound_here(p, status, x, f, at, g, before)
        :: kind == FOUND && state[p] == REBINDING -> whether_moved(p, status, x, f, at)
        :: (kind == FOUND || kind == HELD) && !has_chat(p) && state[p] != REBINDING ->
            if
            :: status == OK && farewell[p] -> ask(END, p, 0, 0)        /* ending_correct() */
            :: else
            fi
        :: (kind == FOUND || kind == HELD) && has_chat(p) ->
            if
            :: kind == FOUND -> why = looking[p]; looking[p] = LOOKING_NOT
            :: else -> why = LOOKING_NOT
            fi;
            found(p, status, x, f, at, g, why, (kind == HELD))
        :: kind == NODE_GONE ->
            p = 0;
            do
            :: p < PLACES -> vanished(p, n, at); p++
            :: else -> break
            od
        :: kind == RESUMED ->
            p = 0;
            do
            :: p < PLACES -> tell(p, n); p++
            :: else -> break
            od
        fi;
        p = 0; x = 0; f = 0; at = 0; g = 0; before = 0; status = 0; why = 0; kind = 0 }
    :: atomic { !dead[n] && (nempty(inhouse[n]) || (!cut[n] && nempty(data[n]))) ->
        if
        :: inhouse[n]?kind, p, x, f, here
        :: !cut[n] && nempty(data[n]) -> data[n]?kind, p, x, f, here
        fi;
        take(kind, p, x, f, here);
        p = 0; x = 0; f = 0; here = false; kind = 0 }
    od
}

/* --- the broker: chat.lua, registry.c ------------------------------------------------------------------------------------------ */

inline give(kind, p, status, previous) {
    if
    :: !dead[node_of[p]] ->
        assert(nfull(answers[node_of[p]]));
        answers[node_of[p]]!kind, p, (lost -> DOWN : status), seat[side[p]], seat_fence[side[p]],
            seat[other_side(side[p])], seat_fence[other_side(side[p])], previous
    :: else
    fi
}

/* `only`: only if our side has this fence still; 0 = whatever it has. */
inline do_rebind(p, only) {
    asking[side[p]]--;
    was = NOWHERE;
    if
    :: record == UNKNOWN && only == 0 -> /* made again from the token */
        record = GOING_ON;
        seat[0] = NOWHERE; seat[1] = NOWHERE; seat_fence[0] = 0; seat_fence[1] = 0
    :: else
    fi;
    if
    :: record == GOING_ON && (only == 0 || only == seat_fence[side[p]]) ->
        was = seat[side[p]];
        seat[side[p]] = p;
#ifndef M_CLOCKLESS
        seat_fence[side[p]] = (seat_fence[side[p]] + 1 > clock -> seat_fence[side[p]] + 1 : clock);
        clock = seat_fence[side[p]] + 1
#else
        seat_fence[side[p]]++
#endif
    :: else
    fi;
    give(REBOUND_HERE, p, record, was);
    was = 0
}

inline do_hold(p, x, y) {
    if
    :: record == UNKNOWN ->
        record = GOING_ON;
        seat[side[p]] = p; seat_fence[side[p]] = fence[p];
        seat[other_side(side[p])] = x; seat_fence[other_side(side[p])] = y
    :: record == GOING_ON ->
#ifndef M_HOLD_OVERWRITES
        if
        :: fence[p] > seat_fence[side[p]] -> seat[side[p]] = p; seat_fence[side[p]] = fence[p]
        :: else
        fi;
        if
        :: y > seat_fence[other_side(side[p])] -> seat[other_side(side[p])] = x; seat_fence[other_side(side[p])] = y
        :: else
        fi
#else
        seat[side[p]] = p; seat_fence[side[p]] = fence[p]
#endif
    :: record == IS_OVER
    fi;
    give(HELD, p, record, NOWHERE)
}

inline carry_out(kind, p, x, y) {
    if
    :: kind == REBIND -> do_rebind(p, x)
    :: kind == HOLD -> do_hold(p, x, y)
    :: kind == LOOKUP -> give(FOUND, p, record, NOWHERE)
    :: kind == END ->
        if
#ifndef M_END_FROM_ANYWHERE
        :: record == GOING_ON && seat[side[p]] == p -> record = IS_OVER
#else
        :: record == GOING_ON -> record = IS_OVER
#endif
        :: else
        fi
    fi
}

inline not_carried_out(kind, p) {
    if
    :: kind == REBIND -> asking[side[p]]--; give(REBOUND_HERE, p, DOWN, 0)
    :: kind == HOLD -> give(HELD, p, DOWN, 0)
    :: kind == LOOKUP -> give(FOUND, p, DOWN, 0)
    :: kind == END
    fi
}

proctype broker(byte n) {
    byte p, x, y, was;
    bool lost, ignored;
    mtype kind;
end:
    do
    :: atomic { nempty(requests[n]) ->
        requests[n]?kind, p, x, y;
        if
        :: true
        :: faults > 0 && !dead[n] ->     /* the connection breaks; it may have been carried out */
            faults--;
            resync[n] = true;
            lost = true;
            if
            :: ignored = true
            :: ignored = false
            fi
        fi;
        if
        :: ignored -> not_carried_out(kind, p)
        :: else -> carry_out(kind, p, x, y)
        fi;
        lost = false; ignored = false;
        p = 0; x = 0; y = 0; kind = 0 }
    :: atomic { resync[n] && !cut[n] ->  /* a beat */
        resync[n] = false;
        assert(nfull(answers[n]));
        answers[n]!RESUMED, 0, OK, 0, 0, 0, 0, 0 }
    od
}

/* --- the people, and what befalls them --------------------------------------------------------------------------------------------- */

#define none_down (!down[0] && !down[1] && !down[2] && !down[3] && !down[4])
#define noticed_all (unnoticed(0) + unnoticed(1) + unnoticed(2) + unnoticed(3) + unnoticed(4) == 0)
#define unnoticed(p) (conn[p] && newest[side[p]] != (p))
#define nothing_under_way (empty(requests[0]) && empty(requests[1]) && empty(answers[0]) && empty(answers[1]) && \
                           empty(data[0]) && empty(data[1]) && empty(inhouse[0]) && empty(inhouse[1]) && !cut[0] && !cut[1] && !resync[0] && !resync[1] && \
                           !unheard[0] && !unheard[1] && noticed_all && none_down)
#define left_behind(p) (record == GOING_ON && newest[side[p]] != (p) && seat[side[p]] != (p) && seat[side[p]] != NOWHERE)
/* What a person's earlier connections still ask of the register: with IN_ORDER nothing, when they are back; without, only a
 * killed node's requests are through by then. */
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
    :: atomic { person[x] == OFFLINE && in_order(x) ->     /* and is made again, somewhere */
        assert(places < PLACES);
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
    :: atomic { state[p] == GREETING && nothing_under_way -> greeted(p, false) }
    :: atomic { state[p] == AWAY && peer_here[p] && nothing_under_way && person[side[p]] != OFFLINE -> destroy(p) }
    :: atomic { (state[p] == CHATTING || state[p] == AWAY) && !peer_here[p] && looking[p] == LOOKING_NOT && alive(p) &&
                (left_behind(p) || (nothing_under_way && nobody_comes(other_side(side[p])))) ->
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
    :: atomic { faults > 0 && !dead[n] ->                  /* it is taken for silent, and learns it from its next beat */
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

/* --- when nothing is left to do ---------------------------------------------------------------------------------------------------- */

#define sits_well(x) (state[newest[x]] == CHATTING && conn[newest[x]] && peer[newest[x]] == newest[other_side(x)] && \
                      peer_fence[newest[x]] == fence[newest[other_side(x)]] && peer_here[newest[x]] && \
                      seat[x] == newest[x] && seat_fence[x] == fence[newest[x]])

proctype judge() {
    byte p;
end:
    timeout;
    atomic {
        assert(nothing_under_way);
        assert(person[0] != OFFLINE && person[1] != OFFLINE);
        assert((person[0] == ONLINE) == (person[1] == ONLINE));    /* nobody sits in a chat that is over for the other */
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
        od
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
        heard_at[0] = NOWHERE; heard_at[1] = NOWHERE; heard_at[2] = NOWHERE; heard_at[3] = NOWHERE; heard_at[4] = NOWHERE;
        run node(0); run node(1); run broker(0); run broker(1);
        run human(0); run human(1);
        run place(0); run place(1); run place(2); run place(3); run place(4);
        run fate(0); run fate(1); run forgetful_register(); run judge()
    }
}
