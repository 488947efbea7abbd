/*
 * The system calls that matter: those in which a thread may wait, and those that say what a
 * descriptor is. The preload's syscall() and the kernel layer take them from here.
 */
#ifndef CTRACE_SCHEMA_SYSCALLS_H
#define CTRACE_SCHEMA_SYSCALLS_H

#include <stdint.h>

#define CT_SYSCALL_ARGUMENTS 6

/*
 * By this bitset of a FUTEX_WAIT_BITSET a preload's own waits are known, of which no report tells:
 * nobody else has reason to wait for some bits of a futex and to name just these.
 */
#define CT_OWN_FUTEX_BITSET UINT32_C(0xc7ace000)

/* What of a call's arguments says what it waits for. */
enum ct_syscall_subject {
    CT_SUBJECT_NOTHING,
    CT_SUBJECT_FD,    /* the first is a descriptor */
    CT_SUBJECT_EPOLL, /* the first is a descriptor, and what that watches decides the class */
    CT_SUBJECT_ID,    /* the first is a number */
    CT_SUBJECT_OWN    /* it takes a look of its own */
};

/*
 * SYSCALL(name, operation, subject, arguments). The class is the operation's; where that is
 * UNKNOWN, the descriptor's. Of the arguments those are named that are recorded, as lttng-modules
 * names them; a % marks an int, and a * an address. The others are 64 bits wide.
 */
#define CT_WAITING_SYSCALLS(SYSCALL)                                                 \
    SYSCALL(read, READ, FD, "%fd *buf count")                                        \
    SYSCALL(readv, READV, FD, "%fd *vec vlen")                                       \
    SYSCALL(pread64, PREAD, FD, "%fd *buf count pos")                                \
    SYSCALL(preadv, PREADV, FD, "%fd *vec vlen")                                     \
    SYSCALL(preadv2, PREADV, FD, "%fd *vec vlen")                                    \
    SYSCALL(write, WRITE, FD, "%fd *buf count")                                      \
    SYSCALL(writev, WRITEV, FD, "%fd *vec vlen")                                     \
    SYSCALL(pwrite64, PWRITE, FD, "%fd *buf count pos")                              \
    SYSCALL(pwritev, PWRITEV, FD, "%fd *vec vlen")                                   \
    SYSCALL(pwritev2, PWRITEV, FD, "%fd *vec vlen")                                  \
    SYSCALL(recvfrom, RECVFROM, FD, "%fd *ubuf size flags")                          \
    SYSCALL(recvmsg, RECVMSG, FD, "%fd *msg flags")                                  \
    SYSCALL(recvmmsg, RECVMMSG, FD, "%fd *mmsg vlen flags")                          \
    SYSCALL(sendto, SENDTO, FD, "%fd *buff len flags")                               \
    SYSCALL(sendmsg, SENDMSG, FD, "%fd *msg flags")                                  \
    SYSCALL(sendmmsg, SENDMMSG, FD, "%fd *mmsg vlen flags")                          \
    SYSCALL(accept, ACCEPT, FD, "%fd *upeer_sockaddr")                               \
    SYSCALL(accept4, ACCEPT, FD, "%fd *upeer_sockaddr *upeer_addrlen flags")         \
    SYSCALL(connect, CONNECT, FD, "%fd *uservaddr addrlen")                          \
    SYSCALL(sendfile, SENDFILE, FD, "%out_fd %in_fd *offset count")                  \
    SYSCALL(splice, SPLICE, FD, "%fd_in *off_in %fd_out *off_out len flags")         \
    SYSCALL(copy_file_range, COPY_FILE_RANGE, FD, "%fd_in *off_in %fd_out *off_out") \
    SYSCALL(fsync, FSYNC, FD, "%fd")                                                 \
    SYSCALL(fdatasync, FDATASYNC, FD, "%fd")                                         \
    SYSCALL(sync_file_range, SYNC_FILE_RANGE, FD, "%fd offset nbytes flags")         \
    SYSCALL(syncfs, SYNCFS, FD, "%fd")                                               \
    SYSCALL(sync, SYNC, NOTHING, "")                                                 \
    SYSCALL(msync, MSYNC, NOTHING, "*start len flags")                               \
    SYSCALL(fallocate, FALLOCATE, FD, "%fd mode offset len")                         \
    SYSCALL(ftruncate, FTRUNCATE, FD, "%fd length")                                  \
    SYSCALL(openat, OPEN, NOTHING, "%dfd *filename flags mode")                      \
    SYSCALL(openat2, OPEN, NOTHING, "%dfd *filename *how")                           \
    SYSCALL(unlinkat, UNLINK, NOTHING, "%dfd *pathname flag")                        \
    SYSCALL(renameat2, RENAME, NOTHING, "%olddfd *oldname %newdfd *newname flags")   \
    SYSCALL(flock, FLOCK, FD, "%fd %cmd")                                            \
    SYSCALL(ioctl, IOCTL, FD, "%fd %cmd arg")                                        \
    SYSCALL(epoll_pwait, EPOLL_WAIT, EPOLL, "%epfd *events %maxevents timeout")      \
    SYSCALL(epoll_pwait2, EPOLL_WAIT, EPOLL, "%epfd *events %maxevents timeout")     \
    SYSCALL(clock_nanosleep, NANOSLEEP, NOTHING, "%which_clock flags *rqtp")         \
    SYSCALL(nanosleep, NANOSLEEP, NOTHING, "*rqtp")                                  \
    SYSCALL(wait4, WAITPID, ID, "%upid *stat_addr %options")                         \
    SYSCALL(waitid, WAITPID, NOTHING, "%which %upid *infop %options")                \
    SYSCALL(semtimedop, SEMOP, ID, "%semid *tsops nsops *timeout")                   \
    SYSCALL(msgsnd, MSGSND, ID, "%msqid *msgp msgsz msgflg")                         \
    SYSCALL(msgrcv, MSGRCV, ID, "%msqid *msgp msgsz msgtyp msgflg")                  \
    SYSCALL(mq_timedsend, MQ_SEND, FD, "%mqdes *u_msg_ptr msg_len msg_prio")         \
    SYSCALL(mq_timedreceive, MQ_RECEIVE, FD, "%mqdes *u_msg_ptr msg_len")            \
    SYSCALL(rt_sigtimedwait, SIGWAIT, NOTHING, "*uthese *uinfo *uts")                \
    SYSCALL(rt_sigsuspend, SIGSUSPEND, NOTHING, "*unewset")                          \
    SYSCALL(futex, FUTEX_WAIT, OWN, "*uaddr %op val *utime *uaddr2 val3")            \
    SYSCALL(io_uring_enter, IO_URING_ENTER, OWN, "%fd to_submit min_complete")       \
    SYSCALL(ppoll, POLL, OWN, "*ufds nfds *tsp")                                     \
    SYSCALL(pselect6, SELECT, OWN, "%n *inp *outp *exp *tsp")                        \
    SYSCALL(fcntl, FCNTL_LOCK, OWN, "%fd %cmd arg")

