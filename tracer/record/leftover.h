/* What a killed recorder left of a recording that was to keep its newest part. */
#ifndef CTRACE_RECORD_LEFTOVER_H
#define CTRACE_RECORD_LEFTOVER_H

#include "recording_state.h"

/* So many of the oldest `parts` go, where those that are left have `size`, and are to have `wanted`
 * at most; the newest one stays. */
guint ct_leftover_excess(const struct ct_control_part parts[CT_CONTROL_PARTS], uint64_t size,
                         uint64_t wanted);

/* Before it is finished: brings out what is in buffers, and drops the oldest parts until the rest,
 * with what is still on boards, has no more than was asked for. */
void ct_leftover_trim(struct ct_recording *recording);

#endif
