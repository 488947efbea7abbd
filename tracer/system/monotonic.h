/* The clock of a recording: the machine's CLOCK_MONOTONIC, also in a time namespace. */
#ifndef CTRACE_SYSTEM_MONOTONIC_H
#define CTRACE_SYSTEM_MONOTONIC_H

#include <stdbool.h>
#include <stdint.h>

uint64_t ct_monotonic_ns(void);

/* This process's own CLOCK_MONOTONIC is another one. */
bool ct_monotonic_is_shifted(void);

#endif
