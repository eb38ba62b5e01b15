/* rebind_node.pml - frames, the register's word, and what a node tells again: peer.c, register.c, sync.c. Part of
 * rebind.pml. */

/* --- peer.c ------------------------------------------------------------------------------------------------------- */

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
        :: kind == ASKED -> say(MOVED, from, p, f, false)      /* GONE, with that fence */
#ifdef M_GONE_FOR_EVER
        :: kind == GONE -> say(GONE, from, p, 0, false)
#endif
        :: else
        fi
    :: has_chat(p) && kind == MOVED -> moved(p, f, here)
    :: has_chat(p) && kind == ASKED ->       /* resume_asked() */
        f = (fence[p] > f -> fence[p] : f);
        say(MOVED, from, p, f, conn[p])
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
    :: has_chat(p) && kind != MOVED && kind != VACANT && kind != GONE && kind != ASKED ->
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

/* --- register.c --------------------------------------------------------------------------------------------------- */

inline hold(p) { ask(HOLD, p, peer[p], peer_fence[p]) }

inline end_overdue(p) { ask(END, p, 0, 0); looking[p] = LOOKING_ENDED; ask(LOOKUP, p, 0, 0) }

inline found(p, status, own, f, at, g, why, is_held) {
    if
    :: f > fence[p] && own != p && (status == OK || (status == OVER && !conn[p])) -> elsewhere(p, own, f)
    :: else ->
        if
        :: (status == OK || status == OVER) && f > fence[p] && own == p -> fence[p] = f
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

/* --- sync.c ------------------------------------------------------------------------------------------------------- */

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
