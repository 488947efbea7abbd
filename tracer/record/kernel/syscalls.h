/* System calls by their numbers. */
#ifndef CTRACE_RECORD_KERNEL_SYSCALLS_H
#define CTRACE_RECORD_KERNEL_SYSCALLS_H

#include "schema/syscalls.h"

#include <stdint.h>

/* The name, as <sys/syscall.h> has it; "unknown" where nobody knows. Static. */
const char *ct_syscall_name(int64_t number);

/* CT_SYSCALL_OTHER for one that is not in the schema's tables. */
enum ct_syscall ct_syscall_of(int64_t number);

/* "%fd *buf count": its recorded arguments, as the schema writes them. "" if there are none. */
const char *ct_syscall_arguments(enum ct_syscall call);

#endif
