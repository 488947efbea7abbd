/*
 * The stacks of Go programs. A thread whose goroutine waits looks for another one, on a stack of
 * the runtime's own; by frame pointers, the goroutine that it ran last seems to have called that.
 */
#ifndef CTRACE_GO_STACK_H
#define CTRACE_GO_STACK_H

#include "symbols/symbols.h"

/* Why its threads wait. */
#define CT_GO_IDLE "parked by the Go runtime"

/* What its reader has to know. */
#define CT_GO_NOTE                                                                        \
    "the kernel sees threads, not goroutines: locks and channels between those are not "  \
    "here, but in Go's own block and mutex profiles (net/http/pprof); threads for which " \
    "the Go runtime has nothing to run are called idle"

struct ct_go_stack {
    uint32_t count;   /* of the stack's addresses that are its own: the innermost ones */
    gboolean is_idle; /* the runtime has nothing for the thread to run */
};

/* Of any process's stack, or NULL. */
struct ct_go_stack ct_go_stack_look(struct ct_symbolizer *symbolizer,
                                    const struct ct_process *process, const struct ct_stack *stack);

/* Whether one of the processes that have stacks is a Go program. */
gboolean ct_go_is_in(struct ct_symbolizer *symbolizer, const struct ct_model *model);

#endif
