/*
 * How much of the CPUs the recorded threads had, at any time: known where a kernel layer tells who
 * ran. What other programs ran meanwhile is not known.
 */
#ifndef CTRACE_PASSES_CPU_USE_H
#define CTRACE_PASSES_CPU_USE_H

#include "store/store.h"

struct ct_cpu_use;

/* Of all threads, whichever are asked for, in that window; NULL: in all the time. NULL with an
 * error. */
struct ct_cpu_use *ct_cpu_use_find(struct ct_store *store, const struct ct_window *window,
                                   GError **error);
void ct_cpu_use_free(struct ct_cpu_use *use);
typedef struct ct_cpu_use ct_cpu_use; /* for g_autoptr(ct_cpu_use) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_cpu_use, ct_cpu_use_free)

/* On so many CPUs they ran at some time of the recording. 0: nothing is known. */
guint ct_cpu_use_cpus(const struct ct_cpu_use *use);

/* For so long they ran in [begin_ns, end_ns), on all CPUs together: exact where both are
 * multiples of the precision; else what ran in such a time is spread over it evenly. */
double ct_cpu_use_between(const struct ct_cpu_use *use, uint64_t begin_ns, uint64_t end_ns);
uint64_t ct_cpu_use_precision_ns(const struct ct_cpu_use *use);

#endif
