/* test_redis_content.c - what may be found in Redis and on the inboxes, by whomever it was put there, and what is left
 * behind. */
#include "redis_cluster.h"

#include <hiredis/hiredis.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Of a ticket (ticket.lua), counted from 0; and of an entry of the line. */
enum { VERSION_AT = 0, LENGTH_AT = 1, PLACE_AT = 14, PERSON_AT = 34, ADDRESS_BYTES = 16, ENTRY_BYTES = 33 };
enum { CHAT_KEY_BYTES = 7 + 16 };
static const char OPEN_TO_ALL[9] = "o"; /* the queue of those who name nothing */

static struct redis_server *server_of(const struct cluster *cluster) {
    return redis_cluster_server(cluster);
}

/* --- tickets that others left in the line ------------------------------------------------------------------------- */

static void put_u64(char *at, uint64_t number) {
    for (int i = 0; i < 8; i++)
        at[i] = (char)(number >> 8 * (7 - i));
}

/* The ticket of somebody who waits. */
static const redisReply *stored(struct cluster *cluster, const struct ticket *ticket) {
    const size_t place_bytes = ADDRESS_BYTES;
    char place[ADDRESS_BYTES];
    put_u64(place, ticket->who.at.boot);
    put_u64(place + 8, (uint64_t)ticket->who.at.slot << 32 | ticket->who.at.generation);
    return redis_server_ask(server_of(cluster), "HGET {pb}:t %b", place, place_bytes);
}

/* Puts a ticket that names nothing first in line, as a node with that boot id would: a copy of `ticket`, which waits. */
static void plant(struct cluster *cluster, const struct ticket *ticket, uint64_t boot, char version, const char *more) {
    const size_t place_bytes = ADDRESS_BYTES, queue_bytes = sizeof OPEN_TO_ALL;
    const redisReply *reply = stored(cluster, ticket);
    size_t length = reply->len + strlen(more);
    char *planted = memory_copy(reply->str, reply->len + 1);
    planted = memory_resize(planted, length, 1);
    memcpy(planted + reply->len, more, strlen(more));
    planted[VERSION_AT] = version;
    planted[LENGTH_AT] = (char)(length >> 8);
    planted[LENGTH_AT + 1] = (char)length;
    put_u64(planted + PLACE_AT, boot);
    put_u64(planted + PERSON_AT, boot);
    reply = redis_server_ask(server_of(cluster), "HGET {pb}:t %b", OPEN_TO_ALL, queue_bytes);
    size_t entries_bytes = ENTRY_BYTES + reply->len;
    char *entries = memory_zero(1, entries_bytes); /* it has waited longest */
    memcpy(entries + 8, planted + PLACE_AT, ADDRESS_BYTES);
    entries[ENTRY_BYTES - 1] = '0';
    memcpy(entries + ENTRY_BYTES, reply->str, reply->len);
    redis_server_ask(server_of(cluster), "HSET {pb}:t %b %b %b %b", planted + PLACE_AT, place_bytes, planted, length,
                     OPEN_TO_ALL, queue_bytes, entries, entries_bytes);
    redis_server_ask(server_of(cluster), "HINCRBY {pb}:t # 1");
    free(planted);
    free(entries);
}

/* Nobody listens where the tickets of a killed node point. */
static void test_killed_node(void **state) {
    struct cluster *cluster = *state;
    struct ticket alive = redis_cluster_waits(cluster, 1, 1, "");
    for (uint64_t boot = 0xdead0000; boot < 0xdead0000 + 40; boot++)
        plant(cluster, &alive, boot, '1', "");
    struct ticket seeker = cluster_ticket(cluster, 2, 2);
    struct broker_event sought = cluster_seek(cluster, &seeker);
    assert_int_equal(sought.status, BROKER_OK);
    assert_int_equal(sought.sought.node, alive.who.at.boot);
    assert_address(cluster_take(cluster, 1, BROKER_OFFERED).to, alive.who.at);
    assert_int_equal(redis_server_ask(server_of(cluster), "EXISTS {pb}:t {pb}:l")->integer, 0);
}

