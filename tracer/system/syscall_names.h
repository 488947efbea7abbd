/* System calls by their numbers. */
#ifndef CTRACE_SYSTEM_SYSCALL_NAMES_H
#define CTRACE_SYSTEM_SYSCALL_NAMES_H

#include "schema/syscalls.h"

#include <stdint.h>

/* Whose numbers: those of 32-bit programs are others, on the same kernel. */
enum ct_syscall_abi { CT_SYSCALL_ABI_OWN, CT_SYSCALL_ABI_32_BIT, CT_SYSCALL_ABI_COUNT };

/* The names that were looked up so far. */
struct ct_syscall_names;

struct ct_syscall_names *ct_syscall_names_new(void);
void ct_syscall_names_free(struct ct_syscall_names *names);

struct ct_named_syscall {
    enum ct_syscall call; /* CT_SYSCALL_OTHER for one that is not in the schema's tables */
    const char *name;     /* borrowed from the names */
};

/*
 * The name is as <sys/syscall.h> has it; "unknown" where nobody knows. Of what 32-bit programs call
 * by a name of their own, that of the 64-bit ones: futex for futex_time64.
 */
struct ct_named_syscall ct_syscall_names_find(struct ct_syscall_names *names,
                                              enum ct_syscall_abi abi, int64_t number);

/* "%fd *buf count": its recorded arguments, as the schema writes them. "" if there are none. */
const char *ct_syscall_arguments(enum ct_syscall call);

#endif
