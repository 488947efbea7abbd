/* Stacks: taken, interned on the board, and the modules that their addresses lie in. */
#ifndef CTRACE_PRELOAD_STACK_STACK_H
#define CTRACE_PRELOAD_STACK_STACK_H

#include "preload/core/self.h"

/*
 * The id of the calling thread's stack, from the caller of the hook outwards; `site` is the
 * hook's return address, the stack's only frame if it cannot be unwound. CT_STACK_LOST if the
 * board is full.
 */
uint32_t ct_stack_capture(struct ct_self *self, uint64_t site);

/* Is the code there ctrace's own? */
bool ct_stack_is_own(uint64_t address);

/* Frames of what is there are our own, too. */
void ct_stack_add_own(const void *begin, const void *end);

/* Once per process image. */
void ct_stack_init(void);

#endif
