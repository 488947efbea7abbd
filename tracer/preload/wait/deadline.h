/* Deadlines that glibc accepts: where it looks at them first, a hook must not try first. */
#ifndef CTRACE_PRELOAD_WAIT_DEADLINE_H
#define CTRACE_PRELOAD_WAIT_DEADLINE_H

#include <stdbool.h>
#include <time.h>

static inline bool ct_is_deadline_clock(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
}

static inline bool ct_is_deadline(clockid_t clock, const struct timespec *deadline)
{
    return ct_is_deadline_clock(clock) && deadline->tv_nsec >= 0 && deadline->tv_nsec < 1000000000;
}

/* For some, none at all is one that never comes: what the headers say of NULL is not so. */
static inline bool ct_is_deadline_or_none(clockid_t clock, const struct timespec *deadline)
{
    __asm__("" : "+r"(deadline)); /* a compiler that read the headers would believe them */
    return deadline == NULL || ct_is_deadline(clock, deadline);
}

#endif
