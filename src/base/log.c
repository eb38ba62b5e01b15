/* log.c - one line per event to stderr.
 *
 * Flow: the pairs' format is copied with a separator byte for each of its spaces and printed at once; then each
 *       name=value between two separators is written in the log's format; then the line goes out in one write(2), so
 *       that lines of several threads don't mix.
 * Fails: a line that is too long is cut; one that stderr doesn't take is lost. */
#include "passerby/log.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 2048, PAIRS_BYTES = 1024, TAIL_BYTES = 4 /* "}\n" after the last pair, and a NUL */ };
enum { SEPARATOR = 0x1f /* ASCII's unit separator */ };

struct log {
    enum log_level level;
    enum log_format format;
};

struct line {
    char bytes[LINE_BYTES];
    size_t length;
};

static const char *const level_names[] = {"error", "warning", "info", "debug"};

struct log *log_new(enum log_level level, enum log_format format) {
    struct log *log = memory_zero(1, sizeof *log);
    *log = (struct log){level, format};
    return log;
}

void log_free(struct log *log) {
    free(log);
}

bool log_enabled(const struct log *log, enum log_level level) {
    return level <= log->level;
}

/* Adds it whole or, when there is no room, not at all. */
static void put(struct line *line, const char *bytes, size_t length) {
    if (length > LINE_BYTES - TAIL_BYTES - line->length)
        return;
    memcpy(line->bytes + line->length, bytes, length);
    line->length += length;
}

static void put_string(struct line *line, const char *string) {
    put(line, string, strlen(string));
}

/* In double quotes, with the escapes of JSON. */
static void put_quoted(struct line *line, const char *bytes, size_t length) {
    const size_t room_for_quote = 1;
    put_string(line, "\"");
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        char escape[8];
        size_t size = 1;
        escape[0] = bytes[i];
        if (byte == '"' || byte == '\\')
            size = (size_t)snprintf(escape, sizeof escape, "\\%c", byte);
        else if (byte < ' ' || byte > '~')
            size = (size_t)snprintf(escape, sizeof escape, "\\u%04x", byte);
        if (size + room_for_quote > LINE_BYTES - TAIL_BYTES - line->length)
            break;
        put(line, escape, size);
    }
    put_string(line, "\"");
}

static bool needs_quotes(const char *value, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (value[i] <= ' ' || value[i] > '~' || value[i] == '"' || value[i] == '=')
            return true;
    return length == 0;
}

/* Printed by %d, %u or %f, and not cut short or infinite: what JSON takes as a number. */
static bool is_number(char conversion, const char *value, size_t length) {
    bool numeric = conversion == 'd' || conversion == 'u' || conversion == 'f';
    return numeric && length > 0 && strspn(value, "-.0123456789") >= length && value[length - 1] >= '0';
}

static void put_time(struct line *line) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm utc;
    gmtime_r(&now.tv_sec, &utc);
    char text[32];
    size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    put(line, text, length);
    snprintf(text, sizeof text, ".%03dZ", (int)(now.tv_nsec / 1000000));
    put_string(line, text);
}

static void put_pair(struct line *line, enum log_format format, const char *pair, size_t length, char conversion) {
    const char *equals = memchr(pair, '=', length);
    size_t name = equals == NULL ? 0 : (size_t)(equals - pair);
    const char *value = equals == NULL ? pair : equals + 1;
    size_t value_length = length - (size_t)(value - pair);
    /* Half a pair would be no valid JSON: leave out one that might not fit (each byte may become six). */
    if (format == LOG_FORMAT_JSON && name + value_length * 6 + 8 > LINE_BYTES - TAIL_BYTES - line->length)
        return;
    if (format == LOG_FORMAT_JSON) {
        put_string(line, ",");
        put_quoted(line, pair, name);
        put_string(line, ":");
    } else {
        put_string(line, " ");
        put(line, pair, name + 1);
    }
    if (is_number(conversion, value, value_length) || (format == LOG_FORMAT_TEXT && !needs_quotes(value, value_length)))
        put(line, value, value_length);
    else
        put_quoted(line, value, value_length);
}

