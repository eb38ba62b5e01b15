/* person.c - what a client of passerby.v1 does with what it is told, and how strict it is about it.
 *
 * Flow:   hello → find → (waiting) → matched → msg → its ack, and, while the load talks, the next msg in the same write → …
 * Checks: a chat has two people; seq counts from 1; each body is, byte by byte, what the stranger said; an ack covers what was
 *         said, and does not go back; nothing is told that nothing here can have caused.
 * Fails:  fail() at once. With --tolerant a repeated message is acknowledged again, one that leaves a gap is dropped, and
 *         `sync` and `back` have everything unacknowledged said again: the contract's rules for when nodes fail. */
#include "load.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELD_T, FIELD_CHAT, FIELD_SEQ, FIELD_BODY, FIELD_CODE, FIELDS };
static const char *const names[FIELDS] = {"t", "chat", "seq", "body", "code"};

static struct person *peer_of(struct load *load, const struct person *person) {
    return &load->people[person->peer - 1];
}

/* --- saying ------------------------------------------------------------------------------------------------------- */

static void put_message(struct load *load, const struct person *person, uint32_t seq, struct buffer *out) {
    char text[MAX_FRAME];
    int length = load->options.plain
                     ? snprintf(text, sizeof text, "{\"t\":\"msg\",\"body\":\"")
                     : snprintf(text, sizeof text, "{\"t\":\"msg\",\"seq\":%" PRIu32 ",\"body\":\"", seq);
    size_t end = (size_t)length + bodies_write(load, person_index(load, person), seq, text + length);
    memcpy(text + end, "\"}", 2);
    frames_put(load, out, text, end + 2);
}

static void send_buffer(struct load *load, struct person *person, const struct buffer *out) {
    if (out->length > 0)
        socket_send(load, person, out->bytes, out->length);
}

static void say(struct load *load, struct person *person, const char *text) {
    struct buffer out = {0};
    frames_put(load, &out, text, strlen(text));
    send_buffer(load, person, &out);
    buffer_fini(&out);
}

static void put_ack(struct load *load, const struct person *person, struct buffer *out) {
    char text[64];
    int length = snprintf(text, sizeof text, "{\"t\":\"ack\",\"seq\":%" PRIu32 "}", person->heard);
    if (!load->options.plain)
        frames_put(load, out, text, (size_t)length);
}

bool person_say(struct load *load, struct person *person, uint64_t due_ns, struct buffer *with) {
    struct buffer out = {0};
    if (person->said - person->acked >= WINDOW)
        return false;
    if (person->said_ns == NULL)
        person->said_ns = memory_zero(WINDOW, sizeof *person->said_ns);
    person->said++;
    person->said_ns[person->said % WINDOW] = due_ns;
    load->tally.said++;
    load->due += is_measured(load, due_ns);
    put_message(load, person, person->said, with != NULL ? with : &out);
    send_buffer(load, person, &out);
    buffer_fini(&out);
    return true;
}

void person_say_again(struct load *load, struct person *person) {
    struct buffer out = {0};
    for (uint32_t seq = person->acked + 1; seq <= person->said && !load->options.plain; seq++)
        put_message(load, person, seq, &out);
    send_buffer(load, person, &out);
    buffer_fini(&out);
}

void person_find(struct load *load, struct person *person, uint64_t due_ns) {
    char text[128];
    char topics[48] = "";
    if (load->options.topics)
        snprintf(topics, sizeof topics, ",\"topics\":[\"%" PRIx32 ".%" PRIu32 "\"]", load->options.sources,
                 load->pair_of[person_index(load, person)] / 2);
    snprintf(text, sizeof text, "{\"t\":\"find\",\"reliable\":%s%s}", load->options.plain ? "false" : "true", topics);
    if (person->state == PERSON_MATCHED)
        load->matched--;
    person->state = PERSON_FINDING;
    person->found_ns = due_ns;
    load->due += load->options.work == WORK_MATCH && is_measured(load, due_ns);
    say(load, person, text);
}

/* --- hearing ------------------------------------------------------------------------------------------------------ */

static uint64_t number_of(struct load *load, const struct person *person, struct field field) {
    uint64_t number = 0;
    if (field.length == 0 || field.length > 15 || field.string)
        fail("person %u: 'seq' is no number", person_index(load, person));
    for (size_t i = 0; i < field.length; i++) {
        if (field.at[i] < '0' || field.at[i] > '9')
            fail("person %u: 'seq' is no number", person_index(load, person));
        number = number * 10 + (uint64_t)(field.at[i] - '0');
    }
    return number;
}

static void check_body(struct load *load, struct person *person, uint32_t seq, struct field body) {
    char expected[MAX_BODY];
    size_t length = bodies_write(load, person->peer - 1, seq, expected);
    if (!body.string || body.length != length || memcmp(body.at, expected, length) != 0)
        fail("person %u: message %u is \"%.*s\", where \"%.*s\" was said", person_index(load, person), seq,
             (int)body.length, body.at, (int)length, expected);
}

/* Is it the next one? */
static bool in_order(struct load *load, struct person *person, uint64_t seq) {
    if (seq == person->heard + 1)
        return true;
    if (!load->options.tolerant)
        fail("person %u: message %" PRIu64 " came where %u was due", person_index(load, person), seq,
             person->heard + 1);
    if (seq <= person->heard)
        load->tally.repeated++;
    else
        load->tally.gaps++;
    return false;
}

