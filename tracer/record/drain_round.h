/* When a round of draining began, by both clocks. */
#ifndef CTRACE_RECORD_DRAIN_ROUND_H
#define CTRACE_RECORD_DRAIN_ROUND_H

#include "board_map.h"
#include "schema/board.h"

struct ct_drain_round {
    uint64_t now_ticks;
    uint64_t now_ns;
    uint64_t ns_per_tick; /* as in the control page */
};

/* Nothing is older than the image that says it is. */
static inline uint64_t ct_drain_round_time(const struct ct_drain_round *round,
                                           const struct ct_board_identity *image, uint64_t ticks)
{
    uint64_t age = round->now_ticks > ticks ? round->now_ticks - ticks : 0;
    uint64_t age_ns = ct_ticks_to_ns(age, round->ns_per_tick);
    uint64_t life_ns = round->now_ns - MIN(image->start_ns, round->now_ns);

    return round->now_ns - MIN(age_ns, life_ns);
}

#endif
