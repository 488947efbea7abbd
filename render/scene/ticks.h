/* Round times for an axis, and how to write them. */
#ifndef CTRACE_TICKS_H
#define CTRACE_TICKS_H

#include "model/timeline.h"

struct ct_ticks {
    uint64_t first_ns; /* a multiple of step_ns, from the beginning of the recording */
    uint64_t step_ns;
    uint32_t count;
    uint64_t
        base_ns; /* labels count from here: 0, or close to the window if digits would not fit */
};

/* Ticks inside [begin_ns, end_ns], both from the beginning of the recording, at most `most` (>= 2)
 * of them. Steps are 1, 2 or 5 of a unit; above a minute, what a clock face has. */
struct ct_ticks ct_ticks_choose(uint64_t begin_ns, uint64_t end_ns, uint32_t most);

/* "0", "1.5 ms", "+20 ns", "2 min 30 s". Free with g_free(). */
char *ct_ticks_label(const struct ct_ticks *ticks, uint64_t time_ns);

/* An exact time, every digit that counts: "1.5000001 s". Free with g_free(). */
char *ct_time_label(uint64_t time_ns);

#endif
