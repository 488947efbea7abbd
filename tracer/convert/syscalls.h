/* System calls by their numbers. */
#ifndef CTRACE_CONVERT_SYSCALLS_H
#define CTRACE_CONVERT_SYSCALLS_H

#include "schema/syscalls.h"

#include <stdint.h>

/* Whose numbers: those of 32-bit programs are others, on the same kernel. */
enum ct_syscall_abi { CT_SYSCALL_ABI_OWN, CT_SYSCALL_ABI_32_BIT, CT_SYSCALL_ABI_COUNT };

/*
 * The name, as <sys/syscall.h> has it; "unknown" where nobody knows. Of what 32-bit programs call
 * by a name of their own, that of the 64-bit ones: futex for futex_time64. Static.
 */
const char *ct_syscall_name(enum ct_syscall_abi abi, int64_t number);

/* CT_SYSCALL_OTHER for one that is not in the schema's tables. */
enum ct_syscall ct_syscall_of(enum ct_syscall_abi abi, int64_t number);

/* "%fd *buf count": its recorded arguments, as the schema writes them. "" if there are none. */
const char *ct_syscall_arguments(enum ct_syscall call);

#endif
