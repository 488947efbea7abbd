/*
 * CPU samples: where the program's tasks run, by the clock of the CPU time that they use. perf's
 * records also tell what they map, so that the stacks can be made of what was copied of them.
 */
#ifndef CTRACE_RECORD_LAYERS_PERF_SAMPLING_H
#define CTRACE_RECORD_LAYERS_PERF_SAMPLING_H

#include "rings.h"

#include <glib.h>
#include <sys/types.h>

/* As many times a second as can be wished for. */
#define CT_SAMPLING_HZ_MAX     10000
#define CT_SAMPLING_HZ_DEFAULT 99

/*
 * Process `pid` and all its children to come, from its next exec on, or ct_rings_begin(). NULL and
 * why not, else *has_system_time tells whether the kernel's part of their time is sampled too.
 */
struct ct_rings *ct_sampling_open(pid_t pid, uint32_t hz, gboolean is_delayed,
                                  gboolean *has_system_time, char **why_not);

/* The same of processes that run already: see ct_rings_attach(). */
struct ct_rings *ct_sampling_open_running(const GArray *pids, gboolean follows_children,
                                          uint32_t hz, gboolean *has_system_time, char **why_not);

#endif
