/* crowds.c - brings the counts of connections per address to the other processes, and theirs to this one's admission.
 *
 * Flow:  counts that have changed → hidden by a keyed hash → Redis → how many the others have → admission.
 * Fails: Redis is away → what the others had is forgotten, and the limit holds for this process alone. */
#include "crowds.h"

#include "passerby/redis_broker.h"
#include "passerby/secret.h"

static void heard(void *context, bool known, uint32_t elsewhere) {
    struct crowds *crowds = context;
    uint64_t key = crowds->asked[crowds->answered++].key;
    if (known)
        admission_set_elsewhere(crowds->admission, key, elsewhere);
    else
        admission_forget_elsewhere(crowds->admission);
}

void crowds_tell(struct crowds *crowds, int64_t now_us) {
    if (crowds->admission == NULL || crowds->answered < crowds->asked_count)
        return;
    struct redis_crowd told[CROWDS_AT_ONCE];
    crowds->asked_count = admission_take_counts(crowds->admission, now_us, crowds->asked, CROWDS_AT_ONCE);
    crowds->answered = 0;
    for (size_t i = 0; i < crowds->asked_count; i++)
        told[i] = (struct redis_crowd){secret_address(crowds->key, crowds->asked[i].key), crowds->asked[i].connections};
    if (crowds->asked_count == 0 || redis_broker_tell_crowds(crowds->broker, told, crowds->asked_count, heard, crowds))
        return;
    crowds->asked_count = 0; /* told again in 20 s, or when they change */
    admission_forget_elsewhere(crowds->admission);
}
