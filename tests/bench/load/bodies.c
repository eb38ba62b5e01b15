/* bodies.c - what people say: who says it and which message it is, and then words in several scripts, some to be escaped in JSON.
 *
 * Of eight messages four are ASCII, three have letters of two, three and four bytes, and one has quotes, backslashes and line
 * feeds. Lengths are spread evenly around --body. What is escaped is escaped as JSON.stringify and jansson do it, so that what a
 * relay parses and writes anew has the same bytes. */
#include "load.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WHO_CHARS = MIN_BODY - 1, SCRIPTS = 5, TIMES = 8 };

static const char *const sentences[SCRIPTS] = {
    "is it raining where you are? ",
    "\xd0\xb4\xd0\xbe\xd0\xb6\xd0\xb4\xd1\x8c, \xd0\xb7\xd0\xbd\xd0\xb0\xd0\xb5\xd1\x88\xd1\x8c? ",
    "\xe9\x9b\xa8\xe3\x81\xa7\xe3\x81\x99\xe3\x81\x8b\xe3\x80\x82",
    "\xf0\x9f\x8c\xa7 \xf0\x9f\x98\x80",
    "\\\"no\\\", she said, \\\\o/ and was off\\n",
};

struct bodies {
    char text[SCRIPTS][MAX_BODY];
    uint16_t whole[SCRIPTS][MAX_BODY + 1]; /* of so many bytes, those that cut no character and no escape in two */
};

/* Of the character, or of the escape, that is written there. */
static size_t bytes_of(const char *at) {
    uint8_t first = (uint8_t)*at;
    if (first == '\\')
        return 2;
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static void fill(struct bodies *bodies, unsigned script) {
    const char *sentence = sentences[script];
    const char *at = sentence;
    size_t begun = 0;
    for (size_t end = 0; end <= MAX_BODY; end++) {
        size_t next = bytes_of(at);
        if (end == begun + next) {
            memcpy(bodies->text[script] + begun, at, next);
            begun = end;
            at = at[next] == '\0' ? sentence : at + next;
        }
        bodies->whole[script][end] = (uint16_t)begun;
    }
}

void bodies_init(struct load *load) {
    load->bodies = memory_zero(1, sizeof *load->bodies);
    for (unsigned script = 0; script < SCRIPTS; script++)
        fill(load->bodies, script);
}

static uint32_t mix(uint32_t a) { /* MurmurHash3's finaliser */
    a = (a ^ a >> 16) * 0x85ebca6bu;
    a = (a ^ a >> 13) * 0xc2b2ae35u;
    return a ^ a >> 16;
}

size_t bodies_write(const struct load *load, uint32_t sender, uint32_t seq, char body[MAX_BODY]) {
    static const uint8_t script_of[TIMES] = {0, 0, 0, 0, 1, 2, 3, 4};
    uint32_t chance = mix(mix(sender + load->options.seed) + seq);
    uint32_t mean = load->options.body_bytes;
    uint32_t spread = mean - MIN_BODY < mean / 2 ? mean - MIN_BODY : mean / 2;
    size_t length = mean - spread + (chance >> 3) % (2 * spread + 1);
    unsigned script = script_of[chance % TIMES];
    char who[WHO_CHARS + 1];
    snprintf(who, sizeof who, "%08" PRIx32 "%08" PRIx32, sender, seq);
    memcpy(body, who, WHO_CHARS);
    size_t words = load->bodies->whole[script][length - WHO_CHARS];
    memcpy(body + WHO_CHARS, load->bodies->text[script], words);
    memset(body + WHO_CHARS + words, '.', length - WHO_CHARS - words);
    return length;
}
