/* How often blocks are taken: less often than asked for, where that would be too often. */
#ifndef CTRACE_PRELOAD_HEAP_RATE_H
#define CTRACE_PRELOAD_HEAP_RATE_H

#include <stdint.h>

/* The recording's rate is doubled so often. */
uint32_t ct_heap_shift(void);

/* One was taken. */
void ct_heap_rate_count(uint64_t ticks);

/* There is a new board. */
void ct_heap_rate_begin(void);

#endif
