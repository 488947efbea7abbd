#include "assemble/call_kinds.h"

#include <fcntl.h>
#include <linux/futex.h>

static const struct {
    enum ct_op op;
    enum ct_syscall_subject subject;
} rows[CT_SYSCALL_COUNT] = {[CT_SYSCALL_OTHER] = {CT_OP_OTHER_SYSCALL, CT_SUBJECT_NOTHING},
#define ROW(name, op, subject, arguments) [CT_SYSCALL_##name] = {CT_OP_##op, CT_SUBJECT_##subject},
                            CT_WAITING_SYSCALLS(ROW) CT_RECENT_WAITING_SYSCALLS(ROW)
                                CT_OLD_WAITING_SYSCALLS(ROW)
#undef ROW
#define ROW(name, arguments) [CT_SYSCALL_##name] = {CT_OP_OTHER_SYSCALL, CT_SUBJECT_NOTHING},
                                    CT_TELLING_SYSCALLS(ROW) CT_OLD_TELLING_SYSCALLS(ROW)
#undef ROW
};

static gboolean is_futex_wait(uint64_t operation)
{
    switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
    case FUTEX_WAIT_REQUEUE_PI:
        return TRUE;
    default:
        return FALSE;
    }
}

enum ct_op ct_call_op(const struct ct_kernel_syscall *made)
{
    switch (made->call) {
    case CT_SYSCALL_futex:
        return is_futex_wait(made->arguments[1]) ? CT_OP_FUTEX_WAIT : CT_OP_OTHER_SYSCALL;
    case CT_SYSCALL_fcntl:
        return made->arguments[1] == F_SETLKW || made->arguments[1] == F_OFD_SETLKW
                   ? CT_OP_FCNTL_LOCK
                   : CT_OP_OTHER_SYSCALL;
    default:
        return rows[made->call].op;
    }
}

/* What poll() and select() watch lies in the program's memory: for something, or only for time. */
static enum ct_class set_class(uint64_t count)
{
    return count > 0 ? CT_CLASS_NET : CT_CLASS_SLEEP;
}

/* The class of a wait on its descriptor. */
static enum ct_class fd_class(const struct ct_process *process,
                              const struct ct_kernel_syscall *made)
{
    const struct ct_fd *fd =
        g_hash_table_lookup(process->fds, GINT_TO_POINTER((int32_t)made->arguments[0]));

    switch (made->call) {
    case CT_SYSCALL_poll:
    case CT_SYSCALL_ppoll:
        return set_class(made->arguments[1]);
    case CT_SYSCALL_select:
    case CT_SYSCALL_pselect6:
        return set_class(made->arguments[0]);
    default:
        break;
    }
    if (rows[made->call].subject == CT_SUBJECT_EPOLL)
        return fd && fd->watched_classes ? ct_class_of_set(fd->watched_classes) : CT_CLASS_NET;
    return ct_fd_kind_class(fd ? fd->kind : CT_FD_KIND_UNKNOWN);
}

/* The same in every run, and for each name another (FNV-1a). */
static uint64_t number_of_name(const char *name)
{
    uint64_t number = UINT64_C(0xcbf29ce484222325);

    for (; *name; name++)
        number = (number ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return number;
}

uint64_t ct_call_object(const struct ct_kernel_syscall *made)
{
    switch (ct_op_object(ct_call_op(made))) {
    case CT_OBJECT_FD:
        return (uint64_t)(int32_t)made->arguments[0];
    case CT_OBJECT_FD_SET:
        return made->call == CT_SYSCALL_poll || made->call == CT_SYSCALL_ppoll ? made->arguments[1]
                                                                               : made->arguments[0];
    case CT_OBJECT_FUTEX:
        return made->call == CT_SYSCALL_futex ? made->arguments[0] : 0;
    case CT_OBJECT_PROCESS:
        return made->call == CT_SYSCALL_wait4 ? (uint64_t)(int32_t)made->arguments[0] : 0;
    case CT_OBJECT_IPC:
        return made->arguments[0];
    default:
        return ct_call_op(made) == CT_OP_OTHER_SYSCALL ? number_of_name(made->name) : 0;
    }
}

enum ct_class ct_call_class(const struct ct_process *process, const struct ct_kernel_syscall *made)
{
    enum ct_class class = ct_op_class(ct_call_op(made));

    return class == CT_CLASS_UNKNOWN ? fd_class(process, made) : class;
}

gboolean ct_call_is_preloads_own(const struct ct_kernel_syscall *made)
{
    return made->call == CT_SYSCALL_futex &&
           (made->arguments[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET &&
           (uint32_t)made->arguments[5] == CT_OWN_FUTEX_BITSET;
}
