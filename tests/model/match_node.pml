/* match_node.pml - what a node does to make a match: ending.c, pairing.c, match.c, early.c, and of chat.c, peer.c and
 * register.c as much as a match needs. Part of match.pml. */

/* --- ending.c ----------------------------------------------------------------------------------------------------- */

#define side_of(s, c) (seeker_of(c) == (s) -> 1 : 2)

inline ending_say(s, other, c) {
    ask(END, s, 0, c);
    say(ENDED, other, s, c);
    endings[c] = endings[c] | side_of(s, c);
    if
    :: seeker_of(c) == s -> ended_with[c] = other
    :: else
    fi
}

/* The match may have been made or not, and with whom is not known. */
inline end_if_made(s, c) {
    ask(END, s, 0, c);
    ask(LOOKUP, s, 0, c);
    endings[c] = endings[c] | side_of(s, c) | side_of(s, c) << 2
}

inline ending_found(s, status, other, c) {
    if
    :: (status == OK || status == OVER) && (endings[c] & side_of(s, c)) != 0 ->
        if
        :: status == OK -> ask(END, s, 0, c)
        :: else
        fi;
        if
        :: (endings[c] & side_of(s, c) << 2) != 0 -> say(ENDED, other, s, c)
        :: else
        fi;
        endings[c] = endings[c] & ~(side_of(s, c) << 2)
    :: else
    fi
}

inline repeat_one(s, c) {
    if
    :: (endings[c] & side_of(s, c)) != 0 ->
        end_if_made(s, c);
        if
        :: seeker_of(c) != s -> say(ENDED, seeker_of(c), s, c)
        :: seeker_of(c) == s && ended_with[c] != NOBODY -> say(ENDED, ended_with[c], s, c)
        :: else
        fi
    :: else
    fi
}

/* --- pairing.c ---------------------------------------------------------------------------------------------------- */

#define this_chat(s) chat_of(s, attempt[s])

inline ask_to_seek(s) { down[s] = false; ask(SEEK, s, attempt[s], relaxed[s]) }

inline seek(s) {
    state[s] = SEEKING;
    early[s] = false; declined[s] = false; lost_some[s] = false; offered_to[s] = NODES;
    attempt[s]++;
    assert(attempt[s] < ATTEMPTS);       /* nobody seeks again and again */
    ask_to_seek(s)
}

inline forget(s) {                       /* the search or the chat is no more */
    held[s] = 0; is_held[s] = false; early[s] = false; declined[s] = false; lost_some[s] = false;
    down[s] = false; offered_to[s] = NODES; chat[s] = 0; peer[s] = 0; alone[s] = false
}

inline decline(s, c) { say(DECLINE, seeker_of(c), s, c) }

inline decline_held(s) {
    if
    :: is_held[s] -> decline(s, held[s]); is_held[s] = false; held[s] = 0
    :: else
    fi
}

inline drop_match(s) {
    if
    :: state[s] == OFFERING -> ask(ABORT, s, 0, this_chat(s))
    :: (state[s] == SEEKING || state[s] == GIVING_UP) && down[s] -> end_if_made(s, this_chat(s))
    :: state[s] == ACCEPTING && down[s] -> end_if_made(s, held[s])
    :: else
    fi;
    decline_held(s)
}

inline accept_offer(s, c) {
    held[s] = c;
    is_held[s] = false;
    state[s] = ACCEPTING;
    ask(COMMIT, s, attempt[s], c)
}

inline give_up(s) {
    state[s] = GIVING_UP;
    ask(ABORT, s, 0, this_chat(s))
}

inline ask_again(s) {                    /* BROKER_RETRY_MS later */
    down[s] = false;
    if
    :: state[s] == SEEKING -> ask_to_seek(s)
    :: state[s] == GIVING_UP -> ask(ABORT, s, 0, this_chat(s))
    :: state[s] == ACCEPTING -> ask(COMMIT, s, attempt[s], held[s])
    fi
}

inline sought(s, status, n, at) {
    if
    :: state[s] == SEEKING && attempt[s] == n ->
        if
        :: status == OK ->
            decline_held(s);
            state[s] = OFFERING;
            offered_to[s] = at;
            if
            :: declined[s] -> seek(s)
            :: else
            fi
        :: status == NONE ->
            state[s] = WAITING;
            if
            :: is_held[s] ->
                ask(WITHDRAW, s, attempt[s], 0);
                accept_offer(s, held[s])
            :: else
            fi
        :: status == DOWN ->             /* it may have been carried out: the register is asked first */
            down[s] = true;
#ifndef M_SOUGHT_AGAIN
            decline_held(s);
            lost_some[s] = true;
            state[s] = GIVING_UP
#endif
        fi
    :: else ->                           /* sought_too_late() */
        if
        :: status == NONE && attempt[s] == n && state[s] != WAITING && state[s] != FREE -> ask(WITHDRAW, s, n, 0)
        :: status == OK && chat[s] != chat_of(s, n) -> ask(ABORT, s, 0, chat_of(s, n))
        :: status == DOWN && chat[s] != chat_of(s, n) -> end_if_made(s, chat_of(s, n))
        :: else
        fi
    fi
}

