/* json.c - looks at the members of one JSON object without making anything of those inside.
 *
 * It judges no more of the text than it needs to find its way: the payload is compared byte by byte elsewhere. */
#include "load.h"

#include <string.h>

static const char *skip_space(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

/* `at` is behind an opening quote. Returns the closing one, or `end`. */
static const char *skip_string(const char *at, const char *end) {
    while (at < end && *at != '"')
        at += *at == '\\' && at + 1 < end ? 2 : 1;
    return at < end ? at : end;
}

/* Behind a value: a string, an object or array, or a word. */
static const char *skip_value(const char *at, const char *end) {
    unsigned depth = 0;
    for (; at < end; at++) {
        if (*at == '"') {
            at = skip_string(at + 1, end);
            if (at == end)
                return end;
        } else if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']') {
            if (depth-- == 0)
                return at;
        } else if (*at == ',' && depth == 0) {
            return at;
        }
    }
    return end;
}

static struct field field_of(const char *at, const char *end) {
    while (end > at && (end[-1] == ' ' || end[-1] == '\n' || end[-1] == '\r' || end[-1] == '\t'))
        end--;
    bool string = end - at >= 2 && *at == '"';
    return string ? (struct field){at + 1, (size_t)(end - at - 2), true}
                  : (struct field){at, (size_t)(end - at), false};
}

bool json_look(const char *text, size_t length, const char *const *names, struct field *fields, size_t count) {
    const char *end = text + length;
    const char *at = skip_space(text, end);
    if (at == end || *at++ != '{')
        return false;
    for (at = skip_space(at, end); at < end && *at == '"'; at = skip_space(at, end)) {
        const char *name = ++at;
        at = skip_string(at, end);
        size_t name_length = (size_t)(at - name);
        if (at == end)
            return false;
        at = skip_space(at + 1, end);
        if (at == end || *at++ != ':')
            return false;
        at = skip_space(at, end);
        const char *value = at;
        at = skip_value(at, end);
        for (size_t i = 0; i < count; i++)
            if (strlen(names[i]) == name_length && memcmp(names[i], name, name_length) == 0)
                fields[i] = field_of(value, at);
        if (at < end && *at == ',')
            at++;
    }
    return at < end && *at == '}';
}
