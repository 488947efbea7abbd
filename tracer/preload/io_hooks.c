/* Blocking calls on descriptors, and the calls that make or end a descriptor. */
#include "close_hooks.h"
#include "fd.h"
#include "hook.h"
#include "unwind.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- Reading and writing. ---- */

#define CT_WRAP_FD(type, name, params, args, op) \
    CT_WRAP_IF(type, name, params, args, op, ct_fd_may_wait(fd), ct_fd_class(fd), fd)

static ssize_t (*real_read)(int fd, void *buffer, size_t size);

/* LTTng and libunwind read and write in our own work, which must not be a cancellation point. */
static ssize_t read_unrecorded(int fd, void *buffer, size_t size)
{
    return ct_self.mode == CT_MODE_BUSY ? syscall(SYS_read, fd, buffer, size)
                                        : real_read(fd, buffer, size);
}

#define CT_WRAP_FD_PASS(type, name, params, args, op, pass)                             \
    CT_WRAP_PASS(type, name, params, args, op, ct_fd_may_wait(fd), ct_fd_class(fd), fd, \
                 CT_ERRNO_OUTCOME, pass)

CT_WRAP_FD_PASS(ssize_t, read, (int fd, void *buffer, size_t size), (fd, buffer, size), CT_OP_READ,
                read_unrecorded(fd, buffer, size))
CT_WRAP_FD(ssize_t, readv, (int fd, const struct iovec *parts, int count), (fd, parts, count),
           CT_OP_READV)
CT_WRAP_FD(ssize_t, pread, (int fd, void *buffer, size_t size, off_t offset),
           (fd, buffer, size, offset), CT_OP_PREAD)
CT_WRAP_FD(ssize_t, pread64, (int fd, void *buffer, size_t size, off64_t offset),
           (fd, buffer, size, offset), CT_OP_PREAD)
static ssize_t (*real_write)(int fd, const void *buffer, size_t size);

static ssize_t write_unrecorded(int fd, const void *buffer, size_t size)
{
    return ct_self.mode == CT_MODE_BUSY ? syscall(SYS_write, fd, buffer, size)
                                        : real_write(fd, buffer, size);
}

CT_WRAP_WRITER(ssize_t, write, (int fd, const void *buffer, size_t size), (fd, buffer, size),
               CT_OP_WRITE, ct_fd_may_wait(fd), ct_fd_class(fd), write_unrecorded(fd, buffer, size))
CT_WRAP_WRITER(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count),
               CT_OP_WRITEV, ct_fd_may_wait(fd), ct_fd_class(fd), real_writev(fd, parts, count))
CT_WRAP_FD(ssize_t, pwrite, (int fd, const void *buffer, size_t size, off_t offset),
           (fd, buffer, size, offset), CT_OP_PWRITE)
CT_WRAP_FD(ssize_t, pwrite64, (int fd, const void *buffer, size_t size, off64_t offset),
           (fd, buffer, size, offset), CT_OP_PWRITE)
CT_WRAP_FD(int, fsync, (int fd), (fd), CT_OP_FSYNC)
CT_WRAP_FD(int, fdatasync, (int fd), (fd), CT_OP_FDATASYNC)

/* ---- Sockets. ---- */

#define CT_WRAP_NET(type, name, params, args, op, may_wait) \
    CT_WRAP_IF(type, name, params, args, op, may_wait, CT_CLASS_NET, fd)

/* A flag may say so for one call. */
#define MAY_WAIT (!(flags & MSG_DONTWAIT) && ct_fd_may_wait(fd))

CT_WRAP_NET(ssize_t, recv, (int fd, void *buffer, size_t size, int flags),
            (fd, buffer, size, flags), CT_OP_RECV, MAY_WAIT)
CT_WRAP_NET(ssize_t, recvfrom,
            (int fd, void *restrict buffer, size_t size, int flags, __SOCKADDR_ARG address,
             socklen_t *restrict address_size),
            (fd, buffer, size, flags, address, address_size), CT_OP_RECVFROM, MAY_WAIT)
CT_WRAP_NET(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags),
            CT_OP_RECVMSG, MAY_WAIT)
