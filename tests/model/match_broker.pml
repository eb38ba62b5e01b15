/* match_broker.pml - the line and the register of match.pml: match.lua and chat.lua, line.c and registry.c. */

/* --- the broker: match.lua, chat.lua, line.c, registry.c ---------------------------------------------------------- */

#define receives(n) (!dead[n] && !(cut[n] && noticed[n]))

inline publish(kind, to, x, c) {
    if
    :: !cut[node_of(to)] && !dead[node_of(to)] ->
        assert(nfull(control[node_of(to)])); control[node_of(to)]!kind, to, x, c
    :: else
    fi
}

#define in_line(s) (line[s] != 0 && !suspect[node_of(s)] && receives(node_of(s)))

inline reply(kind, s, status, x, c) { answer(kind, s, (lost -> DOWN : status), x, c) }

/* Who waits for anybody must be found by who takes anybody; otherwise their preferences decide: any way. */
#define must(s, t) ((s) != (t) && in_line(t) && line_relaxed[t])

inline do_seek(s, n, anybody) {
    line[s] = 0;
    other = NOBODY;
    if
    :: s != 0 && in_line(0) -> other = 0
    :: s != 1 && in_line(1) -> other = 1
    :: s != 2 && in_line(2) -> other = 2
    :: !(anybody && (must(s, 0) || must(s, 1) || must(s, 2)))
    fi;
    if
    :: other != NOBODY ->
        if                               /* asked twice, it may have begun already */
        :: chats[chat_of(s, n)] == UNKNOWN -> candidate[chat_of(s, n)] = other
        :: else
        fi;
        publish(OFFERED, other, line[other], chat_of(s, n));
#ifndef M_CLAIM_LEAVES_TICKET
        line[other] = 0;
#endif
        reply(SOUGHT, s, OK, n, node_of(other))
    :: else ->
        line[s] = n;
        line_relaxed[s] = anybody;
        reply(SOUGHT, s, NONE, n, 0)
    fi
}

inline do_commit(s, c) {
    if
    :: chats[c] == UNKNOWN && receives(node_of(seeker_of(c))) ->
        chats[c] = GOING_ON;
        candidate[c] = s
    :: else
    fi;
    if
    :: chats[c] == GOING_ON && candidate[c] == s ->
        publish(CONFIRMED, seeker_of(c), s, c);
        reply(COMMITTED, s, OK, seeker_of(c), c)
    :: else -> reply(COMMITTED, s, NONE, 0, c)
    fi
}

inline do_abort(s, c) {
    if
    :: chats[c] == GOING_ON -> reply(ABORTED, s, OK, candidate[c], c)
    :: else ->
#ifndef M_ABORT_UNMARKED
        if
        :: chats[c] == UNKNOWN -> chats[c] = GIVEN_UP
        :: else
        fi;
#endif
        if
        :: candidate[c] != NOBODY -> suspect[node_of(candidate[c])] = true
        :: else
        fi;
        reply(ABORTED, s, NONE, 0, c)
    fi
}

#define as_it_is(c) (chats[c] == GOING_ON -> OK : (chats[c] == ENDED_ONCE -> OVER : NONE))

inline tell_chat(kind, s, c) {
    if
    :: seeker_of(c) == s -> other = candidate[c]
    :: else -> other = seeker_of(c)
    fi;
    reply(kind, s, as_it_is(c), other, c)
}

inline do_hold(s, x, c) {
    if
    :: chats[c] == UNKNOWN || (chats[c] == GIVEN_UP && seeker_of(c) == s) ->
        chats[c] = GOING_ON;
        candidate[c] = (seeker_of(c) == s -> x : s)
    :: else
    fi;
    tell_chat(HELD, s, c)
}

inline carry_out(kind, s, x, c) {
    if
    :: kind == SEEK -> do_seek(s, x, c)
    :: kind == WITHDRAW ->
        if
        :: line[s] == x -> line[s] = 0
        :: else
        fi
    :: kind == COMMIT -> do_commit(s, c)
    :: kind == ABORT -> do_abort(s, c)
    :: kind == HOLD -> do_hold(s, x, c)
    :: kind == LOOKUP ->
        tell_chat(FOUND, s, c)
    :: kind == END ->
        if
        :: chats[c] == GOING_ON && (seeker_of(c) == s || candidate[c] == s) -> chats[c] = ENDED_ONCE
        :: else
        fi
    fi
}

inline not_carried_out(kind, s, x, c) {
    if
    :: kind == SEEK -> answer(SOUGHT, s, DOWN, x, 0)
    :: kind == COMMIT -> answer(COMMITTED, s, DOWN, 0, c)
    :: kind == ABORT -> answer(ABORTED, s, DOWN, 0, c)
    :: kind == HOLD -> answer(HELD, s, DOWN, 0, c)
    :: kind == LOOKUP -> answer(FOUND, s, DOWN, 0, c)
    :: kind == WITHDRAW || kind == END
    fi
}

/* What reaches the broker from node n is carried out in one step. */
proctype broker(byte n) {
    byte s, x, c, other;
    bool lost, ignored;
    mtype kind;
end:
    do
    :: atomic { nempty(requests[n]) ->
        requests[n]?kind, s, x, c;
        if
        :: true
        :: faults > 0 && !dead[n] ->     /* the connection breaks; it may have been carried out */
            faults--;
            disturbed = true;
            resync[n] = true;
            lost = true;
            if
            :: ignored = true
            :: ignored = false
            fi
        fi;
        if
        :: ignored -> not_carried_out(kind, s, x, c)
        :: else -> carry_out(kind, s, x, c)
        fi;
        lost = false; ignored = false;
        s = 0; x = 0; c = 0; kind = 0; other = 0 }
#ifndef M_RESUMED_OVERTAKES
    :: atomic { resync[n] && !cut[n] -> /* a beat: the node hears how it stands, after all earlier answers */
        resync[n] = false;
        assert(nfull(answers[n]));
        answers[n]!RESUMED, 0, OK, 0, 0 }
#endif
    od
}
