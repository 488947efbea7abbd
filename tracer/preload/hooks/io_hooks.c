/* Blocking calls on descriptors: reading and writing, sockets, waiting for any of several. */
#include "preload/core/memory.h"
#include "preload/core/raw.h"
#include "preload/wait/fd.h"
#include "preload/wait/ready.h"
#include "preload/wait/round.h"
#include "wrap.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- Reading and writing. ---- */

#define CT_WRAP_READ(type, name, params, args, op) \
    CT_WRAP_READER(type, name, params, args, op, ct_fd_may_wait(fd), ct_fd_class(fd))

#define CT_WRAP_FD(type, name, params, args, op) \
    CT_WRAP_IF(type, name, params, args, op, ct_fd_may_wait(fd), ct_fd_class(fd), fd)

CT_WRAP_READ(ssize_t, read, (int fd, void *buffer, size_t size), (fd, buffer, size), CT_OP_READ)
CT_WRAP_READ(ssize_t, readv, (int fd, const struct iovec *parts, int count), (fd, parts, count),
             CT_OP_READV)
CT_WRAP_FD(ssize_t, pread, (int fd, void *buffer, size_t size, off_t offset),
           (fd, buffer, size, offset), CT_OP_PREAD)
CT_WRAP_FD(ssize_t, pread64, (int fd, void *buffer, size_t size, off64_t offset),
           (fd, buffer, size, offset), CT_OP_PREAD)
CT_WRAP_WRITER(ssize_t, write, (int fd, const void *buffer, size_t size), (fd, buffer, size),
               CT_OP_WRITE, ct_fd_may_wait(fd), ct_fd_class(fd), real_write(fd, buffer, size))
CT_WRAP_WRITER(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count),
               CT_OP_WRITEV, ct_fd_may_wait(fd), ct_fd_class(fd), real_writev(fd, parts, count))
CT_WRAP_FD(ssize_t, pwrite, (int fd, const void *buffer, size_t size, off_t offset),
           (fd, buffer, size, offset), CT_OP_PWRITE)
CT_WRAP_FD(ssize_t, pwrite64, (int fd, const void *buffer, size_t size, off64_t offset),
           (fd, buffer, size, offset), CT_OP_PWRITE)
CT_WRAP_FD(ssize_t, preadv, (int fd, const struct iovec *parts, int count, off_t offset),
           (fd, parts, count, offset), CT_OP_PREADV)
CT_WRAP_FD(ssize_t, preadv64, (int fd, const struct iovec *parts, int count, off64_t offset),
           (fd, parts, count, offset), CT_OP_PREADV)
CT_WRAP_FD(ssize_t, preadv2,
           (int fd, const struct iovec *parts, int count, off_t offset, int flags),
           (fd, parts, count, offset, flags), CT_OP_PREADV)
CT_WRAP_FD(ssize_t, preadv64v2,
           (int fd, const struct iovec *parts, int count, off64_t offset, int flags),
           (fd, parts, count, offset, flags), CT_OP_PREADV)
CT_WRAP_FD(ssize_t, pwritev, (int fd, const struct iovec *parts, int count, off_t offset),
           (fd, parts, count, offset), CT_OP_PWRITEV)
CT_WRAP_FD(ssize_t, pwritev64, (int fd, const struct iovec *parts, int count, off64_t offset),
           (fd, parts, count, offset), CT_OP_PWRITEV)
CT_WRAP_FD(ssize_t, pwritev2,
           (int fd, const struct iovec *parts, int count, off_t offset, int flags),
           (fd, parts, count, offset, flags), CT_OP_PWRITEV)
CT_WRAP_FD(ssize_t, pwritev64v2,
           (int fd, const struct iovec *parts, int count, off64_t offset, int flags),
           (fd, parts, count, offset, flags), CT_OP_PWRITEV)