CT_WRAP_NET(int, recvmmsg,
            (int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout),
            (fd, messages, count, flags, timeout), CT_OP_RECVMMSG, MAY_WAIT)
CT_WRAP_WRITER(ssize_t, send, (int fd, const void *buffer, size_t size, int flags),
               (fd, buffer, size, flags), CT_OP_SEND, MAY_WAIT, CT_CLASS_NET,
               real_send(fd, buffer, size, flags))
CT_WRAP_WRITER(ssize_t, sendto,
               (int fd, const void *buffer, size_t size, int flags, __CONST_SOCKADDR_ARG address,
                socklen_t address_size),
               (fd, buffer, size, flags, address, address_size), CT_OP_SENDTO, MAY_WAIT,
               CT_CLASS_NET, real_sendto(fd, buffer, size, flags, address, address_size))
CT_WRAP_WRITER(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags),
               (fd, message, flags), CT_OP_SENDMSG, MAY_WAIT, CT_CLASS_NET,
               real_sendmsg(fd, message, flags))
CT_WRAP_NET(int, sendmmsg, (int fd, struct mmsghdr *messages, unsigned count, int flags),
            (fd, messages, count, flags), CT_OP_SENDMMSG, MAY_WAIT)
CT_WRAP_NET(int, connect, (int fd, __CONST_SOCKADDR_ARG address, socklen_t size),
            (fd, address, size), CT_OP_CONNECT, ct_fd_may_wait(fd))

/* ---- Waiting for any of several. ---- */

static enum ct_class poll_class(const struct pollfd *fds, nfds_t count)
{
    unsigned bits = 0;

    if (count == 0 || count > CT_FD_CACHE || !ct_memory_is_readable(fds) ||
        !ct_memory_is_readable(fds + count - 1))
        return CT_CLASS_SLEEP;
    for (nfds_t i = 0; i < count && !(bits & 1u << CT_CLASS_NET); i++)
        if (fds[i].fd >= 0)
            bits |= 1u << ct_fd_class(fds[i].fd);
    return ct_fd_set_class(bits);
}

static enum ct_class select_class(int count, const fd_set *reads, const fd_set *writes,
                                  const fd_set *excepts)
{
    const fd_set *sets[] = {reads, writes, excepts};
    unsigned bits = 0;

    /* As the kernel reads them: the sets may be larger than an fd_set. */
    for (size_t s = 0; s < sizeof(sets) / sizeof(sets[0]); s++) {
        const fd_mask *words = (const fd_mask *)sets[s];
        if (words == NULL || count <= 0 || count > CT_FD_CACHE || !ct_memory_is_readable(words) ||
            !ct_memory_is_readable(words + (count - 1) / NFDBITS))
            continue;
        for (int fd = 0; fd < count; fd++)
            if (words[fd / NFDBITS] & (fd_mask)(1UL << fd % NFDBITS))
                bits |= 1u << ct_fd_class(fd);
    }
    return ct_fd_set_class(bits);
}

CT_WRAP_IF(int, poll, (struct pollfd * fds, nfds_t count, int timeout_ms), (fds, count, timeout_ms),
           CT_OP_POLL, timeout_ms != 0, poll_class(fds, count), count)
CT_WRAP(int, ppoll,
        (struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask),
        (fds, count, timeout, mask), CT_OP_POLL, poll_class(fds, count), count)
CT_WRAP(int, select,
        (int count, fd_set *restrict reads, fd_set *restrict writes, fd_set *restrict excepts,
         struct timeval *restrict timeout),
        (count, reads, writes, excepts, timeout), CT_OP_SELECT,
        select_class(count, reads, writes, excepts), count)
CT_WRAP(int, pselect,
        (int count, fd_set *restrict reads, fd_set *restrict writes, fd_set *restrict excepts,
         const struct timespec *restrict timeout, const sigset_t *restrict mask),
        (count, reads, writes, excepts, timeout, mask), CT_OP_SELECT,
        select_class(count, reads, writes, excepts), count)