static void note_heard(struct load *load, struct person *person, struct person *sender) {
    uint64_t now = now_ns();
    uint64_t said = sender->said_ns[person->heard % WINDOW];
    load->tally.heard++;
    load->moved_ns = now;
    if (load->options.plain)
        sender->acked = person->heard;
    if (is_measured(load, said))
        histogram_add(&load->latency, now > said ? (now - said) / 1000 : 0);
}

static void hear_message(struct load *load, struct person *person, const struct field *fields) {
    struct buffer out = {0};
    struct person *sender = person->peer == 0 ? NULL : peer_of(load, person);
    uint64_t seq = number_of(load, person, fields[FIELD_SEQ]);
    if (sender == NULL || seq == 0 || seq > sender->said)
        fail("person %u: message %" PRIu64 ", which nobody has said", person_index(load, person), seq);
    check_body(load, person, (uint32_t)seq, fields[FIELD_BODY]);
    bool next = in_order(load, person, seq);
    if (next) {
        person->heard++;
        note_heard(load, person, sender);
    }
    put_ack(load, person, &out);
    if (next && load->talking && load->options.work == WORK_TALK)
        person_say(load, person, now_ns(), &out);
    send_buffer(load, person, &out);
    buffer_fini(&out);
}

static void hear_ack(struct load *load, struct person *person, const struct field *fields) {
    uint64_t seq = number_of(load, person, fields[FIELD_SEQ]);
    if (load->options.plain || seq > person->said || seq > peer_of(load, person)->heard)
        fail("person %u: an ack of %" PRIu64 ", which nobody has given", person_index(load, person), seq);
    if (seq < person->acked && !load->options.tolerant)
        fail("person %u: an ack of %" PRIu64 " after one of %u", person_index(load, person), seq, person->acked);
    if (seq > person->acked)
        person->acked = (uint32_t)seq;
    load->tally.acks++;
    load->moved_ns = now_ns();
}

static uint64_t hash_of(struct field text) {
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < text.length; i++)
        hash = (hash ^ (uint8_t)text.at[i]) * 0x100000001b3u;
    return hash;
}

/* The second of the two has heard of the chat. While people search again and again, the first now wants the next one, as
 * nobody else does meanwhile (phases.c). */
static void join(struct load *load, struct person *person, struct person *stranger) {
    uint32_t a = person_index(load, person);
    uint32_t b = person_index(load, stranger);
    if (a == b || stranger->peer != 0)
        fail("person %u: was matched with person %u, who has somebody", a, b);
    person->peer = b + 1;
    stranger->peer = a + 1;
    load->tally.matches++;
    if (a % load->options.target_count != b % load->options.target_count)
        load->tally.across++;
    if (load->talking && load->options.work == WORK_MATCH && load->options.rate == 0)
        person_find(load, stranger, now_ns());
}

static void hear_matched(struct load *load, struct person *person, const struct field *fields) {
    if (person->state != PERSON_FINDING)
        fail("person %u: was matched without having asked", person_index(load, person));
    person->state = PERSON_MATCHED;
    uint64_t chat = hash_of(fields[FIELD_CHAT]);
    person->peer = 0;
    person->said = person->acked = person->heard = 0;
    load->matched++;
    load->moved_ns = now_ns();
    if (load->options.work == WORK_MATCH && is_measured(load, person->found_ns))
        histogram_add(&load->latency, (load->moved_ns - person->found_ns) / 1000);
    struct person *stranger = map_take(&load->strangers, chat);
    if (stranger == NULL)
        map_set(&load->strangers, chat, person);
    else
        join(load, person, stranger);
}

/* The stranger searches again, and so do we; or (`you_left`) we have begun to. */
static void hear_ended(struct load *load, struct person *person) {
    if (load->options.work != WORK_MATCH)
        fail("person %u: the chat was ended", person_index(load, person));
    if (person->state == PERSON_MATCHED)
        person_find(load, person, now_ns());
}

static void hear_hello(struct load *load, struct person *person) {
    if (person->state != PERSON_UPGRADED)
        fail("person %u: a second hello", person_index(load, person));
    person->state = PERSON_GREETED;
    load->greeted++;
    load->moved_ns = now_ns();
}

static void hear_other(struct load *load, struct person *person, const char *text, size_t length) {
    bool away = memmem(text, length, "\"away\"", 6) != NULL;
    if (!load->options.tolerant)
        fail("person %u: was told %.*s", person_index(load, person), (int)length, text);
    if (away) {
        load->tally.aways++;
        return;
    }
    load->tally.syncs++;
    person_say_again(load, person);
}

static bool is(struct field field, const char *word) {
    return field.string && field.length == strlen(word) && memcmp(field.at, word, field.length) == 0;
}

void person_told(struct load *load, struct person *person, const char *text, size_t length) {
    struct field fields[FIELDS] = {0};
    if (!json_look(text, length, names, fields, FIELDS))
        fail("person %u: was told what is no object: %.*s", person_index(load, person), (int)length, text);
    struct field t = fields[FIELD_T];
    if (is(t, "msg"))
        hear_message(load, person, fields);
    else if (is(t, "ack"))
        hear_ack(load, person, fields);
    else if (is(t, "matched"))
        hear_matched(load, person, fields);
    else if (is(t, "hello"))
        hear_hello(load, person);
    else if (is(t, "ended"))
        hear_ended(load, person);
    else if (is(t, "waiting") || is(t, "idle"))
        return;
    else if (is(t, "away") || is(t, "back") || is(t, "sync"))
        hear_other(load, person, text, length);
    else
        fail("person %u: was told %.*s", person_index(load, person), (int)length, text);
}
