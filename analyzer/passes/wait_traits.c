#include "passes/wait_traits.h"

#include "model/fact_finder.h"

struct ct_wait_traits ct_wait_traits_of(const struct ct_interval *interval)
{
    struct ct_wait_traits traits = {
        .thread = interval->thread,
        .waker = interval->waker,
        .op = interval->op,
        .class = interval->class,
        .stack_id = interval->stack_id,
        .is_for_lock = interval->is_for_lock,
        .object = interval->fd ? 0 : interval->object,
        .fd_role = interval->fd_role,
        .is_ended_by_fd = interval->is_ended_by_fd,
    };

    if (interval->fd) {
        traits.fd_kind = interval->fd->kind;
        ct_fd_find_ends(interval->fd, interval->fd_role, &traits.local, &traits.peer);
    }
    return traits;
}
