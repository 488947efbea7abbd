/* A thread's rounds: see schema/turns.h. They cost no look at the clock that the wait does not
 * take. */
#ifndef CTRACE_PRELOAD_WAIT_ROUND_H
#define CTRACE_PRELOAD_WAIT_ROUND_H

#include "preload/core/clock.h"
#include "preload/core/self.h"
#include "schema/turns.h"

/* A look that cannot wait, or a wait that is not recorded. What it tells of may have come since the
 * last one that was timed. */
static inline void ct_round_untimed(void)
{
    ct_self.rounds++;
    ct_self.unread_ticks = ct_self.round_ticks;
}

/* How often the thread has given up its CPU, to wait. Always 0 where the kernel cannot be asked: it
 * is as if it never had. */
uint64_t ct_round_switches(void);

/* A wait has begun; to be handed on to its end. 0: it does not matter. */
static inline uint64_t ct_round_begin(const struct ct_self *self, uint64_t begin_ticks)
{
    if (__builtin_expect(ct_elapsed_ns(self->round_ticks, begin_ticks) < CT_ROUND_AWAY_NS, 1) ||
        self->round_ticks == 0)
        return 0;
    return ct_round_switches() + 1;
}

static inline void ct_round_end(struct ct_self *self, uint64_t begin_ticks, uint64_t end_ticks,
                                uint64_t switches)
{
    bool has_waited = ct_elapsed_ns(begin_ticks, end_ticks) >= CT_ROUND_WAITED_NS &&
                      (switches == 0 || ct_round_switches() + 1 != switches);

    self->rounds++;
    self->unread_ticks = has_waited ? end_ticks : self->round_ticks;
    self->round_ticks = end_ticks;
}

#endif
