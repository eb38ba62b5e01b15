/* redis_target.c - one Redis of the configuration, and the book of what is wrong with it.
 *
 * Extending: a new kind of trouble is a row of REDIS_TROUBLE_ROWS; an error answer that means it is a row of
 *            `meanings`. */
#include "redis_target.h"

#include "redis_link.h"
#include "redis_tls.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

enum {
    FORGET_TICKS = 60000 / REDIS_LINK_TICK_MS
}; /* what was not seen for so long is history, and news when it comes again */

bool redis_target_init(struct redis_target *target, const char *what, const char *url,
                       const struct redis_broker_options *options, uint64_t *errors, char *error, size_t error_size) {
    const char *wrong;
    *target = (struct redis_target){.log = options->log, .errors = errors};
    if (!redis_url_parse(url, &target->url, &wrong)) {
        snprintf(error, error_size, "%s: %s", what, wrong);
        return false;
    }
    redis_url_text(&target->url, target->text);
    if (!target->url.tls)
        return true;
    char reason[160];
    target->tls = redis_tls_new(options->tls_ca, reason, sizeof reason);
    if (target->tls == NULL)
        snprintf(error, error_size, "%s: %s", what, reason);
    return target->tls != NULL;
}

void redis_target_fini(struct redis_target *target) {
    redis_url_fini(&target->url);
    redis_tls_free(target->tls);
    target->tls = NULL;
}

void redis_target_tick(struct redis_target *target) {
    target->ticks++;
    if (target->ticks - target->trouble_ticks > FORGET_TICKS)
        target->trouble = REDIS_TROUBLE_NONE;
}

const char *redis_trouble_sentence(enum redis_trouble trouble) {
    static const char *const sentences[] = {
#define ROW(name, word, sentence) sentence,
        REDIS_TROUBLE_ROWS(ROW)
#undef ROW
    };
    return sentences[trouble];
}

static unsigned age(const struct redis_target *target, const struct redis_complaint *complaint) {
    return target->ticks - complaint->ticks;
}

/* That of the same cause; else one to be written anew, in place of the oldest. */
static struct redis_complaint *complaint_of(struct redis_target *target, enum redis_trouble trouble,
                                            const char *cause) {
    struct redis_complaint *list = target->complaints[trouble], *oldest = list;
    for (size_t i = 0; i < REDIS_COMPLAINTS; i++) {
        if (list[i].why[0] != '\0' && strncmp(list[i].why, cause, sizeof list[i].why - 1) == 0)
            return &list[i];
        if (oldest->why[0] != '\0' && (list[i].why[0] == '\0' || age(target, &list[i]) > age(target, oldest)))
            oldest = &list[i];
    }
    oldest->why[0] = '\0';
    return oldest;
}

void redis_target_trouble(struct redis_target *target, enum redis_trouble trouble, const char *link, const char *why) {
    bool many_causes = trouble == REDIS_TROUBLE_PERMISSION || trouble == REDIS_TROUBLE_OTHER;
    const char *cause = many_causes ? why : "-";
    struct redis_complaint *complaint = complaint_of(target, trouble, cause);
    bool known = complaint->why[0] != '\0' && age(target, complaint) <= FORGET_TICKS;
    target->errors[trouble]++;
    target->trouble = trouble;
    target->trouble_ticks = complaint->ticks = target->ticks;
    if (known)
        return;
    snprintf(complaint->why, sizeof complaint->why, "%s", cause);
    log_line(target->log, LOG_LEVEL_ERROR, redis_trouble_sentence(trouble), "redis=%s link=%s reason=%s", target->text,
             link, why);
}

void redis_target_praise(struct redis_target *target) {
    target->trouble = REDIS_TROUBLE_NONE;
    memset(target->complaints, 0, sizeof target->complaints);
}

enum redis_trouble redis_trouble_of(const char *error) {
    static const struct {
        const char *words;
        enum redis_trouble trouble;
        bool anywhere; /* in the text; else at its beginning */
    } meanings[] = {
        {"WRONGPASS", REDIS_TROUBLE_AUTH, false},
        {"NOAUTH", REDIS_TROUBLE_AUTH, false},
        {"ERR AUTH", REDIS_TROUBLE_AUTH, false}, /* a password where none is set */
        {"NOPERM", REDIS_TROUBLE_PERMISSION, false},
        {"DENIED", REDIS_TROUBLE_PERMISSION, false}, /* protected mode */
        {"ACL failure in script", REDIS_TROUBLE_PERMISSION, true},
        {"user executing the script can't", REDIS_TROUBLE_PERMISSION, true}, /* the same, in Redis 7.0 */
        {"DB index", REDIS_TROUBLE_DATABASE, true},
        {"SELECT is not allowed", REDIS_TROUBLE_DATABASE, true}, /* Redis Cluster */
        {"ERR unknown command", REDIS_TROUBLE_VERSION, false},
        {"READONLY", REDIS_TROUBLE_READ_ONLY, false},
        {"MASTERDOWN", REDIS_TROUBLE_READ_ONLY, false},
        {"NOREPLICAS", REDIS_TROUBLE_READ_ONLY, false},
        {"MISCONF", REDIS_TROUBLE_READ_ONLY, false}, /* it can't save, and so refuses to write */
        {"OOM", REDIS_TROUBLE_READ_ONLY, false},
        {"WRONGTYPE", REDIS_TROUBLE_TYPE, false},
        {"WRONGTYPE", REDIS_TROUBLE_TYPE, true}, /* within a script */
    };
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        const char *found = strstr(error, meanings[i].words);
        if (found != NULL && (found == error || meanings[i].anywhere))
            return meanings[i].trouble;
    }
    return REDIS_TROUBLE_OTHER;
}