/* A ticket of another version is not misread; one of ours with something behind it is taken. */
static void test_other_versions_in_the_line(void **state) {
    struct cluster *cluster = *state;
    struct ticket ours = redis_cluster_waits(cluster, 1, 1, "");
    plant(cluster, &ours, cluster->nodes[2].boot, '2', "");
    struct ticket seeker = cluster_ticket(cluster, 0, 2);
    assert_int_equal(cluster_seek(cluster, &seeker).sought.node, ours.who.at.boot);
    cluster_take(cluster, 1, BROKER_OFFERED);
    assert_int_equal(cluster_waiting(cluster), 1);

    ours = redis_cluster_waits(cluster, 1, 1, "");
    plant(cluster, &ours, cluster->nodes[3].boot, '1', "something new");
    seeker = cluster_ticket(cluster, 0, 3);
    assert_int_equal(cluster_seek(cluster, &seeker).sought.node, cluster->nodes[3].boot);
    cluster_take(cluster, 3, BROKER_OFFERED);
    cluster_assert_quiet(cluster);
}

/* A language whose queue was lost is passed over, and swept away. */
static void test_lost_queues(void **state) {
    struct cluster *cluster = *state;
    enum { LOST = 20 };
    for (uint32_t slot = 0; slot < LOST; slot++) {
        struct ticket ticket = cluster_ticket(cluster, 1, slot);
        snprintf(ticket.language, sizeof ticket.language, "l%u", slot);
        assert_int_equal(cluster_seek(cluster, &ticket).status, BROKER_NONE);
    }
    assert_int_equal(redis_server_ask(server_of(cluster), "SCARD {pb}:l")->integer, LOST);
    redis_server_ask(server_of(cluster), "DEL {pb}:t");
    struct ticket seeker = redis_cluster_waits(cluster, 0, 1, "");
    assert_int_equal(redis_server_ask(server_of(cluster), "SCARD {pb}:l")->integer, 0);
    cluster_withdraw(cluster, seeker.who.at, seeker.attempt);
}

/* --- messages that others publish --------------------------------------------------------------------------------- */

static void publish(struct cluster *cluster, unsigned node, const char *channel, const char *bytes, size_t length) {
    redis_server_ask(server_of(cluster), "PUBLISH {pb}:%s:%016llx %b", channel,
                     (unsigned long long)cluster->nodes[node].boot, bytes, length);
}

static void test_garbage(void **state) {
    struct cluster *cluster = *state;
    enum { OFFER_BYTES = 200 };
    char foreign[OFFER_BYTES] = "O"; /* an offer to a place of another node; then one whose ticket has no end */
    static const struct {
        const char *bytes;
        size_t length;
    } garbage[] = {
        {"", 0},
        {"O", 1},
        {"O0123456789abcdef", 17},
        {"O\0\0", 3},
        {"Cxyz", 4},
        {"C00000000000000000000000000000000....", 37},
        {"F\1", 2},
        {"F\xff\xff\xff\xff", 5},
        {"F\5\0\0\0abcd", 9},
    };
    const size_t count = sizeof garbage / sizeof *garbage;
    for (size_t i = 0; i < count; i++) {
        publish(cluster, 1, "i", garbage[i].bytes, garbage[i].length);
        publish(cluster, 1, "d", garbage[i].bytes, garbage[i].length);
    }
    for (size_t length = 1; length < sizeof foreign; length++) {
        foreign[length] = (char)(length % 7 == 0 ? 1 : 0);
        publish(cluster, 1, "i", foreign, length);
    }
    cluster_settle(cluster);
    assert_int_equal(redis_cluster_stats(cluster, 1).garbage, 2 * count + sizeof foreign - 1);
    cluster_assert_quiet(cluster);
    redis_cluster_assert_well(cluster);
}

/* A kind of message that this version does not know is counted, and nothing else. */
static void test_unknown_messages(void **state) {
    struct cluster *cluster = *state;
    struct redis_broker_stats before = redis_cluster_stats(cluster, 1);
    publish(cluster, 1, "i", "Znew", 4);
    publish(cluster, 1, "d", "znew", 4);
    cluster_settle(cluster);
    struct redis_broker_stats after = redis_cluster_stats(cluster, 1);
    assert_true(after.unknown >= before.unknown + 2);
    assert_int_equal(after.garbage, before.garbage);
    redis_cluster_assert_well(cluster);
}

