/* A process whose threads are looked at. */
#ifndef CTRACE_ACCOUNTS_PROCESS_H
#define CTRACE_ACCOUNTS_PROCESS_H

#include "fds.h"
#include "system/procfs.h"
#include "system/syscall_names.h"

struct ct_account_process {
    pid_t pid;
    char name[CT_PROC_NAME_SIZE];
    guint names; /* so many it has had */
    enum ct_syscall_abi abi;
    struct ct_account_fds *fds; /* owned */
    gboolean is_left_out;       /* a thread of the kernel, or this process */
    uint64_t seen_at;           /* the number of that look */
};

/* NULL: it has ended. */
struct ct_account_process *ct_account_process_new(pid_t pid);
void ct_account_process_free(struct ct_account_process *process);

/* It has another name now, and may execute another file. */
void ct_account_process_rename(struct ct_account_process *process, const char *name);

#endif
