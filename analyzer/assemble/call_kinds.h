/* The class of a system call, as descriptors have it. */
#ifndef CTRACE_ASSEMBLE_CALL_KINDS_H
#define CTRACE_ASSEMBLE_CALL_KINDS_H

#include "model/model.h"
#include "system/call_kinds.h"

/* The class of a wait in it, as its process's descriptors are now. */
enum ct_class ct_call_class(const struct ct_process *process, const struct ct_kernel_syscall *made);

#endif
