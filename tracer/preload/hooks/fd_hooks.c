/* Calls that make, copy or change a descriptor: those that may wait for it, and the others. */
#include "preload/wait/fd.h"
#include "wrap.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* ---- Calls that give a new descriptor, and may wait for it. ---- */

static int forgotten(int fd)
{
    ct_fd_forget(fd);
    return fd;
}

#define CT_WRAP_NEW_FD(name, params, args, op, may_wait, class, object) \
    CT_WRAP_PASS(int, name, params, args, op, may_wait, class, object,  \
                 forgotten(result) < 0 ? -errno : result, forgotten(real_##name args))

static int accepted(int fd)
{
    ct_fd_forget(fd);
    if (fd >= 0)
        ct_turn_accepted(fd);
    return fd;
}

#define CT_WRAP_ACCEPT(name, params, args)                                                    \
    CT_WRAP_PASS(int, name, params, args, CT_OP_ACCEPT, ct_fd_may_wait(fd), CT_CLASS_NET, fd, \
                 accepted(result) < 0 ? -errno : result, accepted(real_##name args))

CT_WRAP_ACCEPT(accept, (int fd, __SOCKADDR_ARG address, socklen_t *restrict size),
               (fd, address, size))
CT_WRAP_ACCEPT(accept4, (int fd, __SOCKADDR_ARG address, socklen_t *restrict size, int flags),
               (fd, address, size, flags))
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
        ct_fd_forget(result);                                                             \
        if (is_recorded)                                                                  \
            ct_wait_end(&wait, result < 0 ? -errno : result);                             \
        return result;                                                                    \
    }

CT_WRAP_OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
CT_WRAP_OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
CT_WRAP_OPEN(openat, (int directory, const char *path, int flags, ...),
             (directory, path, flags, mode))
CT_WRAP_OPEN(openat64, (int directory, const char *path, int flags, ...),
             (directory, path, flags, mode))

/* What _FORTIFY_SOURCE makes of those without a mode. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int directory, const char *path, int flags);
int __openat64_2(int directory, const char *path, int flags);

#define CT_WRAP_OPEN_CHECKED(name, params, args) \
    CT_WRAP_NEW_FD(name, params, args, CT_OP_OPEN, true, CT_CLASS_SYSCALL, 0)

CT_WRAP_OPEN_CHECKED(__open_2, (const char *path, int flags), (path, flags))
CT_WRAP_OPEN_CHECKED(__open64_2, (const char *path, int flags), (path, flags))
CT_WRAP_OPEN_CHECKED(__openat_2, (int directory, const char *path, int flags),
                     (directory, path, flags))
CT_WRAP_OPEN_CHECKED(__openat64_2, (int directory, const char *path, int flags),
                     (directory, path, flags))

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
static void made_peers(int result, const int fds[2], bool is_two_way)
{
    if (result != 0)
        return; /* `fds` may be no memory at all */
    ct_fd_forget(fds[0]);
    ct_fd_forget(fds[1]);
    ct_fd_peers_add(fds[1], fds[0]);
    if (is_two_way)
        ct_fd_peers_add(fds[0], fds[1]);
}

static void made_copy(int fd, int copy)
{
    if (copy < 0 || copy == fd)
        return;
    ct_fd_forget(copy);
    ct_fd_peers_copy(fd, copy);
}

static void made_eventfd(int fd)
{
    ct_fd_forget(fd);
    ct_fd_peers_add(fd, fd);
}

CT_WRAP_FORGET(int, socket, (int domain, int type, int protocol), (domain, type, protocol),
               ct_fd_forget(result))
CT_WRAP_FORGET(int, socketpair, (int domain, int type, int protocol, int fds[2]),
               (domain, type, protocol, fds), made_peers(result, fds, true))
CT_WRAP_FORGET(int, pipe, (int fds[2]), (fds), made_peers(result, fds, false))
CT_REAL(int, pipe2, (int fds[2], int flags))

int pipe2(int fds[2], int flags)
{
    CT_NEED_REAL(pipe2);
    int result = real_pipe2(fds, flags);
    made_peers(result, fds, false);
    return result;
}

CT_WRAP_FORGET(int, dup, (int fd), (fd), made_copy(fd, result))
CT_REAL(int, dup2, (int fd, int target))

int dup2(int fd, int target)
{
    CT_NEED_REAL(dup2);
    ct_turn_replacing(target, fd);
    int result = real_dup2(fd, target);
    made_copy(fd, result);
    return result;
}

CT_FIND_AHEAD(dup2)
CT_REAL(int, dup3, (int fd, int target, int flags))

int dup3(int fd, int target, int flags)
{
    CT_NEED_REAL(dup3);
    if (!(flags & ~O_CLOEXEC)) /* as the kernel has it */
        ct_turn_replacing(target, fd);
    int result = real_dup3(fd, target, flags);
    made_copy(fd, result);
    return result;
}

CT_WRAP_FORGET(int, eventfd, (unsigned count, int flags), (count, flags), made_eventfd(result))
CT_WRAP_FORGET(int, timerfd_create, (int clock, int flags), (clock, flags), ct_fd_forget(result))
CT_WRAP_FORGET(int, signalfd, (int fd, const sigset_t *mask, int flags), (fd, mask, flags),
               ct_fd_forget(result))
CT_WRAP_FORGET(int, epoll_create, (int size), (size), ct_fd_forget(result))
CT_WRAP_FORGET(int, epoll_create1, (int flags), (flags), ct_fd_forget(result))
CT_WRAP_FORGET(int, inotify_init, (void), (), ct_fd_forget(result))
CT_WRAP_FORGET(int, inotify_init1, (int flags), (flags), ct_fd_forget(result))
CT_WRAP_FORGET(int, memfd_create, (const char *name, unsigned flags), (name, flags),
               ct_fd_forget(result))
CT_WRAP_FORGET(int, mkstemp, (char *template), (template), ct_fd_forget(result))
CT_WRAP_FORGET(int, mkostemp, (char *template, int flags), (template, flags), ct_fd_forget(result))
CT_WRAP_FORGET(int, shm_open, (const char *name, int flags, mode_t mode), (name, flags, mode),
               ct_fd_forget(result))

/* A folder's descriptor, opened and closed inside the C library. */
CT_WRAP_FORGET(DIR *, opendir, (const char *path), (path),
               ct_fd_forget(result != NULL ? dirfd(result) : -1))

/* ---- Descriptors that wait from now on, or no longer do. ---- */

static bool is_lock_wait(int command)
{
    return command == F_SETLKW || command == F_OFD_SETLKW;
}

#define CT_WRAP_FCNTL(name)                                                                \
    CT_REAL(int, name, (int fd, int command, ...))                                         \
    static __attribute__((noinline)) int lock_##name(int fd, int command, void *argument,  \
                                                     const void *site)                     \
    {                                                                                      \
        struct ct_wait wait;                                                               \
        if (!ct_wait_begin(&wait, CT_OP_FCNTL_LOCK, site))                                 \
            return real_##name(fd, command, argument);                                     \
        ct_wait_subject(&wait, CT_CLASS_SYNC, (uint64_t)fd);                               \
        int result = real_##name(fd, command, argument);                                   \
        ct_wait_end(&wait, CT_ERRNO_OUTCOME);                                              \
        return result;                                                                     \
    }                                                                                      \
    int name(int fd, int command, ...)                                                     \
    {                                                                                      \
        va_list arguments;                                                                 \
        CT_NEED_REAL(name);                                                                \
        va_start(arguments, command);                                                      \
        void *argument = va_arg(arguments, void *);                                        \
        va_end(arguments);                                                                 \
        int result = is_lock_wait(command)                                                 \
                         ? lock_##name(fd, command, argument, __builtin_return_address(0)) \
                         : real_##name(fd, command, argument);                             \
        if (command == F_SETFL)                                                            \
            ct_fd_recheck(fd);                                                             \
        else if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)                         \
            made_copy(fd, result);                                                         \
        return result;                                                                     \
    }

CT_WRAP_FCNTL(fcntl)
CT_WRAP_FCNTL(fcntl64)

CT_REAL(int, ioctl, (int fd, unsigned long request, ...))

static inline int timed_ioctl(int fd, unsigned long request, void *argument, const void *site)
{
    struct ct_wait wait;

    if (!ct_wait_begin(&wait, CT_OP_IOCTL, site))
        return real_ioctl(fd, request, argument);
    ct_wait_subject(&wait, ct_fd_class(fd), (uint64_t)fd);
    int result = real_ioctl(fd, request, argument);
    ct_wait_end(&wait, CT_ERRNO_OUTCOME);
    return result;
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;

    CT_NEED_REAL(ioctl);
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    int result = timed_ioctl(fd, request, argument, __builtin_return_address(0));
    if (request == FIONBIO)
        ct_fd_recheck(fd);
    return result;
}
