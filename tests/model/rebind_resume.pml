/* rebind_resume.pml - how a place is taken, left and given up: session.c, chat.c, ending.c, resume.c. Part of
 * rebind.pml. */

/* --- session.c, chat.c, ending.c ---------------------------------------------------------------------------------- */

inline destroy(p) {
    state[p] = (farewell[p] -> GONE_BY : FREE);
    conn[p] = false; peer_here[p] = false; down[p] = false; empty_fence[p] = 0; asked_fence[p] = 0; asked_at[p] = 0;
    moved_fence[p] = 0; moved_here[p] = false; heard_at[p] = NOWHERE; heard_fence[p] = 0; looking[p] = LOOKING_NOT;
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

/* --- resume.c ----------------------------------------------------------------------------------------------------- */

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

#define nobody_at(q) (q == NOWHERE || !has_chat(q) && state[q] != REBINDING)

/* register_elsewhere(): the register has our side there. */
inline elsewhere(p, own, f) {
    if
    :: !conn[p] -> superseded(p)
    :: conn[p] && (f == empty_fence[p] ||
                   (own != NOWHERE && node_of[own] == node_of[p] && nobody_at(own))) -> stay(p, f)
#ifndef M_GIVES_WAY_UNASKED
    :: else -> asked_fence[p] = f; asked_at[p] = own; say(ASKED, own, p, f, true)
#else
    :: else -> superseded(p)
#endif
    fi
}

inline stayed(p, status, own, f, at, g, previous) {
    if
    :: status == OVER || status == NONE -> look_up(p)
    :: status == OK && f > fence[p] && own != p -> elsewhere(p, own, f)
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
    :: kind != MOVED && kind != VACANT && kind != GONE && kind != ASKED && f > heard_fence[p] ->
        heard_at[p] = from;
        heard_fence[p] = f
    :: else
    fi
}
