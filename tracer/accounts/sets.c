#include "sets.h"

#include "system/call_kinds.h"

#include <poll.h>
#include <sys/select.h>
#include <sys/uio.h>

/* So many are looked at, from the first on. */
#define LOOKED_AT_MAX 64

/* The classes of those that were found, as bits 1 << class. */
struct set {
    struct ct_account_fds *fds; /* borrowed */
    unsigned classes;
    guint count;
};

static void add(struct set *set, int fd)
{
    if (set->count++ >= LOOKED_AT_MAX)
        return;
    enum ct_class class = ct_account_fds_class(set->fds, fd);

    set->classes |= 1U << (class == CT_CLASS_UNKNOWN ? CT_CLASS_SYSCALL : class);
}

static gboolean read_memory(pid_t pid, uint64_t address, void *content, size_t size)
{
    struct iovec here = {content, size};
    struct iovec there = {(void *)(uintptr_t)address, size};

    return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)size;
}

static gboolean add_polled(struct set *set, pid_t pid, const struct ct_kernel_syscall *made)
{
    struct pollfd polled[LOOKED_AT_MAX];
    size_t count = MIN(made->arguments[1], LOOKED_AT_MAX);

    if (!read_memory(pid, made->arguments[0], polled, count * sizeof(polled[0])))
        return FALSE;
    for (size_t i = 0; i < count; i++) {
        if (polled[i].fd >= 0)
            add(set, polled[i].fd);
    }
    return TRUE;
}

static gboolean add_selected(struct set *set, pid_t pid, const struct ct_kernel_syscall *made)
{
    size_t count = MIN(made->arguments[0], FD_SETSIZE);
    size_t size = (count + NFDBITS - 1) / NFDBITS * sizeof(fd_mask);

    for (int which = 1; which <= 3; which++) {
        fd_set selected;

        if (made->arguments[which] == 0)
            continue;
        FD_ZERO(&selected);
        if (!read_memory(pid, made->arguments[which], &selected, size))
            return FALSE;
        for (size_t fd = 0; fd < count; fd++) {
            if (FD_ISSET(fd, &selected))
                add(set, (int)fd);
        }
    }
    return TRUE;
}

enum ct_class ct_account_set_class(pid_t pid, enum ct_syscall_abi abi, struct ct_account_fds *fds,
                                   const struct ct_kernel_syscall *made)
{
    struct set set = {.fds = fds};
    uint64_t count = 0;

    if (!ct_call_is_of_set(made, &count) || count == 0)
        return CT_CLASS_SLEEP;
    gboolean is_poll = made->call == CT_SYSCALL_poll || made->call == CT_SYSCALL_ppoll;
    /* The masks of a select are of longs, which are others there. */
    gboolean is_read = is_poll                     ? add_polled(&set, pid, made)
                       : abi == CT_SYSCALL_ABI_OWN ? add_selected(&set, pid, made)
                                                   : FALSE;

    return is_read ? ct_class_of_set(set.classes) : CT_CLASS_NET;
}
