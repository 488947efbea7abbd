/* The stacks of threads that a Java virtual machine (HotSpot) has for itself. */
#ifndef CTRACE_JVM_STACK_H
#define CTRACE_JVM_STACK_H

#include "symbols/symbols.h"

/* Why they wait. */
#define CT_JVM_IDLE "the Java virtual machine has nothing for it to do"

/* Does such a thread wait there for something to do? Of any process's stack, or NULL. */
gboolean ct_jvm_stack_is_idle(struct ct_symbolizer *symbolizer, const struct ct_process *process,
                              const struct ct_stack *stack);

#endif
