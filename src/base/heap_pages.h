/* heap_pages.h - the heap on huge pages. */
#ifndef BASE_HEAP_PAGES_H
#define BASE_HEAP_PAGES_H

#include <stddef.h>

/* Has malloc() take what it gives, up to so many bytes, from memory for which the kernel is asked to use huge pages. Only address space
 * is reserved. To be called before there are threads; does nothing where the C library or the kernel can't. */
void heap_pages_reserve(size_t bytes);

#endif
