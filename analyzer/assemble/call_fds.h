/* What the system calls of a process make of its descriptors. */
#ifndef CTRACE_ASSEMBLE_CALL_FDS_H
#define CTRACE_ASSEMBLE_CALL_FDS_H

#include "assemble/descriptors.h"
#include "schema/kernel_events.h"

/* The call has succeeded. */
void ct_call_follow_fds(struct ct_descriptors *descriptors, struct ct_process *process,
                        const struct ct_kernel_syscall *made, int64_t result);

#endif
