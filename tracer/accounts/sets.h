/* What a poll or select of another process watches: that lies in its memory, which is read. */
#ifndef CTRACE_ACCOUNTS_SETS_H
#define CTRACE_ACCOUNTS_SETS_H

#include "fds.h"
#include "schema/kernel_events.h"
#include "system/syscall_names.h"

/* The class of a wait for any of them. Where they cannot be read, NET if there are any. */
enum ct_class ct_account_set_class(pid_t pid, enum ct_syscall_abi abi, struct ct_account_fds *fds,
                                   const struct ct_kernel_syscall *made);

#endif
