/*
 * syscall(): runtimes make their futex waits with it (Rust's standard library among them), and
 * others what the C library has no function for. Each number that may wait has a row; the rest
 * passes.
 */
#include "fd.h"
#include "hook.h"
#include "raw.h"
#include "unwind.h"

#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <unistd.h>

ct_syscall_function ct_real_syscall;

static const struct ct_hook hook_syscall __attribute__((section("ct_hooks"), used, aligned(8))) = {
    "syscall", NULL, (void **)&ct_real_syscall};

ct_syscall_function ct_raw_syscall(void)
{
    ct_hook_resolve(&hook_syscall);
    return ct_real_syscall;
}

#define ARGUMENTS 6

struct call {
    long number;
    unsigned long arguments[ARGUMENTS];
    const void *site;
};

static long make(const struct call *call)
{
    const unsigned long *a = call->arguments;

    return ct_syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
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

    if (call->arguments[1] == 0 || !ct_memory_is_readable(&waiters->uaddr))
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

/* ---- Those that the C library has functions for, too. ---- */

enum subject {
    NOTHING,    /* no object */
    DESCRIPTOR, /* the first argument */
    SOCKET,     /* the first argument, and the class is net */
    ID,         /* the first argument, as a number */
    EPOLL,      /* the first argument, and its class is that of what it watches */

};

static const struct row {
    long number;
    enum ct_op op;
    enum ct_class class; /* UNKNOWN: the descriptor's */
    enum subject subject;
} rows[] = {
    {SYS_read, CT_OP_READ, CT_CLASS_UNKNOWN, DESCRIPTOR},
    {SYS_readv, CT_OP_READV, CT_CLASS_UNKNOWN, DESCRIPTOR},
    {SYS_pread64, CT_OP_PREAD, CT_CLASS_UNKNOWN, DESCRIPTOR},
    {SYS_preadv, CT_OP_PREADV, CT_CLASS_UNKNOWN, DESCRIPTOR},
    {SYS_preadv2, CT_OP_PREADV, CT_CLASS_UNKNOWN, DESCRIPTOR},
    {SYS_write, CT_OP_WRITE, CT_CLASS_UNKNOWN, DESCRIPTOR},
    {SYS_writev, CT_OP_WRITEV, CT_CLASS_UNKNOWN, DESCRIPTOR},
    {SYS_pwrite64, CT_OP_PWRITE, CT_CLASS_UNKNOWN, DESCRIPTOR},
    {SYS_pwritev, CT_OP_PWRITEV, CT_CLASS_UNKNOWN, DESCRIPTOR},
    {SYS_pwritev2, CT_OP_PWRITEV, CT_CLASS_UNKNOWN, DESCRIPTOR},
    {SYS_recvfrom, CT_OP_RECVFROM, CT_CLASS_NET, SOCKET},
    {SYS_recvmsg, CT_OP_RECVMSG, CT_CLASS_NET, SOCKET},
    {SYS_recvmmsg, CT_OP_RECVMMSG, CT_CLASS_NET, SOCKET},
    {SYS_sendto, CT_OP_SENDTO, CT_CLASS_NET, SOCKET},
    {SYS_sendmsg, CT_OP_SENDMSG, CT_CLASS_NET, SOCKET},
    {SYS_sendmmsg, CT_OP_SENDMMSG, CT_CLASS_NET, SOCKET},
    {SYS_accept, CT_OP_ACCEPT, CT_CLASS_NET, SOCKET},
    {SYS_accept4, CT_OP_ACCEPT, CT_CLASS_NET, SOCKET},
    {SYS_connect, CT_OP_CONNECT, CT_CLASS_NET, SOCKET},
    {SYS_sendfile, CT_OP_SENDFILE, CT_CLASS_UNKNOWN, DESCRIPTOR},
    {SYS_fsync, CT_OP_FSYNC, CT_CLASS_SYSCALL, DESCRIPTOR},
    {SYS_fdatasync, CT_OP_FDATASYNC, CT_CLASS_SYSCALL, DESCRIPTOR},
    {SYS_openat, CT_OP_OPEN, CT_CLASS_SYSCALL, NOTHING},
    {SYS_openat2, CT_OP_OPEN, CT_CLASS_SYSCALL, NOTHING},
    {SYS_flock, CT_OP_FLOCK, CT_CLASS_SYNC, DESCRIPTOR},
    {SYS_ioctl, CT_OP_IOCTL, CT_CLASS_UNKNOWN, DESCRIPTOR},
    {SYS_epoll_pwait, CT_OP_EPOLL_WAIT, CT_CLASS_UNKNOWN, EPOLL},
    {SYS_epoll_pwait2, CT_OP_EPOLL_WAIT, CT_CLASS_UNKNOWN, EPOLL},
    {SYS_clock_nanosleep, CT_OP_NANOSLEEP, CT_CLASS_SLEEP, NOTHING},
    {SYS_nanosleep, CT_OP_NANOSLEEP, CT_CLASS_SLEEP, NOTHING},
    {SYS_wait4, CT_OP_WAITPID, CT_CLASS_SYSCALL, ID},
    {SYS_waitid, CT_OP_WAITPID, CT_CLASS_SYSCALL, NOTHING},
    {SYS_semtimedop, CT_OP_SEMOP, CT_CLASS_SYNC, ID},
    {SYS_msgsnd, CT_OP_MSGSND, CT_CLASS_SYNC, ID},
    {SYS_msgrcv, CT_OP_MSGRCV, CT_CLASS_SYNC, ID},
    {SYS_mq_timedsend, CT_OP_MQ_SEND, CT_CLASS_SYNC, DESCRIPTOR},
    {SYS_mq_timedreceive, CT_OP_MQ_RECEIVE, CT_CLASS_SYNC, DESCRIPTOR},
    {SYS_rt_sigtimedwait, CT_OP_SIGWAIT, CT_CLASS_SLEEP, NOTHING},
    {SYS_rt_sigsuspend, CT_OP_SIGSUSPEND, CT_CLASS_SLEEP, NOTHING},
#ifdef SYS_open /* older calls, which newer machines never had */
    {SYS_open, CT_OP_OPEN, CT_CLASS_SYSCALL, NOTHING},
    {SYS_epoll_wait, CT_OP_EPOLL_WAIT, CT_CLASS_UNKNOWN, EPOLL},
    {SYS_pause, CT_OP_PAUSE, CT_CLASS_SLEEP, NOTHING},
#endif
};

/* Row of each number, and one more, so that 0 is none; filled before there is a second thread. */
static uint8_t row_of[512];

_Static_assert(sizeof(rows) / sizeof(rows[0]) < 256, "a row fits a byte");

static __attribute__((constructor)) void index_rows(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if ((size_t)rows[i].number < sizeof(row_of))
            row_of[rows[i].number] = (uint8_t)(i + 1);
}

static long call_row(const struct call *call, const struct row *row)
{
    struct ct_wait wait;
    unsigned long first = call->arguments[0];
    bool has_fd = row->subject == DESCRIPTOR || row->subject == SOCKET;
    enum ct_class class = row->class;

    if ((has_fd && !ct_fd_may_wait((int)first)) || !ct_wait_begin(&wait, row->op, call->site))
        return make(call);
    if (class == CT_CLASS_UNKNOWN)
        class = row->subject == EPOLL ? ct_fd_epoll_class((int)first) : ct_fd_class((int)first);
    ct_wait_subject(&wait, class, row->subject == NOTHING ? 0 : first);
    return finish(&wait, make(call));
}

/* ---- The hook. ---- */

CT_EXPORT long syscall(long number, ...);

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
        if (call.arguments[0] <= SECCOMP_SET_MODE_FILTER)
            ct_process_exit(-1); /* as for prctl */
        return make(&call);
    case SYS_close:
        ct_fd_forget((int)call.arguments[0]);
        return make(&call);
    case SYS_write:
        if ((int)call.arguments[0] == CT_UNWINDER_FD)
            return ct_unwinder_write((const void *)call.arguments[1]);
        return call_row(&call, &rows[row_of[number] - 1]);
    default:
        if ((unsigned long)number < sizeof(row_of) && row_of[number] != 0)
            return call_row(&call, &rows[row_of[number] - 1]);
        return make(&call);
    }
}
