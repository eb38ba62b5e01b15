/* config_value.c - options' values: from text, to text, by type.
 *
 * Extending: a new type needs a case in each of config_value_default(), _free(), _set(), _text() and _range(). */
#include "config_table.h"

#include "base/memory.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A suffix and what it multiplies by, greatest first. */
struct unit {
    const char *suffix;
    uint64_t factor;
};

static const struct unit no_units[] = {{"", 1}, {0}};
static const struct unit time_units[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {0}};
static const struct unit size_units[] = {{"g", 1 << 30}, {"m", 1 << 20}, {"k", 1 << 10}, {"", 1}, {0}};

static const uint64_t greatest_rate = 1000000;

static void *field(struct config *config, const struct config_option *option) {
    return (char *)config + option->offset;
}

/* --- numbers with units ------------------------------------------------------------------------------------------- */

static const struct unit *units_of(enum config_type type) {
    return type == TYPE_DURATION ? time_units : type == TYPE_SIZE ? size_units : no_units;
}

/* Reads digits; returns what follows, or NULL if there are none. Too great a number becomes UINT64_MAX. */
static const char *read_digits(const char *text, uint64_t *out) {
    if (!isdigit((unsigned char)*text))
        return NULL;
    *out = 0;
    for (; isdigit((unsigned char)*text); text++)
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, (uint64_t)(*text - '0'), out))
            *out = UINT64_MAX / 10; /* stays too great for any option, whatever follows */
    return text;
}

/* Reads "10s", "16k" and the like. 0 needs no unit. */
static bool read_scaled(const char *text, const struct unit *units, uint64_t *out) {
    uint64_t number;
    const char *suffix = read_digits(text, &number);
    if (suffix == NULL)
        return false;
    for (const struct unit *unit = units; unit->suffix != NULL; unit++) {
        if (strcasecmp(suffix, unit->suffix) == 0) {
            if (__builtin_mul_overflow(number, unit->factor, out))
                *out = UINT64_MAX;
            return true;
        }
    }
    *out = 0;
    return number == 0 && *suffix == '\0';
}

/* "10s" rather than "10000ms": the greatest unit that leaves a whole number. */
static void scaled_text(uint64_t number, const struct unit *units, char out[CONFIG_VALUE_CHARS]) {
    const struct unit *unit = units;
    while (number > 0 && number % unit->factor != 0)
        unit++;
    snprintf(out, CONFIG_VALUE_CHARS, "%" PRIu64 "%s", number / unit->factor, number == 0 ? "" : unit->suffix);
}

static bool set_scaled(struct config_reader *reader, const struct config_option *option, const char *text) {
    static const char *const right[] = {
        [TYPE_NUMBER] = "a number; use a whole number",
        [TYPE_DURATION] = "a duration; use e.g. 500ms, 10s, 2m or 1h",
        [TYPE_SIZE] = "a size; use e.g. 512, 16k, 64m or 1g",
    };
    uint64_t number;
    if (!read_scaled(text, units_of(option->type), &number))
        return config_complain_of(reader, option, "\"%.80s\" is not %s", text, right[option->type]);
    if (number < option->least || number > option->greatest) {
        char range[CONFIG_VALUE_CHARS];
        config_value_range(option, range);
        return config_complain_of(reader, option, "%.80s is out of range; use %s", text, range);
    }
    if (option->type == TYPE_DURATION)
        *(uint32_t *)field(reader->config, option) = (uint32_t)number;
    else
        *(uint64_t *)field(reader->config, option) = number;
    return true;
}

/* --- rates, switches, choices ------------------------------------------------------------------------------------- */

static bool set_rate(struct config_reader *reader, const struct config_option *option, const char *text) {
    struct rate *rate = field(reader->config, option);
    if (strcmp(text, "off") == 0) {
        *rate = (struct rate){0};
        return true;
    }
    uint64_t per_second, burst;
    const char *slash = read_digits(text, &per_second);
    const char *end = slash != NULL && *slash == '/' ? read_digits(slash + 1, &burst) : NULL;
    if (end == NULL || *end != '\0')
        return config_complain_of(reader, option, "\"%.80s\" is not a rate; use rate/burst, e.g. 10/30, or off", text);
    if (per_second < 1 || burst < 1 || per_second > greatest_rate || burst > greatest_rate)
        return config_complain_of(reader, option, "%.80s is out of range; use 1 to %" PRIu64 " for each, or off", text,
                                  greatest_rate);
    *rate = (struct rate){(uint32_t)per_second, (uint32_t)burst};
    return true;
}

static bool set_switch(struct config_reader *reader, const struct config_option *option, const char *text) {
    bool on = strcmp(text, "on") == 0;
    if (!on && strcmp(text, "off") != 0)
        return config_complain_of(reader, option, "\"%.80s\" is not a switch; use on or off", text);
    *(bool *)field(reader->config, option) = on;
    return true;
}

/* The index of a word in "a|b|c"; false if it is none of them. */
static bool find_choice(const char *choices, const char *word, uint32_t *out) {
    size_t length = strlen(word);
    uint32_t index = 0;
    for (const char *at = choices;; at++, index++) {
        size_t size = strcspn(at, "|");
        if (size == length && strncmp(at, word, size) == 0) {
            *out = index;
            return true;
        }
        at += size;
        if (*at == '\0')
            return false;
    }
}

