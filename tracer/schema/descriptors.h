/* How the kernel shows what a file descriptor refers to; for all who look at descriptors. */
#ifndef CTRACE_SCHEMA_DESCRIPTORS_H
#define CTRACE_SCHEMA_DESCRIPTORS_H

#include "operations.h"

#include <stdbool.h>
#include <string.h>

/* f_type of the file system that message queues are on: linux/magic.h does not have it. */
#define CT_MQUEUE_MAGIC 0x19800202

/* Of a descriptor whose link in /proc/PID/fd leads to `target`, and whose file is of no type. */
static inline enum ct_fd_kind ct_anonymous_fd_kind(const char *target)
{
    static const struct {
        const char *target;
        enum ct_fd_kind kind;
    } kinds[] = {
        {"anon_inode:[eventfd]", CT_FD_KIND_EVENTFD},
        {"anon_inode:[timerfd]", CT_FD_KIND_TIMERFD},
        {"anon_inode:[signalfd]", CT_FD_KIND_SIGNALFD},
        {"anon_inode:[eventpoll]", CT_FD_KIND_EPOLL},
        {"anon_inode:inotify", CT_FD_KIND_INOTIFY},
        {"anon_inode:[io_uring]", CT_FD_KIND_IO_URING},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(target, kinds[i].target) == 0)
            return kinds[i].kind;
    return CT_FD_KIND_UNKNOWN;
}

/* Of a character device, by the kernel's tty, console and pty major numbers. */
static inline enum ct_fd_kind ct_device_fd_kind(unsigned major)
{
    bool is_terminal = major == 4 || major == 5 || (major >= 136 && major <= 143);

    return is_terminal ? CT_FD_KIND_TTY : CT_FD_KIND_DEVICE;
}

#endif
