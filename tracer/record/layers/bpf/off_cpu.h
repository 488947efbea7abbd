/*
 * BPF programs on the scheduler's tracepoints, for the recorded tasks only: a record for each time
 * off the CPU, with the system call and the stack. When tasks begin and end and what they map,
 * perf tells beside.
 */
#ifndef CTRACE_RECORD_LAYERS_BPF_OFF_CPU_H
#define CTRACE_RECORD_LAYERS_BPF_OFF_CPU_H

#include "record/layers/source.h"

extern const struct ct_capture_source ct_bpf_off_cpu;

#endif
