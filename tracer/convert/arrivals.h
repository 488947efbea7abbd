/*
 * Tasks that came on a CPU after its idle task: where that is silent (see idle.h), no tracepoint
 * told of the switch.
 */
#ifndef CTRACE_CONVERT_ARRIVALS_H
#define CTRACE_CONVERT_ARRIVALS_H

#include "spool/spool.h"

/*
 * As ct_spool_read(), but an arrival is the switch that a tracepoint should have told of, or left
 * out if one did. `is_told` is the reader's; at first, FALSE.
 */
gboolean ct_arrivals_read(struct ct_spool *spool, gboolean *is_told, struct ct_raw_record *record);

#endif
