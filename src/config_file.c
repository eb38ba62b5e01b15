/* config_file.c - the JSON file: one object, a member for each option.
 *
 * Members are strings as on the command line; numbers, booleans (for on and off), null (for the default) and arrays
 * of strings (for lists) do as well. */
#include "config_table.h"

#include "base/buffer.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

static const size_t greatest_file_bytes = 1 << 20;

char *config_file_load(const char *path, size_t limit, size_t *length) {
    struct buffer content = {0};
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return NULL;
    const size_t chunk = 4096;
    size_t got;
    do {
        got = fread(buffer_reserve(&content, chunk), 1, chunk, file);
        content.length += got;
    } while (got > 0 && content.length <= limit);
    int failure = ferror(file) ? errno : content.length > limit ? EFBIG : 0;
    fclose(file);
    if (failure != 0) {
        buffer_fini(&content);
        errno = failure;
        return NULL;
    }
    *length = content.length;
    buffer_append(&content, "", 1);
    return content.bytes;
}

/* A member that is no array, as the command line would have it; false for what has no such form. */
static bool scalar_text(const json_t *value, char *number, size_t size, const char **out) {
    *out = number;
    switch (json_typeof(value)) {
    case JSON_STRING: *out = json_string_value(value); return true;
    case JSON_TRUE: *out = "on"; return true;
    case JSON_FALSE: *out = "off"; return true;
    case JSON_INTEGER: snprintf(number, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value)); return true;
    case JSON_REAL: snprintf(number, size, "%g", json_real_value(value)); return true;
    default: return false;
    }
}

static bool set_array(struct config_reader *reader, const struct config_option *option, const json_t *array) {
    if (!config_value_set(reader, option, ""))
        return false;
    size_t index;
    const json_t *element;
    json_array_foreach(array, index, element) {
        if (!json_is_string(element))
            return config_complain_of(reader, option, "element %zu is not a string; use an array of strings",
                                      index + 1);
        config_value_append(reader->config, option, json_string_value(element));
    }
    return true;
}

static bool set_member(struct config_reader *reader, const char *key, const json_t *value) {
    const struct config_option *option = config_find(SOURCE_FILE, key, strlen(key));
    if (option == NULL) {
        const struct config_option *meant = config_closest(SOURCE_FILE, key, strlen(key));
        char name[CONFIG_NAME_CHARS];
        if (meant == NULL)
            return config_complain(reader, reader->file, "\"%.80s\" is no key; see passerby config --defaults", key);
        config_name(meant, SOURCE_FILE, name);
        return config_complain(reader, reader->file, "\"%.80s\" is no key; did you mean \"%s\"?", key, name);
    }
    if (json_is_null(value))
        return true;
    reader->sources[option - config_options] = SOURCE_FILE;
    if (json_is_array(value) && option->type == TYPE_LIST)
        return set_array(reader, option, value);
    char number[64];
    const char *text;
    if (!scalar_text(value, number, sizeof number, &text))
        return config_complain_of(reader, option, "is of the wrong kind; use %s",
                                  option->type == TYPE_LIST ? "an array of strings" : "a string");
    return config_value_set(reader, option, text);
}

bool config_file_read(struct config_reader *reader, const char *where) {
    size_t length;
    char *content = config_file_load(reader->file, greatest_file_bytes, &length);
    if (content == NULL)
        return config_complain(reader, where, "can't read \"%.200s\": %s", reader->file, strerror(errno));
    bool good = false;
    json_error_t error;
    json_t *root = json_loadb(content, length, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        const char *near = strstr(error.text, " near "); /* what follows quotes the file, maybe its secret */
        int shown = near == NULL ? (int)strlen(error.text) : (int)(near - error.text);
        config_complain(reader, reader->file, "line %d, column %d: not JSON: %.*s", error.line, error.column, shown,
                        error.text);
        goto free_content;
    }
    if (!json_is_object(root)) {
        config_complain(reader, reader->file, "not a JSON object; see passerby config --defaults");
        goto free_root;
    }
    const char *key;
    json_t *value;
    good = true;
    json_object_foreach(root, key, value) {
        good = set_member(reader, key, value);
        if (!good)
            break;
    }
free_root:
    json_decref(root);
free_content:
    free(content);
    return good;
}