/* The offer that a newer node makes has more in it; that of another version can't be read. */
static void test_other_versions_of_offers(void **state) {
    struct cluster *cluster = *state;
    struct ticket waiter = redis_cluster_waits(cluster, 1, 1, "");
    const redisReply *ours = stored(cluster, &waiter);
    char offer[400] = "O";
    memcpy(offer + 1, ours->str + PLACE_AT, ADDRESS_BYTES + 4);
    char *ticket = offer + 1 + ADDRESS_BYTES + 4 + 8; /* behind the time */
    memcpy(ticket, ours->str, ours->len);
    size_t offer_length = (size_t)(ticket - offer) + ours->len;
    memcpy(offer + offer_length, "new", 3);
    offer_length += 3;
    ticket[2] = (char)(ticket[2] + 3);
    publish(cluster, 1, "i", offer, offer_length);
    cluster_settle(cluster);
    struct broker_event offered = cluster_take(cluster, 1, BROKER_OFFERED);
    assert_address(offered.to, waiter.who.at);
    assert_int_equal(offered.offered.seeker.who.person, waiter.who.person);
    ticket[0] = '2';
    publish(cluster, 1, "i", offer, offer_length);
    cluster_settle(cluster);
    cluster_assert_quiet(cluster);
    assert_int_equal(redis_cluster_stats(cluster, 1).garbage, 1);
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

static uint64_t type_errors(struct cluster *cluster) {
    uint64_t errors = 0;
    for (unsigned node = 0; node < CLUSTER_NODES; node++)
        errors += redis_cluster_stats(cluster, node).errors[REDIS_TROUBLE_TYPE];
    return errors;
}

/* Somebody else's key where ours should be: what needs it is answered DOWN, nothing crashes, and it mends itself. */
static void test_foreign_keys(void **state) {
    struct cluster *cluster = *state;
    static const struct {
        const char *key;
        bool seeks; /* a lone seeker needs it */
    } foreign[] = {{"{pb}:t", true}, {"{pb}:l", true}, {"{pb}:n", false}, {"{pb}:s", false}};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        uint64_t before = type_errors(cluster);
        redis_server_ask(server_of(cluster), "DEL %s", foreign[i].key);
        redis_server_ask(server_of(cluster), "SET %s x", foreign[i].key);
        struct ticket ticket = cluster_ticket(cluster, 0, 1);
        assert_int_equal(cluster_seek(cluster, &ticket).status, foreign[i].seeks ? BROKER_DOWN : BROKER_NONE);
        redis_cluster_pass(cluster, 1);
        assert_true(type_errors(cluster) > before);
        redis_server_ask(server_of(cluster), "DEL %s", foreign[i].key);
        redis_cluster_pass(cluster, 1);
        cluster_take(cluster, 0, BROKER_LINK_RESUMED); /* nobody knows what was left undone */
        cluster_withdraw(cluster, ticket.who.at, ticket.attempt);
        cluster_forget(cluster);
        redis_cluster_assert_well(cluster);
    }
}

static void test_foreign_chat(void **state) {
    struct cluster *cluster = *state;
    struct redis_pair pair = redis_cluster_offered(cluster);
    char key[CHAT_KEY_BYTES] = "{pb}:c:";
    put_u64(key + 7, pair.seeker.chat.high);
    put_u64(key + 15, pair.seeker.chat.low);
    redis_server_ask(server_of(cluster), "LPUSH %b x", key, sizeof key);
    assert_int_equal(cluster_commit(cluster, &pair.seeker, &pair.candidate).status, BROKER_DOWN);
    assert_int_equal(cluster_abort(cluster, &pair.seeker).status, BROKER_DOWN);
    redis_server_ask(server_of(cluster), "DEL %b", key, sizeof key);
    redis_server_ask(server_of(cluster), "SET %b nonsense", key, sizeof key);
    assert_int_equal(cluster_lookup(cluster, pair.seeker.who.at, pair.seeker.chat).status, BROKER_DOWN);
    redis_server_ask(server_of(cluster), "DEL %b", key, sizeof key);
    redis_cluster_pass(cluster, 1);
    cluster_forget(cluster);
    redis_cluster_assert_well(cluster);
}

static void test_scripts_are_flushed(void **state) {
    struct cluster *cluster = *state;
    redis_server_ask(server_of(cluster), "SCRIPT FLUSH");
    redis_cluster_assert_well(cluster);
    assert_int_equal(redis_cluster_stats(cluster, 0).resumed, 0);
}

static bool is_known(const struct redisReply *key) {
    static const char *const known[] = {"{pb}:n", "{pb}:s", "{pb}:t", "{pb}:l"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(key->str, known[i]) == 0)
            return true;
    return strncmp(key->str, "{pb}:c:", 7) == 0 && key->len == CHAT_KEY_BYTES;
}

/* Nothing that anybody says stands in the name or the content of a key. (That every key has a time to live, the fixture
 * sees to after each test.) */
