/* What a program's heap is made of, as samples of blocks: see schema/heap.h. */
#ifndef CTRACE_MODEL_HEAP_H
#define CTRACE_MODEL_HEAP_H

#include "schema/heap.h"

#include <glib.h>

/* Blocks of one size that one stack allocated, sampled by one rate. Counts are of samples. */
struct ct_heap_site {
    uint32_t stack_id;
    uint64_t size;
    uint64_t rate; /* mean bytes from one sample to the next; 0: they are all blocks */
    uint64_t allocated;
    uint64_t freed;
    uint64_t freed_elsewhere; /* of those: by another thread */
    uint64_t live;            /* when the recording or the process ended */
    uint64_t life_ns;         /* of those that were freed, together */
    uint64_t lives[CT_HEAP_AGES];
    uint64_t ages[CT_HEAP_AGES]; /* of what is live */
    uint64_t peak_live;          /* when the heap had its most */
    uint64_t moments_live[CT_HEAP_MOMENTS];
};

struct ct_heap {
    uint64_t rate;      /* that was asked for; CT_HEAP_UNREACHED: nothing was recorded */
    uint64_t allocator; /* an address in it */
    uint64_t early;     /* blocks that were allocated before anything was recorded */
    uint64_t dropped;   /* samples */
    uint64_t
        overflowed;   /* samples that were live, of which it is not known whether they still are */
    uint64_t peak_ns; /* when the most of all was live, as far as is known; 0: it is not */
    uint32_t moment_count;
    uint64_t moments_ns[CT_HEAP_MOMENTS]; /* when it was looked at what is live, in their order */
    GArray *sites;                        /* owned; struct ct_heap_site */
};

/* The allocator is in the program's own file. */
#define CT_HEAP_UNREACHED UINT64_MAX

struct ct_heap *ct_heap_new(void);
void ct_heap_free(struct ct_heap *heap);

/* How many blocks one sample of the site stands for. */
double ct_heap_site_weight(const struct ct_heap_site *site);

/* What so many samples stand for, and how far off that may be: the variance of its bytes. */
struct ct_heap_amount {
    double blocks;
    double bytes;
    double variance;
};

void ct_heap_amount_add(struct ct_heap_amount *amount, const struct ct_heap_site *site,
                        uint64_t samples);

/* One standard error of its bytes. */
double ct_heap_amount_error(const struct ct_heap_amount *amount);

#endif
