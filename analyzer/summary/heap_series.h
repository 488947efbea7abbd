/* What was live at the moments of a heap that are known: which are those that are asked for, and
 * whether it grew all the time. */
#ifndef CTRACE_HEAP_SERIES_H
#define CTRACE_HEAP_SERIES_H

#include "model/model.h"

/* A moment of a heap: one of those that are known, or the end of all. */
#define CT_HEAP_AT_BEGIN (-1) /* nothing is live */
#define CT_HEAP_AT_END   CT_HEAP_MOMENTS

/* The nearest one. */
int ct_heap_moment_near(const struct ct_process *process, uint64_t time_ns);
uint64_t ct_heap_moment_ns(const struct ct_process *process, int moment);

/* How many samples of the site were live then. */
uint64_t ct_heap_live_at(const struct ct_heap_site *site, int moment);

/* The end; or the last moment before it, where the program gave back most of its memory in between:
 * what was live to the end is to be told, not what that left. */
int ct_heap_last_moment(const struct ct_process *process);

/* The middle of the process's life up to the last moment, and three quarters of it: FALSE where no
 * moment is near those. */
gboolean ct_heap_find_quarters(const struct ct_process *process, int last, int *half, int *three);

/* Did it grow in both of the last quarters, and by more than chance? */
gboolean ct_heap_grows(const struct ct_heap_amount *half, const struct ct_heap_amount *three,
                       const struct ct_heap_amount *end);

#endif
