#include "functions.h"

#include <glib.h>
#include <string.h>

/*
 * By how a function's name begins, of Linux 4.19 to 6.18. Functions in which one waits for this as
 * well as for that are not among them, such as wait_woken.
 */
static const struct {
    const char *begin;
    enum ct_op op;
    enum ct_class class;
} functions[] = {
    {"futex_", CT_OP_FUTEX_WAIT, CT_CLASS_SYNC},
    {"ep_poll", CT_OP_EPOLL_WAIT, CT_CLASS_NET},
    {"do_epoll_wait", CT_OP_EPOLL_WAIT, CT_CLASS_NET},
    {"do_sys_poll", CT_OP_POLL, CT_CLASS_NET},
    {"do_poll", CT_OP_POLL, CT_CLASS_NET},
    {"poll_schedule_timeout", CT_OP_POLL, CT_CLASS_NET},
    {"do_select", CT_OP_SELECT, CT_CLASS_NET},
    {"hrtimer_nanosleep", CT_OP_NANOSLEEP, CT_CLASS_SLEEP},
    {"do_nanosleep", CT_OP_NANOSLEEP, CT_CLASS_SLEEP},
    {"common_nsleep", CT_OP_NANOSLEEP, CT_CLASS_SLEEP},
    {"do_wait_intr", CT_OP_NONE, CT_CLASS_UNKNOWN},
    {"do_wait", CT_OP_WAITPID, CT_CLASS_SYSCALL},
    {"kernel_wait4", CT_OP_WAITPID, CT_CLASS_SYSCALL},
    {"pipe_read", CT_OP_READ, CT_CLASS_SYSCALL},
    {"anon_pipe_read", CT_OP_READ, CT_CLASS_SYSCALL},
    {"pipe_write", CT_OP_WRITE, CT_CLASS_SYSCALL},
    {"anon_pipe_write", CT_OP_WRITE, CT_CLASS_SYSCALL},
    {"n_tty_read", CT_OP_READ, CT_CLASS_SYSCALL},
    {"inotify_read", CT_OP_READ, CT_CLASS_SYSCALL},
    {"eventfd_read", CT_OP_READ, CT_CLASS_SYNC},
    {"timerfd_read", CT_OP_READ, CT_CLASS_SLEEP},
    {"signalfd_", CT_OP_READ, CT_CLASS_SLEEP},
    {"inet_csk_accept", CT_OP_ACCEPT, CT_CLASS_NET},
    {"unix_accept", CT_OP_ACCEPT, CT_CLASS_NET},
    {"inet_stream_connect", CT_OP_CONNECT, CT_CLASS_NET},
    {"__inet_stream_connect", CT_OP_CONNECT, CT_CLASS_NET},
    {"inet_wait_for_connect", CT_OP_CONNECT, CT_CLASS_NET},
    {"sk_stream_wait_memory", CT_OP_SENDMSG, CT_CLASS_NET},
    {"sock_alloc_send_pskb", CT_OP_SENDMSG, CT_CLASS_NET},
    {"sk_wait_data", CT_OP_RECVMSG, CT_CLASS_NET},
    {"unix_stream_", CT_OP_RECVMSG, CT_CLASS_NET},
    {"__skb_wait_for_more_packets", CT_OP_RECVMSG, CT_CLASS_NET},
    {"do_sigtimedwait", CT_OP_SIGWAIT, CT_CLASS_SLEEP},
    {"sigsuspend", CT_OP_SIGSUSPEND, CT_CLASS_SLEEP},
    {"io_cqring_wait", CT_OP_IO_URING_ENTER, CT_CLASS_SYSCALL},
    {"jbd2_log_wait_commit", CT_OP_FSYNC, CT_CLASS_SYSCALL},
    {"locks_lock_inode_wait", CT_OP_FLOCK, CT_CLASS_SYNC},
    {"flock_lock_inode_wait", CT_OP_FLOCK, CT_CLASS_SYNC},
    {"do_semtimedop", CT_OP_SEMOP, CT_CLASS_SYNC},
    {"__do_semtimedop", CT_OP_SEMOP, CT_CLASS_SYNC},
    {"do_msgrcv", CT_OP_MSGRCV, CT_CLASS_SYNC},
    {"do_msgsnd", CT_OP_MSGSND, CT_CLASS_SYNC},
};

enum ct_op ct_function_op(const char *function, enum ct_class *class)
{
    *class = CT_CLASS_UNKNOWN;
    for (size_t i = 0; i < G_N_ELEMENTS(functions); i++) {
        if (!g_str_has_prefix(function, functions[i].begin))
            continue;
        *class = functions[i].class;
        return functions[i].op;
    }
    return CT_OP_NONE;
}
