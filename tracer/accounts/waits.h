/* What a thread waits for, out of what /proc shows of it. */
#ifndef CTRACE_ACCOUNTS_WAITS_H
#define CTRACE_ACCOUNTS_WAITS_H

#include "fds.h"
#include "look.h"
#include "system/syscall_names.h"

struct ct_wait {
    enum ct_class class; /* RUNNING: it has a CPU, or is in line for one */
    enum ct_op op;
    const char *call;     /* borrowed from the names; of a system call */
    uint64_t object;      /* as the operation has it: a descriptor, an address ... */
    gboolean is_nameless; /* what the object is is not ours to see */
};

/* Whose waits are looked at. All borrowed. */
struct ct_waiter {
    pid_t pid;
    enum ct_syscall_abi abi;
    struct ct_syscall_names *names;
    struct ct_account_fds *fds;
};

struct ct_wait ct_wait_find(const struct ct_waiter *waiter, const struct ct_look *look,
                            uint64_t now_ns);

const char *ct_wait_op_name(const struct ct_wait *wait); /* "read", "munmap", "major page fault" */

/* It waits, and for what is not ours to see. */
gboolean ct_wait_is_hidden(const struct ct_wait *wait);
enum ct_object ct_wait_object(const struct ct_wait *wait);

#endif
