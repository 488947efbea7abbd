#include "pair.h"

/* Numbers of descriptors, and one more, so that 0 is none. */
static int32_t reader_of[CT_FD_CACHE];
static int32_t watcher_of[CT_FD_CACHE];

uint8_t ct_fd_is_paired[CT_FD_CACHE];

static bool is_cached(int fd)
{
    return (unsigned)fd < CT_FD_CACHE;
}

void ct_pair_add(int writer, int reader)
{
    /* A child of vfork has other descriptors, but the same tables. */
    if (!is_cached(writer) || !is_cached(reader) || !ct_process_is_own())
        return;
    reader_of[writer] = reader + 1;
    ct_fd_is_paired[writer] = 1;
    ct_fd_is_paired[reader] = 1;
}

void ct_pair_copy(int fd, int copy)
{
    if (is_cached(fd) && is_cached(copy) && reader_of[fd] != 0)
        ct_pair_add(copy, reader_of[fd] - 1);
}

void ct_pair_watch(int epoll_fd, int fd)
{
    if (!is_cached(epoll_fd) || !is_cached(fd) || !ct_fd_is_paired[fd])
        return;
    watcher_of[fd] = epoll_fd + 1;
    ct_fd_is_paired[epoll_fd] = 1;
}

void ct_pair_forget(int fd)
{
    reader_of[fd] = 0;
    watcher_of[fd] = 0;
    ct_fd_is_paired[fd] = 0;
}

static bool is_waited_on(int fd)
{
    return is_cached(fd) && ct_fd_is_paired[fd] && ct_has_waiters(ct_fd_waiters_key(fd));
}

void ct_pair_wake_begin(struct ct_pair_wake *wake, int writer)
{
    int reader = reader_of[writer] - 1;

    if (reader < 0)
        return;
    if (is_waited_on(reader))
        wake->fd = reader;
    else if (is_waited_on(watcher_of[reader] - 1))
        wake->fd = watcher_of[reader] - 1;
    else
        return;
    wake->self = ct_self_enter();
    if (wake->self != NULL)
        wake->ticks = ct_ticks();
}
