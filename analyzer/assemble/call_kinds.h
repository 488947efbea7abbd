/* What a system call is, by its number and arguments: which operation, on what, of which class. */
#ifndef CTRACE_ASSEMBLE_CALL_KINDS_H
#define CTRACE_ASSEMBLE_CALL_KINDS_H

#include "model/model.h"
#include "schema/kernel_events.h"

/* The operation by which it waits, if it does; its number alone does not always tell. */
enum ct_op ct_call_op(const struct ct_kernel_syscall *made);
/* The class of a wait in it, as its process's descriptors are now. */
enum ct_class ct_call_class(const struct ct_process *process, const struct ct_kernel_syscall *made);
/* What it waits for; of a call without an operation of its own, a number that goes with its name,
 * the same in every run. */
uint64_t ct_call_object(const struct ct_kernel_syscall *made);
/* The preload made it in place of the program. */
gboolean ct_call_is_preloads_own(const struct ct_kernel_syscall *made);

#endif
