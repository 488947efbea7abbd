#include "call_kinds.h"

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

static const enum ct_object objects[CT_OP_COUNT] = {
#define OP_OBJECT(symbol, name, class, object) [CT_OP_##symbol] = CT_OBJECT_##object,
    CT_OPS(OP_OBJECT)
#undef OP_OBJECT
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

enum ct_syscall_subject ct_call_subject(const struct ct_kernel_syscall *made)
{
    return rows[made->call].subject;
}

gboolean ct_call_is_of_set(const struct ct_kernel_syscall *made, uint64_t *count)
{
    switch (made->call) {
    case CT_SYSCALL_poll:
    case CT_SYSCALL_ppoll:
        *count = made->arguments[1];
        return TRUE;
    case CT_SYSCALL_select:
    case CT_SYSCALL_pselect6:
        *count = made->arguments[0];
        return TRUE;
    default:
        return FALSE;
    }
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
    enum ct_op op = ct_call_op(made);
    uint64_t count = 0;

    switch (objects[op]) {
    case CT_OBJECT_FD:
        return (uint64_t)(int32_t)made->arguments[0];
    case CT_OBJECT_FD_SET:
        ct_call_is_of_set(made, &count);
        return count;
    case CT_OBJECT_FUTEX:
        return made->call == CT_SYSCALL_futex ? made->arguments[0] : 0;
    case CT_OBJECT_PROCESS:
        return made->call == CT_SYSCALL_wait4 ? (uint64_t)(int32_t)made->arguments[0] : 0;
    case CT_OBJECT_IPC:
        return made->arguments[0];
    default:
        return op == CT_OP_OTHER_SYSCALL ? number_of_name(made->name) : 0;
    }
}

gboolean ct_call_is_preloads_own(const struct ct_kernel_syscall *made)
{
    return made->call == CT_SYSCALL_futex &&
           (made->arguments[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET &&
           (uint32_t)made->arguments[5] == CT_OWN_FUTEX_BITSET;
}