/* Splits what was printed, and beside it the format, where the last letter of a pair is its conversion. */
static void put_pairs(struct line *line, enum log_format format, const char *pairs, const char *formats) {
    while (*pairs != '\0') {
        size_t length = strcspn(pairs, (char[]){SEPARATOR, '\0'});
        size_t format_length = strcspn(formats, (char[]){SEPARATOR, '\0'});
        char last = format_length > 0 ? formats[format_length - 1] : '\0';
        put_pair(line, format, pairs, length, last);
        pairs += length + (pairs[length] != '\0');
        formats += format_length + (formats[format_length] != '\0');
    }
}

static size_t count_separators(const char *string) {
    size_t count = 0;
    for (; *string != '\0'; string++)
        count += *string == SEPARATOR;
    return count;
}

static void put_head(struct line *line, const struct log *log, enum log_level level, const char *what) {
    bool json = log->format == LOG_FORMAT_JSON;
    put_string(line, json ? "{\"time\":\"" : "");
    put_time(line);
    put_string(line, json ? "\",\"level\":\"" : " ");
    put_string(line, level_names[level]);
    put_string(line, json ? "\",\"event\":" : " ");
    if (json)
        put_quoted(line, what, strlen(what));
    else
        put_string(line, what);
}

static void write_line(const struct line *line) {
    ssize_t wrote;
    do
        wrote = write(STDERR_FILENO, line->bytes, line->length);
    while (wrote < 0 && errno == EINTR);
}

void log_line(struct log *log, enum log_level level, const char *what, const char *pairs, ...) {
    if (!log_enabled(log, level))
        return;
    char formats[PAIRS_BYTES];
    snprintf(formats, sizeof formats, "%s", pairs);
    for (char *at = formats; *at != '\0'; at++)
        if (*at == ' ')
            *at = SEPARATOR;
    char printed[PAIRS_BYTES];
    va_list values;
    va_start(values, pairs);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* a copy of `pairs`, which the compiler has checked */
    vsnprintf(printed, sizeof printed, formats, values);
#pragma GCC diagnostic pop
    va_end(values);

    struct line line = {.length = 0};
    put_head(&line, log, level, what);
    if (count_separators(printed) <= count_separators(formats))
        put_pairs(&line, log->format, printed, formats);
    else /* a value holds a separator and could forge pairs */
        put_pair(&line, log->format, "pairs=(unprintable)", strlen("pairs=(unprintable)"), 's');
    line.length +=
        (size_t)snprintf(line.bytes + line.length, TAIL_BYTES, "%s\n", log->format == LOG_FORMAT_JSON ? "}" : "");
    write_line(&line);
}

const char *log_address(const char *address, char out[LOG_ADDRESS_CHARS]) {
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff}; /* ::ffff:0:0/96 (RFC 4291 section 2.5.5.2) */
    unsigned char v4[4];
    unsigned char v6[16];
    bool is_v4 = inet_pton(AF_INET, address, v4) == 1;
    bool is_v6 = !is_v4 && inet_pton(AF_INET6, address, v6) == 1;
    if (is_v6 && memcmp(v6, mapped, sizeof mapped) == 0) {
        memcpy(v4, v6 + sizeof mapped, sizeof v4);
        is_v4 = true;
    }
    if (is_v4)
        snprintf(out, LOG_ADDRESS_CHARS, "%u.%u.%u.x", v4[0], v4[1], v4[2]);
    else if (is_v6)
        snprintf(out, LOG_ADDRESS_CHARS, "%x:%x:%x::x", v6[0] << 8 | v6[1], v6[2] << 8 | v6[3], v6[4] << 8 | v6[5]);
    else
        snprintf(out, LOG_ADDRESS_CHARS, "unknown");
    return out;
}
