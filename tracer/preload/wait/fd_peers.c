#include "fd_peers.h"

#include "preload/core/clock.h"
#include "preload/core/maximum.h"
#include "preload/core/operations.h"
#include "preload/core/tables.h"
#include "preload/core/waiters.h"

/* Of a descriptor. On one page for all that most programs have. */
static CT_LARGE struct peers {
    /* Numbers of descriptors, and one more, so that 0 is none. */
    int32_t reader;
    int32_t watcher;
    /* Who polls it: the number of the thread's slot and one more, in the high half, and which of
     * its polls it is; 0 is nobody. */
    _Atomic uint64_t poller;
} peers_of[CT_FD_CACHE];

static CT_LARGE uint32_t polls[CT_BOARD_MAX_THREADS]; /* begun by each slot */

CT_SELDOM_TABLE struct ct_fd ct_fds[CT_FD_CACHE];
_Atomic uint32_t ct_fds_end;

void ct_fds_begin(int fd)
{
    ct_maximum_raise(&ct_fds_end, (uint32_t)fd + 1);
}

static bool is_cached(int fd)
{
    return (unsigned)fd < CT_FD_CACHE;
}

void ct_fd_peers_add(int writer, int reader)
{
    /* A child of vfork has other descriptors, but the same tables. */
    if (!is_cached(writer) || !is_cached(reader) || !ct_process_is_own())
        return;
    ct_fds_begin(writer > reader ? writer : reader);
    peers_of[writer].reader = reader + 1;
    ct_fds[writer].has_peer = 1;
    ct_fds[reader].has_peer = 1;
}

void ct_fd_peers_copy(int fd, int copy)
{
    if (is_cached(fd) && is_cached(copy) && peers_of[fd].reader != 0)
        ct_fd_peers_add(copy, peers_of[fd].reader - 1);
}

void ct_fd_peers_watch(int epoll_fd, int fd)
{
    if (!is_cached(epoll_fd) || !is_cached(fd) || !ct_fds[fd].has_peer)
        return;
    ct_fds_begin(epoll_fd);
    peers_of[fd].watcher = epoll_fd + 1;
    ct_fds[epoll_fd].has_peer = 1;
}

/* The caller is in a wait, so it has a slot. What a child of vfork leaves here is out of date with
 * its parent's next poll. */
static uint32_t own_slot(void)
{
    return ct_self.slot_index;
}

void ct_fd_peers_poll_begin(void)
{
    polls[own_slot()]++;
}

void ct_fd_peers_poll_add(int fd)
{
    uint32_t slot = own_slot();

    peers_of[fd].poller = (uint64_t)(slot + 1) << 32 | polls[slot];
}

/* The id of the thread that is in a poll of this descriptor, or 0. */
static int32_t find_poller(int fd)
{
    uint64_t poller = peers_of[fd].poller;
    uint32_t slot = (uint32_t)(poller >> 32) - 1;

    if (poller == 0 || polls[slot] != (uint32_t)poller)
        return 0;
    const struct ct_board_slot *owner = ct_slot_at(slot);
    if (owner == NULL)
        return 0;
    const struct ct_board_thread *thread = &owner->thread;
    if (thread->wait.state != CT_WAIT_STATE_OPEN ||
        ct_op_object(thread->wait.op) != CT_OBJECT_FD_SET ||
        !ct_class_is_recorded(thread->wait.class))
        return 0;
    return thread->tid;
}

void ct_fd_peers_forget(int fd)
{
    struct peers *peers = &peers_of[fd];

    /* A child of fork shares the page until it writes to it. */
    if (peers->reader != 0)
        peers->reader = 0;
    if (peers->watcher != 0)
        peers->watcher = 0;
    if (atomic_load_explicit(&peers->poller, memory_order_relaxed) != 0)
        peers->poller = 0;
    ct_fds[fd].has_peer = 0;
}

static bool is_waited_on(int fd)
{
    return is_cached(fd) && ct_fds[fd].has_peer && ct_has_waiters(ct_fd_waiters_key(fd));
}

void ct_fd_wake_find(struct ct_fd_wake *wake, int writer)
{
    int reader = peers_of[writer].reader - 1;
    int32_t poller;

    if (reader < 0 || ct_board == NULL)
        return;
    if (is_waited_on(reader))
        wake->object = (uint64_t)reader;
    else if (is_waited_on(peers_of[reader].watcher - 1))
        wake->object = (uint64_t)peers_of[reader].watcher - 1;
    else if ((poller = find_poller(reader)) > 0)
        wake->object = CT_WAKE_OF_POLLER | (uint64_t)poller;
    else
        return;
    wake->self = ct_self_enter();
    if (wake->self != NULL)
        wake->ticks = ct_ticks();
}