/* What _FORTIFY_SOURCE makes of them: the size of the buffer comes along. */
ssize_t __read_chk(int fd, void *buffer, size_t size, size_t buffer_size);
ssize_t __pread_chk(int fd, void *buffer, size_t size, off_t offset, size_t buffer_size);
ssize_t __pread64_chk(int fd, void *buffer, size_t size, off64_t offset, size_t buffer_size);
ssize_t __recv_chk(int fd, void *buffer, size_t size, size_t buffer_size, int flags);
ssize_t __recvfrom_chk(int fd, void *restrict buffer, size_t size, size_t buffer_size, int flags,
                       __SOCKADDR_ARG address, socklen_t *restrict address_size);

CT_WRAP_READ(ssize_t, __read_chk, (int fd, void *buffer, size_t size, size_t buffer_size),
             (fd, buffer, size, buffer_size), CT_OP_READ)
CT_WRAP_FD(ssize_t, __pread_chk,
           (int fd, void *buffer, size_t size, off_t offset, size_t buffer_size),
           (fd, buffer, size, offset, buffer_size), CT_OP_PREAD)
CT_WRAP_FD(ssize_t, __pread64_chk,
           (int fd, void *buffer, size_t size, off64_t offset, size_t buffer_size),
           (fd, buffer, size, offset, buffer_size), CT_OP_PREAD)

/* libc's own calls of read and write pass us by. */
CT_WRAP_FD(int, eventfd_read, (int fd, eventfd_t *value), (fd, value), CT_OP_READ)

CT_EXPORT int eventfd_write(int fd, eventfd_t value)
{
    return write(fd, &value, sizeof(value)) == sizeof(value) ? 0 : -1;
}

/* ---- Sockets. ---- */

#define CT_WRAP_RECEIVER(type, name, params, args, op) \
    CT_WRAP_READER(type, name, params, args, op, MAY_WAIT, CT_CLASS_NET)

/* A flag may say so for one call. */
#define MAY_WAIT (!(flags & MSG_DONTWAIT) && ct_fd_may_wait(fd))

CT_WRAP_RECEIVER(ssize_t, recv, (int fd, void *buffer, size_t size, int flags),
                 (fd, buffer, size, flags), CT_OP_RECV)
CT_WRAP_RECEIVER(ssize_t, recvfrom,
                 (int fd, void *restrict buffer, size_t size, int flags, __SOCKADDR_ARG address,
                  socklen_t *restrict address_size),
                 (fd, buffer, size, flags, address, address_size), CT_OP_RECVFROM)
CT_WRAP_RECEIVER(ssize_t, __recv_chk,
                 (int fd, void *buffer, size_t size, size_t buffer_size, int flags),
                 (fd, buffer, size, buffer_size, flags), CT_OP_RECV)
CT_WRAP_RECEIVER(ssize_t, __recvfrom_chk,
                 (int fd, void *restrict buffer, size_t size, size_t buffer_size, int flags,
                  __SOCKADDR_ARG address, socklen_t *restrict address_size),
                 (fd, buffer, size, buffer_size, flags, address, address_size), CT_OP_RECVFROM)
CT_WRAP_RECEIVER(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags),
                 (fd, message, flags), CT_OP_RECVMSG)
CT_WRAP_RECEIVER(int, recvmmsg,
                 (int fd, struct mmsghdr *messages, unsigned count, int flags,
                  struct timespec *timeout),
                 (fd, messages, count, flags, timeout), CT_OP_RECVMMSG)
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
CT_WRAP_WRITER(int, sendmmsg, (int fd, struct mmsghdr *messages, unsigned count, int flags),
               (fd, messages, count, flags), CT_OP_SENDMMSG, MAY_WAIT, CT_CLASS_NET,
               real_sendmmsg(fd, messages, count, flags))

static void connected(int fd, int result)
{
    bool is_pending = result != 0 && errno == EINPROGRESS;

    if (result != 0 && !is_pending)
        return;
    ct_fd_connected(fd);
    ct_turn_connected(fd, is_pending);
}

