#include "rate.h"

#include "preload/core/clock.h"
#include "schema/heap.h"

/* Samples are counted over so long; what is allowed in it is not so few that chance decides. */
#define WINDOW_NS     UINT64_C(250000000)
#define WINDOW_BUDGET (CT_HEAP_SAMPLES_PER_S / 4)

static _Atomic uint32_t shift;
static _Atomic uint32_t taken; /* in this window */
static _Atomic uint64_t window_ticks;

uint32_t ct_heap_shift(void)
{
    return atomic_load_explicit(&shift, memory_order_relaxed);
}

/* Who begins the next window says how often blocks are taken in it. */
static void turn(uint64_t ticks, uint32_t count)
{
    uint64_t begin = atomic_load(&window_ticks);
    uint32_t now = atomic_load(&shift);
    uint64_t ns = begin != 0 ? ct_elapsed_ns(begin, ticks) : 0;

    if ((count <= 2 * WINDOW_BUDGET && begin != 0 && ns < WINDOW_NS) ||
        !atomic_compare_exchange_strong(&window_ticks, &begin, ticks))
        return;
    atomic_store(&taken, 0);
    if (begin == 0)
        return;
    /* Full before its time, or over it; less than half as many as are allowed: one step back. */
    if (count > WINDOW_BUDGET && ns < WINDOW_NS * 2 && now < CT_HEAP_SHIFT_MAX)
        atomic_store(&shift, now + 1);
    else if (now > 0 && count * WINDOW_NS * 2 < WINDOW_BUDGET * ns)
        atomic_store(&shift, now - 1);
}

void ct_heap_rate_count(uint64_t ticks)
{
    turn(ticks, atomic_fetch_add_explicit(&taken, 1, memory_order_relaxed) + 1);
}

void ct_heap_rate_begin(void)
{
    atomic_store(&shift, 0);
    atomic_store(&taken, 0);
    atomic_store(&window_ticks, 0);
}