/* Of Linux 5.16. */
#define CT_RECENT_WAITING_SYSCALLS(SYSCALL) \
    SYSCALL(futex_waitv, FUTEX_WAIT, OWN, "*waiters nr_futexes flags timeout")

/* Those that newer architectures never had. */
#define CT_OLD_WAITING_SYSCALLS(SYSCALL)                                       \
    SYSCALL(open, OPEN, NOTHING, "*filename flags mode")                       \
    SYSCALL(unlink, UNLINK, NOTHING, "*pathname")                              \
    SYSCALL(rename, RENAME, NOTHING, "*oldname *newname")                      \
    SYSCALL(epoll_wait, EPOLL_WAIT, EPOLL, "%epfd *events %maxevents timeout") \
    SYSCALL(poll, POLL, OWN, "*ufds nfds %timeout_msecs")                      \
    SYSCALL(select, SELECT, OWN, "%n *inp *outp *exp *tvp")                    \
    SYSCALL(pause, PAUSE, NOTHING, "")

/*
 * SYSCALL(name, arguments): these say what a descriptor is, and their result is one where they open
 * one. And one that goes on with the call that a signal had interrupted.
 */
#define CT_TELLING_SYSCALLS(SYSCALL)                     \
    SYSCALL(socket, "%family %type %protocol")           \
    SYSCALL(dup, "%fildes")                              \
    SYSCALL(dup3, "%oldfd %newfd flags")                 \
    SYSCALL(close, "%fd")                                \
    SYSCALL(close_range, "%fd %max_fd flags")            \
    SYSCALL(eventfd2, "count flags")                     \
    SYSCALL(timerfd_create, "%clockid flags")            \
    SYSCALL(signalfd4, "%ufd *user_mask sizemask flags") \
    SYSCALL(epoll_create1, "flags")                      \
    SYSCALL(epoll_ctl, "%epfd %op %fd *event")           \
    SYSCALL(inotify_init1, "flags")                      \
    SYSCALL(mq_open, "*u_name oflag mode *u_attr")       \
    SYSCALL(io_uring_setup, "entries *params")           \
    SYSCALL(restart_syscall, "")

#define CT_OLD_TELLING_SYSCALLS(SYSCALL)          \
    SYSCALL(dup2, "%oldfd %newfd")                \
    SYSCALL(eventfd, "count")                     \
    SYSCALL(signalfd, "%ufd *user_mask sizemask") \
    SYSCALL(epoll_create, "size")                 \
    SYSCALL(inotify_init, "")

enum ct_syscall {
    CT_SYSCALL_OTHER, /* any that is not in the tables */
#define CT_SYSCALL_SYMBOL(name, ...) CT_SYSCALL_##name,
    CT_WAITING_SYSCALLS(CT_SYSCALL_SYMBOL) CT_RECENT_WAITING_SYSCALLS(CT_SYSCALL_SYMBOL)
        CT_OLD_WAITING_SYSCALLS(CT_SYSCALL_SYMBOL) CT_TELLING_SYSCALLS(CT_SYSCALL_SYMBOL)
            CT_OLD_TELLING_SYSCALLS(CT_SYSCALL_SYMBOL)
#undef CT_SYSCALL_SYMBOL
                CT_SYSCALL_COUNT
};

#endif
