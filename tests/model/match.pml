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
mtype = { MSG, ENDED, STATE, GONE, SYNC, DECLINE }                    /* data inbox */

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

/* --- the broker's memory: the line and the register ------------------------------------------------------------------ */

byte line[PEOPLE]           /* attempt of the ticket in the line; 0 = none */
bool line_relaxed[PEOPLE]
#define UNKNOWN 0
#define GIVEN_UP 1
#define GOING_ON 2
#define ENDED_ONCE 3
byte chats[CHATS]
byte candidate[CHATS]       /* who was offered the seeker, then who committed; NOBODY = forgotten */
bool suspect[NODES]         /* let an offer time out; until its next beat */

/* --- the nodes' memory ------------------------------------------------------------------------------------------------ */

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
bool peer_gone[PEOPLE]      /* the node of the other side of that match is gone */
bool down[PEOPLE]           /* the broker was down, and will be asked again */
byte offered_to[PEOPLE]     /* node of the candidate */
byte chat[PEOPLE]
byte peer[PEOPLE]
bool alone[PEOPLE]          /* the stranger is away, as far as is known */
bool spoken[PEOPLE]
/* Ends that were said (ending.c), by chat: 1 by its seeker, 2 by its candidate; 4 and 8: ... who will tell the other once they
 * know who that is. */
byte endings[CHATS]
byte ended_with[CHATS]      /* whom the seeker told; NOBODY = nobody */

/* --- the world -------------------------------------------------------------------------------------------------------- */

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
#define waits_for(s, c) ((found_by_now(s) && chat_of(s, attempt[s]) == (c)) || (state[s] == ACCEPTING && held[s] == (c)))
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

/* --- ending.c --------------------------------------------------------------------------------------------------------- */

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

/* --- pairing.c -------------------------------------------------------------------------------------------------------- */

#define this_chat(s) chat_of(s, attempt[s])

inline ask_to_seek(s) { down[s] = false; ask(SEEK, s, attempt[s], relaxed[s]) }

inline seek(s) {
    state[s] = SEEKING;
    early[s] = false; declined[s] = false; lost_some[s] = false; peer_gone[s] = false; offered_to[s] = NODES;
    attempt[s]++;
    assert(attempt[s] < ATTEMPTS);       /* nobody seeks again and again */
    ask_to_seek(s)
}

inline forget(s) {                       /* the search or the chat is no more */
    held[s] = 0; is_held[s] = false; early[s] = false; declined[s] = false; lost_some[s] = false; peer_gone[s] = false;
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
        :: status == DOWN -> down[s] = true
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

/* --- match.c, early.c --------------------------------------------------------------------------------------------------- */

inline end_unwanted(s, other, c) {
    assert(disturbed);                   /* nobody undoes a match for nothing: not for a time-out, not for lost frames */
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
    alone[s] = peer_gone[s];             /* unless there is an answer */
    if
    :: lost_some[s] -> say(SYNC, other, s, c)
    :: else
    fi;
    if
    :: early[s] -> alone[s] = false; say(STATE, other, s, c)
    :: else
    fi;
    early[s] = false; declined[s] = false; lost_some[s] = false; peer_gone[s] = false; offered_to[s] = NODES
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
    peer_gone[s] = false;
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

/* --- chat.c, peer.c, register.c: as much of them as a match needs -------------------------------------------------------- */

inline chat_ended(s) {
    state[s] = IDLE;
    forget(s)
}

inline leave(s) {
    if
    :: state[s] == CHATTING -> ending_say(s, peer[s], chat[s])
    :: searching(s) ->
        if
        :: state[s] == SEEKING || state[s] == WAITING -> ask(WITHDRAW, s, attempt[s], 0)
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

/* --- a node ----------------------------------------------------------------------------------------------------------- */

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
            peer_gone[s] = true;
            lost_some[s] = true;
            if
            :: state[s] == OFFERING -> give_up(s)
            :: else
            fi
        :: node_of(s) == n && state[s] == ACCEPTING && node_of(seeker_of(held[s])) == boot ->
            peer_gone[s] = true;
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
        :: (kind == COMMITTED || kind == ABORTED) && status != OK ->
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

/* --- the broker: match.lua, chat.lua, line.c, registry.c ------------------------------------------------------------- */

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
    :: chats[c] == UNKNOWN -> chats[c] = GOING_ON; candidate[c] = (seeker_of(c) == s -> x : s)
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
    :: atomic { resync[n] && !cut[n] ->                    /* a beat: the node hears how it stands, after all earlier answers */
        resync[n] = false;
        assert(nfull(answers[n]));
        answers[n]!RESUMED, 0, OK, 0, 0 }
#endif
    od
}

/* --- the people, and what befalls them -------------------------------------------------------------------------------- */

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
    :: atomic { faults > 0 && !dead[n] ->                  /* it is taken for silent, and learns it from its next beat */
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

/* --- when nothing is left to do --------------------------------------------------------------------------------------- */

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
