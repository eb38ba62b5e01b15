/* delivery.pml - three messages from one reliable client to another, with a window of two, while both change places.
 *
 * The two clients follow PROTOCOL.md ("What a reliable client does"), the two places delivery.c. A new place on the
 * same node takes the numbers along (resume.c, take_from()); on another node it knows none. README.md says what is left
 * out. That frames of a place that was left are refused is rebind.pml's business: here they come before, or are lost.
 *
 * Faults, FAULTS of them in any order, at any moment: the sender's or the receiver's connection drops, and it resumes
 * on the same node or on the other; frames between the nodes are lost, and both sides hear `sync`.
 *
 * Checked: nothing that a client does by the contract is refused; each message is shown once and in order; when nothing
 * is left to do, all has been shown and acknowledged. */

#ifndef FAULTS
#define FAULTS 2
#endif
#define MESSAGES 3
#define WINDOW 2

mtype = { MSG, ACK, REBOUND, BACK }

chan up = [16] of { byte }                /* sender → its place: seq */
chan there = [16] of { mtype, byte }     /* sender's place → receiver's place */
chan down = [16] of { byte }             /* receiver's place → receiver: seq */
chan up_again = [16] of { byte }         /* receiver → its place: what it acknowledges */
chan back = [16] of { mtype, byte }      /* receiver's place → sender's place */
chan down_again = [16] of { mtype, byte } /* sender's place → sender: ACK, or BACK for all that makes it send again */

/* The sender's place: struct chat */
byte in_next = 1
byte in_acked
bool knows_receiver = true               /* ... where the receiver is now */
bool sender_here = true
bool sender_new                          /* its numbers were not taken along: out_known false */

/* The receiver's place */
byte out_high
byte out_acked
bool out_known = true
bool knows_sender = true
bool receiver_here = true

/* The clients */
byte said                                /* the greatest seq used */
byte acked
byte shown
byte faults = FAULTS

inline send_again(i) {                   /* all that is unacknowledged, in order */
    i = acked + 1;
    do
    :: i <= said -> assert(nfull(up)); up!i; i++
    :: else -> break
    od;
    i = 0
}

inline empty_of_bytes(c) {
    do
    :: nempty(c) -> c?_
    :: empty(c) -> break
    od
}

inline empty_of_frames(c) {
    do
    :: nempty(c) -> c?_, _
    :: empty(c) -> break
    od
}

#define nothing_under_way (empty(up) && empty(there) && empty(down) && empty(up_again) && empty(back) && \
                           empty(down_again) && sender_here && receiver_here)

proctype sender() {
    byte i, n;
    mtype kind;
end:
    do
    :: atomic { sender_here && said < MESSAGES && said - acked < WINDOW ->
        said++;
        assert(nfull(up));
        up!said }
    :: atomic { sender_here && nempty(down_again) ->
        down_again?kind, n;
        if
        :: kind == ACK && n > acked -> acked = n
        :: kind == BACK ->
#ifndef M_NEVER_AGAIN
            send_again(i)
#else
            skip
#endif
        :: else
        fi;
        kind = 0; n = 0 }
#ifndef M_NEVER_AGAIN
    :: atomic { nothing_under_way && acked < said -> send_again(i) } /* the oldest has waited for 10 s */
#endif
    :: atomic { faults > 0 && sender_here ->               /* the connection drops: what was under way on it is lost */
        faults--;
        sender_here = false;
        empty_of_bytes(up);
        empty_of_frames(down_again) }
    :: atomic { !sender_here ->                            /* it resumes, on the same node or on the other */
        sender_here = true;
        empty_of_frames(back);
        knows_sender = false;
        if
        :: true                                            /* the numbers come along */
        :: in_acked = 0; in_next = 0; sender_new = true;
#ifdef M_COUNTS_FROM_ONE
           in_next = 1;
#endif
           if
           :: true
           :: empty_of_frames(there)
           fi
        fi;
        knows_receiver = true;
        assert(nfull(there));
        there!REBOUND, 0;
        send_again(i) }
    od
}

