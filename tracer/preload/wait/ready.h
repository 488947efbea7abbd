/*
 * Which descriptor ended a wait for any of several. epoll does not tell its number, but what the
 * program gave it with that; where several descriptors of an epoll have the same, none is known.
 */
#ifndef CTRACE_PRELOAD_WAIT_READY_H
#define CTRACE_PRELOAD_WAIT_READY_H

#include "fd_peers.h"

#include "preload/core/parts.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/select.h>

/* What an epoll tells of a descriptor. */
struct ct_ready_watch {
    uint64_t data;
    int32_t epoll_fd;  /* and one more; 0: none watches it */
    int32_t is_shared; /* another descriptor of the epoll has the same */
};

/* Of descriptors with the numbers of a part. */
#define CT_READY_PART_FDS 1024
extern _Atomic(void *) ct_ready_parts[CT_FD_CACHE / CT_READY_PART_FDS];
extern bool ct_ready_is_used;

/* NULL: none was watched in its part. */
static inline struct ct_ready_watch *ct_ready_watch_of(int fd)
{
    struct ct_ready_watch *part = ct_part_get(&ct_ready_parts[fd / CT_READY_PART_FDS]);

    return part != NULL ? part + fd % CT_READY_PART_FDS : NULL;
}

static inline bool ct_ready_knows(int fd)
{
    const struct ct_ready_watch *watch = ct_ready_is_used ? ct_ready_watch_of(fd) : NULL;

    return watch != NULL && watch->epoll_fd != 0;
}

/* The epoll watches the descriptor, or does so with other data. */
void ct_ready_watch(int epoll_fd, int fd, uint64_t data);

void ct_ready_unwatch(int epoll_fd, int fd);

/* The number no longer means what it did. The caller knows that this is the process's own memory.
 */
void ct_ready_forget(int fd);
void ct_ready_forget_range(unsigned first, unsigned last);

/* The descriptor that the epoll tells of; negative: not known. */
int ct_ready_find(int epoll_fd, uint64_t data);

/* The first that is ready, in what the call returned; negative: none. */
int ct_ready_in_poll(const struct pollfd *fds, nfds_t count);

/* The sets of a select: as the kernel reads them, they may be larger than an fd_set, and need not
 * be there beyond the program's descriptors. */
#define CT_READY_SETS 3
struct ct_ready_sets {
    const fd_mask *sets[CT_READY_SETS]; /* borrowed */
    int readable[CT_READY_SETS];        /* words of each */
    int words;
};

/* Looks how much of them is there; the sets are set. */
void ct_ready_sets_find(struct ct_ready_sets *sets, int count);

/* What is in any of them. */
unsigned long ct_ready_sets_word(const struct ct_ready_sets *sets, int w);

/* As ct_ready_in_poll. */
int ct_ready_in_sets(const struct ct_ready_sets *sets);

#endif
