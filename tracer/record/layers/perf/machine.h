/* The scheduler's tracepoints on each CPU, of every task of the machine: perf with privilege. */
#ifndef CTRACE_RECORD_LAYERS_PERF_MACHINE_H
#define CTRACE_RECORD_LAYERS_PERF_MACHINE_H

#include "record/layers/source.h"

extern const struct ct_capture_source ct_perf_machine;

#endif