inline offered(s, n, c) {
    if
    :: state[s] == WAITING && attempt[s] == n -> accept_offer(s, c)
    :: state[s] == SEEKING && !is_held[s] && n >= first_attempt[s] -> is_held[s] = true; held[s] = c
    :: else -> decline(s, c)
    fi
}

/* --- match.c, early.c --------------------------------------------------------------------------------------------- */

inline end_unwanted(s, other, c) {
    assert(disturbed);                   /* nobody undoes a match for nothing: a time-out, or lost frames */
#ifndef M_UNWANTED_STAYS
    ending_say(s, other, c)
#endif
}

inline matched(s, other, c) {
    assert(chat[s] == 0);                /* nobody is in two chats */
    assert(other != s);
    decline_held(s);
    state[s] = CHATTING;
    chat[s] = c;
    peer[s] = other;
    held[s] = 0; down[s] = false;
    if
    :: early[s] -> say(STATE, other, s, c)
    :: else
    fi;
    alone[s] = lost_some[s];             /* unless there is an answer */
    if
    :: lost_some[s] -> say(SYNC, other, s, c)
    :: else
    fi;
    early[s] = false; declined[s] = false; lost_some[s] = false; offered_to[s] = NODES
}

inline made(s, other, c) {
    if
#ifdef M_TAKES_ANY
    :: state[s] != FREE && chat[s] != c -> matched(s, other, c)
#else
    :: waits_for(s, c) -> matched(s, other, c)
#endif
    :: else ->
        if
        :: chat[s] != c -> end_unwanted(s, other, c)
        :: else
        fi
    fi
}

/* The answer NONE or DOWN to COMMIT or ABORT. */
inline not_made(s, status, in_state, c) {
    if
    :: waits_for(s, c) ->
        if
        :: state[s] == in_state && status == DOWN -> down[s] = true; lost_some[s] = true
        :: state[s] == in_state && status != DOWN -> held[s] = 0; seek(s)
        :: state[s] != in_state -> lost_some[s] = lost_some[s] || status == DOWN
        fi
    :: !waits_for(s, c) && status == DOWN && chat[s] != c -> end_if_made(s, c)
    :: else
    fi
}

inline before_its_time(kind, s) {        /* match_early() */
    if
#ifndef M_EARLY_END_LOST
    :: kind == ENDED ->
        if
        :: state[s] == ACCEPTING -> held[s] = 0
        :: else
        fi;
        seek(s)
#else
    :: kind == ENDED
#endif
    :: kind == SYNC -> early[s] = true
    :: kind == MSG || kind == STATE
    :: kind == GONE -> lost_some[s] = true
    fi
}

/* --- chat.c, peer.c, register.c: as much of them as a match needs ------------------------------------------------- */

inline chat_ended(s) {
    state[s] = IDLE;
    forget(s)
}

inline leave(s) {
    if
    :: state[s] == CHATTING -> ending_say(s, peer[s], chat[s])
    :: searching(s) ->
        if
        :: state[s] == SEEKING || state[s] == WAITING || state[s] == GIVING_UP -> ask(WITHDRAW, s, attempt[s], 0)
        :: else
        fi;
        drop_match(s)
    :: else
    fi;
    forget(s);
    state[s] = FREE
}

inline take(kind, s, from, c) {
    if
    :: kind == DECLINE ->
        if
        :: state[s] == OFFERING && waits_for(s, c) -> seek(s)
        :: state[s] == SEEKING && this_chat(s) == c -> declined[s] = true
        :: else
        fi
    :: kind != DECLINE && waits_for(s, c) -> before_its_time(kind, s)
    :: kind != DECLINE && !waits_for(s, c) && chat[s] != c ->
        if
        :: kind == MSG || kind == SYNC -> say(GONE, from, s, c)
        :: else
        fi
    :: kind != DECLINE && chat[s] == c ->
        if
        :: kind == ENDED -> endings[c] = endings[c] | side_of(s, c); chat_ended(s)
        :: kind == GONE -> ask(LOOKUP, s, 0, c)
        :: kind == SYNC -> alone[s] = false; say(STATE, from, s, c)
        :: kind == MSG || kind == STATE -> alone[s] = false
        fi
    fi
}

