/*
 * Memory for the environment of a new image: it may be larger than what the program's stack has
 * left. A child of vfork that execs leaves it in its parent's memory, where the thread uses it
 * again.
 */
#ifndef CTRACE_PRELOAD_LIFE_EXEC_ROOM_H
#define CTRACE_PRELOAD_LIFE_EXEC_ROOM_H

#include "preload/core/self.h"

/* NULL if there is none. The caller keeps errno. */
void *ct_exec_room_take(size_t size);

/* The call has come back. */
void ct_exec_room_give_back(void *room);

/* What a child of vfork left with this thread. */
void ct_exec_room_free(struct ct_self *self);

#endif
