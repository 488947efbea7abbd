/* What every example needs: a clock, and work that takes a known time. */
#ifndef CTRACE_EXAMPLES_CLOCK_H
#define CTRACE_EXAMPLES_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Stands for real work: keeps the CPU busy. */
static inline void work_for_us(unsigned us)
{
    uint64_t until_ns = clock_now_ns() + us * 1000u;

    while (clock_now_ns() < until_ns)
        ;
}

static inline double ns_to_ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

#endif
