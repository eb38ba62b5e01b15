/* telling.h - a link that is lost and resumed, and what a node says when it is. */
#ifndef TESTS_CORE_TELLING_H
#define TESTS_CORE_TELLING_H

#include "rig.h"

enum { CONN = 1, OTHER_CONN = 2, GRACE = 60000 };

#define rig_lose_link(rig)   rig_broker(rig, {.kind = BROKER_LINK_LOST})
#define rig_resume_link(rig) rig_broker(rig, {.kind = BROKER_LINK_RESUMED})
#define rig_node_gone(rig)   rig_broker(rig, {.kind = BROKER_NODE_GONE, .node_gone.boot = THERE})

/* A chat with the stranger elsewhere. */
static RIG_UNUSED session_ref start(struct rig *rig) {
    rig_init(rig);
    session_ref ref = rig_open(rig, CONN);
    rig_match(rig, ref, true, true);
    return ref;
}

/* The next part of what has to be told; there must be one at once. */
#define rig_tell(rig)                                                                                                  \
    do {                                                                                                               \
        assert_true(rig_due_ms(rig) <= 0);                                                                             \
        rig_wait(rig, 0);                                                                                              \
    } while (0)

static RIG_UNUSED void expect_hold(struct rig *rig, session_ref ref) {
    const struct broker_request *request = expect_request(rig, BROKER_HOLD);
    assert_true(address_equal(request->asker, rig_address(rig, ref)));
    assert_true(chat_id_equal(request->chat, rig_session(rig, ref)->chat->id));
}

#endif
