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

/* What the `object` of a wait or wake is. OBJECT(symbol, name). */
#define CT_OBJECTS(OBJECT)                                                                \
    OBJECT(NONE, "none")           /* zero */                                             \
    OBJECT(LOCK, "lock")           /* address of the lock */                              \
    OBJECT(COND, "condition")      /* address of the condition variable */                \
    OBJECT(SEMAPHORE, "semaphore") /* address of the semaphore */                         \
    OBJECT(THREAD, "thread")       /* thread id; the pthread_t where the id is unknown */ \
    OBJECT(PROCESS, "process")     /* process id as given to waitpid: -1 is any child */  \
    OBJECT(FD, "fd")               /* file descriptor */                                  \
    OBJECT(FD_SET, "fd set")       /* number of descriptors watched */

enum ct_object {
#define CT_OBJECT_SYMBOL(symbol, name) CT_OBJECT_##symbol,
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
    FD_KIND(INOTIFY, "inotify", SYSCALL)

enum ct_fd_kind {
#define CT_FD_KIND_SYMBOL(symbol, name, class) CT_FD_KIND_##symbol,
    CT_FD_KINDS(CT_FD_KIND_SYMBOL)
#undef CT_FD_KIND_SYMBOL
        CT_FD_KIND_COUNT
};

/*
 * OP(symbol, name, class, object). The name is the C function's. A class of
 * UNKNOWN here means that the descriptors decide: the event carries the class.
 * Operations that only let others go (unlock, signal, post) never wait, so
 * their class says what their waiters wait in.
 */
#define CT_OPS(OP)                                             \
    OP(NONE, "none", UNKNOWN, NONE)                            \
    OP(MUTEX_LOCK, "pthread_mutex_lock", SYNC, LOCK)           \
    OP(MUTEX_TIMEDLOCK, "pthread_mutex_timedlock", SYNC, LOCK) \
    OP(MUTEX_UNLOCK, "pthread_mutex_unlock", SYNC, LOCK)       \
    OP(COND_WAIT, "pthread_cond_wait", SYNC, COND)             \
    OP(COND_TIMEDWAIT, "pthread_cond_timedwait", SYNC, COND)   \
    OP(COND_SIGNAL, "pthread_cond_signal", SYNC, COND)         \
    OP(COND_BROADCAST, "pthread_cond_broadcast", SYNC, COND)   \
    OP(THREAD_JOIN, "pthread_join", SYNC, THREAD)              \
    OP(THREAD_EXIT, "pthread_exit", SYNC, THREAD)              \
    OP(SEM_WAIT, "sem_wait", SYNC, SEMAPHORE)                  \
    OP(SEM_TIMEDWAIT, "sem_timedwait", SYNC, SEMAPHORE)        \
    OP(SEM_POST, "sem_post", SYNC, SEMAPHORE)                  \
    OP(READ, "read", UNKNOWN, FD)                              \
    OP(READV, "readv", UNKNOWN, FD)                            \
    OP(PREAD, "pread", UNKNOWN, FD)                            \
    OP(WRITE, "write", UNKNOWN, FD)                            \
    OP(WRITEV, "writev", UNKNOWN, FD)                          \
    OP(PWRITE, "pwrite", UNKNOWN, FD)                          \
    OP(RECV, "recv", NET, FD)                                  \
    OP(RECVFROM, "recvfrom", NET, FD)                          \
    OP(RECVMSG, "recvmsg", NET, FD)                            \
    OP(RECVMMSG, "recvmmsg", NET, FD)                          \
    OP(SEND, "send", NET, FD)                                  \
    OP(SENDTO, "sendto", NET, FD)                              \
    OP(SENDMSG, "sendmsg", NET, FD)                            \
    OP(SENDMMSG, "sendmmsg", NET, FD)                          \
    OP(ACCEPT, "accept", NET, FD)                              \
    OP(CONNECT, "connect", NET, FD)                            \
    OP(POLL, "poll", UNKNOWN, FD_SET)                          \
    OP(SELECT, "select", UNKNOWN, FD_SET)                      \
    OP(EPOLL_WAIT, "epoll_wait", UNKNOWN, FD)                  \
    OP(OPEN, "open", SYSCALL, NONE)                            \
    OP(FSYNC, "fsync", SYSCALL, FD)                            \
    OP(FDATASYNC, "fdatasync", SYSCALL, FD)                    \
    OP(NANOSLEEP, "nanosleep", SLEEP, NONE)                    \
    OP(WAITPID, "waitpid", SYSCALL, PROCESS)

enum ct_op {
#define CT_OP_SYMBOL(symbol, name, class, object) CT_OP_##symbol,
    CT_OPS(CT_OP_SYMBOL)
#undef CT_OP_SYMBOL
        CT_OP_COUNT
};

_Static_assert(CT_OP_COUNT <= 256, "an operation is one byte in the trace");

#endif
