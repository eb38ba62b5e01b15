/* delivering.h - chats of reliable and plain clients, and what becomes of a message. */
#ifndef TESTS_CORE_DELIVERING_H
#define TESTS_CORE_DELIVERING_H

#include "rig.h"

enum { CONN = 1, OTHER_CONN = 2 };

/* A session in a chat with the stranger elsewhere. */
static RIG_UNUSED session_ref start(struct rig *rig, bool reliable, bool stranger_reliable) {
    rig_init(rig);
    session_ref ref = rig_open(rig, CONN);
    rig_match(rig, ref, reliable, stranger_reliable);
    return ref;
}

/* A chat that was taken over from another node: nothing is known here of its numbers. */
static RIG_UNUSED session_ref start_taken_over(struct rig *rig, bool reliable, bool stranger_reliable) {
    rig_init(rig);
    session_ref ref = rig_open(rig, CONN);
    struct claims claims = {.chat = {5, 6},
                            .side = SIDE_SEEKER,
                            .reliable = reliable,
                            .peer_reliable = stranger_reliable,
                            .person = 12,
                            .peer = STRANGER_PERSON};
    rig_resume(rig, ref, &claims);
    rig_skip(rig);
    rig_broker(rig, rig_rebound_event(rig_address(rig, ref), &claims, 2, rig_stranger_party(stranger_reliable),
                                      (struct address){0}));
    rig_skip(rig);
    rig_peer_with(rig, ref, PEER_STATE, state.here, true);
    rig_skip(rig);
    return ref;
}

#define expect_passed_on(rig, number)                                                                                  \
    do {                                                                                                               \
        assert_int_equal(expect_peer(rig, PEER_MSG)->msg.seq, (number));                                               \
        expect_nothing(rig);                                                                                           \
    } while (0)

#define expect_refused(rig, wanted, number)                                                                            \
    do {                                                                                                               \
        const struct server_frame *refusal_ = expect_told(rig, CONN, SERVER_ERROR);                                    \
        assert_int_equal(refusal_->error.code, (wanted));                                                              \
        assert_int_equal(refusal_->error.seq, (number));                                                               \
        expect_nothing(rig);                                                                                           \
    } while (0)

#define expect_ack_passed_on(rig, number) assert_int_equal(expect_peer(rig, PEER_ACK)->ack.seq, (number))

#endif