inline found(s, status, other, c) {      /* the answer to LOOKUP */
    if
    :: chat[s] == c ->
        if
        :: status == OVER -> say(ENDED, peer[s], s, c); chat_ended(s)
        :: status == OK -> alone[s] = true
        :: status == NONE -> alone[s] = true; ask(HOLD, s, peer[s], c)
        :: status == DOWN
        fi
    :: else -> ending_found(s, status, other, c)
    fi
}

inline kept(s, status, other, c) {       /* the answer to HOLD */
    if
    :: chat[s] == c ->
        if
        :: status == OVER -> say(ENDED, peer[s], s, c); chat_ended(s)
        :: status == NONE ->             /* given up, by a seeker who may have heard of the match all the same */
#ifndef M_GIVEN_UP_SILENTLY
            say(ENDED, peer[s], s, c);
#endif
            chat_ended(s)
        :: status == DOWN -> ask(HOLD, s, peer[s], c)
        :: status == OK
        fi
    :: else -> ending_found(s, status, other, c)
    fi
}

/* --- a node ------------------------------------------------------------------------------------------------------- */

inline repeat_endings(n) {
    c = 1;
    do
    :: c < CHATS ->
        if
        :: endings[c] != 0 ->
            if
            :: n == 0 -> repeat_one(0, c)
            :: else -> repeat_one(1, c); repeat_one(2, c)
            fi
        :: else
        fi;
        c++
    :: else -> break
    od;
    c = 0
}

inline link_resumed(n) {
    repeat_endings(n);
    s = 0;
    do
    :: s < PEOPLE ->
        if
#ifndef M_NOT_TOLD_AGAIN
        :: node_of(s) == n && state[s] == WAITING -> seek(s)
#endif
        :: node_of(s) == n && searching(s) && state[s] != WAITING -> lost_some[s] = true
        :: node_of(s) == n && state[s] == CHATTING ->
            ask(HOLD, s, peer[s], chat[s]);
            alone[s] = true;             /* unless there is an answer */
            say(SYNC, peer[s], s, chat[s])
        :: else
        fi;
        s++
    :: else -> break
    od
}

inline node_gone(n, boot) {
    s = 0;
    do
    :: s < PEOPLE ->
        if
        :: node_of(s) == n && state[s] == CHATTING && node_of(peer[s]) == boot -> alone[s] = true
        :: node_of(s) == n && (state[s] == OFFERING || state[s] == GIVING_UP) && offered_to[s] == boot ->
            lost_some[s] = true;
            if
            :: state[s] == OFFERING -> give_up(s)
            :: else
            fi
        :: node_of(s) == n && state[s] == ACCEPTING && node_of(seeker_of(held[s])) == boot ->
            lost_some[s] = true
        :: else
        fi;
        s++
    :: else -> break
    od
}

proctype node(byte n) {
    byte s, x, c, status;
    mtype kind;
end:
    do
    :: atomic { !dead[n] && nempty(answers[n]) ->
        answers[n]?kind, s, status, x, c;
        if
        :: kind == SOUGHT -> sought(s, status, x, c)
        :: (kind == COMMITTED || kind == ABORTED) && status == OK -> made(s, x, c)
        :: kind == ABORTED && status == NONE && chat[s] == c -> ask(HOLD, s, peer[s], c)
        :: (kind == COMMITTED || kind == ABORTED) && status != OK && (kind != ABORTED || status != NONE || chat[s] != c) ->
            x = (kind == COMMITTED -> ACCEPTING : GIVING_UP);
            not_made(s, status, x, c)
        :: kind == FOUND -> found(s, status, x, c)
        :: kind == HELD -> kept(s, status, x, c)
        :: kind == NODE_GONE -> node_gone(n, x)
        :: kind == RESUMED -> link_resumed(n)
        fi;
        s = 0; x = 0; c = 0; status = 0; kind = 0 }
    :: atomic { !dead[n] && !cut[n] && nempty(control[n]) ->
        control[n]?kind, s, x, c;
        if
        :: kind == OFFERED -> offered(s, x, c)
        :: kind == CONFIRMED -> made(s, x, c)
        fi;
        s = 0; x = 0; c = 0; kind = 0 }
    :: atomic { !dead[n] && !cut[n] && nempty(data[n]) ->
        data[n]?kind, s, x, c;
        take(kind, s, x, c);
        s = 0; x = 0; c = 0; kind = 0 }
#ifdef M_RESUMED_OVERTAKES
    :: atomic { !dead[n] && !cut[n] && resync[n] ->
        resync[n] = false;
        link_resumed(n);
        s = 0 }
#endif
    od
}