CT_WRAP_IF(int, epoll_wait, (int fd, struct epoll_event *events, int count, int timeout_ms),
           (fd, events, count, timeout_ms), CT_OP_EPOLL_WAIT, timeout_ms != 0,
           ct_fd_epoll_class(fd), fd)
CT_WRAP_IF(int, epoll_pwait,
           (int fd, struct epoll_event *events, int count, int timeout_ms, const sigset_t *mask),
           (fd, events, count, timeout_ms, mask), CT_OP_EPOLL_WAIT, timeout_ms != 0,
           ct_fd_epoll_class(fd), fd)
CT_WRAP(int, epoll_pwait2,
        (int fd, struct epoll_event *events, int count, const struct timespec *timeout,
         const sigset_t *mask),
        (fd, events, count, timeout, mask), CT_OP_EPOLL_WAIT, ct_fd_epoll_class(fd), fd)

CT_REAL(int, epoll_ctl, (int epoll_fd, int operation, int fd, struct epoll_event *event))

int epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
    CT_NEED_REAL(epoll_ctl);
    int result = real_epoll_ctl(epoll_fd, operation, fd, event);
    if (result == 0 && operation == EPOLL_CTL_ADD)
        ct_fd_epoll_add(epoll_fd, fd);
    return result;
}

/* ---- Calls that give a new descriptor, and may wait for it. ---- */

static int forgotten(int fd)
{
    ct_fd_forget(fd);
    return fd;
}

