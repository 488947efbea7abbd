/*
 * A stack of our own, for work that takes more than the program's may have left: in the last pages
 * of a thread's stack, and on all stacks that the C library knows nothing about, such as those of
 * coroutines and signal handlers.
 */
#ifndef CTRACE_PRELOAD_CORE_WORK_STACK_H
#define CTRACE_PRELOAD_CORE_WORK_STACK_H

#include "self.h"

#define CT_WORK_STACK_SIZE ((size_t)36864) /* with a page that guards its end */

/* The slow side of ct_with_room. */
bool ct_run_aside(struct ct_self *self, void (*work)(void *argument), void *argument);

/*
 * Calls `work`: here if there is room, else on a stack of ours. `self` is the calling thread's.
 * False if that is not to be had, and `work` was not called.
 */
static inline bool ct_with_room(struct ct_self *self, void (*work)(void *argument), void *argument)
{
    if (!ct_self_has_room(self))
        return ct_run_aside(self, work, argument);
    work(argument);
    return true;
}

/* Is the address on it? */
static inline bool ct_work_stack_has(const struct ct_self *self, uint64_t address)
{
    return self->work_stack != NULL && address - (uint64_t)self->work_stack < CT_WORK_STACK_SIZE;
}

/* Frees the thread's, which is not running on it. */
void ct_work_stack_free(struct ct_self *self);

#endif
