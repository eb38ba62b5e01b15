/* redis_crowd.c - how many connections addresses have on other nodes (crowd.lua).
 *
 * Fails: Redis is away, or refuses → the answer says so: the asker goes by what it counts itself. */
#include "redis_priv.h"

#include <assert.h>

static void told(struct redis_broker *self, const struct broker_request *request, struct redis_reader *answer) {
    (void)request;
    assert(self->crowds.left > 0);
    uint32_t elsewhere = redis_take_u32(answer);
    self->crowds.left--;
    self->crowds.heard(self->crowds.context, !answer->bad, elsewhere);
}

bool redis_broker_tell_crowds(struct broker *broker, const struct redis_crowd *crowds, size_t count,
                              redis_crowd_fn *heard, void *context) {
    struct redis_broker *self = (struct redis_broker *)broker;
    if (!self->up || self->crowds.left > 0)
        return false;
    self->crowds.left = count;
    self->crowds.heard = heard;
    self->crowds.context = context;
    for (size_t i = 0; i < count; i++) {
        struct buffer *out = redis_call_begin(self, SCRIPT_CROWD, NULL, told);
        redis_put_letter(out, 'C');
        redis_put_u64(out, crowds[i].address);
        redis_put_u32(out, crowds[i].connections);
        redis_call_end(self, SCRIPT_CROWD);
    }
    return true;
}