#define CT_WRAP_NEW_FD(name, params, args, op, may_wait, class, object) \
    CT_WRAP_PASS(int, name, params, args, op, may_wait, class, object,  \
                 forgotten(result) < 0 ? -errno : result, forgotten(real_##name args))

CT_WRAP_NEW_FD(accept, (int fd, __SOCKADDR_ARG address, socklen_t *restrict size),
               (fd, address, size), CT_OP_ACCEPT, ct_fd_may_wait(fd), CT_CLASS_NET, fd)
CT_WRAP_NEW_FD(accept4, (int fd, __SOCKADDR_ARG address, socklen_t *restrict size, int flags),
               (fd, address, size, flags), CT_OP_ACCEPT, ct_fd_may_wait(fd), CT_CLASS_NET, fd)
CT_WRAP_NEW_FD(creat, (const char *path, mode_t mode), (path, mode), CT_OP_OPEN, true,
               CT_CLASS_SYSCALL, 0)
CT_WRAP_NEW_FD(creat64, (const char *path, mode_t mode), (path, mode), CT_OP_OPEN, true,
               CT_CLASS_SYSCALL, 0)

/* The open family passes a mode only when it may create a file. */
#define CT_WRAP_OPEN(name, params, fixed_args)                                            \
    CT_REAL(int, name, params)                                                            \
    int name params                                                                       \
    {                                                                                     \
        struct ct_wait wait;                                                              \
        mode_t mode = 0;                                                                  \
        CT_NEED_REAL(name);                                                               \
        if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) {                        \
            va_list arguments;                                                            \
            va_start(arguments, flags);                                                   \
            mode = va_arg(arguments, mode_t);                                             \
            va_end(arguments);                                                            \
        }                                                                                 \
        bool is_recorded = ct_wait_begin(&wait, CT_OP_OPEN, __builtin_return_address(0)); \
        if (is_recorded)                                                                  \
            ct_wait_subject(&wait, CT_CLASS_SYSCALL, 0);                                  \
        int result = real_##name fixed_args;                                              \
        if (is_recorded)                                                                  \
            ct_wait_end(&wait, result < 0 ? -errno : result);                             \
        ct_fd_forget(result);                                                             \
        return result;                                                                    \
    }

CT_WRAP_OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
CT_WRAP_OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
CT_WRAP_OPEN(openat, (int directory, const char *path, int flags, ...),
             (directory, path, flags, mode))
CT_WRAP_OPEN(openat64, (int directory, const char *path, int flags, ...),
             (directory, path, flags, mode))

/* ---- Descriptor numbers that come and go. ---- */

#define CT_WRAP_FORGET(type, name, params, args, forget) \
    CT_REAL(type, name, params)                          \
    type name params                                     \
    {                                                    \
        CT_NEED_REAL(name);                              \
        type result = real_##name args;                  \
        forget;                                          \
        return result;                                   \
    }

/* Two ends, of which the second, or either, can be written to. */
static void made_pair(int result, const int fds[2], bool is_two_way)
{
    if (result != 0)
        return; /* `fds` may be no memory at all */
    ct_fd_forget(fds[0]);
    ct_fd_forget(fds[1]);
    ct_pair_add(fds[1], fds[0]);
    if (is_two_way)
        ct_pair_add(fds[0], fds[1]);
}

static void made_copy(int fd, int copy)
{
    if (copy < 0 || copy == fd)
        return;
    ct_fd_forget(copy);
    ct_pair_copy(fd, copy);
}

static void made_eventfd(int fd)
{
    ct_fd_forget(fd);
    ct_pair_add(fd, fd);
}

CT_WRAP_FORGET(int, socket, (int domain, int type, int protocol), (domain, type, protocol),
               ct_fd_forget(result))
CT_WRAP_FORGET(int, socketpair, (int domain, int type, int protocol, int fds[2]),
               (domain, type, protocol, fds), made_pair(result, fds, true))
CT_WRAP_FORGET(int, pipe, (int fds[2]), (fds), made_pair(result, fds, false))
CT_REAL(int, pipe2, (int fds[2], int flags))

int pipe2(int fds[2], int flags)
{
    CT_NEED_REAL(pipe2);
    bool is_unwinders = ct_is_unwinder(__builtin_return_address(0));
    if (CT_UNLIKELY(is_unwinders && ct_board != NULL && !ct_process_is_own()))
        return -1; /* after vfork: its number would be good for nothing in the parent */
    int result = real_pipe2(fds, flags);
    made_pair(result, fds, false);
    if (result == 0 && CT_UNLIKELY(is_unwinders)) {
        fds[0] = ct_close_guard(fds[0]);
        fds[1] = ct_close_guard(fds[1]);
    }
    return result;
}

CT_WRAP_FORGET(int, dup, (int fd), (fd), made_copy(fd, result))
CT_WRAP_FORGET(int, dup2, (int fd, int target), (fd, target), made_copy(fd, result))
CT_WRAP_FORGET(int, dup3, (int fd, int target, int flags), (fd, target, flags),
               made_copy(fd, result))
CT_WRAP_FORGET(int, eventfd, (unsigned count, int flags), (count, flags), made_eventfd(result))
CT_WRAP_FORGET(int, timerfd_create, (int clock, int flags), (clock, flags), ct_fd_forget(result))
CT_WRAP_FORGET(int, signalfd, (int fd, const sigset_t *mask, int flags), (fd, mask, flags),
               ct_fd_forget(result))
CT_WRAP_FORGET(int, epoll_create, (int size), (size), ct_fd_forget(result))
CT_WRAP_FORGET(int, epoll_create1, (int flags), (flags), ct_fd_forget(result))

/* ---- Descriptors that wait from now on, or no longer do. ---- */

#define CT_WRAP_FCNTL(name)                                        \
    CT_REAL(int, name, (int fd, int command, ...))                 \
    int name(int fd, int command, ...)                             \
    {                                                              \
        va_list arguments;                                         \
        CT_NEED_REAL(name);                                        \
        va_start(arguments, command);                              \
        void *argument = va_arg(arguments, void *);                \
        va_end(arguments);                                         \
        int result = real_##name(fd, command, argument);           \
        if (command == F_SETFL)                                    \
            ct_fd_recheck(fd);                                     \
        else if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) \
            made_copy(fd, result);                                 \
        return result;                                             \
    }

CT_WRAP_FCNTL(fcntl)
CT_WRAP_FCNTL(fcntl64)

CT_REAL(int, ioctl, (int fd, unsigned long request, ...))

int ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;

    CT_NEED_REAL(ioctl);
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    int result = real_ioctl(fd, request, argument);
    if (request == FIONBIO)
        ct_fd_recheck(fd);
    return result;
}
