/* interpose.h - what libwebsockets and libuv call, and is ours instead: see interpose.c. */
#ifndef NET_INTERPOSE_H
#define NET_INTERPOSE_H

/* From here to interpose_adopted() lws takes over the socket `fd`, which this thread has just accepted: no loop watches it yet. */
void interpose_adopting(int fd);
void interpose_adopted(void);

#endif
