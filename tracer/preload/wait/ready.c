#include "ready.h"

#include "preload/core/board.h"
#include "preload/core/maximum.h"
#include "preload/core/memory.h"
#include "preload/core/storage.h"

CT_SELDOM _Atomic(void *) ct_ready_parts[CT_FD_CACHE / CT_READY_PART_FDS];
bool ct_ready_is_used;

/* Descriptors from here on are in none. */
static _Atomic uint32_t watches_end;

/* By what the epoll tells: numbers of descriptors, and one more. A number that has found no place
 * is not known, unless it is the data itself. */
#define PROBES 8
typedef _Atomic int32_t place_table[2 * CT_FD_CACHE];
static CT_SELDOM _Atomic(void *) places;

static bool is_cached(int fd)
{
    return (unsigned)fd < CT_FD_CACHE;
}

static bool tells(int epoll_fd, uint64_t data, int fd)
{
    const struct ct_ready_watch *watch = ct_ready_watch_of(fd);

    return watch != NULL && watch->epoll_fd == epoll_fd + 1 && watch->data == data;
}

/* The table is there. */
static _Atomic int32_t *place_of(int epoll_fd, uint64_t data, unsigned probe)
{
    uint64_t mixed = (data + ((uint64_t)(uint32_t)epoll_fd << 48)) * UINT64_C(0x9e3779b97f4a7c15);

    return (_Atomic int32_t *)ct_part_get(&places) + ((mixed >> 40) + probe) % (2 * CT_FD_CACHE);
}

/* The one in the table; negative: none. */
static int find_placed(int epoll_fd, uint64_t data)
{
    for (unsigned i = 0; ct_part_get(&places) != NULL && i < PROBES; i++) {
        int32_t fd = atomic_load_explicit(place_of(epoll_fd, data, i), memory_order_relaxed) - 1;

        if (fd >= 0 && tells(epoll_fd, data, fd))
            return fd;
    }
    return -1;
}

/* The program's data is its number, as with events that use `data.fd`. */
static int find_plain(int epoll_fd, uint64_t data)
{
    return (uint32_t)data < CT_FD_CACHE && tells(epoll_fd, data, (int)(uint32_t)data)
               ? (int)(uint32_t)data
               : -1;
}

static int find(int epoll_fd, uint64_t data)
{
    int fd = find_plain(epoll_fd, data);

    return fd >= 0 ? fd : find_placed(epoll_fd, data);
}

/* Would it be found there? */
static bool belongs(int fd, const _Atomic int32_t *at)
{
    const struct ct_ready_watch *watch = ct_ready_watch_of(fd);

    for (unsigned i = 0; watch != NULL && watch->epoll_fd != 0 && i < PROBES; i++)
        if (place_of(watch->epoll_fd - 1, watch->data, i) == at)
            return true;
    return false;
}

static void place(int epoll_fd, int fd, uint64_t data)
{
    if (ct_part_use(&places, sizeof(place_table)) == NULL)
        return;
    for (unsigned i = 0; i < PROBES; i++) {
        _Atomic int32_t *at = place_of(epoll_fd, data, i);
        int32_t other = atomic_load_explicit(at, memory_order_relaxed) - 1;

        if (other < 0 || other == fd || !belongs(other, at)) {
            atomic_store_explicit(at, fd + 1, memory_order_relaxed);
            return;
        }
    }
}

void ct_ready_watch(int epoll_fd, int fd, uint64_t data)
{
    /* A child of vfork has other descriptors, but the same tables. */
    if (!is_cached(epoll_fd) || !is_cached(fd) || tells(epoll_fd, data, fd) || !ct_process_is_own())
        return;
    if (ct_part_use(&ct_ready_parts[fd / CT_READY_PART_FDS],
                    CT_READY_PART_FDS * sizeof(struct ct_ready_watch)) == NULL)
        return;
    ct_ready_is_used = true;
    ct_maximum_raise(&watches_end, (uint32_t)fd + 1);
    int other = find(epoll_fd, data);
    struct ct_ready_watch *watch = ct_ready_watch_of(fd);

    watch->epoll_fd = 0;
    watch->data = data;
    watch->is_shared = other >= 0 && other != fd;
    if (watch->is_shared)
        ct_ready_watch_of(other)->is_shared = true;
    watch->epoll_fd = epoll_fd + 1;
    if ((uint32_t)data != (uint32_t)fd)
        place(epoll_fd, fd, data);
}

void ct_ready_unwatch(int epoll_fd, int fd)
{
    if (is_cached(fd) && ct_ready_knows(fd) && ct_ready_watch_of(fd)->epoll_fd == epoll_fd + 1 &&
        ct_process_is_own())
        ct_ready_forget(fd);
}

void ct_ready_forget(int fd)
{
    if (ct_ready_knows(fd))
        ct_ready_watch_of(fd)->epoll_fd = 0;
}

void ct_ready_forget_range(unsigned first, unsigned last)
{
    for (unsigned fd = first; fd <= last && fd < watches_end; fd++)
        ct_ready_forget((int)fd);
}

int ct_ready_find(int epoll_fd, uint64_t data)
{
    int fd = ct_ready_is_used ? find(epoll_fd, data) : -1;

    return fd >= 0 && !ct_ready_watch_of(fd)->is_shared ? fd : -1;
}

int ct_ready_in_poll(const struct pollfd *fds, nfds_t count)
{
    for (nfds_t i = 0; i < count; i++)
        if (fds[i].revents != 0)
            return fds[i].fd;
    return -1;
}

void ct_ready_sets_find(struct ct_ready_sets *sets, int count)
{
    sets->words = count > 0 && count <= CT_FD_CACHE ? (count - 1) / NFDBITS + 1 : 0;
    for (size_t s = 0; s < CT_READY_SETS; s++)
        sets->readable[s] =
            (int)(ct_memory_readable(sets->sets[s], (size_t)sets->words * sizeof(fd_mask)) /
                  sizeof(fd_mask));
}

unsigned long ct_ready_sets_word(const struct ct_ready_sets *sets, int w)
{
    unsigned long word = 0;

    for (size_t s = 0; s < CT_READY_SETS; s++)
        word |= w < sets->readable[s] ? (unsigned long)sets->sets[s][w] : 0;
    return word;
}

int ct_ready_in_sets(const struct ct_ready_sets *sets)
{
    for (int w = 0; w < sets->words; w++) {
        unsigned long word = ct_ready_sets_word(sets, w);

        if (word != 0)
            return w * NFDBITS + __builtin_ctzl(word);
    }
    return -1;
}
