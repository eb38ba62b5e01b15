/* log.h - one line per event to stderr, as text or as JSON. Thread-safe.
 *
 * A log line never holds a message, a topic, a token or a whole IP address: log_address() shortens it. Lines are
 * printable ASCII: any other byte of a value is written as \u00XX. */
#ifndef PASSERBY_LOG_H
#define PASSERBY_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log;

/* Heap. Lines above `level` are not written. */
struct log *log_new(enum log_level level, enum log_format format);
void log_free(struct log *log);

bool log_enabled(const struct log *log, enum log_level level);

/* One line: an event in words, then name=value pairs separated by single spaces, as a printf format; "" for none.
 * E.g. log_line(log, LOG_LEVEL_INFO, "listening", "address=%s port=%d", text, port). A value may hold anything: it
 * is quoted where that is needed. With --log-format json each pair becomes a member; values of %d, %u and %f are
 * numbers there. */
void log_line(struct log *log, enum log_level level, const char *what, const char *pairs, ...)
    __attribute__((format(printf, 4, 5)));

enum { LOG_ADDRESS_CHARS = 48 };

/* Writes what may be logged of an IP address given as text: 203.0.113.7 becomes 203.0.113.x, 2001:db8:1:2::7 becomes
 * 2001:db8:1::x, anything else "unknown". Returns `out`. */
const char *log_address(const char *address, char out[LOG_ADDRESS_CHARS]);

#endif
