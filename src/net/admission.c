/* admission.c - who may connect: counts per process and per address, and a rate per address.
 *
 * The rate is GCRA (ATM Forum TM 4.0, the leaky bucket as a meter): one number per address, the theoretical arrival
 * time of the next connect if all came evenly.
 *
 * The limit per address holds for several processes together, softly: each takes its counts from here, brings them to the
 * others, and brings back what they have counted.
 *
 * Owns:   one entry per address that is connected, or was too lately to be forgotten. A hand goes round the entries,
 *         two for each admission_enter(), and forgets those that say nothing any more, so that the table stays in
 *         proportion. */
#include "admission.h"

#include "base/list.h"
#include "base/map.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    CROWD_RETRY_MS = 5000,      /* nobody knows when one of an address' connections ends */
    MAX_IDLE_ENTRIES = 1 << 18, /* more addresses than this without a connection: the eldest is forgotten early */
    SWEPT_PER_ENTER = 2,
    TELL_AGAIN_US = 20000000,
};

struct entry {
    struct list link;
    uint64_t key;
    struct list report; /* in `news` or `told`, or in neither */
    int64_t arrival_us; /* GCRA's theoretical arrival time */
    int64_t told_us;
    uint32_t connections;
    uint32_t elsewhere; /* its connections in other processes */
    bool is_news;
};

struct admission {
    pthread_mutex_t mutex;
    uint32_t max_connections;
    uint32_t max_per_address;
    int64_t interval_us;  /* between connects at the full rate; 0 = no rate */
    int64_t tolerance_us; /* how far ahead of its time a connect may come */
    uint32_t connections;
    struct map entries; /* by key */
    struct list hand;   /* all of them, in the order of the sweep */
    bool shared;        /* counts are taken */
    struct list news;   /* entries whose count is to be taken */
    struct list told;   /* entries with connections whose count was taken, the eldest first */
};

struct admission *admission_new(uint32_t max_connections, uint32_t max_per_address, struct rate connects) {
    struct admission *admission = memory_zero(1, sizeof *admission);
    pthread_mutex_init(&admission->mutex, NULL);
    admission->max_connections = max_connections;
    admission->max_per_address = max_per_address;
    if (connects.per_second > 0) {
        admission->interval_us = 1000000 / connects.per_second;
        admission->tolerance_us = admission->interval_us * (connects.burst > 0 ? connects.burst - 1 : 0);
    }
    list_init(&admission->hand);
    list_init(&admission->news);
    list_init(&admission->told);
    return admission;
}

static void forget(struct admission *admission, struct entry *entry) {
    list_remove(&entry->link);
    list_remove(&entry->report);
    map_take(&admission->entries, entry->key);
    free(entry);
}

void admission_free(struct admission *admission) {
    if (admission == NULL)
        return;
    while (!list_empty(&admission->hand))
        forget(admission, list_entry(admission->hand.next, struct entry, link));
    map_fini(&admission->entries);
    pthread_mutex_destroy(&admission->mutex);
    free(admission);
}

static void sweep(struct admission *admission, int64_t now_us) {
    for (int i = 0; i < SWEPT_PER_ENTER && !list_empty(&admission->hand); i++) {
        struct entry *entry = list_entry(admission->hand.next, struct entry, link);
        bool crowded = admission->entries.count > (size_t)MAX_IDLE_ENTRIES + admission->connections;
        if (entry->connections == 0 && !entry->is_news && (entry->arrival_us <= now_us || crowded)) {
            forget(admission, entry);
        } else {
            list_remove(&entry->link);
            list_append(&admission->hand, &entry->link);
        }
    }
}

static struct entry *find_or_add(struct admission *admission, uint64_t key) {
    struct entry *entry = map_get(&admission->entries, key);
    if (entry == NULL) {
        entry = memory_zero(1, sizeof *entry);
        entry->key = key;
        list_init(&entry->report);
        list_append(&admission->hand, &entry->link);
        map_set(&admission->entries, key, entry);
    }
    return entry;
}

static void note(struct admission *admission, struct entry *entry) {
    if (!admission->shared || entry->is_news)
        return;
    entry->is_news = true;
    list_remove(&entry->report);
    list_append(&admission->news, &entry->report);
}

