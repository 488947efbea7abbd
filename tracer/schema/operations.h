/*
 * The operations that ctrace knows, the class each one counts in, and what
 * each one waits for. Recorder, traced program and analyzer all take these
 * tables from here; a number in a trace is meaningful only together with them,
 * so rows are appended and never reordered.
 */
#ifndef CTRACE_SCHEMA_OPERATIONS_H
#define CTRACE_SCHEMA_OPERATIONS_H

/*
 * What a thread's time is spent on. Every nanosecond of a thread's life belongs
 * to exactly one class. CLASS(symbol, name).
 */
#define CT_CLASSES(CLASS)       \
    CLASS(RUNNING, "running")   \
    CLASS(RUNNABLE, "runnable") \
    CLASS(NET, "net")           \
    CLASS(SYNC, "sync")         \
    CLASS(SYSCALL, "syscall")   \
    CLASS(SLEEP, "sleep")       \
    CLASS(OTHER, "other")       \
    CLASS(UNKNOWN, "unknown")

enum ct_class {
#define CT_CLASS_SYMBOL(symbol, name) CT_CLASS_##symbol,
    CT_CLASSES(CT_CLASS_SYMBOL)
#undef CT_CLASS_SYMBOL
        CT_CLASS_COUNT
};

/* What the `object` of a wait or wake is. OBJECT(symbol, name, whether it is an address). */
#define CT_OBJECTS(OBJECT)                                                               \
    OBJECT(NONE, "none", 0) /* zero */                                                   \
    OBJECT(LOCK, "mutex", 1)                                                             \
    OBJECT(COND, "condition", 1)                                                         \
    OBJECT(SEMAPHORE, "semaphore", 1)                                                    \
    OBJECT(THREAD, "thread", 0)   /* thread id; the pthread_t where the id is unknown */ \
    OBJECT(PROCESS, "process", 0) /* process id as given to waitpid: -1 is any child */  \
    OBJECT(FD, "fd", 0)           /* file descriptor */                                  \
    OBJECT(FD_SET, "fd set", 0)   /* number of descriptors watched */                    \
    OBJECT(RWLOCK, "rwlock", 1)                                                          \
    OBJECT(SPINLOCK, "spin lock", 1)                                                     \
    OBJECT(BARRIER, "barrier", 1)                                                        \
    OBJECT(ONCE, "once control", 1)                                                      \
    OBJECT(FUTEX, "futex", 1)                                                            \
    OBJECT(IPC, "System V ipc", 0) /* id of the semaphore set or message queue */        \
    OBJECT(MAPPING, "address", 0)  /* place in a file, if one is named; else an address */

enum ct_object {
#define CT_OBJECT_SYMBOL(symbol, name, is_address) CT_OBJECT_##symbol,
    CT_OBJECTS(CT_OBJECT_SYMBOL)
#undef CT_OBJECT_SYMBOL
        CT_OBJECT_COUNT
};

/* What a file descriptor refers to. FD_KIND(symbol, name, class of a wait on it). */
#define CT_FD_KINDS(FD_KIND)                 \
    FD_KIND(UNKNOWN, "unknown", SYSCALL)     \
    FD_KIND(FILE, "file", SYSCALL)           \
    FD_KIND(DIRECTORY, "directory", SYSCALL) \
    FD_KIND(PIPE, "pipe", SYSCALL)           \
    FD_KIND(TTY, "tty", SYSCALL)             \
    FD_KIND(DEVICE, "device", SYSCALL)       \
    FD_KIND(SOCKET_INET, "inet socket", NET) \
    FD_KIND(SOCKET_UNIX, "unix socket", NET) \
    FD_KIND(SOCKET_OTHER, "socket", NET)     \
    FD_KIND(EVENTFD, "eventfd", SYNC)        \
    FD_KIND(TIMERFD, "timerfd", SLEEP)       \
    FD_KIND(SIGNALFD, "signalfd", SLEEP)     \
    FD_KIND(EPOLL, "epoll", NET)             \
    FD_KIND(INOTIFY, "inotify", SYSCALL)     \
    FD_KIND(MQUEUE, "message queue", SYNC)   \
    FD_KIND(IO_URING, "io_uring", SYSCALL)

enum ct_fd_kind {
#define CT_FD_KIND_SYMBOL(symbol, name, class) CT_FD_KIND_##symbol,
    CT_FD_KINDS(CT_FD_KIND_SYMBOL)
#undef CT_FD_KIND_SYMBOL
        CT_FD_KIND_COUNT
};

/* The class of a wait for any of several descriptors, whose classes are given as bits 1 << class.
 */
