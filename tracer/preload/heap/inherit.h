/* The heap of this process's board: its begin, and what a child of fork takes over. */
#ifndef CTRACE_PRELOAD_HEAP_INHERIT_H
#define CTRACE_PRELOAD_HEAP_INHERIT_H

#include "preload/core/self.h"

/* There is a new board. */
void ct_heap_begin(void);

bool ct_heap_is_recorded(void);

/* Around fork, in the calling thread: notes what is live, for the child alone, whose memory is a
 * copy while the board is not. */
void ct_heap_fork_begin(void);
void ct_heap_fork_end(void);

/* In the child, before its parent's board is unmapped: the stacks of what it noted stay. */
void ct_heap_forked(void);

/* In the child, whose first thread has begun on a board of its own: what it has is live here, too.
 * Then, and without a board, ct_heap_fork_end(). */
void ct_heap_inherit(struct ct_self *self, const struct ct_board *parent);

#endif
