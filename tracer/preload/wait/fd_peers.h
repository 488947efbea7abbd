/*
 * Descriptors whose other end is in this process too: pipes, socket pairs, eventfds. A write to one
 * wakes the thread of the same process that waits on the other, on an epoll that watches it, or in
 * a poll or select that does.
 */
#ifndef CTRACE_PRELOAD_WAIT_FD_PEERS_H
#define CTRACE_PRELOAD_WAIT_FD_PEERS_H

#include "preload/core/self.h"

#include <stdatomic.h>

/* Descriptors above are looked at anew each time. */
#define CT_FD_CACHE 65536

/* What is known of each, on as few pages as can be. Threads set bits of it at once. */
extern struct ct_fd {
    _Atomic uint8_t known; /* see fd.h */
    /* Nonzero: it has one, or watches one that has. Threads that wait on it are counted. */
    uint8_t has_peer;
    _Atomic uint8_t epoll_classes; /* of what it watches, as bits, if it is an epoll descriptor */
} ct_fds[CT_FD_CACHE];

/* Nothing is known of descriptors from here on. */
extern _Atomic uint32_t ct_fds_end;

/* Something will be known of this one. */
void ct_fds_begin(int fd);

/* What is written to `writer` can be read from `reader`. */
void ct_fd_peers_add(int writer, int reader);

/* The number is another one of a descriptor that may be in a pair. */
void ct_fd_peers_copy(int fd, int copy);

/* An epoll watches `fd`. */
void ct_fd_peers_watch(int epoll_fd, int fd);

/* The calling thread is about to wait for any of several descriptors, */
void ct_fd_peers_poll_begin(void);

/* of which this is one. Of several threads that poll it, the last is known. */
void ct_fd_peers_poll_add(int fd);

static inline void ct_fd_peers_poll(int fd)
{
    if (__builtin_expect((unsigned)fd < CT_FD_CACHE && ct_fds[fd].has_peer, 0))
        ct_fd_peers_poll_add(fd);
}

/* The number no longer means what it did. The caller knows that this is the process's own memory.
 */
void ct_fd_peers_forget(int fd);

/* A write that may let a waiting thread go; begins before the write, ends with ct_fd_wake_end. */
struct ct_fd_wake {
    struct ct_self *self; /* NULL: it lets nobody go */
    uint64_t ticks;
    uint64_t object; /* as the event has it */
};

void ct_fd_wake_find(struct ct_fd_wake *wake, int writer);

static inline struct ct_fd_wake ct_fd_wake_begin(int writer)
{
    struct ct_fd_wake wake = {.self = NULL};

    if (__builtin_expect((unsigned)writer < CT_FD_CACHE && ct_fds[writer].has_peer, 0))
        ct_fd_wake_find(&wake, writer);
    return wake;
}

#endif
