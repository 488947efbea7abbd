/* What a sampled block stands for; for who reads boards and recordings, since it takes the
 * mathematical library. */
#ifndef CTRACE_SCHEMA_HEAP_WEIGHT_H
#define CTRACE_SCHEMA_HEAP_WEIGHT_H

#include <math.h>
#include <stdint.h>

/* So many blocks of that size, where each was taken by that rate; see heap.h. */
static inline double ct_heap_weight(uint64_t size, uint64_t rate)
{
    double bytes = (double)(size > 0 ? size : 1);

    return rate > 0 ? -1 / expm1(-bytes / (double)rate) : 1;
}

#endif
