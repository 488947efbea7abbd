/*
 * What somebody waits on and another thread may let go, by a hash of its address (or number): what
 * an unlock looks at to know that it lets somebody go.
 */
#ifndef CTRACE_PRELOAD_CORE_WAITERS_H
#define CTRACE_PRELOAD_CORE_WAITERS_H

#include "board.h"

#include <stdatomic.h>

static inline _Atomic uint32_t *ct_waiters_of(const void *object)
{
    uint64_t address = (uint64_t)object;

    return &ct_wiped.waiters[(address >> 3 ^ address >> 15) % CT_WAITER_TABLE];
}

/* What stands for a descriptor among the addresses. */
static inline const void *ct_fd_waiters_key(int fd)
{
    return (const void *)((uintptr_t)fd << 3);
}

static inline bool ct_has_waiters(const void *object)
{
    return atomic_load_explicit(ct_waiters_of(object), memory_order_relaxed) != 0;
}

#endif
