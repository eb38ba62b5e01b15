/* lws_memory.h - where libwebsockets has its memory from. */
#ifndef NET_LWS_MEMORY_H
#define NET_LWS_MEMORY_H

#include <stddef.h>

/* As lws_set_allocator() wants it: a realloc() that frees when the size is 0, and aligns to 8 bytes. What there are many of comes
 * from slabs. For all threads. */
void *lws_memory_reallocate(void *block, size_t size, const char *reason);

/* Between the two, in one thread, lws makes a context: the pages of its tables, which are zeros yet, then take no memory until they
 * are used. */
void lws_memory_watch_tables(void);
void lws_memory_untouch_tables(void);

#endif
