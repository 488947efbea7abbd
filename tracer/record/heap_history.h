/*
 * What was live on a board at moments of the past: how a heap grew, and what it was made of when it
 * was largest. The fewer moments lie behind, the closer they are together.
 */
#ifndef CTRACE_RECORD_HEAP_HISTORY_H
#define CTRACE_RECORD_HEAP_HISTORY_H

#include "board_map.h"
#include "schema/heap.h"

/* A board is looked at so often at most; less often where that takes long. */
#define CT_HEAP_LOOK_NS UINT64_C(100000000)

struct ct_heap_history;

struct ct_heap_history *ct_heap_history_new(void);
void ct_heap_history_free(struct ct_heap_history *history);

/* Looks at the board, if it is time for that. */
void ct_heap_history_look(struct ct_heap_history *history, const struct ct_board_map *map,
                          uint64_t now_ns);

/* What was live at the last look, as the samples stand for it; nothing before the first. */
struct ct_heap_live {
    double bytes;
    double objects;
};

struct ct_heap_live ct_heap_history_now(const struct ct_heap_history *history);

/* Looks at it for the last time: what was seen after the end, of a board that was still there, was
 * then, too. */
void ct_heap_history_end(struct ct_heap_history *history, const struct ct_board_map *map,
                         uint64_t end_ns);

/* When there was the most, 0: it was never looked at; and how many samples of a site then were
 * live. */
uint64_t ct_heap_history_peak_ns(const struct ct_heap_history *history);
uint64_t ct_heap_history_peak_live(const struct ct_heap_history *history, uint32_t site);

/* The same of all moments that are kept, in their order: gives how many. */
uint32_t ct_heap_history_times(const struct ct_heap_history *history,
                               uint64_t times_ns[CT_HEAP_MOMENTS]);
uint32_t ct_heap_history_live(const struct ct_heap_history *history, uint32_t site,
                              uint64_t live[CT_HEAP_MOMENTS]);

#endif
