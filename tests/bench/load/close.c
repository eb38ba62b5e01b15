/* close.c - everybody goes: the one half says Close, as a browser does that leaves the page; then the other half just ends its
 * side of the connection, as when a program is ended.
 *
 * Flow:  --at-once of them are under way; a connection is closed when the relay has answered Close, if it was said, and has ended
 *        its side. Then we wait until its clocks stand still, so that what it does afterwards is in what was measured.
 * Fails: when Close is not answered (frames.c), or a connection is reset. */
#include "load.h"

#include <sys/socket.h>

enum {
    LOOK_NS = 50000000, /* between two looks at the clocks */
    STILL_NS = 1000000, /* that they may move meanwhile: there are beats, timers and the like */
    LOOKS = 60,
};

static bool is_still(const struct load *load, const struct reading *before, const struct reading *after) {
    for (unsigned i = 0; i < load->options.watched_count; i++)
        if (after->cpu_ns[i] - before->cpu_ns[i] > STILL_NS)
            return false;
    return true;
}

static void settle(struct load *load, struct reading *end) {
    struct reading before;
    watch_read(load, end);
    for (unsigned looks = 0; looks < LOOKS; looks++) {
        before = *end;
        for (uint64_t until = now_ns() + LOOK_NS; now_ns() < until;)
            loop_turn(load, until);
        watch_read(load, end);
        if (is_still(load, &before, end))
            return;
    }
}

static void part(struct load *load, bool said) {
    struct person *person = order_next(load);
    person->state = said ? PERSON_LEAVING : PERSON_CUTTING;
    if (said)
        frames_close(load, person);
    else if (shutdown(person->fd, SHUT_WR) != 0)
        fail("person %u: shutdown failed", person_index(load, person));
}

static void close_until(struct load *load, uint32_t count, bool said, const char *name) {
    struct reading begin, end;
    uint32_t parting = load->gone;
    load->moved_ns = now_ns();
    watch_read(load, &begin);
    while (load->gone < count) {
        for (; parting < count && parting - load->gone < load->options.at_once; parting++)
            part(load, said);
        phase_turn(load, UINT64_MAX);
    }
    settle(load, &end);
    watch_put(load, name, &begin, &end);
}

void phase_close(struct load *load) {
    close_until(load, load->options.people / 2, true, "close_said");
    close_until(load, load->options.people, false, "close_cut");
}
