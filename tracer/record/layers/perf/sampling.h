/*
 * CPU samples: where the program's tasks run, by the clock of the CPU time that they use. perf's
 * records also tell what they map, so that the stacks can be made of what was copied of them.
 */
#ifndef CTRACE_RECORD_LAYERS_PERF_SAMPLING_H
#define CTRACE_RECORD_LAYERS_PERF_SAMPLING_H

#include "record/layers/source.h"

/* As many times a second as can be wished for. */
#define CT_SAMPLING_HZ_MAX     10000
#define CT_SAMPLING_HZ_DEFAULT 99

extern const struct ct_capture_source ct_perf_samples;

#endif
