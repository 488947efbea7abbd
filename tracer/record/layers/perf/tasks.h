/* What perf tells of the recorded tasks alone, most of it without privilege. */
#ifndef CTRACE_RECORD_LAYERS_PERF_TASKS_H
#define CTRACE_RECORD_LAYERS_PERF_TASKS_H

#include "record/layers/source.h"

/* Context switches. */
extern const struct ct_capture_source ct_perf_switches;

/* System calls, with what is mapped; and the stacks, by frame pointers, with which they leave a
 * CPU, as far as we may see that. */
extern const struct ct_capture_source ct_perf_calls;

#endif
