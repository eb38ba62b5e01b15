/* rebind_broker.pml - the register of rebind.pml: chat.lua and registry.c. */

/* --- the broker: chat.lua, registry.c ----------------------------------------------------------------------------- */

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
