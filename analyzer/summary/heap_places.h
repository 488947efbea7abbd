/*
 * The places of programs that allocated memory: what of it was live, for how long, how much that
 * grew, and who freed it. Figures are estimates, where blocks were sampled.
 */
#ifndef CTRACE_HEAP_PLACES_H
#define CTRACE_HEAP_PLACES_H

#include "summary/report.h"

/* A stack that allocates; one of the same functions and lines stands for all processes of a
 * program. */
struct ct_heap_place {
    const struct ct_process *process; /* the first one; borrowed */
    guint process_count;
    uint32_t stack_id;
    uint64_t smallest, largest; /* bytes of a block */
    struct ct_heap_amount allocated;
    struct ct_heap_amount freed;
    struct ct_heap_amount freed_elsewhere; /* of those: by another thread */
    struct ct_heap_amount live;            /* at the end of the time asked for; of all time, at
                                              the last moment before a program gave back most */
    struct ct_heap_amount before;          /* live when that began */
    struct ct_heap_amount half;            /* live in the middle of it */
    struct ct_heap_amount last;            /* of `live`: of the processes that `half` is of */
    uint64_t second_half_ns;               /* in between, of the process where that is longest */
    struct ct_heap_amount peak;            /* live when its heap had its most */
    double lives[CT_HEAP_AGES];            /* blocks that were freed, by how long they lived */
    double ages[CT_HEAP_AGES];             /* of `live`, by their age, where that is the end */
    double life_ns;                        /* of those that were freed, together */
    gboolean is_suspect;                   /* what is live of it grew to the end */
};

/* The heap of a process. */
struct ct_heap_told {
    const struct ct_process *process; /* borrowed */
    uint64_t samples;
    uint64_t highest_rate; /* of its samples */
    uint64_t before_ns;    /* when `before` was, or 0: nothing was live then */
    uint64_t live_ns;      /* when `live` was */
    gboolean is_end;       /* that is the process's, or the recording's */
    struct ct_heap_amount allocated, live, before, peak, end;
    double moments[CT_HEAP_MOMENTS]; /* bytes that were live, at those of the heap */
};

struct ct_heap_places {
    GPtrArray *heaps;  /* owned; struct ct_heap_told *, owned: the largest first,
                         those without a sample last */
    GPtrArray *places; /* owned; struct ct_heap_place *, owned */
};

/* Of the processes that the report is about: it takes the symbols of all places. */
struct ct_heap_places *ct_heap_places_find(const struct ct_report *report);
void ct_heap_places_free(struct ct_heap_places *heap);

/* Which of the places are told, and in what order: the most bytes first, where nothing else is
 * said. */
enum ct_heap_order {
    CT_HEAP_ALL,          /* suspects, then by what is live, then by what was allocated */
    CT_HEAP_BY_SUSPICION, /* suspects alone, by their growth */
    CT_HEAP_BY_GROWTH,
    CT_HEAP_BY_LIVE,
    CT_HEAP_BY_PEAK,
    CT_HEAP_BY_ALLOCATED,
    CT_HEAP_BY_LIFE, /* the shortest first, of those that are a hundredth of all that was freed */
    CT_HEAP_BY_ELSEWHERE, /* the most blocks that other threads freed first */
};

/* struct ct_heap_place *, borrowed. Free with g_ptr_array_unref(). */
GPtrArray *ct_heap_places_in_order(const struct ct_heap_places *heap, enum ct_heap_order order);

/* Half of the blocks were older than that; `blocks` are by ct_histogram_bucket(). */
uint64_t ct_heap_median_ns(const double blocks[CT_HEAP_AGES]);

/* Bytes, since the begin of the time asked for; of a suspect, in its second half. */
double ct_heap_place_growth(const struct ct_heap_place *place);

#endif