static bool set_choice(struct config_reader *reader, const struct config_option *option, const char *text) {
    if (find_choice(option->choices, text, field(reader->config, option)))
        return true;
    char range[CONFIG_VALUE_CHARS];
    config_value_range(option, range);
    return config_complain_of(reader, option, "\"%.80s\" is unknown; use %s", text, range);
}

/* --- strings and lists -------------------------------------------------------------------------------------------- */

static void set_string(struct config *config, const struct config_option *option, const char *text) {
    char **string = field(config, option);
    free(*string);
    *string = text == NULL || *text == '\0' ? NULL : memory_string(text);
}

static void clear_list(struct config *config, const struct config_option *option) {
    char ***list = field(config, option);
    for (char **at = *list; at != NULL && *at != NULL; at++)
        free(*at);
    free(*list);
    *list = memory_zero(1, sizeof **list);
}

void config_value_append(struct config *config, const struct config_option *option, const char *text) {
    static const char between[] = ", \t";
    char ***list = field(config, option);
    size_t count = 0;
    while ((*list)[count] != NULL)
        count++;
    for (text += strspn(text, between); *text != '\0'; text += strspn(text, between)) {
        size_t length = strcspn(text, between);
        *list = memory_resize(*list, count + 2, sizeof **list);
        (*list)[count++] = memory_copy(text, length);
        (*list)[count] = NULL;
        text += length;
    }
}

/* --- by type ------------------------------------------------------------------------------------------------------ */

void config_value_default(struct config *config, const struct config_option *option) {
    switch (option->type) {
    case TYPE_STRING: set_string(config, option, option->fallback); break;
    case TYPE_LIST:
        clear_list(config, option);
        config_value_append(config, option, option->fallback);
        break;
    case TYPE_NUMBER:
    case TYPE_SIZE: *(uint64_t *)field(config, option) = option->number; break;
    case TYPE_DURATION: *(uint32_t *)field(config, option) = (uint32_t)option->number; break;
    case TYPE_RATE:
        *(struct rate *)field(config, option) = (struct rate){(uint32_t)option->number, option->burst};
        break;
    case TYPE_SWITCH: *(bool *)field(config, option) = option->number != 0; break;
    case TYPE_CHOICE: (void)find_choice(option->choices, option->fallback, field(config, option)); break;
    }
}

void config_value_free(struct config *config, const struct config_option *option) {
    if (option->type == TYPE_STRING)
        set_string(config, option, NULL);
    if (option->type == TYPE_LIST) {
        clear_list(config, option);
        free(*(char ***)field(config, option));
    }
}

bool config_value_set(struct config_reader *reader, const struct config_option *option, const char *text) {
    switch (option->type) {
    case TYPE_STRING: set_string(reader->config, option, text); return true;
    case TYPE_LIST:
        clear_list(reader->config, option);
        config_value_append(reader->config, option, text);
        return true;
    case TYPE_NUMBER:
    case TYPE_DURATION:
    case TYPE_SIZE: return set_scaled(reader, option, text);
    case TYPE_RATE: return set_rate(reader, option, text);
    case TYPE_SWITCH: return set_switch(reader, option, text);
    case TYPE_CHOICE: return set_choice(reader, option, text);
    }
    return false;
}

void config_value_text(const struct config_option *option, char out[CONFIG_VALUE_CHARS]) {
    switch (option->type) {
    case TYPE_STRING:
    case TYPE_LIST:
    case TYPE_CHOICE: snprintf(out, CONFIG_VALUE_CHARS, "%s", option->fallback == NULL ? "" : option->fallback); break;
    case TYPE_NUMBER:
    case TYPE_DURATION:
    case TYPE_SIZE: scaled_text(option->number, units_of(option->type), out); break;
    case TYPE_RATE:
        if (option->number == 0)
            snprintf(out, CONFIG_VALUE_CHARS, "off");
        else
            snprintf(out, CONFIG_VALUE_CHARS, "%" PRIu64 "/%" PRIu32, option->number, option->burst);
        break;
    case TYPE_SWITCH: snprintf(out, CONFIG_VALUE_CHARS, "%s", option->number != 0 ? "on" : "off"); break;
    }
}

/* "a|b|c" as "a, b or c". */
static void choices_text(const char *choices, char out[CONFIG_VALUE_CHARS]) {
    size_t length = 0;
    while (*choices != '\0') {
        size_t size = strcspn(choices, "|");
        const char *rest = choices + size;
        const char *joint = *rest == '\0' ? "" : strchr(rest + 1, '|') == NULL ? " or " : ", ";
        length += (size_t)snprintf(out + length, CONFIG_VALUE_CHARS - length, "%.*s%s", (int)size, choices, joint);
        choices = *rest == '\0' ? rest : rest + 1;
    }
}

void config_value_range(const struct config_option *option, char out[CONFIG_VALUE_CHARS]) {
    out[0] = '\0';
    if (option->type == TYPE_CHOICE)
        choices_text(option->choices, out);
    if (option->type == TYPE_NUMBER || option->type == TYPE_DURATION || option->type == TYPE_SIZE) {
        char least[CONFIG_VALUE_CHARS], greatest[CONFIG_VALUE_CHARS];
        scaled_text(option->least, units_of(option->type), least);
        scaled_text(option->greatest, units_of(option->type), greatest);
        snprintf(out, CONFIG_VALUE_CHARS, "%.60s to %.60s", least, greatest);
    }
}
