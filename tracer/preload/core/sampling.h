/* What is recorded of what happens. */
#ifndef CTRACE_PRELOAD_CORE_SAMPLING_H
#define CTRACE_PRELOAD_CORE_SAMPLING_H

#include "self.h"

#include <stdatomic.h>

/* 32 bits. */
static inline uint64_t ct_self_random(struct ct_self *self)
{
    self->random ^= self->random << 13;
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    return self->random >> 32;
}

/* Is what took so long to be recorded? What is shorter than the rate is sampled. */
static inline bool ct_self_samples(struct ct_self *self, uint64_t duration_ns)
{
    uint64_t rate_ns = ct_control->rate_ns;

    return duration_ns >= rate_ns || ct_self_random(self) * rate_ns < duration_ns << 32;
}

/* Was that before the recording began? */
static inline bool ct_is_early(uint64_t ticks)
{
    return ticks < atomic_load_explicit(&ct_control->begin_ticks, memory_order_relaxed);
}

#endif
