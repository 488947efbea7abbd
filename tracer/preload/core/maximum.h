/* A variable that only goes up: threads raise it at once. */
#ifndef CTRACE_PRELOAD_CORE_MAXIMUM_H
#define CTRACE_PRELOAD_CORE_MAXIMUM_H

#include <stdatomic.h>
#include <stdint.h>

static inline void ct_maximum_raise(_Atomic uint32_t *maximum, uint32_t value)
{
    uint32_t known = atomic_load_explicit(maximum, memory_order_relaxed);

    while (known < value && !atomic_compare_exchange_weak(maximum, &known, value))
        ;
}

#endif
