/*
 * syscall(): runtimes make their futex waits with it (Rust's standard library among them), and
 * others what the C library has no function for. Each number that may wait has a row; the rest
 * passes.
 */
#include "preload/core/memory.h"
#include "preload/life/process.h"
#include "preload/wait/fd.h"
#include "schema/syscalls.h"
#include "wrap.h"

#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

CT_REAL(long, syscall, (long number, ...))

#define ARGUMENTS 6

struct call {
    long number;
    unsigned long arguments[ARGUMENTS];
    const void *site;
};

static long make(const struct call *call)
{
    const unsigned long *a = call->arguments;

    CT_NEED_REAL(syscall);
    return real_syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* The end of a wait for what the call gave. */
static long finish(struct ct_wait *wait, long result)
{
    ct_wait_end(wait, CT_ERRNO_OUTCOME);
    return result;
}

/* ---- Futexes. ---- */

static long wait_on_futex(const struct call *call, const void *futex)
{
    struct ct_wait wait;

    if (!ct_wait_begin_on(&wait, CT_OP_FUTEX_WAIT, futex, call->site))
        return make(call);
    return finish(&wait, make(call));
}

static long wake_futex(const struct call *call, const void *futex)
{
    struct ct_self *self;

    if (!ct_has_waiters(futex) || (self = ct_self_enter()) == NULL)
        return make(call);
    uint64_t ticks = ct_ticks();
    long result = make(call);
    if (result >= 0)
        ct_wake(self, CT_OP_FUTEX_WAKE, (uint64_t)futex, ticks, call->site);
    return result;
}

static long call_futex(const struct call *call)
{
    const void *futex = (const void *)call->arguments[0];

    switch (call->arguments[1] & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
    case FUTEX_WAIT_REQUEUE_PI:
        return wait_on_futex(call, futex);
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
    case FUTEX_WAKE_OP:
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
    case FUTEX_CMP_REQUEUE_PI:
    case FUTEX_UNLOCK_PI:
        return wake_futex(call, futex);
    default:
        return make(call);
    }
}

/* Waits for any of several; the first one stands for them. */
static long call_futex_waitv(const struct call *call)
{
    const struct futex_waitv *waiters = (const struct futex_waitv *)call->arguments[0];

    if (call->arguments[1] == 0 || !ct_memory_is_readable(waiters, sizeof(*waiters)))
        return make(call);
    return wait_on_futex(call, (const void *)(uintptr_t)waiters->uaddr);
}

/* ---- io_uring: waiting for completions. ---- */

static long call_io_uring_enter(const struct call *call)
{
    struct ct_wait wait;
    unsigned long least = call->arguments[2];
    unsigned long flags = call->arguments[3];

    if (least == 0 || !(flags & IORING_ENTER_GETEVENTS) ||
        !ct_wait_begin(&wait, CT_OP_IO_URING_ENTER, call->site))
        return make(call);
    ct_wait_subject(&wait, CT_CLASS_SYSCALL, call->arguments[0]);
    return finish(&wait, make(call));
}

/* ---- seccomp ---- */

static long call_seccomp(const struct call *call)
{
    bool is_filter = call->arguments[0] == SECCOMP_SET_MODE_FILTER;
    bool makes_fd = is_filter && call->arguments[1] & SECCOMP_FILTER_FLAG_NEW_LISTENER;

    if (!is_filter && call->arguments[0] != SECCOMP_SET_MODE_STRICT)
        return make(call);
    uint64_t when_ns = ct_process_filter_begin();
    long result = make(call);
    /* More than 0 is a thread that could not have the same filter, or a descriptor. */
    ct_process_filter_end(when_ns, result == 0 || (result > 0 && makes_fd));
    return result;
}

/* ---- Those that the C library has functions for, too. ---- */

static long call_close_range(const struct call *call)
{
    long result = make(call);

    if (result == 0 && !(call->arguments[2] & CLOSE_RANGE_CLOEXEC))
        ct_fd_forget_range((unsigned)call->arguments[0], (unsigned)call->arguments[1]);
    return result;
}

static const struct row {
    long number;
    enum ct_op op;
    enum ct_syscall_subject subject;
} rows[] = {
#define ROW(name, op, subject, arguments) {SYS_##name, CT_OP_##op, CT_SUBJECT_##subject},
    CT_WAITING_SYSCALLS(ROW)
#ifdef SYS_open
        CT_OLD_WAITING_SYSCALLS(ROW)
#endif
#undef ROW
};

/* Row of each number, and one more, so that 0 is none. */
enum row_number {
    ROW_NONE,
#define ROW(name, op, subject, arguments) ROW_##name,
    CT_WAITING_SYSCALLS(ROW)
#ifdef SYS_open
        CT_OLD_WAITING_SYSCALLS(ROW)
#endif
#undef ROW
};

static const uint8_t row_of[512] = {
#define ROW(name, op, subject, arguments) \
    [SYS_##name] = CT_SUBJECT_##subject != CT_SUBJECT_OWN ? ROW_##name : ROW_NONE,
    CT_WAITING_SYSCALLS(ROW)
#ifdef SYS_open
        CT_OLD_WAITING_SYSCALLS(ROW)
#endif
#undef ROW
};

_Static_assert(sizeof(rows) / sizeof(rows[0]) < 256, "a row fits a byte");

static long call_row(const struct call *call, const struct row *row)
{
    struct ct_wait wait;
    unsigned long first = call->arguments[0];
    enum ct_class class = ct_op_class(row->op);

    if ((row->subject == CT_SUBJECT_FD && !ct_fd_may_wait((int)first)) ||
        !ct_wait_begin(&wait, row->op, call->site))
        return make(call);
    if (class == CT_CLASS_UNKNOWN)
        class = row->subject == CT_SUBJECT_EPOLL ? ct_fd_epoll_class((int)first)
                                                 : ct_fd_class((int)first);
    ct_wait_subject(&wait, class, row->subject == CT_SUBJECT_NOTHING ? 0 : first);
    return finish(&wait, make(call));
}

/* ---- The hook. ---- */

long syscall(long number, ...)
{
    struct call call = {.number = number, .site = __builtin_return_address(0)};
    va_list list;

    va_start(list, number);
    for (int i = 0; i < ARGUMENTS; i++)
        call.arguments[i] = va_arg(list, unsigned long);
    va_end(list);
    switch (number) {
    case SYS_futex:
        return call_futex(&call);
#ifdef SYS_futex_waitv
    case SYS_futex_waitv:
        return call_futex_waitv(&call);
#endif
    case SYS_io_uring_enter:
        return call_io_uring_enter(&call);
    case SYS_seccomp:
        return call_seccomp(&call);
    case SYS_setns:
        return setns((int)call.arguments[0], (int)call.arguments[1]);
    case SYS_unshare:
        return unshare((int)call.arguments[0]);
    case SYS_prctl:
        return prctl((int)call.arguments[0], call.arguments[1], call.arguments[2],
                     call.arguments[3], call.arguments[4]);
    case SYS_close_range:
        return call_close_range(&call);
    case SYS_close:
        ct_fd_forget((int)call.arguments[0]);
        return make(&call);
    default:
        if ((unsigned long)number < sizeof(row_of) && row_of[number] != 0)
            return call_row(&call, &rows[row_of[number] - 1]);
        ct_self_settle();
        return make(&call);
    }
}