CT_WRAP_AFTER(int, connect, (int fd, __CONST_SOCKADDR_ARG address, socklen_t size),
              (fd, address, size), CT_OP_CONNECT, ct_fd_may_wait(fd), CT_CLASS_NET, fd,
              connected(fd, result))

/* ---- Waiting for any of several. ---- */

static enum ct_class poll_class(const struct pollfd *fds, nfds_t count)
{
    unsigned bits = 0;

    ct_fd_peers_poll_begin();
    if (count > CT_FD_CACHE || !ct_memory_is_readable(fds, count * sizeof(*fds)))
        return CT_CLASS_SLEEP;
    for (nfds_t i = 0; i < count; i++) {
        if (fds[i].fd < 0)
            continue;
        bits |= 1u << ct_fd_class(fds[i].fd);
        ct_fd_peers_poll(fds[i].fd);
    }
    return ct_class_of_set(bits);
}

/* The class of the wait, and in `watched` the number of descriptors. */
static enum ct_class select_class(const struct ct_ready_sets *sets, int count, unsigned *watched)
{
    unsigned bits = 0;

    *watched = 0;
    ct_fd_peers_poll_begin();
    for (int w = 0; w < sets->words; w++) {
        for (unsigned long word = ct_ready_sets_word(sets, w); word != 0; word &= word - 1) {
            int fd = w * NFDBITS + __builtin_ctzl(word);
            if (fd >= count)
                break;
            ++*watched;
            bits |= 1u << ct_fd_class(fd);
            ct_fd_peers_poll(fd);
        }
    }
    return ct_class_of_set(bits);
}

/* Is there to be said which descriptor has ended it? A handler that came meanwhile may have forked:
 * see ct_wait_end. */
static bool has_cause(const struct ct_wait *wait, int result)
{
    return result > 0 && *ct_is_ours && ct_class_is_recorded(wait->self->slot->wait.class);
}

/* What a call came to that `fd` has ended. */
static int64_t ended_by(struct ct_wait *wait, int result, int fd)
{
    struct ct_board_wait *shown = &wait->self->slot->wait;

    if (fd >= 0 && fd < CT_FD_CACHE)
        shown->object = ct_set_object(shown->object, fd, ct_turn_role(fd));
    return result;
}

#define CT_SET_OUTCOME(ready) \
    (has_cause(&wait, result) ? ended_by(&wait, result, (ready)) : CT_ERRNO_OUTCOME)

#define CT_WRAP_SET(name, params, args, op, may_wait, class, object, ready)            \
    CT_REAL(int, name, params)                                                         \
    int name params                                                                    \
    {                                                                                  \
        struct ct_wait wait;                                                           \
        CT_NEED_REAL(name);                                                            \
        if (!(may_wait) || !ct_wait_begin(&wait, (op), __builtin_return_address(0))) { \
            ct_round_untimed();                                                        \
            return real_##name args;                                                   \
        }                                                                              \
        ct_wait_subject(&wait, (class), (uint64_t)(object));                           \
        uint64_t switches = ct_round_begin(wait.self, wait.begin_ticks);               \
        int result = real_##name args;                                                 \
        ct_wait_end(&wait, CT_SET_OUTCOME(ready));                                     \
        ct_round_end(wait.self, wait.begin_ticks, wait.end_ticks, switches);           \
        return result;                                                                 \
    }

#define CT_WRAP_POLL(name, params, args, may_wait)                                       \
    CT_WRAP_SET(name, params, args, CT_OP_POLL, may_wait, poll_class(fds, count), count, \
                ct_ready_in_poll(fds, count))

CT_WRAP_POLL(poll, (struct pollfd * fds, nfds_t count, int timeout_ms), (fds, count, timeout_ms),
             timeout_ms != 0)
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout_ms, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                const sigset_t *mask, size_t size);

