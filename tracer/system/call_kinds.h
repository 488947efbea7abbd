/* What a system call is, by its number and arguments: which operation, on what. */
#ifndef CTRACE_SYSTEM_CALL_KINDS_H
#define CTRACE_SYSTEM_CALL_KINDS_H

#include "schema/kernel_events.h"

#include <glib.h>

/* The operation by which it waits, if it does; its number alone does not always tell. */
enum ct_op ct_call_op(const struct ct_kernel_syscall *made);

/* What of its arguments says what it waits for. */
enum ct_syscall_subject ct_call_subject(const struct ct_kernel_syscall *made);

/* How many descriptors a poll or select watches. FALSE: it is neither. What they are lies in the
 * program's memory. */
gboolean ct_call_is_of_set(const struct ct_kernel_syscall *made, uint64_t *count);

/* What it waits for; of a call without an operation of its own, a number that goes with its name,
 * the same in every run. */
uint64_t ct_call_object(const struct ct_kernel_syscall *made);

/* The preload made it in place of the program. */
gboolean ct_call_is_preloads_own(const struct ct_kernel_syscall *made);

#endif