proctype sender_place() {
    byte n;
    mtype kind;
end:
    do
    :: atomic { nempty(up) ->                              /* delivery_message(), take_seq() */
        up?n;
        if
        :: in_next == 0 ->
#ifndef M_NO_BASE
            in_acked = (in_acked > n - 1 -> in_acked : n - 1);
#endif
            in_next = in_acked + 1
        :: else
        fi;
        assert(n <= in_acked + WINDOW);                    /* window_full */
        assert(n <= in_next);                              /* bad_seq */
        if
        :: n == in_next -> in_next++
        :: else
        fi;
        if
        :: knows_receiver -> assert(nfull(there)); there!MSG, n
        :: !knows_receiver                                 /* it goes to where the receiver was */
        fi;
        n = 0 }
    :: atomic { nempty(back) ->
        back?kind, n;
        if
        :: kind == ACK ->                                  /* delivery_peer_ack() */
            if
            :: (in_next != 0 && n >= in_next && !sender_new) || n < in_acked
            :: else ->
                if
                :: in_next != 0 && n >= in_next -> in_next = n + 1
                :: else
                fi;
                in_acked = n;
                if
                :: sender_here -> assert(nfull(down_again)); down_again!ACK, n
                :: else
                fi
            fi
        :: kind == REBOUND ->                              /* `back` */
            knows_receiver = true;
            if
            :: sender_here -> assert(nfull(down_again)); down_again!BACK, 0
            :: else
            fi
        fi;
        kind = 0; n = 0 }
    od
}

proctype receiver_place() {
    byte n;
    mtype kind;
end:
    do
    :: atomic { nempty(there) ->
        there?kind, n;
        if
        :: kind == REBOUND -> knows_sender = true
        :: kind == MSG && receiver_here ->                 /* delivery_peer_message() */
            out_high = (n > out_high -> n : out_high);
            assert(nfull(down));
            down!n
        :: kind == MSG && !receiver_here
        fi;
        kind = 0; n = 0 }
    :: atomic { nempty(up_again) ->                        /* delivery_ack() */
        up_again?n;
        assert(!out_known || n <= out_high);               /* bad_seq */
        if
        :: n < out_acked
        :: n >= out_acked ->
            out_acked = n;
            if
            :: knows_sender -> assert(nfull(back)); back!ACK, n
            :: !knows_sender
            fi
        fi;
        n = 0 }
    od
}

proctype receiver() {
    byte n;
end:
    do
    :: atomic { receiver_here && nempty(down) ->
        down?n;
#ifndef M_SHOWS_ALL
        if
        :: n == shown + 1 -> shown = n
        :: else
        fi;
#else
        assert(n == shown + 1);
        shown = n;
#endif
        assert(nfull(up_again));
        up_again!shown;
        n = 0 }
    :: atomic { faults > 0 && receiver_here ->
        faults--;
        receiver_here = false;
        empty_of_bytes(down);
        empty_of_bytes(up_again) }
    :: atomic { !receiver_here ->
        receiver_here = true;
        knows_receiver = false;                            /* until REBOUND has come there */
        empty_of_frames(there);
        if
        :: true
        :: out_high = 0; out_acked = 0;
#ifndef M_ACKS_CHECKED
           out_known = false;
#endif
           if
           :: true
           :: empty_of_frames(back)
           fi
        fi;
        knows_sender = true;
        assert(nfull(back));
        back!REBOUND, 0 }
    od
}

proctype fate() {
end:
    do
    :: atomic { faults > 0 ->                              /* frames between the nodes are lost: SYNC */
        faults--;
        empty_of_frames(there);
        empty_of_frames(back);
        knows_sender = true;
        knows_receiver = true;
        if
        :: sender_here -> assert(nfull(down_again)); down_again!BACK, 0
        :: else
        fi }
    :: atomic { faults > 0 -> faults = 0 }
    od
}

proctype judge() {
end:
    timeout;
    assert(nothing_under_way);
    assert(said == MESSAGES && shown == MESSAGES && acked == MESSAGES)
}

init {
    atomic {
        run sender(); run sender_place(); run receiver_place(); run receiver(); run fate(); run judge()
    }
}
