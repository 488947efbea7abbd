/* The clock, read past whoever else interposes it, as libfaketime does. */
#ifndef CTRACE_PRELOAD_CORE_CLOCK_H
#define CTRACE_PRELOAD_CORE_CLOCK_H

#include <stdint.h>

/* Finds it; before the first of the others. */
void ct_clock_init(void);

/* The process may be in another time namespace than it was. */
void ct_clock_find_namespace(void);

/* CLOCK_MONOTONIC as the recording has it: the machine's. */
uint64_t ct_now_ns(void);

/* That time as the kernel takes it from this process, for a deadline. */
uint64_t ct_clock_own_ns(uint64_t time_ns);

#endif
