/*
 * Descriptors whose other end is in this process too: pipes, socket pairs, eventfds. A write to one
 * wakes the thread of the same process that waits on the other, on an epoll that watches it, or in
 * a poll or select that does.
 */
#ifndef CTRACE_PRELOAD_WAIT_PAIR_H
#define CTRACE_PRELOAD_WAIT_PAIR_H

#include "fd.h"
#include "wait.h"

/* What is written to `writer` can be read from `reader`. */
void ct_pair_add(int writer, int reader);

/* The number is another one of a descriptor that may be in a pair. */
void ct_pair_copy(int fd, int copy);

/* An epoll watches `fd`. */
void ct_pair_watch(int epoll_fd, int fd);

/* The calling thread is about to wait for any of several descriptors, */
void ct_pair_poll_begin(void);

/* of which this is one. Of several threads that poll it, the last is known. */
void ct_pair_poll_add(int fd);

static inline void ct_pair_poll(int fd)
{
    if (__builtin_expect((unsigned)fd < CT_FD_CACHE && ct_fd_is_paired[fd], 0))
        ct_pair_poll_add(fd);
}

/* The number no longer means what it did. The caller knows that this is the process's own memory.
 */
void ct_pair_forget(int fd);

/* A write that may let a waiting thread go; begins before the write. */
struct ct_pair_wake {
    struct ct_self *self; /* NULL: it lets nobody go */
    uint64_t ticks;
    uint64_t object; /* as the event has it */
};

void ct_pair_wake_begin(struct ct_pair_wake *wake, int writer);

static inline struct ct_pair_wake ct_pair_begin(int writer)
{
    struct ct_pair_wake wake = {.self = NULL};

    if (__builtin_expect((unsigned)writer < CT_FD_CACHE && ct_fd_is_paired[writer], 0))
        ct_pair_wake_begin(&wake, writer);
    return wake;
}

static inline void ct_pair_end(const struct ct_pair_wake *wake, enum ct_op op, int64_t result,
                               const void *site)
{
    if (__builtin_expect(wake->self != NULL, 0) && result > 0)
        ct_wake(wake->self, op, wake->object, wake->ticks, site);
}

#endif