static enum admission_verdict enter_by_address(struct admission *admission, struct entry *entry, int64_t now_us,
                                               uint32_t *retry_ms) {
    if (admission->max_per_address > 0 &&
        (uint64_t)entry->connections + entry->elsewhere >= admission->max_per_address) {
        if (entry->elsewhere > 0)
            note(admission, entry); /* the others may have let some go */
        *retry_ms = CROWD_RETRY_MS;
        return ADMISSION_CROWD;
    }
    if (admission->interval_us > 0) {
        int64_t arrival = entry->arrival_us > now_us ? entry->arrival_us : now_us;
        int64_t early_us = arrival - admission->tolerance_us - now_us;
        if (early_us > 0) {
            *retry_ms = (uint32_t)((early_us + 999) / 1000);
            return ADMISSION_HASTE;
        }
        entry->arrival_us = arrival + admission->interval_us;
    }
    entry->connections++;
    note(admission, entry);
    return ADMITTED;
}

enum admission_verdict admission_enter(struct admission *admission, uint64_t key, int64_t now_us, uint32_t *retry_ms) {
    if (admission == NULL)
        return ADMITTED;
    pthread_mutex_lock(&admission->mutex);
    enum admission_verdict verdict = ADMITTED;
    if (admission->max_connections > 0 && admission->connections >= admission->max_connections) {
        verdict = ADMISSION_FULL;
    } else if (admission->max_per_address > 0 || admission->interval_us > 0) {
        sweep(admission, now_us);
        verdict = enter_by_address(admission, find_or_add(admission, key), now_us, retry_ms);
    }
    admission->connections += verdict == ADMITTED;
    pthread_mutex_unlock(&admission->mutex);
    return verdict;
}

void admission_leave(struct admission *admission, uint64_t key) {
    if (admission == NULL)
        return;
    pthread_mutex_lock(&admission->mutex);
    admission->connections--;
    struct entry *entry = map_get(&admission->entries, key);
    if (entry != NULL && entry->connections > 0) {
        entry->connections--;
        note(admission, entry);
    }
    pthread_mutex_unlock(&admission->mutex);
}

/* --- several processes -------------------------------------------------------------------------------------------- */

static void note_the_old(struct admission *admission, int64_t now_us) {
    while (!list_empty(&admission->told)) {
        struct entry *entry = list_entry(admission->told.next, struct entry, report);
        if (now_us - entry->told_us < TELL_AGAIN_US)
            break;
        note(admission, entry);
    }
}

size_t admission_take_counts(struct admission *admission, int64_t now_us, struct admission_count *out, size_t most) {
    size_t count = 0;
    pthread_mutex_lock(&admission->mutex);
    admission->shared = true;
    note_the_old(admission, now_us);
    while (count < most && !list_empty(&admission->news)) {
        struct entry *entry = list_entry(admission->news.next, struct entry, report);
        out[count++] = (struct admission_count){entry->key, entry->connections};
        entry->is_news = false;
        entry->told_us = now_us;
        list_remove(&entry->report);
        if (entry->connections > 0)
            list_append(&admission->told, &entry->report);
    }
    pthread_mutex_unlock(&admission->mutex);
    return count;
}

void admission_set_elsewhere(struct admission *admission, uint64_t key, uint32_t connections) {
    pthread_mutex_lock(&admission->mutex);
    struct entry *entry = map_get(&admission->entries, key);
    if (entry != NULL)
        entry->elsewhere = connections;
    pthread_mutex_unlock(&admission->mutex);
}

void admission_forget_elsewhere(struct admission *admission) {
    pthread_mutex_lock(&admission->mutex);
    for (struct list *at = admission->hand.next; at != &admission->hand; at = at->next)
        list_entry(at, struct entry, link)->elsewhere = 0;
    pthread_mutex_unlock(&admission->mutex);
}

size_t admission_remembered(struct admission *admission) {
    pthread_mutex_lock(&admission->mutex);
    size_t count = admission->entries.count;
    pthread_mutex_unlock(&admission->mutex);
    return count;
}
