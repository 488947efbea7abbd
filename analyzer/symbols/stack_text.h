/* A stack as the frames that a reader wants: symbolized, without ctrace's own. */
#ifndef CTRACE_STACK_TEXT_H
#define CTRACE_STACK_TEXT_H

#include "symbols/symbols.h"

/* "worker (convoy.c:42)", leaf first, and what stands for those left out; strings owned by the
 * array. Empty: the stack is lost. */
GPtrArray *ct_stack_frames(struct ct_symbolizer *symbolizer, const struct ct_process *process,
                           uint32_t stack_id);

#endif
