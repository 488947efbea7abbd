/*
 * Which blocks are taken. What every call of the allocator goes through is here: an allocation
 * counts bytes down to the next sample, and what is freed is looked up in a small table of where
 * samples are, by a hash of its address.
 */
#ifndef CTRACE_PRELOAD_HEAP_HOOKS_SAMPLER_H
#define CTRACE_PRELOAD_HEAP_HOOKS_SAMPLER_H

#include "preload/core/storage.h"
#include "preload/heap/heap.h"

#define CT_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define CT_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* A thread's way to the next sample. */
struct ct_countdown {
    uint64_t remaining; /* the next byte that is not passed over: the first, as 1; 0: none is */
    uint64_t rate;      /* that `remaining` was drawn by */
    uint64_t random;    /* xorshift state; 0: the thread is new */
    uint32_t shift;     /* how often that is the recording's, doubled */
    uint32_t decisions; /* how often it was not passed over */
    uint8_t is_drawn;   /* else nothing is recorded, as far as it knows */
    uint8_t is_inside;  /* of our own work: what that allocates is passed over */
};

extern CT_TLS struct ct_countdown ct_countdown;

#define CT_SAMPLED_PLACES (UINT32_C(1) << 16)

/* How many samples have an address of that hash; those that are 255 once stay so. */
extern _Atomic uint8_t ct_sampled_places[CT_SAMPLED_PLACES];

/* The sum of the address's bits from 4 on and of those from 20 on, in one multiplication.
 * Neighbours are neighbours there, so that what fits the cache goes on to fit it. */
static inline _Atomic uint8_t *ct_sampled_place(const void *block)
{
    const uint64_t factor = UINT64_C(1) << 44 | UINT64_C(1) << 28;

    return &ct_sampled_places[(uint64_t)block * factor >> 48];
}

/* TRUE: it is passed over, as nearly all are; of no bytes, unless all are taken. */
static inline bool ct_passes_over(size_t size)
{
    struct ct_countdown *countdown = &ct_countdown;

    if (CT_UNLIKELY(size >= countdown->remaining))
        return false;
    countdown->remaining -= size;
    return true;
}

/* The block that was not passed over; NULL: it could not be allocated. */
void ct_sample(const void *block, size_t size, const void *site);

static inline bool ct_may_be_sampled(const void *block)
{
    return CT_UNLIKELY(atomic_load_explicit(ct_sampled_place(block), memory_order_relaxed) != 0);
}

/* One that may be sampled is about to be freed. */
void ct_sample_free(const void *block);

/* The same in two steps; FALSE in the first: it is none. */
bool ct_sample_take_out(const void *block, struct ct_heap_block *sample);
void ct_sample_end(const struct ct_heap_block *sample, bool is_freed);

#endif
