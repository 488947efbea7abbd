/* The threads of the traced process: their private part, their slots on the board, their life. */
#ifndef CTRACE_PRELOAD_LIFE_THREAD_H
#define CTRACE_PRELOAD_LIFE_THREAD_H

#include "preload/core/self.h"

#include <pthread.h>

/* Once per process image, before its first thread. */
void ct_thread_init(void);

/* The calling thread is new, and the program's; `entry` is its start routine. */
void ct_thread_begin(int32_t creator_tid, uint64_t entry);

/* The calling thread has got a new name, or may have. */
void ct_thread_renamed(void);

/* The calling thread is about to end: events, then its slot is free. */
void ct_thread_exit(struct ct_self *self);

/* Id of the thread with this handle, or the handle itself. */
uint64_t ct_thread_object(pthread_t handle);

#endif
