/* The heap of this process's board: its begin, and what a child of fork takes over. */
#ifndef CTRACE_PRELOAD_HEAP_INHERIT_H
#define CTRACE_PRELOAD_HEAP_INHERIT_H

#include "preload/core/board.h"
#include "preload/core/self.h"

/* If not, nothing else of this is to be called: each page that it is on would be paid for. */
static inline bool ct_heap_is_wanted(void)
{
    return ct_control != NULL && ct_control->heap_rate != CT_HEAP_OFF;
}

/* There is a new board. */
void ct_heap_begin(void);

bool ct_heap_is_recorded(void);

/* Whether this process has a board is decided from now on. */
void ct_heap_set_begun(void);

/* Around fork, in the calling thread: notes what is live, for the child alone, whose memory is a
 * copy while the board is not. */
void ct_heap_fork_begin(void);
void ct_heap_fork_end(void);

/* This thread is between the two: whether the child has a board is not decided. */
bool ct_heap_is_forking(void);

/* In the child, before its parent's board is unmapped: the stacks of what it noted stay. */
void ct_heap_forked(void);

/* In the child, whose first thread has begun on a board of its own: what it has is live here, too.
 * Then, and without a board, ct_heap_fork_end(). */
void ct_heap_inherit(struct ct_self *self, const struct ct_board *parent);

#endif
