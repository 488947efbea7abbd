/*
 * Large tables of which a program uses a few parts: a part has memory once it is used. Unused ones
 * would count against limits of address space, and be pinned where all memory is.
 */
#ifndef CTRACE_PRELOAD_CORE_PARTS_H
#define CTRACE_PRELOAD_CORE_PARTS_H

#include <stdatomic.h>
#include <stddef.h>

/* The part's memory, zeroed at first; the same for all who ask. NULL: there is none to be had. */
void *ct_part_use(_Atomic(void *) *part, size_t size);

static inline void *ct_part_get(_Atomic(void *) *part)
{
    return atomic_load_explicit(part, memory_order_acquire);
}

#endif
