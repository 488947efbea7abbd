/*
 * What a board tells of the program's heap, with record --heap: which places allocate, and what of
 * that is live. Blocks are sampled by their bytes, as points of a Poisson process are met: a block
 * of S bytes is taken with P = 1 - exp(-S / R), and then stands for 1 / P blocks and S / P bytes.
 * The rate R is the recording's, times two as often as `shift` says; R of 0 takes all of them.
 *
 * A site is a place, a size and a rate: all blocks of one have the same weight, so that counts are
 * enough. Sites and blocks are hash tables in levels, a part of the board's table each: what finds
 * no room in one level goes on to the next. Nothing is ever moved.
 */
#ifndef CTRACE_SCHEMA_HEAP_H
#define CTRACE_SCHEMA_HEAP_H

#include <stdatomic.h>
#include <stdint.h>

#define CT_HEAP_RATE_DEFAULT (UINT64_C(512) << 10)
#define CT_HEAP_RATE_MAX     (UINT64_C(1) << 40)
#define CT_HEAP_SHIFT_MAX    20

/* The rate rises while more than so many samples a second are taken. */
#define CT_HEAP_SAMPLES_PER_S 200

/* Lives of blocks by powers of two, as those of calls: see ct_histogram_bucket. */
#define CT_HEAP_AGES 32

/* So many moments of a heap's past are told at most. */
#define CT_HEAP_MOMENTS 32

enum ct_heap_site_state {
    CT_HEAP_SITE_FREE,
    CT_HEAP_SITE_BEGUN, /* its size is not there yet */
    CT_HEAP_SITE_READY,
};

/* `head`: stack << 32 | shift << 8 | state */
struct ct_board_heap_site {
    _Atomic uint64_t head;
    uint64_t size;
    _Atomic uint64_t allocated; /* samples of it, as all counts here */
    _Atomic uint64_t freed;
    _Atomic uint64_t freed_elsewhere; /* of those: by another thread */
    _Atomic uint64_t life_ns;         /* of those that were freed, together */
    _Atomic uint64_t inherited;       /* live when the process was forked */
    _Atomic uint64_t overflowed;      /* of those that were allocated: no room to follow them */
    _Atomic uint32_t lives[CT_HEAP_AGES];
    uint64_t reserved[8];
};

static inline uint64_t ct_heap_head(uint32_t stack, uint32_t shift, enum ct_heap_site_state state)
{
    return (uint64_t)stack << 32 | (uint64_t)shift << 8 | state;
}

#define CT_HEAP_BUCKET_BLOCKS 5

/* A live block that was taken. */
struct ct_board_heap_block {
    uint64_t ticks; /* when it was allocated */
    uint32_t site;
    int32_t tid;
};

/* The address of a block is stored last; 0: there is none, 1: it is being written. */
struct ct_board_heap_bucket {
    _Atomic uint64_t addresses[CT_HEAP_BUCKET_BLOCKS];
    struct ct_board_heap_block blocks[CT_HEAP_BUCKET_BLOCKS];
    uint64_t reserved;
};

#define CT_HEAP_BLOCK_BEGUN 1

/*
 * With record --heap, of a process whose heap was recorded. `allocator` is an address in
 * it. `early` blocks were allocated before anything could be recorded, `dropped` samples and
 * `overflowed` live blocks found no room. A rate of 2^64 - 1 says that nothing was recorded, since
 * the allocator is in the program's own file. `moments_ns` are when the recorder looked at what was
 * live, as far as that is kept; at `peak_ns`, the most of all was (0: it did not look).
 */
#define CT_EVENT_HEAP(F) \
    CT_SUBJECT(F)        \
    F(U64, rate)         \
    F(HEX64, allocator)  \
    F(U64, early)        \
    F(U64, dropped)      \
    F(U64, overflowed)   \
    F(U64, peak_ns)      \
    F(HISTOGRAM, moments_ns)

/*
 * Blocks of one size that one stack allocated, as samples by that rate (0: it is all of them): each
 * stands for 1 / (1 - exp(-size / rate)) blocks; a size of 0 counts as 1 there. `live` were not
 * freed, and had then been there for as long as `ages` say; of those that were, `lives` does. The
 * buckets are those of counters; the last ones are left out while they are 0. `peak_live` and
 * `moments_live` were live at the times that the heap has.
 */
#define CT_EVENT_HEAP_SITE(F)                                 \
    CT_SUBJECT(F)                                             \
    F(U32, stack)                                             \
    F(U64, size)                                              \
    F(U64, rate)                                              \
    F(U64, allocated)                                         \
    F(U64, freed)                                             \
    F(U64, freed_elsewhere) /* of those: by another thread */ \
    F(U64, live)                                              \
    F(U64, life_ns) /* of all that were freed, together */    \
    F(HISTOGRAM, lives)                                       \
    F(HISTOGRAM, ages)                                        \
    F(U64, peak_live)                                         \
    F(HISTOGRAM, moments_live)

_Static_assert(sizeof(struct ct_board_heap_site) == 256, "site layout");
_Static_assert(sizeof(struct ct_board_heap_bucket) == 128, "bucket layout");

#endif
