/* What file descriptors are, cached by number. */
#ifndef CTRACE_PRELOAD_WAIT_FD_H
#define CTRACE_PRELOAD_WAIT_FD_H

#include "fd_peers.h"
#include "schema/operations.h"

#include <stdbool.h>
#include <stdint.h>

#define CT_FD_KNOWN       0x80u /* the low bits hold the kind */
#define CT_FD_ANNOUNCED   0x40u /* an `fd` event has described it */
#define CT_FD_NONBLOCKING 0x20u /* calls on it return at once, by O_NONBLOCK */
#define CT_FD_HAS_TURNS   0x10u /* a connection whose turns are told: see turn.h */
#define CT_FD_KIND_MASK   0x0fu

_Static_assert(CT_FD_KIND_COUNT <= CT_FD_KIND_MASK + 1, "kind fits its bits");

/* What stays true of a number when its flags change. */
#define CT_FD_LASTING (CT_FD_ANNOUNCED | CT_FD_HAS_TURNS)

enum ct_fd_kind ct_fd_look(int fd);

static inline enum ct_fd_kind ct_fd_kind(int fd)
{
    if ((unsigned)fd < CT_FD_CACHE && ct_fds[fd].known & CT_FD_KNOWN)
        return (enum ct_fd_kind)(ct_fds[fd].known & CT_FD_KIND_MASK);
    return ct_fd_look(fd);
}

/* FALSE if a call on this descriptor returns at once in any case: it is no wait. */
static inline bool ct_fd_may_wait(int fd)
{
    if ((unsigned)fd >= CT_FD_CACHE)
        return true;
    ct_fd_kind(fd);
    return !(ct_fds[fd].known & CT_FD_NONBLOCKING);
}

static inline bool ct_fd_has_turns(int fd)
{
    return (unsigned)fd < CT_FD_CACHE && ct_fds[fd].known & CT_FD_HAS_TURNS;
}

/* Its flags may have changed. */
void ct_fd_recheck(int fd);

/* The class of a wait on a descriptor of each kind. */
extern const uint8_t ct_fd_kind_class[CT_FD_KIND_COUNT];

static inline enum ct_class ct_fd_class(int fd)
{
    return (enum ct_class)ct_fd_kind_class[ct_fd_kind(fd)];
}

/* The number no longer means, or now first means, what it did. */
void ct_fd_forget(int fd);
void ct_fd_forget_range(unsigned first, unsigned last);

/* It has got addresses: the next wait on it describes it anew. */
void ct_fd_connected(int fd);

/* The process is a child of fork: it tells of its descriptors anew. */
void ct_fds_forked(void);

/* Writes an `fd` event unless this descriptor has had one. */
void ct_fd_announce(int fd);

/* An epoll descriptor watches `fd` from now on: its waits are of what it watches. What it tells of
 * it comes with `data`. */
void ct_fd_epoll_add(int epoll_fd, int fd, uint64_t data);

enum ct_class ct_fd_epoll_class(int epoll_fd);

#endif
