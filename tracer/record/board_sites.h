/* The places that allocate, as a board has them: read with a check of what they say. */
#ifndef CTRACE_RECORD_BOARD_SITES_H
#define CTRACE_RECORD_BOARD_SITES_H

#include "board_map.h"
#include "schema/heap.h"

/* More blocks than any process has ever allocated, and larger ones than it can. */
#define CT_HEAP_MAX_BLOCKS (UINT64_C(1) << 48)
#define CT_HEAP_MAX_SIZE   (UINT64_C(1) << 56)

/* What it counts; the histogram is read by itself. */
struct ct_heap_site_copy {
    uint32_t stack;
    uint64_t size;
    uint64_t rate; /* of its samples */
    uint64_t allocated;
    uint64_t freed;
    uint64_t freed_elsewhere;
    uint64_t life_ns;
    uint64_t live; /* as far as those numbers say */
};

/* Mean bytes from one sample to the next; CT_HEAP_OFF: nothing is recorded, or it makes no sense.
 */
uint64_t ct_board_heap_rate(const struct ct_board_map *map);

/* How many there may be. */
uint32_t ct_board_heap_sites(const struct ct_board_map *map);

/* FALSE: there is none, or it makes no sense. `rate` is the board's. */
gboolean ct_board_heap_read_site(const struct ct_board_map *map, uint32_t index, uint64_t rate,
                                 struct ct_heap_site_copy *site);

void ct_board_heap_read_lives(const struct ct_board_map *map, uint32_t index,
                              uint64_t lives[CT_HEAP_AGES]);

#endif