static void test_nothing_is_told(void **state) {
    struct cluster *cluster = *state;
    struct redis_pair pair = redis_cluster_chatting(cluster);
    redis_cluster_waits(cluster, 0, 1, "de");
    redis_cluster_freeze(cluster, 1, true);
    redis_cluster_pass(cluster, 4);
    for (int i = 0; i < 50; i++)
        cluster_relay(cluster, 0, pair.candidate.who.at.boot, "secret", 6);
    cluster_settle(cluster);
    redis_cluster_freeze(cluster, 1, false);
    const redisReply *keys = redis_server_ask(server_of(cluster), "KEYS *");
    assert_true(keys->elements >= 4);
    for (size_t i = 0; i < keys->elements; i++)
        if (!is_known(keys->element[i]))
            fail_msg("unknown key %s", keys->element[i]->str);
    const redisReply *found =
        redis_server_ask(server_of(cluster), "EVAL %s 0",
                         "local count = 0 "
                         "for _, key in ipairs(redis.call('KEYS', '*')) do "
                         "  if redis.call('DUMP', key):find('secret', 1, true) then count = count + 1 end "
                         "end return count");
    assert_int_equal(found->integer, 0);
}

/* A key has a time to live from its birth, and not only from the next beat on. */
static void test_born_to_die(void **state) {
    struct cluster *cluster = *state;
    for (unsigned node = 0; node < CLUSTER_NODES; node++)
        redis_cluster_freeze(cluster, node, true);
    redis_server_ask(server_of(cluster), "FLUSHALL");
    struct ticket ticket = cluster_ticket(cluster, 0, 1);
    strcpy(ticket.language, "en");
    struct broker_request seek = {.kind = BROKER_SEEK, .asker = ticket.who.at, .seek = ticket};
    cluster_request(cluster, 0, &seek);
    cluster_settle(cluster);
    static const char *const keys[] = {"{pb}:t", "{pb}:l"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_true(redis_server_ask(server_of(cluster), "PTTL %s", keys[i])->integer > 0);
    for (unsigned node = 0; node < CLUSTER_NODES; node++)
        redis_cluster_freeze(cluster, node, false);
}

/* When everybody has left, only tombstones remain, and not for long. */
static void test_what_remains(void **state) {
    struct cluster *cluster = *state;
    enum { TOMBSTONE_MS = 600000 };
    struct redis_pair pair = redis_cluster_chatting(cluster);
    struct redis_pair aborted = redis_cluster_offered(cluster);
    cluster_abort(cluster, &aborted.seeker);
    redis_cluster_waits(cluster, 0, 1, "en");
    cluster_end(cluster, pair.candidate.who.at, pair.seeker.chat, (struct tombstone){END_LEFT, SIDE_SEEKER});
    for (unsigned node = 0; node < CLUSTER_NODES; node++)
        cluster_close(cluster, node);
    const redisReply *keys = redis_server_ask(server_of(cluster), "KEYS *");
    size_t count = keys->elements;
    char names[2][CHAT_KEY_BYTES];
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(keys->element[i]->len, CHAT_KEY_BYTES);
        memcpy(names[i], keys->element[i]->str, CHAT_KEY_BYTES);
    }
    for (size_t i = 0; i < count; i++) {
        assert_memory_equal(names[i], "{pb}:c:", 7);
        assert_in_range(redis_server_ask(server_of(cluster), "PTTL %b", names[i], sizeof names[i])->integer, 1,
                        TOMBSTONE_MS);
    }
    for (unsigned node = 0; node < CLUSTER_NODES; node++)
        cluster_join(cluster, node);
    cluster_settle(cluster);
}

static int suite(const struct fixture *fixture) {
    const struct CMUnitTest tests[] = {
        CLUSTER_TEST(test_killed_node, fixture),         CLUSTER_TEST(test_other_versions_in_the_line, fixture),
        CLUSTER_TEST(test_lost_queues, fixture),         CLUSTER_TEST(test_garbage, fixture),
        CLUSTER_TEST(test_unknown_messages, fixture),    CLUSTER_TEST(test_other_versions_of_offers, fixture),
        CLUSTER_TEST(test_foreign_keys, fixture),        CLUSTER_TEST(test_foreign_chat, fixture),
        CLUSTER_TEST(test_scripts_are_flushed, fixture), CLUSTER_TEST(test_nothing_is_told, fixture),
        CLUSTER_TEST(test_born_to_die, fixture),         CLUSTER_TEST(test_what_remains, fixture),
    };
    return cmocka_run_group_tests_name("redis content", tests, NULL, NULL);
}

int main(void) {
    return redis_cluster_main(suite);
}
