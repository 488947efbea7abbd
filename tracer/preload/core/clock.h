/* The clock, read past whoever else interposes it, as libfaketime does. */
#ifndef CTRACE_PRELOAD_CORE_CLOCK_H
#define CTRACE_PRELOAD_CORE_CLOCK_H

#include "board.h"

#include <stdatomic.h>
#include <stdint.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

/* The process may be in another time namespace than it was. */
void ct_clock_find_namespace(void);

/* The process has changed its namespaces: its children may be in another one than it is. */
void ct_clock_expect_namespace(void);

/* In a child of fork: finds its namespace where that may be another one. */
void ct_clock_forked(void);

/* CLOCK_MONOTONIC as the recording has it: the machine's. */
uint64_t ct_now_ns(void);

/* The same, by a system call: for what happens once in a process, most of which never read the
 * clock in their own memory. Its pages are three faults, which take longer than many calls. */
uint64_t ct_now_once_ns(void);

/* That time as the kernel takes it from this process, for a deadline. */
uint64_t ct_clock_own_ns(uint64_t time_ns);

/* What is cheapest to read, of which the recording knows how long a tick is. */
static inline uint64_t ct_ticks(void)
{
#if defined(__x86_64__)
    if (__builtin_expect(ct_control->uses_tsc, 1))
        return __rdtsc();
#endif
    return ct_now_ns();
}

/* As ct_now_once_ns. */
static inline uint64_t ct_ticks_once(void)
{
#if defined(__x86_64__)
    if (__builtin_expect(ct_control->uses_tsc, 1))
        return __rdtsc();
#endif
    return ct_now_once_ns();
}

static inline uint64_t ct_elapsed_ns(uint64_t from_ticks, uint64_t to_ticks)
{
    /* The TSCs of two CPUs may differ by a few ticks. */
    if (__builtin_expect(to_ticks <= from_ticks, 0))
        return 0;
    return ct_ticks_to_ns(to_ticks - from_ticks,
                          atomic_load_explicit(&ct_control->ns_per_tick, memory_order_relaxed));
}

#endif
