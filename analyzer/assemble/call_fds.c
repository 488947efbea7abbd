#include "assemble/call_fds.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static enum ct_fd_kind socket_kind(uint64_t family)
{
    return family == AF_INET || family == AF_INET6 ? CT_FD_KIND_SOCKET_INET
           : family == AF_UNIX                     ? CT_FD_KIND_SOCKET_UNIX
                                                   : CT_FD_KIND_SOCKET_OTHER;
}

static void open_fd(struct ct_descriptors *descriptors, struct ct_process *process, int64_t number,
                    enum ct_fd_kind kind)
{
    struct ct_fd fd = {.fd = (int32_t)number, .kind = kind, .local = "", .peer = ""};

    ct_descriptors_set(descriptors, process, &fd);
}

static void copy_fd(struct ct_descriptors *descriptors, struct ct_process *process, uint64_t from,
                    int64_t to)
{
    const struct ct_fd *original = ct_descriptors_find(process, (int32_t)from);
    struct ct_fd copy = original ? *original : (struct ct_fd){.local = "", .peer = ""};

    copy.fd = (int32_t)to;
    ct_descriptors_set(descriptors, process, &copy);
}

static void watch_fd(const struct ct_process *process, const struct ct_kernel_syscall *made)
{
    const struct ct_fd *fd = ct_descriptors_find(process, (int32_t)made->arguments[2]);

    /* One that nobody knows is one of a pair of sockets, more often than not. */
    if (made->arguments[1] == EPOLL_CTL_ADD)
        ct_descriptors_watch(process, (int32_t)made->arguments[0],
                             fd ? ct_fd_kind_class(fd->kind) : CT_CLASS_NET);
}

/* What a call gives that makes a descriptor of one kind; UNKNOWN: others. */
static const enum ct_fd_kind made_kinds[CT_SYSCALL_COUNT] = {
    [CT_SYSCALL_open] = CT_FD_KIND_FILE,
    [CT_SYSCALL_openat] = CT_FD_KIND_FILE,
    [CT_SYSCALL_openat2] = CT_FD_KIND_FILE,
    [CT_SYSCALL_eventfd] = CT_FD_KIND_EVENTFD,
    [CT_SYSCALL_eventfd2] = CT_FD_KIND_EVENTFD,
    [CT_SYSCALL_timerfd_create] = CT_FD_KIND_TIMERFD,
    [CT_SYSCALL_signalfd] = CT_FD_KIND_SIGNALFD,
    [CT_SYSCALL_signalfd4] = CT_FD_KIND_SIGNALFD,
    [CT_SYSCALL_epoll_create] = CT_FD_KIND_EPOLL,
    [CT_SYSCALL_epoll_create1] = CT_FD_KIND_EPOLL,
    [CT_SYSCALL_inotify_init] = CT_FD_KIND_INOTIFY,
    [CT_SYSCALL_inotify_init1] = CT_FD_KIND_INOTIFY,
    [CT_SYSCALL_mq_open] = CT_FD_KIND_MQUEUE,
    [CT_SYSCALL_io_uring_setup] = CT_FD_KIND_IO_URING,
};

void ct_call_follow_fds(struct ct_descriptors *descriptors, struct ct_process *process,
                        const struct ct_kernel_syscall *made, int64_t result)
{
    const uint64_t *arguments = made->arguments;
    const struct ct_fd *listener;

    switch (made->call) {
    case CT_SYSCALL_socket:
        open_fd(descriptors, process, result, socket_kind(arguments[0]));
        break;
    case CT_SYSCALL_accept:
    case CT_SYSCALL_accept4:
        listener = ct_descriptors_find(process, (int32_t)arguments[0]);
        open_fd(descriptors, process, result, listener ? listener->kind : CT_FD_KIND_SOCKET_OTHER);
        break;
    case CT_SYSCALL_dup:
    case CT_SYSCALL_dup2:
    case CT_SYSCALL_dup3:
        copy_fd(descriptors, process, arguments[0], result);
        break;
    case CT_SYSCALL_fcntl:
        if (arguments[1] == F_DUPFD || arguments[1] == F_DUPFD_CLOEXEC)
            copy_fd(descriptors, process, arguments[0], result);
        break;
    case CT_SYSCALL_epoll_ctl:
        watch_fd(process, made);
        break;
    case CT_SYSCALL_close:
        ct_descriptors_close(descriptors, process, arguments[0], arguments[0]);
        break;
    case CT_SYSCALL_close_range:
        if (arguments[2] == 0)
            ct_descriptors_close(descriptors, process, (uint32_t)arguments[0],
                                 (uint32_t)arguments[1]);
        break;
    default:
        if (made_kinds[made->call] != CT_FD_KIND_UNKNOWN)
            open_fd(descriptors, process, result, made_kinds[made->call]);
        break;
    }
}
