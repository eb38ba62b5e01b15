/* reasons.h - the enums of reasons.def. */
#ifndef PASSERBY_REASONS_H
#define PASSERBY_REASONS_H

enum error_code {
#define ERROR_ROW(name, code, counts, message) ERROR_##name,
#include "passerby/reasons.def"
    ERROR_CODES,
};

enum ended_reason {
#define ENDED_ROW(name, reason) ENDED_##name,
#include "passerby/reasons.def"
    ENDED_REASONS,
};

enum close_code {
#define CLOSE_ROW(name, code, text) CLOSE_##name = (code),
#include "passerby/reasons.def"
};

#endif