CT_WRAP_POLL(__poll_chk, (struct pollfd * fds, nfds_t count, int timeout_ms, size_t size),
             (fds, count, timeout_ms, size), timeout_ms != 0)
CT_WRAP_POLL(__ppoll_chk,
             (struct pollfd * fds, nfds_t count, const struct timespec *timeout,
              const sigset_t *mask, size_t size),
             (fds, count, timeout, mask, size), true)
CT_WRAP_POLL(ppoll,
             (struct pollfd * fds, nfds_t count, const struct timespec *timeout,
              const sigset_t *mask),
             (fds, count, timeout, mask), true)
#define CT_WRAP_SELECT(name, params, args)                                                        \
    CT_REAL(int, name, params)                                                                    \
    int name params                                                                               \
    {                                                                                             \
        struct ct_wait wait;                                                                      \
        struct ct_ready_sets sets = {                                                             \
            {(const fd_mask *)reads, (const fd_mask *)writes, (const fd_mask *)excepts}, {0}, 0}; \
        unsigned watched;                                                                         \
        CT_NEED_REAL(name);                                                                       \
        if (!ct_wait_begin(&wait, CT_OP_SELECT, __builtin_return_address(0))) {                   \
            ct_round_untimed();                                                                   \
            return real_##name args;                                                              \
        }                                                                                         \
        ct_ready_sets_find(&sets, count);                                                         \
        enum ct_class class = select_class(&sets, count, &watched);                               \
        ct_wait_subject(&wait, class, watched);                                                   \
        uint64_t switches = ct_round_begin(wait.self, wait.begin_ticks);                          \
        int result = real_##name args;                                                            \
        ct_wait_end(&wait, CT_SET_OUTCOME(ct_ready_in_sets(&sets)));                              \
        ct_round_end(wait.self, wait.begin_ticks, wait.end_ticks, switches);                      \
        return result;                                                                            \
    }

CT_WRAP_SELECT(select,
               (int count, fd_set *restrict reads, fd_set *restrict writes,
                fd_set *restrict excepts, struct timeval *restrict timeout),
               (count, reads, writes, excepts, timeout))
CT_WRAP_SELECT(pselect,
               (int count, fd_set *restrict reads, fd_set *restrict writes,
                fd_set *restrict excepts, const struct timespec *restrict timeout,
                const sigset_t *restrict mask),
               (count, reads, writes, excepts, timeout, mask))
#define CT_WRAP_EPOLL(name, params, args, may_wait)                                        \
    CT_WRAP_SET(name, params, args, CT_OP_EPOLL_WAIT, may_wait, ct_fd_epoll_class(fd), fd, \
                ct_ready_find(fd, events[0].data.u64))

CT_WRAP_EPOLL(epoll_wait, (int fd, struct epoll_event *events, int count, int timeout_ms),
              (fd, events, count, timeout_ms), timeout_ms != 0)
CT_WRAP_EPOLL(epoll_pwait,
              (int fd, struct epoll_event *events, int count, int timeout_ms, const sigset_t *mask),
              (fd, events, count, timeout_ms, mask), timeout_ms != 0)
CT_WRAP_EPOLL(epoll_pwait2,
              (int fd, struct epoll_event *events, int count, const struct timespec *timeout,
               const sigset_t *mask),
              (fd, events, count, timeout, mask), true)

CT_REAL(int, epoll_ctl, (int epoll_fd, int operation, int fd, struct epoll_event *event))

int epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
    CT_NEED_REAL(epoll_ctl);
    int result = real_epoll_ctl(epoll_fd, operation, fd, event);
    if (result != 0)
        return result;
    if (operation == EPOLL_CTL_ADD)
        ct_fd_epoll_add(epoll_fd, fd, event->data.u64);
    else if (operation == EPOLL_CTL_MOD)
        ct_ready_watch(epoll_fd, fd, event->data.u64);
    else
        ct_ready_unwatch(epoll_fd, fd);
    return result;
}
