/* poison.h - what nobody may touch, for AddressSanitizer to see; without it, nothing. */
#ifndef BASE_POISON_H
#define BASE_POISON_H

#if defined __has_feature
#if __has_feature(address_sanitizer)
#define WATCHED 1
#endif
#endif
#if defined __SANITIZE_ADDRESS__
#define WATCHED 1
#endif
#if defined WATCHED
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, bytes)   ((void)(at), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(at, bytes) ((void)(at), (void)(bytes))
#endif

#endif
