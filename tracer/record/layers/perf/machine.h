/* The scheduler's tracepoints on each CPU, of every task of the machine: perf with privilege. */
#ifndef CTRACE_RECORD_LAYERS_PERF_MACHINE_H
#define CTRACE_RECORD_LAYERS_PERF_MACHINE_H

#include "record/layers/source.h"

extern const struct ct_capture_source ct_perf_machine;

/* The same without tracepoints, but with what tasks map to execute. Not for the table of sources:
 * it is a part of one that knows of switches by other means. */
extern const struct ct_capture_source ct_perf_lives;

#endif