static inline enum ct_class ct_class_of_set(unsigned class_bits)
{
    static const enum ct_class by_precedence[] = {CT_CLASS_NET, CT_CLASS_SYSCALL, CT_CLASS_SYNC};

    for (unsigned i = 0; i < sizeof(by_precedence) / sizeof(by_precedence[0]); i++)
        if (class_bits & 1u << by_precedence[i])
            return by_precedence[i];
    return CT_CLASS_SLEEP; /* nothing to watch, or timers only */
}

/*
 * OP(symbol, name, class, object). The name is the C function's; for OTHER, what
 * the kernel took the thread off its CPU for, in none of the calls. A class of
 * UNKNOWN here means that the descriptors decide: the event carries the class.
 * Operations that only let others go (unlock, signal, post) never wait, so
 * their class says what their waiters wait in.
 */
#define CT_OPS(OP)                                                     \
    OP(NONE, "none", UNKNOWN, NONE)                                    \
    OP(MUTEX_LOCK, "pthread_mutex_lock", SYNC, LOCK)                   \
    OP(MUTEX_TIMEDLOCK, "pthread_mutex_timedlock", SYNC, LOCK)         \
    OP(MUTEX_UNLOCK, "pthread_mutex_unlock", SYNC, LOCK)               \
    OP(COND_WAIT, "pthread_cond_wait", SYNC, COND)                     \
    OP(COND_TIMEDWAIT, "pthread_cond_timedwait", SYNC, COND)           \
    OP(COND_SIGNAL, "pthread_cond_signal", SYNC, COND)                 \
    OP(COND_BROADCAST, "pthread_cond_broadcast", SYNC, COND)           \
    OP(THREAD_JOIN, "pthread_join", SYNC, THREAD)                      \
    OP(THREAD_EXIT, "pthread_exit", SYNC, THREAD)                      \
    OP(SEM_WAIT, "sem_wait", SYNC, SEMAPHORE)                          \
    OP(SEM_TIMEDWAIT, "sem_timedwait", SYNC, SEMAPHORE)                \
    OP(SEM_POST, "sem_post", SYNC, SEMAPHORE)                          \
    OP(READ, "read", UNKNOWN, FD)                                      \
    OP(READV, "readv", UNKNOWN, FD)                                    \
    OP(PREAD, "pread", UNKNOWN, FD)                                    \
    OP(WRITE, "write", UNKNOWN, FD)                                    \
    OP(WRITEV, "writev", UNKNOWN, FD)                                  \
    OP(PWRITE, "pwrite", UNKNOWN, FD)                                  \
    OP(RECV, "recv", NET, FD)                                          \
    OP(RECVFROM, "recvfrom", NET, FD)                                  \
    OP(RECVMSG, "recvmsg", NET, FD)                                    \
    OP(RECVMMSG, "recvmmsg", NET, FD)                                  \
    OP(SEND, "send", NET, FD)                                          \
    OP(SENDTO, "sendto", NET, FD)                                      \
    OP(SENDMSG, "sendmsg", NET, FD)                                    \
    OP(SENDMMSG, "sendmmsg", NET, FD)                                  \
    OP(ACCEPT, "accept", NET, FD)                                      \
    OP(CONNECT, "connect", NET, FD)                                    \
    OP(POLL, "poll", UNKNOWN, FD_SET)                                  \
    OP(SELECT, "select", UNKNOWN, FD_SET)                              \
    OP(EPOLL_WAIT, "epoll_wait", UNKNOWN, FD)                          \
    OP(OPEN, "open", SYSCALL, NONE) /* its result is a descriptor */   \
    OP(FSYNC, "fsync", SYSCALL, FD)                                    \
    OP(FDATASYNC, "fdatasync", SYSCALL, FD)                            \
    OP(NANOSLEEP, "nanosleep", SLEEP, NONE)                            \
    OP(WAITPID, "waitpid", SYSCALL, PROCESS)                           \
    OP(RWLOCK_RDLOCK, "pthread_rwlock_rdlock", SYNC, RWLOCK)           \
    OP(RWLOCK_WRLOCK, "pthread_rwlock_wrlock", SYNC, RWLOCK)           \
    OP(RWLOCK_TIMEDRDLOCK, "pthread_rwlock_timedrdlock", SYNC, RWLOCK) \
    OP(RWLOCK_TIMEDWRLOCK, "pthread_rwlock_timedwrlock", SYNC, RWLOCK) \
    OP(RWLOCK_UNLOCK, "pthread_rwlock_unlock", SYNC, RWLOCK)           \
    OP(SPIN_LOCK, "pthread_spin_lock", SYNC, SPINLOCK)                 \
    OP(SPIN_UNLOCK, "pthread_spin_unlock", SYNC, SPINLOCK)             \
    OP(BARRIER_WAIT, "pthread_barrier_wait", SYNC, BARRIER)            \
    OP(ONCE, "pthread_once", SYNC, ONCE)                               \
    OP(FUTEX_WAIT, "futex_wait", SYNC, FUTEX)                          \
    OP(FUTEX_WAKE, "futex_wake", SYNC, FUTEX)                          \
    OP(SEMOP, "semop", SYNC, IPC)                                      \
    OP(MSGSND, "msgsnd", SYNC, IPC)                                    \
    OP(MSGRCV, "msgrcv", SYNC, IPC)                                    \
    OP(MQ_SEND, "mq_send", SYNC, FD)                                   \
    OP(MQ_RECEIVE, "mq_receive", SYNC, FD)                             \
    OP(FLOCK, "flock", SYNC, FD)                                       \
    OP(FCNTL_LOCK, "fcntl", SYNC, FD)                                  \
    OP(GETADDRINFO, "getaddrinfo", NET, NONE)                          \
    OP(GETNAMEINFO, "getnameinfo", NET, NONE)                          \
    OP(GETHOSTBYNAME, "gethostbyname", NET, NONE)                      \
    OP(GETHOSTBYADDR, "gethostbyaddr", NET, NONE)                      \
    OP(PREADV, "preadv", UNKNOWN, FD)                                  \
    OP(PWRITEV, "pwritev", UNKNOWN, FD)                                \
    OP(SENDFILE, "sendfile", UNKNOWN, FD)                              \
    OP(SPLICE, "splice", UNKNOWN, FD)                                  \
    OP(COPY_FILE_RANGE, "copy_file_range", SYSCALL, FD)                \
    OP(SYNC_FILE_RANGE, "sync_file_range", SYSCALL, FD)                \
    OP(SYNCFS, "syncfs", SYSCALL, FD)                                  \
    OP(SYNC, "sync", SYSCALL, NONE)                                    \
    OP(MSYNC, "msync", SYSCALL, NONE)                                  \
    OP(FALLOCATE, "fallocate", SYSCALL, FD)                            \
    OP(FTRUNCATE, "ftruncate", SYSCALL, FD)                            \
    OP(IOCTL, "ioctl", UNKNOWN, FD)                                    \
    OP(UNLINK, "unlink", SYSCALL, NONE)                                \
    OP(RENAME, "rename", SYSCALL, NONE)                                \
    OP(IO_URING_ENTER, "io_uring_enter", SYSCALL, FD)                  \
    OP(SYSTEM, "system", SYSCALL, NONE)                                \
    OP(PCLOSE, "pclose", SYSCALL, NONE)                                \
    OP(SIGWAIT, "sigwait", SLEEP, NONE)                                \
    OP(SIGSUSPEND, "sigsuspend", SLEEP, NONE)                          \
    OP(PAUSE, "pause", SLEEP, NONE)                                    \
    OP(FREAD, "fread", UNKNOWN, FD)                                    \
    OP(FGETS, "fgets", UNKNOWN, FD)                                    \
    OP(GETLINE, "getline", UNKNOWN, FD)                                \
    OP(FGETC, "fgetc", UNKNOWN, FD)                                    \
    OP(FSCANF, "fscanf", UNKNOWN, FD)                                  \
    OP(FWRITE, "fwrite", UNKNOWN, FD)                                  \
    OP(FPUTS, "fputs", UNKNOWN, FD)                                    \
    OP(FPUTC, "fputc", UNKNOWN, FD)                                    \
    OP(FPRINTF, "fprintf", UNKNOWN, FD)                                \
    OP(FFLUSH, "fflush", UNKNOWN, FD)                                  \
    OP(FCLOSE, "fclose", UNKNOWN, FD)                                  \
    OP(OTHER_SYSCALL, "system call", SYSCALL, NONE)                    \
    OP(MAJOR_FAULT, "major page fault", OTHER, MAPPING)                \
    OP(PAGE_FAULT, "page fault", OTHER, MAPPING)                       \
    OP(STOPPED, "stopped", OTHER, NONE) /* as by SIGSTOP, or Ctrl-Z */ \
    OP(TRACED, "stopped by a tracer", OTHER, NONE)                     \
    OP(SWAP_IN, "swap-in", OTHER, MAPPING)                             \
    OP(RECLAIM, "memory reclaim", OTHER, NONE)                         \
    OP(THROTTLED, "throttled by its cgroup", OTHER, NONE)              \
    OP(EXITING, "exit", OTHER, NONE)

enum ct_op {
#define CT_OP_SYMBOL(symbol, name, class, object) CT_OP_##symbol,
    CT_OPS(CT_OP_SYMBOL)
#undef CT_OP_SYMBOL
        CT_OP_COUNT
};

/* Does it wait for any of several descriptors? */
static inline int ct_op_is_of_set(unsigned op)
{
    return op == CT_OP_POLL || op == CT_OP_SELECT || op == CT_OP_EPOLL_WAIT;
}

_Static_assert(CT_OP_COUNT <= 256, "an operation is one byte in the trace");

#endif
